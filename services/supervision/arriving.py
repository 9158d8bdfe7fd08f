"""What arrives: the cases and items that it touches and why, and in which turns what was set aside comes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise, zip_longest
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.supervision import cases
from services.supervision.cases import Key
from services.supervision.contract import ItemCause
from services.supervision.facts import Known
from shared.contracts import envelope
from shared.contracts.envelope import AcceptedEvent, Glance
from shared.kernel import instants
from shared.kernel.instants import by_days
from shared.kernel.numbering import received_of
from shared.kernel.records import Record

Reports = Sequence[tuple[Record, Glance]]


@dataclass(frozen=True, slots=True)
class Why:
    """The record that a change stands on, of several the one that came last, and its `received`."""

    cause: ItemCause
    received: str

    def and_(self, record: Record, event: AcceptedEvent) -> "Why":
        """Return it with one more record."""
        return max(self, why_of(record, event), key=lambda one: one.place)

    @property
    def place(self) -> tuple[str, str, int]:
        """When its record was received, its stream and number: the order of causes."""
        return self.received, self.cause.stream, self.cause.last


def why_of(record: Record, event: AcceptedEvent) -> Why:
    """Return one record as a cause."""
    cause = ItemCause(stream=record.stream, shard=record.shard, first=record.number, last=record.number)
    return Why(cause, event.received)


@dataclass(slots=True)
class Touched:
    """The cases and items of a batch with their causes.

    `until` is as of when a case is looked at, if not as of the clock of its shard, which has gone on.
    """

    groups: dict[Key, Why] = field(default_factory=dict[Key, Why])
    items: dict[str, tuple[int, Why]] = field(default_factory=dict[str, tuple[int, Why]])
    until: Mapping[Key, datetime] = field(default_factory=dict[Key, datetime])

    def group(self, key: Key, record: Record, event: AcceptedEvent) -> None:
        """Note that an event belongs to a case."""
        known = self.groups.get(key)
        self.groups[key] = why_of(record, event) if known is None else known.and_(record, event)

    def item(self, item: str, record: Record, event: AcceptedEvent) -> None:
        """Note that an act or the clock moves an item."""
        known = self.items.get(item)
        why = why_of(record, event) if known is None else known[1].and_(record, event)
        self.items[item] = record.shard, why

    def why(self, known: Known) -> Why | None:
        """Return why an item is looked at; `None` for another item of the case that nothing touched."""
        if known.id in self.items:
            return self.items[known.id][1]
        return None if known.grp is None else self.groups.get((known.shard, known.grp))

    def at(self, known: Known, clock: datetime) -> datetime:
        """Return as of when an item is looked at."""
        return clock if known.grp is None else min(clock, self.until.get((known.shard, known.grp), clock))


class Turn(NamedTuple):
    """Events that come together, and of their cases until when nothing else came."""

    events: Reports
    until: Mapping[bytes, datetime]


def turns(records: Sequence[Record], since: str, zones: set[ZoneInfo]) -> Iterator[Turn]:
    """Part events so that those of a case come day by day if days are kept apart; until `since` at once."""
    read = [(record, envelope.glance(record.body)) for record in records]
    of_cases: dict[bytes, list[tuple[Record, Glance]]] = {}
    for record, seen in read:
        of_cases.setdefault(cases.group_of(seen.case or ""), []).append((record, seen))

    def came(one: tuple[Record, Glance]) -> str:
        return max(since, received_text(one[0]))

    days = [
        [
            (grp, part, instants.parse(came(following[0])))
            for part, following in pairwise([*by_days(mine, came, zones), read[-1:]])
        ]
        for grp, mine in of_cases.items()
    ]
    for turn in zip_longest(*days):
        now = [one for one in turn if one is not None]
        yield Turn([one for _, part, _ in now for one in part], {grp: until for grp, _, until in now})


def received_text(record: Record) -> str:
    """Return when a record was received."""
    return instants.text(received_of(record))
