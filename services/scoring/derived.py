"""Tables of derived facts: the newest version of each as it was told, and where it is found."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, cast

from services.scoring.cases import Case
from services.scoring.conclusions import READERS
from services.scoring.contract import ACCEPTED, DEDUCTIONS, ITEMS, POINTS, SURVEYS
from services.scoring.domain.derived import Derived
from services.scoring.domain.silence import Silence
from services.scoring.store import columns
from shared.contracts import envelope
from shared.contracts.envelope import AcceptedEvent
from shared.storage.transaction import PostgresTransaction

Group = tuple[int, bytes]

STREAM_OF_OVER = {
    "items": ITEMS,
    "decided": DEDUCTIONS,
    "manual": POINTS,
    "reviewed": POINTS,
    "survey": SURVEYS,
}

_LOAD = """
    SELECT shard, stream, key, version, body, numbers FROM derived
    JOIN unnest($1::smallint[], $2::text[], $3::text[]) n(shard, stream, key) USING (shard, stream, key)"""
_SAVE = """
    INSERT INTO derived
    SELECT shard, stream, key, version, body, string_to_array(numbers, ',')::bigint[]
    FROM unnest($1::smallint[], $2::text[], $3::text[], $4::bigint[], $5::bytea[], $6::text[])
        n(shard, stream, key, version, body, numbers)
    ON CONFLICT (shard, stream, key) DO UPDATE
    SET version = excluded.version, body = excluded.body, numbers = excluded.numbers"""
_FOLLOWING = """
    SELECT shard, stream, key, version, body, numbers FROM derived
    WHERE shard = $1 AND (stream, key) > ($2, $3) ORDER BY stream, key LIMIT $4"""
_LEAVE = """
    DELETE FROM derived_places p
    USING unnest($1::text[], $2::text[], $3::int[], $4::smallint[], $5::text[])
        n(over, unit, month, shard, key)
    WHERE (p.over, p.unit, p.month, p.shard, p.key) = (n.over, n.unit, n.month, n.shard, n.key)"""
_ENTER = """
    INSERT INTO derived_places
    SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::smallint[], $5::text[])
    ON CONFLICT DO NOTHING"""
_FIND = """
    SELECT unit, month, p.shard, p.key, body, numbers FROM derived_places p
    JOIN derived d ON d.shard = p.shard AND d.stream = $1 AND d.key = p.key
    WHERE over = $2 AND unit = ANY($3::text[]) AND month BETWEEN $4 AND $5
        AND (unit, month, p.shard, p.key) >= ($6, $7, $8, $9)
    ORDER BY unit, month, p.shard, p.key LIMIT $10"""


class Key(NamedTuple):
    """What names a derived fact: it is told in one stream, and always in the same shard."""

    shard: int
    stream: str
    key: str

    @property
    def group(self) -> Group:
        """The name where facts and cases have their group; no other is as long."""
        return self.shard, f"{self.stream}/{self.key}".encode()


@dataclass(frozen=True, slots=True)
class Told:
    """A version of a derived fact, with the event that told it as it was received.

    `numbers` are those of the records in its shard and stream that told it or a version before, ascending; of
    a feed that falls silent and is fresh again the last alone.
    """

    key: Key
    fact: Derived
    body: bytes
    numbers: tuple[int, ...]

    def after(self, earlier: "Told") -> "Told":
        """Return it as the version that follows an earlier one."""
        if isinstance(self.fact, Silence):
            return self
        return replace(self, numbers=(*earlier.numbers, *self.numbers))

    @property
    def is_stale(self) -> bool:
        """Whether it says that a feed is stale."""
        return isinstance(self.fact, Silence) and self.fact.stale


class Found(NamedTuple):
    """Where a derived fact is found; also where a page of them goes on."""

    unit: str
    month: int
    shard: int
    key: str


def told(stream: str, shard: int, event: AcceptedEvent, body: bytes) -> Told:
    """Read an event that tells a derived fact."""
    fact = READERS[event.type](event)
    return Told(Key(shard, stream, fact.key), fact, body, (event.number,))


def stream_of(over: str) -> str:
    """Return the stream whose records move the sums of a view, an event type, or of what is derived."""
    what, derived, _ = over.partition(":")
    return STREAM_OF_OVER.get(what, ACCEPTED) if derived else ACCEPTED


async def load(tx: PostgresTransaction, keys: Iterable[Key]) -> dict[Key, Told]:
    """Return the versions that are kept."""
    rows = await tx.many(_LOAD, *columns(keys, 3))
    return {one.key: one for one in map(_told, rows)}


async def following(tx: PostgresTransaction, after: Key, limit: int) -> list[Told]:
    """Return a page of the derived facts of a shard."""
    return [_told(row) for row in await tx.many(_FOLLOWING, *after, limit)]


async def save(tx: PostgresTransaction, old: Iterable[Told], new: Sequence[Told]) -> None:
    """Keep versions in the place of older ones, and note where they are found from here on."""
    if not new:
        return
    await tx.many(
        _SAVE,
        *columns(
            [
                (*one.key, one.fact.version, one.body, ",".join(map(str, one.numbers)))
                for one in sorted(new, key=_key)
            ],
            6,
        ),
    )
    before = {place for one in old for place in _places(one)}
    after = {place for one in new for place in _places(one)}
    for statement, places in ((_LEAVE, before - after), (_ENTER, after - before)):
        if places:
            await tx.many(statement, *columns(sorted(places), 5))


async def find(
    tx: PostgresTransaction,
    stream: str,
    over: str,
    units: Sequence[str],
    months: tuple[int, int],
    at: Found | None,
    limit: int,
) -> list[tuple[Found, Told]]:
    """Return derived facts found under units in months, from one place on, itself included."""
    begin = at or Found("", 0, -1, "")
    rows = await tx.many(_FIND, stream, over, list(units), *months, *begin, limit)
    return [
        (Found(row["unit"], row["month"], row["shard"], row["key"]), _told(row | {"stream": stream}))
        for row in (dict(one) for one in rows)
    ]


async def waiting(tx: PostgresTransaction, groups: Iterable[Group]) -> dict[Group, Case]:
    """Return derived facts that wait in suspense, each as a case of the event that told it."""
    keys: list[Key] = []
    for shard, group in groups:
        stream, _, key = group.decode(errors="replace").partition("/")
        if stream in STREAM_OF_OVER.values():
            keys.append(Key(shard, stream, key))
    found = await load(tx, keys) if keys else {}
    return {key.group: Case(*key.group, one.body) for key, one in found.items()}


def _places(one: Told) -> set[tuple[str, str, int, int, str]]:
    return {(*place, one.key.shard, one.key.key) for place in one.fact.places()}


def _told(row: Mapping[str, object]) -> Told:
    body, numbers = row["body"], row["numbers"]
    assert isinstance(body, bytes)
    assert isinstance(numbers, list)
    one = told(str(row["stream"]), int(str(row["shard"])), envelope.decode(body), body)
    return replace(one, numbers=tuple(cast("list[int]", numbers)))


def _key(one: Told) -> Key:
    return one.key
