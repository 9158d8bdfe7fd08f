"""Cases: the accepted events that open and complete items, kept by their case, and read as reports.

Events of types that no scheme names yet are set aside, until one does.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from shared.contracts import envelope
from shared.contracts.envelope import AcceptedEvent
from shared.kernel import instants
from shared.kernel.digests import key_digest
from shared.kernel.facts import Report
from shared.storage.transaction import PostgresTransaction

_EVENTS = msgspec.json.Decoder(list[AcceptedEvent])
_DATA = msgspec.json.Decoder(dict[str, Any] | None)

Key = tuple[int, bytes]
Aside = tuple[int, str, int, bytes]
BusinessKeys = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Case:
    """The events of a case, as they were accepted, one after the other."""

    shard: int
    grp: bytes
    events: bytes

    def read(self) -> list[AcceptedEvent]:
        """Return its events in the order of their arrival."""
        return _EVENTS.decode(b"[%b]" % self.events)


def group_of(case: str) -> bytes:
    """Return what names a case."""
    return key_digest("case", case)


def reports_of(events: Iterable[AcceptedEvent], keys: BusinessKeys) -> list[Report]:
    """Read accepted events as reports of facts."""
    return [_report(event, keys) for event in events]


async def add(tx: PostgresTransaction, bodies: Mapping[Key, Sequence[bytes]]) -> None:
    """Add events to cases."""
    await tx.many(
        "INSERT INTO cases AS c SELECT * FROM unnest($1::smallint[], $2::bytea[], $3::bytea[]) "
        "ON CONFLICT (shard, grp) DO UPDATE SET events = c.events || ','::bytea || excluded.events",
        [shard for shard, _ in bodies],
        [grp for _, grp in bodies],
        [b",".join(found) for found in bodies.values()],
    )


async def set_aside(tx: PostgresTransaction, rows: Sequence[Aside]) -> None:
    """Keep events that nothing reads yet."""
    await tx.copy("events_aside", ("shard", "type", "number", "body"), rows)


async def take_up(tx: PostgresTransaction, shard: int, types: Iterable[str]) -> None:
    """Add to their cases what was set aside of types that a scheme names from here on."""
    rows = await tx.many(
        "DELETE FROM events_aside WHERE shard = $1 AND type = ANY($2::text[]) RETURNING number, body",
        shard,
        list(types),
    )
    bodies: dict[Key, list[bytes]] = {}
    for row in sorted(rows, key=lambda one: one["number"]):
        case = envelope.glance(row["body"]).case
        assert case is not None
        bodies.setdefault((shard, group_of(case)), []).append(row["body"])
    if bodies:
        await add(tx, bodies)


async def load(tx: PostgresTransaction, keys: Iterable[Key]) -> dict[Key, Case]:
    """Return cases; unknown ones are left out."""
    wanted = list(keys)
    rows = await tx.many(
        "SELECT shard, grp, events FROM cases "
        "JOIN unnest($1::smallint[], $2::bytea[]) n(shard, grp) USING (shard, grp)",
        [shard for shard, _ in wanted],
        [grp for _, grp in wanted],
    )
    return {(row["shard"], row["grp"]): Case(**dict(row)) for row in rows}


async def following(tx: PostgresTransaction, shard: int, after: bytes, limit: int) -> list[bytes]:
    """Return a page of the cases of a shard."""
    rows = await tx.many(
        "SELECT grp FROM cases WHERE shard = $1 AND grp > $2 ORDER BY grp LIMIT $3", shard, after, limit
    )
    return [row["grp"] for row in rows]


def _report(event: AcceptedEvent, keys: BusinessKeys) -> Report:
    data = _DATA.decode(event.data) if event.has_data else None
    corrects = None
    if event.correctssource is not None and event.correctsid is not None:
        corrects = (event.correctssource, event.correctsid)
    names = keys.get(event.type)
    fact = None
    if names and event.revision is None and data is not None:
        fact = msgspec.json.encode([str(data[name]) for name in names]).decode()
    return Report(
        source=event.source,
        id=event.id,
        type=event.type,
        subject=event.subject,
        time=instants.parse_micros(event.time),
        shard=event.shard,
        number=event.number,
        data=data,
        fact=fact,
        corrects=corrects,
        revision=event.revision or 0,
        told=instants.parse_micros(event.recorded or event.received),
    )
