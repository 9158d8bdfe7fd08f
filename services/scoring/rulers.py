"""Who ruled on the incidents of which a cell was deducted."""

from services.scoring import derived, dossiers
from services.scoring.contract import DEDUCTIONS, DeductionDecided
from services.scoring.derived import Found
from services.scoring.domain.measures import DECIDED
from services.scoring.settling import key_of
from shared.contracts import envelope
from shared.storage.transaction import PostgresTransaction

DECISIONS_PER_QUERY = 200


async def of_cell(tx: PostgresTransaction, unit: str, indicator: str, month: int) -> set[str]:
    """Return the persons who ruled on an incident that was decided for an indicator of a unit in a month."""
    incidents = {key_of(one.incident) for one in await _decided(tx, unit, indicator, month)}
    ruled = await dossiers.rulings(tx, {one.object for one in incidents}) if incidents else []
    return {
        one.act.person
        for one in ruled
        if any(key_of(name) in incidents for name in (one.act.incident, one.act.other) if name is not None)
    }


async def _decided(tx: PostgresTransaction, unit: str, indicator: str, month: int) -> list[DeductionDecided]:
    """Return what was decided; where a page ends the next one begins, so that it is read twice."""
    decisions: list[DeductionDecided] = []
    at: Found | None = None
    while True:
        page = await derived.find(tx, DEDUCTIONS, DECIDED, [unit], (month, month), at, DECISIONS_PER_QUERY)
        told = (envelope.decode_data(envelope.decode(one.body), DeductionDecided) for _, one in page)
        decisions += [one for one in told if any(row.indicator == indicator for row in one.deductions)]
        if len(page) < DECISIONS_PER_QUERY:
            return decisions
        at = page[-1][0]
