"""Stage A: accepted events become facts of cases and absolute partial sums per measure, unit and month."""

from collections.abc import Collection, Sequence

from msgspec import structs

from services.scoring import clocks, deriving, moved_sums, moves, routing, store, under_review
from services.scoring.arriving import Arriving, Force
from services.scoring.clocks import clock_of
from services.scoring.conclusions import READERS, received, tells
from services.scoring.contract import (
    ACCEPTED,
    CALENDAR_ADOPTED,
    ITEMS_TOLD,
    PARTIALS,
    PARTIALS_CHANGED,
    SCHEME_ADOPTED,
    SCHEMES,
    TICK,
    TRIAL_PARTIALS,
    TRIAL_PARTIALS_CHANGED,
    TYPES_ADOPTED,
    CalendarAdopted,
    ItemsTold,
    SchemeAdopted,
    TypesAdopted,
)
from services.scoring.domain.ordinary import Ordinary
from services.scoring.domain.plan import Edition
from services.scoring.moves import KeptPartials, Moves
from services.scoring.plans import InForce, Plans, cut_zones, cut_zones_begun
from services.scoring.reports import Catalogue, catalogue_of
from services.scoring.reviewed_sums import ROOM, Brought, ReviewedSums, Room
from services.scoring.store import PartialCell
from services.scoring.superseding import Superseding
from services.scoring.trying import Trying
from services.scoring.turning import Turning
from shared.contracts import envelope
from shared.contracts.catalogue import known_event
from shared.contracts.envelope import AcceptedEvent
from shared.kernel import instants
from shared.kernel.instants import by_days
from shared.kernel.records import Record
from shared.kernel.shards import shards_of
from shared.messaging.port import Answer
from shared.storage.transaction import PostgresTransaction

STAGE = "a"
IN_FORCE = PARTIALS, PARTIALS_CHANGED
TRIED = TRIAL_PARTIALS, TRIAL_PARTIALS_CHANGED
BEFORE_THE_FEED = instants.text(instants.EPOCH)

Read = Sequence[tuple[Record, AcceptedEvent]]


