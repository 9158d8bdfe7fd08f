"""Stage A: accepted events become facts of cases and absolute partial sums per measure, unit and month."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import add

from msgspec import structs

from services.scoring import cases, store, traces
from services.scoring.cases import Case, Found, Key
from services.scoring.contract import (
    ACCEPTED,
    PARTIALS,
    PARTIALS_CHANGED,
    SCHEMES,
    SOURCE,
    TYPES_ADOPTED,
    SchemeAdopted,
    TypesAdopted,
)
from services.scoring.domain.facts import Report
from services.scoring.domain.folding import NO_TRACES, Tally, Traces, fold_under
from services.scoring.plans import InForce, Plans
from services.scoring.reports import (
    Catalogue,
    catalogue_of,
    fact_key,
    joined,
    report_of,
    root_key,
    stored_events,
)
from services.scoring.store import PartialCell
from services.scoring.traces import Doubted
from shared.contracts import envelope, partials
from shared.contracts.catalogue import known_event
from shared.contracts.envelope import AcceptedEvent
from shared.contracts.partials import Block, Changed, Row
from shared.kernel.digests import key_digest
from shared.kernel.periods import Month
from shared.kernel.records import Draft, Record
from shared.messaging.port import Answer
from shared.storage.transaction import PostgresTransaction

STAGE = "a"
NUMBERS_PER_MESSAGE = 20_000
CASES_PER_PAGE = 500

Read = Sequence[tuple[Record, AcceptedEvent]]


@dataclass(frozen=True, slots=True)
class Arrived:
    """An upstream event of a batch, read once."""

    case: str | None
    report: Report
    body: bytes


@dataclass(slots=True)
class Moves:
    """What a batch changes: sums by shard, under which units cases are found, what waits in suspense."""

    tallies: dict[int, Tally] = field(default_factory=lambda: defaultdict[int, Tally](Tally))
    found: dict[Found, bool] = field(default_factory=dict[Found, bool])
    opened: dict[Doubted, str] = field(default_factory=dict[Doubted, str])
    settled: dict[Doubted, str] = field(default_factory=dict[Doubted, str])

    def add(self, key: Key, before: Traces, after: Traces, cause: str) -> None:
        """Note what a case leaves now and left before; `cause` names the record that did it."""
        shard, grp = key
        if before.places != after.places:
            self.found |= {(*place, grp, shard): False for place in before.places - after.places}
            self.found |= {(*place, grp, shard): True for place in after.places - before.places}
        for why, what in after.doubts - before.doubts:
            doubt = Doubted(shard, grp, why, what)
            self.opened[doubt] = cause
            self.settled.pop(doubt, None)
        for why, what in before.doubts - after.doubts:
            doubt = Doubted(shard, grp, why, what)
            self.settled[doubt] = cause
            self.opened.pop(doubt, None)


class StageA:
    """The handler of accepted events and adopted schemes."""

    def __init__(self) -> None:
        self._plans = Plans(STAGE)
        self._catalogue: tuple[int, Catalogue] = 0, catalogue_of({})

    def forget(self, partitions: Sequence[int]) -> None:
        """Drop what is cached of partitions."""
        self._plans.forget(set(partitions))

    async def __call__(self, tx: PostgresTransaction, batch: Sequence[Record]) -> list[Answer]:
        """Fold what arrived, then what an adopted scheme makes of everything; answer with what moved."""
        read = [(record, known_event(record.stream, record.body)) for record in batch]
        for _, event in read:
            if event.type == TYPES_ADOPTED:
                told = envelope.decode_data(event, TypesAdopted)
                await store.save_catalogue(tx, told.version, told.document)
        moves = Moves()
        await self._fold_events(tx, read, moves)
        for record, event in read:
            if record.stream == SCHEMES:
                await self._adopt(tx, record, envelope.decode_data(event, SchemeAdopted), moves)
        moved = await _save(tx, moves)
        shards = sorted({record.shard for record in batch})
        return _answers({shard: await self._plans.of(tx, shard) for shard in shards}, read, moved)

    async def _fold_events(self, tx: PostgresTransaction, read: Read, moves: Moves) -> None:
        """Fold anew every case that an event touches."""
        catalogue = await self._types(tx)
        arrived = [
            Arrived(event.case, report_of(event, catalogue), record.body)
            for record, event in read
            if record.stream == ACCEPTED and not event.type.startswith(envelope.OWN_PREFIX)
        ]
        if not arrived:
            return
        keyed, joins = await _group(tx, arrived)
        keys = list(keyed)
        for at in range(0, len(keys), CASES_PER_PAGE):
            some = {key: keyed[key] for key in keys[at : at + CASES_PER_PAGE]}
            early = {stray: to for stray, to in joins.items() if to in some}
            await self._fold_cases(tx, some, early, catalogue, moves)

    async def _fold_cases(
        self,
        tx: PostgresTransaction,
        keyed: Mapping[Key, Sequence[Arrived]],
        joins: Mapping[Key, Key],
        catalogue: Catalogue,
        moves: Moves,
    ) -> None:
        """Fold and write some cases; few enough that the transaction never idles between statements."""
        known = await cases.load(tx, keyed.keys() | joins.keys())
        strays: dict[Key, list[Case]] = {}
        for stray, to in joins.items():
            if stray in known:
                strays.setdefault(to, []).append(known[stray])
        saved: list[Case] = []
        for key, news in keyed.items():
            plans = [scheme.plan for scheme in await self._plans.of(tx, key[0])]
            cause = _cause(news[-1].report)
            old = known.get(key, Case(*key, b"[]"))
            tally = moves.tallies[key[0]]
            reports = _reports(old, catalogue)
            before = fold_under(tally, plans, reports, -1)
            bodies = [one.body for one in news]
            reports += [one.report for one in news]
            for stray in strays.get(key, ()):
                early = _reports(stray, catalogue)
                moves.add((stray.shard, stray.grp), fold_under(tally, plans, early, -1), NO_TRACES, cause)
                bodies.append(stray.events[1:-1])
                reports += early
            moves.add(key, before, fold_under(tally, plans, reports), cause)
            saved.append(Case(*key, joined(old.events, bodies)))
        await cases.save(tx, saved)
        if strays:
            await cases.drop(tx, [(one.shard, one.grp) for found in strays.values() for one in found])

    async def _adopt(
        self, tx: PostgresTransaction, record: Record, told: SchemeAdopted, moves: Moves
    ) -> None:
        """Fold every case of a shard under the schemes before and after; a page at a time."""
        before = [scheme.plan for scheme in await self._plans.of(tx, record.shard)]
        await self._plans.adopt(tx, record.shard, told.code, told.version)
        after = [scheme.plan for scheme in await self._plans.of(tx, record.shard)]
        catalogue = await self._types(tx)
        cause = f"{SCHEMES}/{record.shard}/{record.number}"
        page = await cases.following(tx, record.shard, b"", CASES_PER_PAGE)
        while page:
            for case in page:
                reports = _reports(case, catalogue)
                tally = moves.tallies[case.shard]
                old, new = fold_under(tally, before, reports, -1), fold_under(tally, after, reports)
                moves.add((case.shard, case.grp), old, new, cause)
            page = await cases.following(tx, record.shard, page[-1].grp, CASES_PER_PAGE)

    async def _types(self, tx: PostgresTransaction) -> Catalogue:
        version = await store.newest_catalogue_version(tx)
        if version != self._catalogue[0]:
            _, document = await store.newest_catalogue(tx)
            self._catalogue = version, catalogue_of(document)
        return self._catalogue[1]


async def _group(
    tx: PostgresTransaction, arrived: Iterable[Arrived]
) -> tuple[dict[Key, list[Arrived]], dict[Key, Key]]:
    """Return events by the case or fact they belong to; a correction follows its original.

    Also returns where corrections that came before their original would wait, and where they belong.
    """
    loose = [one.report for one in arrived if one.case is None]
    first = {(r.shard, root_key(r)): fact for r in loose if (fact := fact_key(r)) is not None}
    corrected = {(r.shard, root_key(r)) for r in loose if r.corrects is not None}
    facts = first | (await cases.load_roots(tx, corrected - first.keys()) if corrected else {})
    keyed: dict[Key, list[Arrived]] = {}
    for one in arrived:
        shard = one.report.shard
        if one.case is not None:
            grp = key_digest("case", one.case)
        else:
            root = root_key(one.report)
            grp = fact_key(one.report) or facts.get((shard, root), root)
        keyed.setdefault((shard, grp), []).append(one)
    if first:
        await cases.save_roots(tx, first)
    return keyed, {(shard, root): (shard, fact) for (shard, root), fact in first.items()}


async def _save(tx: PostgresTransaction, moves: Moves) -> dict[PartialCell, list[int]]:
    """Write what moved; return the absolute partial sums."""
    changes = {
        (shard, *cell): change
        for shard, tally in moves.tallies.items()
        for cell, change in tally.spread().items()
    }
    known = await store.load_partials(tx, changes)
    moved = {
        cell: list(map(add, known[cell], change)) if cell in known else change
        for cell, change in changes.items()
    }
    await store.save_partials(tx, moved)
    gained = [place for place, here in moves.found.items() if here]
    await cases.save_places(tx, gained, [place for place, here in moves.found.items() if not here])
    await traces.save_doubts(tx, moves.opened, moves.settled)
    return moved


def _answers(
    plans: Mapping[int, Sequence[InForce]], read: Read, moved: Mapping[PartialCell, list[int]]
) -> list[Answer]:
    """Tell the groups' shards the absolute partials that moved and the numbers that moved them."""
    by_target: dict[tuple[int, int], list[tuple[str, str, Row]]] = {}
    for (shard, scheme, over, unit, month), numbers in sorted(moved.items()):
        row = Row(unit, str(Month.of_ordinal(month)), numbers)
        for target in _targets(plans[shard], scheme, unit):
            by_target.setdefault((shard, target), []).append((scheme, over, row))
    by_shard: dict[int, list[tuple[Record, AcceptedEvent]]] = {shard: [] for shard in plans}
    for record, event in read:
        by_shard[record.shard].append((record, event))
    begun = {shard: _begun(shard, mine) for shard, mine in by_shard.items()}
    return [
        _message(target, structs.replace(begun[shard], blocks=blocks))
        for (shard, target), rows in sorted(by_target.items())
        for blocks in _blocks(rows)
    ]


