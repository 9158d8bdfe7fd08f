"""The facts of items put together: events of their case, acts of persons, the calendar; and folded."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from services.supervision import cases, store
from services.supervision.calendars import Calendars
from services.supervision.cases import Key
from services.supervision.contract import ActTaken, Deadline, ItemOpened
from services.supervision.domain.calendar import Calendar
from services.supervision.domain.items import Act, Item, Kind, Opening, Taken, Terms, fold
from services.supervision.domain.machine import State
from services.supervision.domain.matters import Matter, matters_of
from services.supervision.domain.worktime import Budget, NamedDate, NamedInstant, OfficeHours, WorkingDays
from services.supervision.plans import Plans, zone_of
from services.supervision.store import ActRow, ItemRow
from shared.contracts import envelope
from shared.kernel import instants
from shared.storage.transaction import PostgresTransaction


@dataclass(frozen=True, slots=True)
class Known:
    """An item with everything it is made of; `item` is None where no scheme in force opens it any more."""

    id: str
    shard: int
    grp: bytes | None
    row: ItemRow | None
    item: Item | None
    calendar: Calendar
    facts: int


@dataclass(frozen=True, slots=True)
class Found:
    """An item as the door sees it: with acts that the consumer has not come to.

    `paths` are those of its units, `bearers` of others that bear late days of it, `assessor` that of who
    assesses its indicator.
    """

    known: Known
    paths: tuple[str, ...]
    bearers: tuple[str, ...]
    assessor: str | None
    now: datetime


class Facts:
    """Loads and folds items, many at a time."""

    def __init__(self, plans: Plans, calendars: Calendars) -> None:
        self._plans = plans
        self._calendars = calendars

    async def of(
        self,
        tx: PostgresTransaction,
        *,
        groups: Iterable[Key] = (),
        items: Mapping[str, int] | None = None,
        beside: Sequence[ActRow] = (),
    ) -> dict[str, Known]:
        """Return items by id: those of cases and others with their shards; `beside` are further acts."""
        rows = await store.items(tx, items) if items else {}
        keys = {*groups, *((row.shard, row.grp) for row in rows.values() if row.grp is not None)}
        rows |= await store.items_of_cases(tx, keys) if keys else {}
        matters, counts = await self._matters(tx, keys) if keys else ({}, {})
        places = {**(items or {}), **{row.id: row.shard for row in rows.values()}}
        places |= {item: key[0] for item, (key, _) in matters.items()}
        acts = await store.acts(tx, places)
        for act in beside:
            known = acts.setdefault(act.item, [])
            if all(act.number != one.number for one in known):
                known.append(act)
        return {
            item: await self._known(
                tx, item, shard, rows.get(item), matters.get(item), acts.get(item, []), counts
            )
            for item, shard in sorted(places.items())
        }

    async def _matters(
        self, tx: PostgresTransaction, keys: Collection[Key]
    ) -> tuple[dict[str, tuple[Key, Matter]], dict[Key, int]]:
        """Return what the events of cases open, and how many events each has."""
        business = await store.business_keys(tx)
        found: dict[str, tuple[Key, Matter]] = {}
        counts: dict[Key, int] = {}
        for key, case in (await cases.load(tx, keys)).items():
            types = await self._plans.types(tx, key[0])
            events = [event for event in case.read() if event.type in types]
            counts[key] = len(events)
            if not events:
                continue
            reports = cases.reports_of(events, business)
            opened = matters_of(await self._plans.of(tx, key[0]), events[0].case or "", reports)
            found |= {item: (key, matter) for item, matter in opened.items()}
        return found, counts

    async def _known(
        self,
        tx: PostgresTransaction,
        item: str,
        shard: int,
        row: ItemRow | None,
        matter: tuple[Key, Matter] | None,
        acts: Sequence[ActRow],
        counts: Mapping[Key, int],
    ) -> Known:
        plans = await self._plans.of(tx, shard)
        taken = [_stored(act) for act in acts]
        if matter is not None:
            key, (grp, opening, others) = matter[0], _by_event(matter[1], matter[0])
        else:
            key = None if row is None or row.grp is None else (row.shard, row.grp)
            grp, opening, others = (None if row is None else row.grp), _by_person(acts), ()
        zone = zone_of(plans, None if opening is None else opening.scheme)
        calendar = await self._calendars.of(tx, shard, zone)
        facts = [*others, *(one for one in taken if one.act is not Act.OPEN)]
        folded = None if opening is None else fold(opening, facts)
        if folded is not None and matter is not None and matter[1].is_withdrawn:
            folded = replace(folded, state=State.WITHDRAWN, done=None, paused_since=None)
        count = len(acts) + (counts.get(key, 0) if key is not None else 0)
        return Known(item, shard, grp, row, folded, calendar, count)


def _by_event(matter: Matter, key: Key) -> tuple[bytes, Opening, tuple[Taken, ...]]:
    return key[1], matter.opening, matter.completions


def _by_person(acts: Sequence[ActRow]) -> Opening | None:
    """Return how a person opened an item; the first such act counts."""
    for act in acts:
        opened = _told(act).opened
        if opened is not None:
            return opening_of(opened)
    return None


def taken_of(told: ActTaken, at: datetime, number: int) -> Taken:
    """Read a person's act that was received at an instant."""
    return Taken(
        act=Act(told.act),
        at=at,
        person=told.person,
        number=number,
        reason=told.reason,
        unit=told.unit,
        shares={unit: Decimal(share) for unit, share in told.shares.items()},
        day=None if told.day is None else date.fromisoformat(told.day),
        evidence=tuple((one.name, one.sha256) for one in told.evidence),
        due=None if told.due is None else instants.parse(told.due),
        lapses=None if told.lapses is None else instants.parse(told.lapses),
    )


def _stored(act: ActRow) -> Taken:
    return taken_of(_told(act), instants.parse(envelope.decode(act.body).received), act.number)


def opening_of(opened: ItemOpened) -> Opening:
    """Read what a person opened."""
    return Opening(
        kind=Kind(opened.kind.value),
        title=opened.title,
        unit=opened.unit,
        shares={unit: Decimal(share) for unit, share in opened.shares.items()},
        given=instants.parse(opened.given),
        budget=_budget(opened.due),
        scheme=opened.scheme,
        indicator=opened.indicator,
        case=opened.case,
        terms=Terms(
            accept=True,
            sign_days=opened.sign_days,
            yellow_days=opened.yellow_days,
            approval_days=opened.approval_days,
        ),
    )


def _budget(due: Deadline) -> Budget:
    if due.at is not None:
        return NamedInstant(instants.parse(due.at))
    if due.day is not None:
        return NamedDate(date.fromisoformat(due.day))
    if due.working_days is not None:
        return WorkingDays(due.working_days)
    assert due.office_minutes is not None
    return OfficeHours(due.office_minutes)


def _told(act: ActRow) -> ActTaken:
    return envelope.decode_data(envelope.decode(act.body), ActTaken)
