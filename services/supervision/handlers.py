"""What becomes of events, schemes, calendars, ticks and acts: items that are another are told anew."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from services.supervision import cases, store
from services.supervision.arriving import Reports, Touched, Why, received_text, turns, why_of
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
    ItemsTold,
    SchemeAdopted,
    Tick,
    TypesAdopted,
)
from services.supervision.domain.plans import Plan, plan_of
from services.supervision.facts import Facts
from services.supervision.plans import Plans, assessor_of, path_of
from services.supervision.store import ActRow, ItemRow
from services.supervision.telling import told_of
from shared.contracts import envelope
from shared.contracts.catalogue import known_event
from shared.contracts.envelope import AcceptedEvent, Glance
from shared.kernel import instants
from shared.kernel.digests import EMPTY_CHAIN
from shared.kernel.instants import EPOCH, by_days
from shared.kernel.records import Draft, Record
from shared.kernel.shards import shards_of
from shared.messaging.port import Answer
from shared.storage.transaction import PostgresTransaction

ITEMS_PER_PAGE = 500
EVENTS_PER_PAGE = 1_000
BEFORE_THE_FEED = instants.text(EPOCH)

Read = Sequence[tuple[Record, AcceptedEvent]]


class Supervision:
    """The handler of accepted events, adopted schemes and calendars, and acts.

    What is told of an item was received when the newest of its facts was, and what it is told for. In a
    `replay` that is a day of the feed: a scheme, which has the database's, comes before the feed of its batch
    and is as late as its shard has come to, or as the feed itself if it is the first of its versions.
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
        zones = await self._zones(tx, {record.shard for record in batch})
        zones |= {plan.zone for plan in _begun(batch) if plan.has_cuts}
        answers: list[Answer] = []
        for part in by_days(batch, self._received, zones):
            answers += await self._apply(tx, part)
        return answers

    def _received(self, record: Record) -> str:
        return BEFORE_THE_FEED if self._replay and record.stream == SCHEMES else received_text(record)

    async def _zones(self, tx: PostgresTransaction, shards: Iterable[int]) -> set[ZoneInfo]:
        """Return the zones in which shards keep days apart: those of schemes whose periods have a cut."""
        return {plan.zone for shard in shards for plan in await self._plans.of(tx, shard) if plan.has_cuts}

    async def _apply(self, tx: PostgresTransaction, batch: Sequence[Record]) -> list[Answer]:
        """Keep the facts of a batch, then tell every item that is another by them or by the clock."""
        reports, others = _parted(batch)
        read = [(record, known_event(record.stream, record.body)) for record in others]
        answers: list[Answer] = []
        for record, event in read:
            if event.type == TYPES_ADOPTED:
                await _keep_keys(tx, envelope.decode_data(event, TypesAdopted))
            elif event.type == SCHEME_ADOPTED:
                answers += await self._adopt(tx, record, event)
            elif record.stream == CALENDARS:
                await self._calendars.adopt(tx, record.shard, envelope.decode_data(event, CalendarAdopted))
                answers += await self._look_again(tx, record.shard, why_of(record, event))
        touched = Touched()
        await self._keep_events(tx, reports, touched)
        await _keep_acts(tx, read, touched)
        ticks = _newest_ticks(read)
        hearing = {record.shard for record, event in read if event.type == SCHEME_ADOPTED}
        before = await store.clock(tx, sorted(ticks.keys() | hearing))
        now = before | {shard: max(before[shard], _minute(event)) for shard, (_, event) in ticks.items()}
        if ticks:
            await store.move_clock(tx, {shard: now[shard] for shard in ticks})
        answers += await self._told(tx, touched)
        answers += await self._told_by_clock(tx, ticks)
        return answers + await self._items_told(tx, before | dict.fromkeys(hearing, EPOCH), now)

    async def _items_told(
        self, tx: PostgresTransaction, before: Mapping[int, datetime], now: Mapping[int, datetime]
    ) -> list[Answer]:
        """Say how far shards are in which a day begins that is kept apart; with a scheme any is the first."""
        return [
            _told_until(shard, minute)
            for shard, minute in now.items()
            for zones in [await self._zones(tx, [shard])]
            if any(before[shard].astimezone(zone).date() < minute.astimezone(zone).date() for zone in zones)
        ]

    async def _keep_events(self, tx: PostgresTransaction, reports: Reports, touched: Touched) -> None:
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

    async def _adopt(self, tx: PostgresTransaction, record: Record, event: AcceptedEvent) -> list[Answer]:
        """Apply a scheme to what came before it, too: what was set aside comes now."""
        shard, told = record.shard, envelope.decode_data(event, SchemeAdopted)
        why = replace(why_of(record, event), received=await self._adopted(tx, shard, told.code, event))
        before = await self._plans.types(tx, shard)
        await self._plans.adopt(tx, shard, told)
        named = await self._plans.types(tx, shard) - before
        answers = await self._take_up(tx, shard, named, why) if named else []
        return answers + await self._look_again(tx, shard, why)

    async def _adopted(self, tx: PostgresTransaction, shard: int, code: str, event: AcceptedEvent) -> str:
        """Return when a scheme came to a shard."""
        if not self._replay:
            return event.received
        is_first = all(plan.code != code for plan in await self._plans.of(tx, shard))
        return BEFORE_THE_FEED if is_first else instants.text((await store.clock(tx, [shard]))[shard])

    async def _take_up(
        self, tx: PostgresTransaction, shard: int, types: Iterable[str], why: Why
    ) -> list[Answer]:
        """Let events come that were set aside, a page at a time; what they open is no older than a scheme."""
        answers: list[Answer] = []
        zones = await self._zones(tx, [shard])
        while aside := await cases.take_up(tx, shard, types, EVENTS_PER_PAGE):
            records = [Record(ACCEPTED, shard, number, body, EMPTY_CHAIN) for number, body in aside]
            for turn in turns(records, why.received, zones):
                until = {(shard, grp): at for grp, at in turn.until.items()}
                touched = Touched(dict.fromkeys(until, why), until=until)
                await self._keep_events(tx, turn.events, touched)
                answers += await self._told(tx, touched)
        return answers

    async def _look_again(self, tx: PostgresTransaction, shard: int, why: Why) -> list[Answer]:
        """Look at every item of a shard again, a page at a time: another scheme or calendar is in force."""
        answers: list[Answer] = []
        after = b""
        while page := await cases.following(tx, shard, after, ITEMS_PER_PAGE):
            answers += await self._told(tx, Touched(groups={(shard, grp): why for grp in page}))
            after = page[-1]
        place = ""
        while rows := await store.items_of_shard(tx, shard, place, ITEMS_PER_PAGE):
            opened = {row.id: (row.shard, why) for row in rows if row.grp is None}
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
                touched.at(known, now[known.shard]),
                lambda unit, plans=plans: path_of(plans, unit),
                lambda scheme, indicator, plans=plans: assessor_of(plans, scheme, indicator),
            )
            rows.append(told.row)
            if told.is_news:
                body = told.message(why.cause, max(why.received, known.newest))
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


def _told_until(shard: int, minute: datetime) -> Answer:
    told = ItemsTold(until=instants.text(minute))
    return ITEMS, Draft(shard, envelope.encode(ITEMS_TOLD, SOURCE, f"shard-{shard}", told))


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
