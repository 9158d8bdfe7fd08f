"""Puts beside each deduction of an incident who corroborates it and who contradicts it."""

from collections.abc import Sequence

from services.scoring import dossiers
from services.scoring.answers import ShownRow
from shared.storage.transaction import PostgresTransaction

INCIDENT = "incident"
SAID = ("corroborated_by", "contradicted_by")


async def beside(tx: PostgresTransaction, rows: Sequence[ShownRow]) -> list[ShownRow]:
    """Return deductions with what sources say of their incidents now."""
    lines = await dossiers.lines(tx, {str(row.columns[INCIDENT]) for row in rows})
    return [
        row.model_copy(update={"columns": row.columns | _said(lines, str(row.columns[INCIDENT]))})
        for row in rows
    ]


def _said(lines: dossiers.Lines, incident: str) -> dict[str, str | None]:
    told = lines.get(incident, {})
    return {name: ", ".join(told.get(name, ())) or None for name in SAID}
