"""Who ruled on the incidents of which a cell was deducted, or judged the month in which a region rose."""

from services.scoring import derived, dossiers
from services.scoring.contract import DEDUCTIONS, DeductionDecided, RisesJudged
from services.scoring.derived import Found
from services.scoring.domain.measures import DECIDED
from services.scoring.settling import key_of
from shared.contracts import envelope
from shared.storage.transaction import PostgresTransaction

DECISIONS_PER_QUERY = 200


async def of_cell(tx: PostgresTransaction, unit: str, indicator: str, month: int) -> set[str]:
    """Return the persons behind what was decided of incidents for an indicator of a unit in a month."""
    decided = await _decided(tx, unit, indicator, month)
    incidents = {key_of(one.incident) for one in decided}
    ruled = await dossiers.rulings(tx, {one.object for one in incidents}) if incidents else []
    rose = any(row.figures for one in decided for row in one.deductions)
    judges = await _judges(tx, {one.object for one in incidents}) if rose else set[str]()
    return judges | {
        one.act.person
        for one in ruled
        if any(key_of(name) in incidents for name in (one.act.incident, one.act.other) if name is not None)
    }


async def _judges(tx: PostgresTransaction, regions: set[str]) -> set[str]:
    """Return the persons who judged a month in which one of the regions rose."""
    judged = [envelope.decode_data(event, RisesJudged) async for event in dossiers.judgements(tx)]
    return {one.person for one in judged if any(of.significant and of.unit in regions for of in one.regions)}


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
