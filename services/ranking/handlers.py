"""What ranking does about each message: keeps figures and tells which standings moved."""

from collections.abc import Sequence

from services.ranking import store
from services.ranking.contract import (
    ENTRIES,
    SOURCE,
    STANDING_MOVED,
    STANDINGS,
    EntriesPosted,
    Place,
    SchemeAdopted,
    StandingMoved,
)
from services.ranking.domain.standings import Line, standing
from shared.contracts import envelope
from shared.kernel.points import text
from shared.kernel.records import Draft, Record
from shared.messaging.port import Answer
from shared.storage.transaction import PostgresTransaction


class Ranking:
    """The handler of entries and adopted schemes; it keeps nothing in memory."""

    def forget(self, partitions: Sequence[int]) -> None:
        """Nothing is cached."""

    async def __call__(self, tx: PostgresTransaction, batch: Sequence[Record]) -> list[Answer]:
        """Keep the figures of a batch and publish each standing that moved once."""
        posted: dict[tuple[str, str], tuple[int, list[EntriesPosted]]] = {}
        for record in batch:
            event = envelope.decode(record.body)
            if record.stream == ENTRIES:
                told = envelope.decode_data(event, EntriesPosted)
                posted.setdefault((told.scheme, told.group), (record.shard, []))[1].append(told)
            else:
                adopted = envelope.decode_data(event, SchemeAdopted)
                await store.save_scheme(tx, adopted.code, adopted.version, adopted.document)
        answers: list[Answer] = []
        for (scheme, group), (shard, messages) in sorted(posted.items()):
            answers += await _moved(tx, scheme, group, shard, messages)
        return answers


async def _moved(
    tx: PostgresTransaction, scheme: str, group: str, shard: int, messages: Sequence[EntriesPosted]
) -> list[Answer]:
    periods = sorted({figure.period for one in messages for figure in one.figures})
    before = {period: await store.figures(tx, (scheme, group, period)) for period in periods}
    await store.save_figures(tx, messages)
    rules = await store.rules(tx, scheme)
    answers: list[Answer] = []
    for period in periods:
        old = {line.unit: line for line in standing(before[period], rules)}
        new = standing(await store.figures(tx, (scheme, group, period)), rules)
        moved = [line for line in new if line != old.get(line.unit)]
        if moved:
            newest = messages[-1]
            told = StandingMoved(
                scheme=scheme,
                version=newest.version,
                group=group,
                period=period,
                fresh_at=max(one.fresh_at for one in messages),
                cause=tuple(cause for one in messages for cause in one.cause),
                moved=tuple(_place(line) for line in moved),
            )
            body = envelope.encode(STANDING_MOVED, SOURCE, f"{scheme}/{group}/{period}", told)
            answers.append((STANDINGS, Draft(shard, body)))
    return answers


def _place(line: Line) -> Place:
    total = line.total
    return Place(
        unit=line.unit,
        rank=line.rank,
        tier=line.tier,
        points=None if total is None else text(total),
        low=None if total is not None else text(line.low),
        high=None if total is not None else text(line.high),
    )
