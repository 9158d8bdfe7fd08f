"""Proves what was judged of regions: the facts that were received before T come to it."""

from collections.abc import AsyncIterator

from services.scoring import dossiers, rises
from services.scoring.contract import RegionTested, RisesJudged
from services.scoring.domain.proof import Finding, Named, Scope, Wrong
from services.scoring.grounds import Progress
from shared.contracts import envelope
from shared.kernel.periods import Month
from shared.storage.transaction import PostgresTransaction


async def judged(tx: PostgresTransaction, scope: Scope, progress: Progress) -> AsyncIterator[Finding]:
    """Yield the regions of a scope that were judged otherwise."""
    told = [envelope.decode_data(event, RisesJudged) async for event in dossiers.judgements(tx)]
    mine = [one for one in told if scope.of_scheme(f"{one.scheme}@{one.version}")]
    if mine:
        progress.begin("rises", len(mine))
    for one, due in zip(mine, await rises.again(tx, mine), strict=True):
        where, month = f"rises judged {one.scheme}/{one.code}/{one.month}", Month.parse(one.month).ordinal
        there, known = _by_unit(one.regions), _by_unit(due)
        for unit in sorted(there.keys() | known.keys()):
            if there.get(unit) != known.get(unit) and scope.has(f"{one.scheme}@{one.version}", unit, month):
                cells = (Named(f"{one.scheme}@{one.version}", month, unit),)
                yield Finding(Wrong.RISE, cells, where, str(there.get(unit)), str(known.get(unit)))
        progress.step(1)


def _by_unit(regions: tuple[RegionTested, ...]) -> dict[str, RegionTested]:
    return {one.unit: one for one in regions}
