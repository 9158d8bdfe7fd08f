"""Folds derived facts: of each the newest version counts, and the sums move by what it changes."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.scoring import conclusions, derived
from services.scoring.contract import ACCEPTED
from services.scoring.derived import Key, Told
from services.scoring.domain.derived import PointsPlan, fold_derived
from services.scoring.moves import Moves
from shared.contracts import envelope
from shared.contracts.envelope import AcceptedEvent
from shared.kernel.records import Record
from shared.storage.transaction import PostgresTransaction

FACTS_PER_PAGE = 500

Plans = Sequence[PointsPlan]
Read = Sequence[tuple[Record, AcceptedEvent]]


async def fold(
    tx: PostgresTransaction,
    read: Sequence[tuple[Record, AcceptedEvent]],
    plans: Mapping[int, Plans],
    moves: Moves,
    *,
    writes: bool = True,
) -> None:
    """Fold what was told, by shard; a version that is not newer than the one that is kept changes nothing.

    Without `writes` the tables stay as they are, for another to write the same.
    """
    told = [(derived.told(record.stream, record.shard, event, record.body), record) for record, event in read]
    kept = await derived.load(tx, {one.key for one, _ in told})
    fresh: dict[Key, tuple[Told, str]] = {}
    for one, record in told:
        known = fresh[one.key][0] if one.key in fresh else kept.get(one.key)
        if known is None or known.fact.version < one.fact.version:
            following = one if known is None else one.after(known)
            fresh[one.key] = following, f"{record.stream}/{record.shard}/{record.number}"
    for key, (one, cause) in fresh.items():
        old = kept.get(key)
        cells, under = moves.points[key.shard], plans[key.shard]
        before = fold_derived(cells, under, None if old is None else old.fact, -1)
        moves.doubt(key.group, before, fold_derived(cells, under, one.fact), cause)
    if not writes:
        return
    replaced = [kept[key] for key in fresh if key in kept]
    await derived.save(tx, replaced, [one for one, _ in fresh.values()])


async def left_out(
    tx: PostgresTransaction, record: Record, catalogue: Mapping[str, Any], before: Read
) -> list[tuple[Record, AcceptedEvent]]:
    """Return that stale feeds of a shard which a newer catalogue leaves out are stale no more, as if told.

    `before` is what the batch tells of feeds.
    """
    known: dict[Key, Told] = {}
    at = Key(record.shard, ACCEPTED, "")
    while page := await derived.following(tx, at, FACTS_PER_PAGE):
        known |= {one.key: one for one in page if one.key.stream == ACCEPTED}
        at = page[-1].key
    for other, event in before:
        if (other.stream, other.shard) == (ACCEPTED, record.shard) and other.number < record.number:
            one = derived.told(other.stream, other.shard, event, other.body)
            known[one.key] = one
    sources: Mapping[str, Any] = catalogue.get("sources", {})
    found: list[tuple[Record, AcceptedEvent]] = []
    for one in known.values():
        source, _, feed = one.key.key.partition("/")
        if one.is_stale and feed not in sources.get(source, {}).get("feeds", {}):
            body = conclusions.ended(one.body, record.number)
            found.append((record._replace(body=body), envelope.decode(body)))
    return found


async def fold_all(
    tx: PostgresTransaction, shard: int, plans: tuple[Plans, Plans], moves: Moves, cause: str
) -> None:
    """Fold every derived fact of a shard under the schemes before and after an adoption; a page at a time."""
    before, after = plans
    cells, at = moves.points[shard], Key(shard, "", "")
    while page := await derived.following(tx, at, FACTS_PER_PAGE):
        for one in page:
            left = fold_derived(cells, before, one.fact, -1)
            moves.doubt(one.key.group, left, fold_derived(cells, after, one.fact), cause)
        at = page[-1].key