def _begun(shard: int, mine: Read) -> Changed:
    """Return the message of a shard without rows: the events that it covers, else the scheme adopted."""
    events = [record for record, _ in mine if record.stream == ACCEPTED]
    covered = events or [record for record, _ in mine]
    return Changed(
        stream=covered[0].stream,
        shard=shard,
        first=min(record.number for record in covered),
        last=max(record.number for record in covered),
        received=max(event.received for _, event in mine),
        blocks=[],
    )


def _reports(case: Case, catalogue: Catalogue) -> list[Report]:
    return [report_of(event, catalogue) for event in stored_events(case.events)]


def _cause(report: Report) -> str:
    return f"{ACCEPTED}/{report.shard}/{report.number}"


def _targets(plans: Sequence[InForce], scheme: str, unit: str) -> tuple[int, ...]:
    return next((p.shards_of_unit.get(unit, ()) for p in plans if p.plan.id == scheme), ())


def _blocks(rows: Sequence[tuple[str, str, Row]]) -> Iterator[list[Block]]:
    """Put rows of one scheme and view or type together; few enough for a message at a time."""
    blocks: list[Block] = []
    room = NUMBERS_PER_MESSAGE
    for scheme, over, row in rows:
        if blocks and room < len(row.numbers):
            yield blocks
            blocks, room = [], NUMBERS_PER_MESSAGE
        if not blocks or (blocks[-1].scheme, blocks[-1].over) != (scheme, over):
            blocks.append(Block(scheme, over, []))
        blocks[-1].rows.append(row)
        room -= len(row.numbers)
    yield blocks


def _message(target: int, changed: Changed) -> Answer:
    subject = f"shard-{changed.shard}"
    return PARTIALS, Draft(
        target, envelope.encode_written(PARTIALS_CHANGED, SOURCE, subject, partials.written(changed))
    )