class StageA:
    """The handler of accepted events, derived facts, adopted schemes and trials."""

    def __init__(self, room: Room = ROOM, *, replay: bool = False) -> None:
        self._replay = replay
        self._plans = Plans(STAGE)
        self._catalogue: tuple[int, Catalogue] = 0, catalogue_of({})
        self._ordinary: dict[tuple[int, tuple[Edition, ...]], Ordinary] = {}
        self._arriving = Arriving()
        self._partials = KeptPartials()
        self._trying = Trying()
        self._turning = Turning()
        self._reviewed = ReviewedSums(room)

    def forget(self, partitions: Sequence[int]) -> None:
        """Drop what is cached of partitions."""
        shards = [shard for partition in partitions for shard in shards_of(partition)]
        self._plans.forget(set(partitions))
        self._arriving.forget(shards)
        self._partials.forget(shards)
        self._trying.forget(partitions)
        self._turning.forget()
        self._reviewed.forget(shards)

    async def __call__(self, tx: PostgresTransaction, batch: Sequence[Record]) -> list[Answer]:
        """Apply a batch; where periods have a cut, what was received on different days apart.

        In a replay a scheme, which has the time of the database, is as late as what its shard lived through.
        """
        read = [(record, known_event(record.stream, record.body)) for record in batch]
        if self._replay:
            read = await _by_the_feed(tx, read)
        shards = {record.shard for record in batch}
        zones = cut_zones([one for shard in shards for one in await self._plans.of(tx, shard)])
        zones |= cut_zones_begun(event for record, event in read if record.stream == SCHEMES)
        answers: list[Answer] = []
        for part in by_days(read, _known_at, zones):
            answers += await self._apply(tx, part)
        return answers

    async def _apply(self, tx: PostgresTransaction, read: Read) -> list[Answer]:
        """Fold what arrived, then what an adopted scheme makes of everything; answer with what moved."""
        events, ours = _parted(read)
        await _learn(tx, ours)
        ticks = {record.shard: clock_of(event) for record, event in ours if event.type == TICK}
        await clocks.save(tx, ticks)
        catalogue = await self._types(tx)
        derived = await _derived(tx, ours)
        schemes = [(record, event) for record, event in ours if record.stream == SCHEMES]
        shards = {record.shard for record, _ in read}
        before = {record.shard: await self._plans.of(tx, record.shard) for record, _ in schemes}
        tried, touched = await self._trying.fold(tx, shards, events, derived, catalogue)
        arrived, found = Moves(), Moves()
        moved = await self._fold(tx, events, catalogue, arrived) if events else {}
        routed = await self._route(tx, events, catalogue)
        await self._derive(tx, derived, found)
        for record, event in schemes:
            if event.type == SCHEME_ADOPTED:
                told = envelope.decode_data(event, SchemeAdopted)
                routed += await self._adopt(tx, record, told, catalogue, found)
        moved |= await moves.save(tx, found, self._partials)
        decided = self._reviewed.told(derived)
        turning = {record.shard for record, _ in schemes}
        self._reviewed.refold(turning)
        known = await self._reviewed.of(tx, shards)
        moved_in = {
            shard: months
            if shard in turning
            else {*decided.get(shard, ()), *arrived.touched(shard), *found.touched(shard)}
            for shard, months in known.items()
            if months
        }
        moved |= await self._review(tx, Brought(events, moved_in), turning, catalogue)
        tried |= await self._trying.review(tx, self._reviewed, events, [touched, decided], catalogue)
        plans = {shard: await self._plans.of(tx, shard) for shard in shards}
        for shard, ruled in before.items():
            moved = await _handed_on(tx, shard, ruled, plans[shard]) | moved
        adopted_in = {record.shard for record, event in schemes if event.type == SCHEME_ADOPTED}
        turned = await self._turning.turn(tx, ticks, adopted_in, plans)
        tried |= await self._trying.turn(tx, schemes, catalogue)
        adopted, begun = _apart(read) if schemes else (read, read)
        trying = await self._trying.running(tx, shards) if tried else {}
        told = moved_sums.answers(trying, begun, tried, TRIED)
        told += await self._trying.folded(tx, schemes)
        return routed + turned + moved_sums.answers(plans, adopted, moved, IN_FORCE) + told

    async def _fold(
        self, tx: PostgresTransaction, events: Read, catalogue: Catalogue, found: Moves
    ) -> dict[PartialCell, list[int]]:
        """Fold events of sources; write what moved and return the absolute partial sums."""
        shards = {record.shard for record, _ in events}
        force = {shard: await self._in_force(tx, shard, catalogue) for shard in shards}
        await self._arriving.fold(tx, events, force, found)
        return await moves.save(tx, found, self._partials)

    async def _route(self, tx: PostgresTransaction, events: Read, catalogue: Catalogue) -> list[Answer]:
        """Send reports of findings and inspections to where incidents are decided."""
        shards = {record.shard for record, _ in events}
        rules = {shard: routing.rules_in_force(await self._plans.of(tx, shard)) for shard in shards}
        return await routing.arrived(tx, events, rules, catalogue) if any(rules.values()) else []

    async def _derive(self, tx: PostgresTransaction, read: Read, found: Moves) -> None:
        """Fold what others concluded, under the schemes in force in its shards."""
        if read:
            force = {record.shard: await self._plans.of(tx, record.shard) for record, _ in read}
            points = {shard: [scheme.points for scheme in schemes] for shard, schemes in force.items()}
            await deriving.fold(tx, read, points, found)

    async def _review(
        self, tx: PostgresTransaction, brought: Brought, adopted: Collection[int], catalogue: Catalogue
    ) -> dict[PartialCell, list[int]]:
        """Count what reviews change of months that moved, by the facts as they are; all after an adoption."""
        shards = brought.touched.keys()
        if not shards:
            return {}
        points = {shard: [one.points for one in await self._plans.of(tx, shard)] for shard in shards}
        rows = await self._reviewed.rows(tx, brought, points, catalogue)
        before = await under_review.kept(tx, shards & adopted)
        return await self._partials.put(tx, {cell: [0] * width for cell, width in before.items()} | rows)

    async def _adopt(
        self,
        tx: PostgresTransaction,
        record: Record,
        told: SchemeAdopted,
        catalogue: Catalogue,
        found: Moves,
    ) -> list[Answer]:
        """Bring a version into force in a shard; return the routes of reports that it names."""
        shard = record.shard
        before = await self._plans.of(tx, shard)
        await self._plans.adopt(tx, shard, told.code, told.version)
        self._arriving.forget([shard])
        after = await self._plans.of(tx, shard)
        cause = f"{SCHEMES}/{shard}/{record.number}"
        adoption = Superseding(shard, before, after, catalogue=catalogue, moves=found, cause=cause)
        return await adoption.fold(tx)

    async def _in_force(self, tx: PostgresTransaction, shard: int, catalogue: Catalogue) -> Force:
        schemes = await self._plans.of(tx, shard)
        if not schemes:
            return Force([], None, catalogue)
        plans = [scheme.plan for scheme in schemes]
        name = self._catalogue[0], tuple(plan.edition for plan in plans)
        if name not in self._ordinary:
            adders = [adder for scheme in schemes for adder in scheme.adders.values()]
            self._ordinary[name] = Ordinary(adders, catalogue.types)
        return Force(plans, self._ordinary[name], catalogue)

    async def _types(self, tx: PostgresTransaction) -> Catalogue:
        version = await store.newest_catalogue_version(tx)
        if version != self._catalogue[0]:
            _, document = await store.newest_catalogue(tx)
            self._catalogue = version, catalogue_of(document)
        return self._catalogue[1]


