"""Makes anew what ingest derives from its own archive: keys, what was withdrawn, totals of days, feeds.

Ticks and adoptions lie at one cut of all shards. So the archive is walked from cut to cut, and at each the
feeds and days are judged as they were then.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, TypeAlias, cast

from services.ingest import arrivals, clock, handlers, papers, store, watching
from services.ingest.contract import ACCEPTED, TICK, TYPES_ADOPTED, Tick, TypesAdopted
from services.ingest.domain.admission import held, keys_of_all, withdrawals
from services.ingest.domain.catalogue import NOTHING_ADOPTED, Catalogue, compile_catalogue, parse
from services.ingest.domain.envelope import KNOWN, Candidate, candidate
from services.ingest.domain.manifests import compare
from shared.contracts import envelope
from shared.kernel import instants
from shared.kernel.records import Known, Position, Record
from shared.kernel.shards import SHARDS
from shared.kernel.strict_json import decode
from shared.messaging.protocol import advance
from shared.messaging.replay import UnlikeError
from shared.storage.exchange import Exchange
from shared.storage.transaction import PostgresTransaction

PAGE_RECORDS = 250
CHUNK_RECORDS = 5_000
CUTS = frozenset({TICK, TYPES_ADOPTED})

_REACHED = "SELECT stream, shard, number, chain FROM stream_shards WHERE stream = $1 AND number > 0"
_KEEP = """
    INSERT INTO stream_shards (stream, shard, number, chain)
    SELECT $1, * FROM unnest($2::smallint[], $3::bigint[], $4::bytea[])
    ON CONFLICT (stream, shard) DO UPDATE SET number = excluded.number, chain = excluded.chain"""
_KEEP_TOLD = """
    UPDATE {shadow}.feeds made SET stale = told.stale FROM feeds told
    WHERE (told.source, told.feed) = (made.source, made.feed)"""

Cut: TypeAlias = tuple[Record, ...]
Step: TypeAlias = list[Record] | Cut


async def refold(live: PostgresTransaction, shadow: Exchange) -> AsyncIterator[int]:
    """Fold the archive of `live` into a shadow, from where that is on; yield how many records each time."""
    async with shadow.reading() as tx:
        reached = await _reached(tx)
        fold = await _Fold.going_on(tx) if reached else _Fold(NOTHING_ADOPTED, set())
    shards = [_Shard(live, reached.get(shard, Position(ACCEPTED, shard))) for shard in range(SHARDS)]
    steps, count = list[Step](), 0
    async for step in _walked(shards):
        steps.append(step)
        count += len(step)
        if count >= CHUNK_RECORDS:
            yield await _folded(shadow, fold, steps)
            steps, count = [], 0
    _check_ends(await _reached(live), shards)
    yield await _folded(shadow, fold, steps)
    async with shadow.begin(actor="rebuild", action="judged") as tx:
        await store.mark_withdrawn(tx)
        for told in await papers.settled(tx):
            found = compare(told.manifest, await arrivals.totals_of(tx, told.source, told.day))
            await papers.compared(tx, told, found)


async def keep_told(tx: PostgresTransaction, shadow: str) -> None:
    """Let a shadow's feeds be silent as was told; the next tick tells what is otherwise."""
    await tx.execute(_KEEP_TOLD.format(shadow=shadow))


class _Shard:
    """One shard of the archive, read in pages whose running digest continues what came before."""

    def __init__(self, live: PostgresTransaction, at: Position) -> None:
        self.at = at
        self._live = live
        self._page: list[Record] = []

    async def before_cut(self) -> AsyncIterator[list[Record]]:
        """Yield the records that lie before the next cut, or before the end."""
        while self._page or await self._read():
            found = list(takewhile(lambda record: not _is_cut(record), self._page))
            del self._page[: len(found)]
            if found:
                yield found
            if self._page:
                return

    def take_cut(self) -> Record | None:
        """Return the record of the cut that is reached; at the end there is none."""
        return self._page.pop(0) if self._page else None

    async def _read(self) -> bool:
        page = await self._live.read(ACCEPTED, self.at.shard, self.at.number, PAGE_RECORDS)
        progress = advance(self.at, page)
        if len(progress.apply) < len(page):
            raise UnlikeError(
                f"the archive of {ACCEPTED}/{self.at.shard} parts at {progress.position.number + 1}"
            )
        self.at, self._page = progress.position, page
        return bool(page)


