"""Ranking folded anew after a close is the same: what persons did is kept, and nothing of it is made again."""

from services.ranking.contract import CONSUMER, ENTRIES, SCHEMES, STANDINGS
from services.ranking.handlers import Ranking
from services.ranking.wiring import COMMANDED
from shared.kernel.digests import EMPTY_CHAIN
from shared.kernel.instants import parse
from shared.kernel.numbering import number
from shared.kernel.records import Draft, Head, Position
from shared.runtime.rebuilding import Fold, Rebuilds
from tests.ranking.closings import persons
from tests.ranking.rig import NOW, SHARD, cut_figured, figure, posted, service
from tests.rebuilds import Kept, begin, rebuilt

__all__ = ["persons", "service"]


class Living:
    """Ranking as a consumer applies to it: its positions and what it tells beside its effects."""

    def __init__(self, exchange):
        self.exchange, self.kept = exchange, Kept()
        self._ranking, self._heads = Ranking(), {}

    async def begin(self):
        await begin(self.exchange, CONSUMER, (ENTRIES, SCHEMES))

    async def apply(self, *messages):
        records = [self._record(*one) for one in messages]
        self.kept.records += records
        async with self.exchange.begin(actor=CONSUMER, action="applied") as tx:
            await tx.lock(STANDINGS, [SHARD])
            answers = await self._ranking(tx, records)
            await tx.append(STANDINGS, [draft for _, draft in answers])
            last = {record.stream: record for record in records}
            await tx.advance(CONSUMER, [Position(r.stream, SHARD, r.number, r.chain) for r in last.values()])

    def _record(self, stream, body):
        head = self._heads.get(stream, Head(0, EMPTY_CHAIN, None))
        (made,) = number(stream, SHARD, head, [Draft(SHARD, body)], parse(NOW))
        self._heads[stream] = Head(made.number, made.chain, parse(NOW))
        return made


async def test_a_rebuild_keeps_what_was_closed_and_folds_cuts_that_have_passed_with_their_figures(
    persons, postgres_url
):
    persons.service = living = Living(persons.service.exchange)
    await living.begin()
    await persons.begin()
    await living.apply(cut_figured(figure("b1", "9"), figure("b2", None)))
    await persons.cut(exact=True)
    await persons.close()
    await living.apply(posted(figure("b1", "9.7"), fresh_at="2021-05-12T01:00:00Z"))
    frozen = await persons.standing()
    async with living.exchange.reading() as tx:
        ((schema,),) = await tx.execute("SELECT current_schema()")
    folds = [Fold(CONSUMER, Ranking, {ENTRIES: living.kept, SCHEMES: living.kept})]
    rebuilds = Rebuilds("ranking", postgres_url, folds, COMMANDED, schema=schema)
    run = await rebuilt(rebuilds)
    assert (run.state, run.different, run.chains) == ("same", [], [])
    rows = {one.table: one.rows for one in run.tables}
    assert (rows["cuts"], rows["cut_figures"]) == (1, 2)
    async with living.exchange.begin(actor="test", action="damage") as tx:
        await tx.execute("UPDATE cuts SET day = '2021-04-09'")
        await tx.execute("UPDATE cut_figures SET volume = 19 WHERE unit = 'b1'")
    run = await rebuilt(rebuilds)
    assert sorted(one.table for one in run.different) == ["cut_figures", "cuts"]
    assert await persons.standing() == frozen