def _parted(read: Read) -> tuple[Read, Read]:
    """Tell events of sources, which most are, from all that is told by services."""
    events: list[tuple[Record, AcceptedEvent]] = []
    ours: list[tuple[Record, AcceptedEvent]] = []
    for one in read:
        record, event = one
        of_source = record.stream == ACCEPTED and not event.type.startswith(envelope.OWN_PREFIX)
        (events if of_source else ours).append(one)
    return events, ours


def _known_at(one: tuple[Record, AcceptedEvent]) -> str:
    """Return when what a record stands on was received."""
    record, event = one
    return received(record.stream, event)


async def _by_the_feed(tx: PostgresTransaction, read: Read) -> list[tuple[Record, AcceptedEvent]]:
    """Put schemes at the clocks of their shards, at the beginning of time where there is none."""
    shards = {record.shard for record, _ in read if record.stream == SCHEMES}
    known = await clocks.read(tx, shards) if shards else {}
    reached = {shard: clock.received for shard, clock in known.items()}
    return [
        (record, structs.replace(event, received=reached.get(record.shard, BEFORE_THE_FEED)))
        if record.stream == SCHEMES
        else (record, event)
        for record, event in read
    ]


async def _handed_on(
    tx: PostgresTransaction, shard: int, before: Sequence[InForce], after: Sequence[InForce]
) -> dict[PartialCell, list[int]]:
    """Return the sums of units that a newer version puts into a group whose shard did not read them."""
    known = {one.plan.id: one.shards_of_unit for one in before}
    found: dict[PartialCell, list[int]] = {}
    for one in after:
        read, now = known.get(one.plan.id), one.shards_of_unit
        if read is not None and read != now:
            units = [unit for unit, shards in now.items() if not set(shards).issubset(read[unit])]
            found |= await store.partials_of(tx, shard, one.plan.id, units)
    return found


async def _learn(tx: PostgresTransaction, read: Read) -> None:
    """Keep what was adopted of event types and calendars, and until when all items have been told."""
    items: dict[int, str] = {}
    for record, event in read:
        if event.type == TYPES_ADOPTED:
            told = envelope.decode_data(event, TypesAdopted)
            await store.save_catalogue(tx, told.version, told.document)
        elif event.type == CALENDAR_ADOPTED:
            days = envelope.decode_data(event, CalendarAdopted)
            await store.save_calendar(tx, days.zone, days.version, days.document, event.received)
        elif event.type == ITEMS_TOLD:
            items[record.shard] = envelope.decode_data(event, ItemsTold).until
    await clocks.save_items(tx, items)


def _apart(read: Read) -> tuple[Read, Read]:
    """Return what moves schemes in force, without trials, and what moves trials, without adoptions."""
    of_schemes = [one for one in read if one[0].stream != SCHEMES or one[1].type == SCHEME_ADOPTED]
    return of_schemes, [one for one in read if one[1].type != SCHEME_ADOPTED]


async def _derived(tx: PostgresTransaction, read: Read) -> Read:
    """Return what tells derived facts; feeds that a newer catalogue leaves out are silent no more."""
    told = [(record, event) for record, event in read if event.type in READERS and tells(event)]
    for record, event in read:
        if event.type == TYPES_ADOPTED:
            document = envelope.decode_data(event, TypesAdopted).document
            told += await deriving.left_out(tx, record, document, told)
    return told