@dataclass(slots=True)
class _Fold:
    """What is folded one after the other: the catalogue in force, and every source that was ever adopted."""

    catalogue: Catalogue
    sources: set[str]

    @classmethod
    async def going_on(cls, tx: PostgresTransaction) -> "_Fold":
        """Return the fold of a shadow that is past some adoption."""
        _, catalogue = await store.adopted_catalogue(tx)
        return cls(catalogue, await papers.adopted_sources(tx))

    async def take(self, tx: PostgresTransaction, records: Sequence[Record]) -> None:
        """Fold records of one shard that lie between two cuts."""
        taken = [record for record in records if not envelope.glance(record.body).is_own]
        if not taken:
            return
        events = [cast("dict[str, Any]", decode(record.body)) for record in taken]
        candidates = [candidate(_as_sent(event), self.catalogue) for event in events]
        await _remember(tx, taken, candidates)
        await store.note_withdrawn(tx, withdrawals(candidates))
        received = [instants.parse(event["received"]) for event in events]
        await arrivals.note(tx, self.catalogue, candidates, received)

    async def pass_cut(self, tx: PostgresTransaction, cut: Cut) -> None:
        """Fold a tick or an adoption, which every shard has."""
        events = [envelope.decode(record.body) for record in cut]
        if events[0].type == TICK:
            minute = envelope.decode_data(events[0], Tick).minute
            key = clock.key(minute)
            await tx.remember({key: Known(cut[0].shard, cut[0].number, key)})
            await watching.look_at_feeds(tx, self.catalogue, instants.parse(minute))
            await arrivals.take_moved_days(tx)
            return
        adopted = envelope.decode_data(events[0], TypesAdopted)
        document = parse(adopted.document)
        now = max(instants.parse(event.received) for event in events)
        await store.note_adopted(tx, adopted.version, adopted.document)
        await handlers.count_from(tx, document, now, self.sources)
        self.catalogue = compile_catalogue(document, adopted.version)
        self.sources |= document.sources.keys()


async def _walked(shards: Sequence[_Shard]) -> AsyncIterator[Step]:
    """Yield the archive in an order in which it can have come: all that lies before a cut before the cut."""
    while True:
        for shard in shards:
            async for records in shard.before_cut():
                yield records
        cut = [record for shard in shards if (record := shard.take_cut()) is not None]
        if not cut:
            return
        events = [envelope.decode(record.body) for record in cut]
        if len(cut) < len(shards) or len({(event.type, bytes(event.data)) for event in events}) > 1:
            raise UnlikeError(f"{ACCEPTED}/{cut[0].shard} has a cut at {cut[0].number} that others lack")
        yield tuple(cut)


async def _folded(shadow: Exchange, fold: _Fold, steps: Sequence[Step]) -> int:
    """Fold some steps in one transaction, which keeps where they end."""
    ends = {record.shard: record for step in steps for record in step}
    count = sum(map(len, steps))
    async with shadow.begin(actor="rebuild", action="folded", detail=f"{count} records") as tx:
        for step in steps:
            await (fold.pass_cut(tx, step) if isinstance(step, tuple) else fold.take(tx, step))
        numbers, chains = [one.number for one in ends.values()], [one.chain for one in ends.values()]
        await tx.many(_KEEP, ACCEPTED, list(ends), numbers, chains)
    return count


async def _remember(
    tx: PostgresTransaction, records: Sequence[Record], candidates: Sequence[Candidate]
) -> None:
    """Keep the keys of accepted events, each with the first that held it."""
    known = await tx.known(keys_of_all(candidates))
    view, added = dict(known), dict[bytes, Known]()
    for record, one in zip(records, candidates, strict=True):
        fresh = held(one, record.number, view)
        view |= fresh
        added |= fresh
    await store.drop_awaited(tx, [key for key in known if key in added])
    await tx.remember(added)


async def _reached(tx: PostgresTransaction) -> dict[int, Position]:
    return {row["shard"]: Position(*row.values()) for row in await tx.many(_REACHED, ACCEPTED)}


def _check_ends(heads: dict[int, Position], shards: Sequence[_Shard]) -> None:
    """Refuse an archive that does not end where its shards are said to be."""
    for shard in shards:
        at = shard.at
        if heads.get(at.shard, Position(ACCEPTED, at.shard)) != at:
            raise UnlikeError(
                f"the archive of {ACCEPTED}/{at.shard} ends at {at.number}, and not as its head says"
            )


def _as_sent(event: dict[str, Any]) -> dict[str, Any]:
    """Return an accepted event without what ingest added."""
    return {name: value for name, value in event.items() if name in KNOWN}


def _is_cut(record: Record) -> bool:
    return envelope.glance(record.body).type in CUTS
