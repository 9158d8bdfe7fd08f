"""What becomes of events, schemes, calendars, ticks and acts: items that are another are told anew."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.supervision import cases, store
from services.supervision.calendars import Calendars
from services.supervision.cases import Aside, Key
from services.supervision.contract import (
    ACCEPTED,
    ACTS,
    CALENDARS,
    ITEMS,
    ITEMS_TOLD,
    SCHEME_ADOPTED,
    SCHEMES,
    SOURCE,
    TICK,
    TYPES_ADOPTED,
    ActTaken,
    CalendarAdopted,
    ItemCause,
    ItemsTold,
    SchemeAdopted,
    Tick,
    TypesAdopted,
)
from services.supervision.domain.plans import Plan, plan_of
from services.supervision.facts import Facts, Known
from services.supervision.plans import Plans, assessor_of, path_of
from services.supervision.store import ActRow, ItemRow
from services.supervision.telling import told_of
from shared.contracts import envelope
from shared.contracts.catalogue import known_event
from shared.contracts.envelope import AcceptedEvent, Glance
from shared.kernel import instants
from shared.kernel.instants import EPOCH, by_days
from shared.kernel.numbering import received_of
from shared.kernel.records import Draft, Record
from shared.kernel.shards import shards_of
from shared.messaging.port import Answer
from shared.storage.transaction import PostgresTransaction

ITEMS_PER_PAGE = 500

Read = Sequence[tuple[Record, AcceptedEvent]]


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
    """The cases and items of a batch with their causes."""

    groups: dict[Key, Why] = field(default_factory=dict[Key, Why])
    items: dict[str, tuple[int, Why]] = field(default_factory=dict[str, tuple[int, Why]])

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


class Supervision:
    """The handler of accepted events, adopted schemes and calendars, and acts.

    In a `replay` the day on which a thing is received is the feed's, and an adoption has none.
    """

    def __init__(self, *, replay: bool = False) -> None:
        self._replay = replay
        self._plans = Plans()
        self._calendars = Calendars()
        self._facts = Facts(self._plans, self._calendars)

    def forget(self, partitions: Sequence[int]) -> None:
        """Drop what is cached of partitions."""
        shards = [shard for partition in partitions for shard in shards_of(partition)]
        self._plans.forget(shards)
        self._calendars.forget(shards)

    async def __call__(self, tx: PostgresTransaction, batch: Sequence[Record]) -> list[Answer]:
        """Apply a batch; where periods have a cut, what was received on different days apart."""
        shards = {record.shard for record in batch}
        plans = [plan for shard in shards for plan in await self._plans.of(tx, shard)]
        plans += [] if self._replay else _begun(batch)
        zones = {plan.zone for plan in plans if plan.has_cuts}
        answers: list[Answer] = []
        for part in by_days(batch, _received, zones):
            answers += await self._apply(tx, part)
        return answers

    async def _apply(self, tx: PostgresTransaction, batch: Sequence[Record]) -> list[Answer]:
        """Keep the facts of a batch, then tell every item that is another by them or by the clock."""
        reports, others = _parted(batch)
        read = [(record, known_event(record.stream, record.body)) for record in others]
        answers: list[Answer] = []
        for record, event in read:
            if event.type == TYPES_ADOPTED:
                await _keep_keys(tx, envelope.decode_data(event, TypesAdopted))
            elif event.type == SCHEME_ADOPTED:
                await self._adopt(tx, record.shard, envelope.decode_data(event, SchemeAdopted))
                answers += await self._look_again(tx, record, event)
            elif record.stream == CALENDARS:
                await self._calendars.adopt(tx, record.shard, envelope.decode_data(event, CalendarAdopted))
                answers += await self._look_again(tx, record, event)
        touched = Touched()
        await self._keep_events(tx, reports, touched)
        await _keep_acts(tx, read, touched)
        ticks = _newest_ticks(read)
        begun = await self._days_begun(tx, ticks)
        if ticks:
            await store.move_clock(tx, {s: _minute(event) for s, (_, event) in ticks.items()})
        answers += await self._told(tx, touched)
        answers += await self._told_by_clock(tx, ticks)
        hearing = {record.shard for record, event in read if event.type == SCHEME_ADOPTED}
        reached = await self._reached(tx, hearing) | {shard: ticks[shard][1].received for shard in begun}
        return answers + [_items_told(shard, until) for shard, until in reached.items()]

    async def _reached(self, tx: PostgresTransaction, shards: Collection[int]) -> dict[int, str]:
        """Return how far shards are that hear of a scheme with a cut: its last tick may have been before."""
        clock = await store.clock(tx, shards) if shards else {}
        plans = {shard: await self._plans.of(tx, shard) for shard, minute in clock.items() if minute > EPOCH}
        return {
            shard: instants.text(clock[shard])
            for shard, found in plans.items()
            if any(plan.has_cuts for plan in found)
        }

    async def _days_begun(
        self, tx: PostgresTransaction, ticks: Mapping[int, tuple[Record, AcceptedEvent]]
    ) -> list[int]:
        """Return the shards in which a tick begins a day of a scheme whose periods have a cut."""
        zones = {
            shard: {plan.zone for plan in await self._plans.of(tx, shard) if plan.has_cuts} for shard in ticks
        }
        cutting = [shard for shard, found in zones.items() if found]
        before = await store.clock(tx, cutting) if cutting else {}
        return [
            shard
            for shard in cutting
            if any(
                before[shard].astimezone(zone).date() < _minute(ticks[shard][1]).astimezone(zone).date()
                for zone in zones[shard]
            )
        ]

    async def _keep_events(
        self, tx: PostgresTransaction, reports: Sequence[tuple[Record, Glance]], touched: Touched
    ) -> None:
        """Add the events of types that a scheme names to their cases; only those are read whole.

        Streams meet in any order: a scheme that is yet to be heard of may name any other.
        """
        bodies: dict[Key, list[bytes]] = {}
        others: list[Aside] = []
        for record, seen in reports:
            if seen.case is None:
                continue
            if seen.type in await self._plans.types(tx, record.shard):
                key = record.shard, cases.group_of(seen.case)
                bodies.setdefault(key, []).append(record.body)
                touched.group(key, record, envelope.decode(record.body))
            else:
                others.append((record.shard, seen.type, record.number, record.body))
        if bodies:
            await cases.add(tx, bodies)
        await cases.set_aside(tx, others)

    async def _adopt(self, tx: PostgresTransaction, shard: int, told: SchemeAdopted) -> None:
        """Apply a scheme, to what came before it too."""
        before = await self._plans.types(tx, shard)
        await self._plans.adopt(tx, shard, told)
        await cases.take_up(tx, shard, await self._plans.types(tx, shard) - before)

    async def _look_again(
        self, tx: PostgresTransaction, record: Record, event: AcceptedEvent
    ) -> list[Answer]:
        """Look at every item of a shard again, a page at a time: another scheme or calendar is in force."""
        answers: list[Answer] = []
        after = b""
        while page := await cases.following(tx, record.shard, after, ITEMS_PER_PAGE):
            touched = Touched(groups={(record.shard, grp): why_of(record, event) for grp in page})
            answers += await self._told(tx, touched)
            after = page[-1]
        place = ""
        while rows := await store.items_of_shard(tx, record.shard, place, ITEMS_PER_PAGE):
            opened = {row.id: (row.shard, why_of(record, event)) for row in rows if row.grp is None}
            answers += await self._told(tx, Touched(items=opened))
            place = rows[-1].id
        return answers

    async def _told_by_clock(
        self, tx: PostgresTransaction, ticks: Mapping[int, tuple[Record, AcceptedEvent]]
    ) -> list[Answer]:
        """Tell the items that a tick makes another; each is moved on, so that the pages end."""
        answers: list[Answer] = []
        minutes = {shard: _minute(event) for shard, (_, event) in ticks.items()}
        while minutes and (rows := await store.items_due(tx, minutes, ITEMS_PER_PAGE)):
            touched = Touched()
            for row in rows.values():
                touched.item(row.id, *ticks[row.shard])
            answers += await self._told(tx, touched)
        return answers

    async def _told(self, tx: PostgresTransaction, touched: Touched) -> list[Answer]:
        """Fold what was touched, write it and answer with what is another than was told last."""
        if not touched.groups and not touched.items:
            return []
        places = {item: shard for item, (shard, _) in touched.items.items()}
        found = await self._facts.of(tx, groups=touched.groups, items=places)
        now = await store.clock(tx, {known.shard for known in found.values()})
        rows: list[ItemRow] = []
        answers: list[Answer] = []
        for known in found.values():
            why = touched.why(known)
            if why is None or (known.item is None and known.row is None):
                continue
            plans = await self._plans.of(tx, known.shard)
            told = told_of(
                known,
                now[known.shard],
                lambda unit, plans=plans: path_of(plans, unit),
                lambda scheme, indicator, plans=plans: assessor_of(plans, scheme, indicator),
            )
            rows.append(told.row)
            if told.is_news:
                body = told.message(why.cause, why.received)
                answers.append((ITEMS, Draft(known.shard, body)))
        await store.save_items(tx, rows)
        return answers


def _parted(batch: Sequence[Record]) -> tuple[list[tuple[Record, Glance]], list[Record]]:
    """Tell the reports of sources, of which most open nothing, from all else."""
    reports: list[tuple[Record, Glance]] = []
    others: list[Record] = []
    for record in batch:
        seen = envelope.glance(record.body) if record.stream == ACCEPTED else None
        if seen is None or seen.is_own:
            others.append(record)
        else:
            reports.append((record, seen))
    return reports, others


def _newest_ticks(read: Read) -> dict[int, tuple[Record, AcceptedEvent]]:
    return {record.shard: (record, event) for record, event in read if event.type == TICK}


def _begun(batch: Sequence[Record]) -> list[Plan]:
    """Return the schemes that a batch puts in force."""
    read = [known_event(one.stream, one.body) for one in batch if one.stream == SCHEMES]
    return [
        plan_of(envelope.decode_data(one, SchemeAdopted).document)
        for one in read
        if one.type == SCHEME_ADOPTED
    ]


def _received(record: Record) -> str:
    return instants.text(received_of(record))


def _items_told(shard: int, until: str) -> Answer:
    body = envelope.encode(ITEMS_TOLD, SOURCE, f"shard-{shard}", ItemsTold(until=until))
    return ITEMS, Draft(shard, body)


def _minute(event: AcceptedEvent) -> datetime:
    return instants.parse(envelope.decode_data(event, Tick).minute)


async def _keep_keys(tx: PostgresTransaction, told: TypesAdopted) -> None:
    types = told.document.get("types", {})
    keys = {name: spec["business_key"] for name, spec in types.items() if spec.get("business_key")}
    await store.save_keys(tx, keys)


async def _keep_acts(tx: PostgresTransaction, read: Read, touched: Touched) -> None:
    rows: list[ActRow] = []
    for record, event in read:
        if record.stream == ACTS:
            item = envelope.decode_data(event, ActTaken).item
            rows.append(ActRow(record.shard, item, record.number, record.body))
            touched.item(item, record, event)
    await store.add_acts(tx, rows)
