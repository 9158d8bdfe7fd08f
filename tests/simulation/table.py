"""The table of planted faults in docs/simulation.md, made by finding each of them."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tests.simulation.faults import PLANTED
from tests.simulation.run import simulate

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "simulation.md"
MOST_SEEDS = 300
HEAD = "| planted fault | found at seed | what the check said |\n|---|---|---|\n"


class Row(NamedTuple):
    """A planted fault, the first seed that finds it, and the first finding."""

    fault: str
    seed: str
    said: str


def found(fault: str) -> Row:
    """Run seeds until one finds the fault."""
    for seed in range(MOST_SEEDS):
        result = simulate(seed, PLANTED[fault])
        if result.findings:
            return Row(fault, str(seed), result.findings[0])
    return Row(fault, "none", "")


def rows() -> list[Row]:
    return [found(fault) for fault in PLANTED]


def document(rows: Iterable[Row]) -> str:
    """Return the document with another table."""
    before, _, _ = DOCUMENT.read_text("utf-8").partition(HEAD)
    return before + HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def stored() -> list[Row]:
    """Return the table as it stands in the document."""
    _, _, table = DOCUMENT.read_text("utf-8").partition(HEAD)
    return [Row(*line.strip("| ").split(" | ")) for line in table.splitlines()]
