"""Proves the ledger in one snapshot: state from stored facts, what was handed on, cells, entries, the chain.

1. The facts of each shard of stage A are folded anew and compared with its sums.
2. What stage B was told is compared with those sums, less what is still on its way.
3. The published records are read and their chain continued.
4. The cells of each unit are computed from what stage B must have been told, and compared; its entries must
   go on from one another, be those that were published, name numbers that were read, and end at the cells.
   So are the figures of quarters, half-years and years, which were published last as they are computed.
5. What was judged of regions is tested anew, by the facts that were received before its T.
"""

from collections.abc import AsyncIterator
from dataclasses import replace

from services.scoring import proved_cells, proved_rises, proved_sums, publication, store
from services.scoring.domain.proof import Finding, Scope
from services.scoring.grounds import Progress, Recomputed, known_of
from services.scoring.passing import passing
from services.scoring.publication import Publication
from services.scoring.refolding import stored
from shared.storage.transaction import PostgresTransaction


async def prove(tx: PostgresTransaction, scope: Scope, progress: Progress) -> AsyncIterator[Finding]:
    """Yield what does not hold of the cells of a scope."""
    known, scope = await known_of(tx), replace(scope, calendars=await store.calendars(tx))
    on_the_way = await passing(tx)
    found = Recomputed()
    progress.begin("facts", await stored(tx))
    async for one in proved_sums.refolded(tx, known, on_the_way, scope, found, progress):
        yield one
    async for one in proved_sums.handed_on(tx, known, on_the_way, scope, found):
        yield one
    progress.begin("ledger", sum(number for number, _ in (await publication.heads(tx)).values()))
    published = Publication()
    async for one in publication.read(tx, scope, published, progress.step):
        yield one
    async for one in proved_cells.units(tx, known, scope, found, published, progress):
        yield one
    async for one in proved_rises.judged(tx, scope, progress):
        yield one
