"""Folds what arrived: most reports are facts of their own, the others belong to cases."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from services.scoring import cases, facts
from services.scoring.cases import Case, Key
from services.scoring.contract import ACCEPTED
from services.scoring.domain.adders import Spot
from services.scoring.domain.folding import NO_TRACES, Place, fold_under
from services.scoring.domain.ordinary import Fact, Ordinary, RowKey, Rows, Sums
from services.scoring.domain.plan import Plan
from services.scoring.moves import Moves
from services.scoring.reports import (
    Catalogue,
    data_of,
    fact_key,
    fact_of,
    report_of,
    root_key,
    stored_events,
    time_of,
)
from shared.contracts.envelope import AcceptedEvent
from shared.kernel.digests import key_digest
from shared.kernel.records import Record
from shared.storage.transaction import PostgresTransaction

CASES_PER_PAGE = 500
SLICE_EVENTS = 2_000
CASES_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Force:
    """What is in force in a shard; `ordinary` is None while no scheme is."""

    plans: Sequence[Plan]
    ordinary: Ordinary | None
    catalogue: Catalogue


class Arrived(NamedTuple):
    """An upstream event of a batch that belongs to a case or fact."""

    shard: int
    number: int
    event: AcceptedEvent
    body: bytes

    @property
    def cause(self) -> str:
        """The record as traces name it."""
        return f"{ACCEPTED}/{self.shard}/{self.number}"


class Kept(NamedTuple):
    """An ordinary case as it was folded last: its facts, the rows they give and where all are found."""

    facts: list[Fact]
    rows: Rows
    spots: Mapping[RowKey, Sequence[Spot]]
    places: frozenset[Place]


class Arriving:
    """Folds events; keeps the ordinary cases of owned shards that moved last.

    Without `writes` it folds what is about to be written by another, and leaves the tables as they are.
    """

    def __init__(self, *, writes: bool = True) -> None:
        self._kept: dict[Key, Kept] = {}
        self._writes = writes

    def forget(self, shards: Iterable[int]) -> None:
        """Drop what is kept of shards."""
        gone = set(shards)
        self._kept = {key: kept for key, kept in self._kept.items() if key[0] not in gone}

    async def fold(
        self,
        tx: PostgresTransaction,
        read: Sequence[tuple[Record, AcceptedEvent]],
        force: Mapping[int, Force],
        moves: Moves,
    ) -> None:
        """Fold events of sources, letting others run between slices."""
        corrected = {
            (record.shard, int(event.correctsnumber))
            for record, event in read
            if event.correctsnumber is not None
        }
        others: list[Arrived] = []
        for start in range(0, len(read), SLICE_EVENTS):
            for record, event in read[start : start + SLICE_EVENTS]:
                here = force[record.shard]
                if is_alone(event, here.catalogue) and (record.shard, record.number) not in corrected:
                    _fold_alone(record, event, here, moves)
                else:
                    others.append(Arrived(record.shard, record.number, event, record.body))
            await asyncio.sleep(0)
        if others:
            await self._fold_others(tx, others, force, moves)

    async def _fold_others(
        self, tx: PostgresTransaction, others: Sequence[Arrived], force: Mapping[int, Force], moves: Moves
    ) -> None:
        keyed, joins = await _group(tx, others, force, writes=self._writes)
        keys = list(keyed)
        for at in range(0, len(keys), CASES_PER_PAGE):
            some = {key: keyed[key] for key in keys[at : at + CASES_PER_PAGE]}
            early = {stray: to for stray, to in joins.items() if to in some}
            await self._fold_cases(tx, some, early, force, moves)

    async def _fold_cases(
        self,
        tx: PostgresTransaction,
        keyed: Mapping[Key, Sequence[Arrived]],
        joins: Mapping[Key, Key],
        force: Mapping[int, Force],
        moves: Moves,
    ) -> None:
        """Fold and write some cases; few enough that the transaction never idles between statements."""
        known = await cases.load(tx, (keyed.keys() - self._kept.keys()) | joins.keys())
        moved = await _moved(tx, keyed, known, force, moves, writes=self._writes)
        strays: dict[Key, list[Case]] = {}
        for stray, to in joins.items():
            if stray in known:
                strays.setdefault(to, []).append(known[stray])
        plain: list[Key] = []
        for key, news in keyed.items():
            alone = key in moved or key in strays
            if alone or not self._fold_ordinary(key, known.get(key), news, force[key[0]], moves):
                plain.append(key)
        known |= await cases.load(tx, [key for key in plain if self._kept.pop(key, None) is not None])
        self._make_room()
        bodies = {key: [one.body for one in news] for key, news in keyed.items()}
        for key in plain:
            bodies[key] += [moved[key]] if key in moved else []
            bodies[key] += [stray.events for stray in strays.get(key, ())]
            why = force[key[0]], keyed[key][-1].cause
            _fold_plain(key, known.get(key), bodies[key], strays.get(key, ()), why, moves)
        if not self._writes:
            return
        await cases.add(tx, [Case(*key, b",".join(found)) for key, found in bodies.items()])
        if strays:
            await cases.drop(tx, [(one.shard, one.grp) for found in strays.values() for one in found])

    def _fold_ordinary(
        self, key: Key, old: Case | None, news: Sequence[Arrived], force: Force, moves: Moves
    ) -> bool:
        """Fold a case of which no report revises or repeats another; False, and nothing done, for others."""
        if force.ordinary is None:
            return False
        sums = moves.sums_of(key[0], force.ordinary)
        kept = self._kept.get(key) or _begun(old, sums, force)
        fresh = _facts([one.event for one in news], force)
        if kept is None or fresh is None:
            return False
        stands = sorted([*kept.facts, *fresh])
        rows = force.ordinary.rows(stands)
        found = sums.change(kept.rows, rows)
        if found is None:
            return False
        spots = {row: found.get(row) or kept.spots[row] for row in rows}
        places = _places(spots)
        moves.place(key, kept.places, places)
        self._keep(key, Kept(stands, rows, spots, places))
        return True

    def _keep(self, key: Key, kept: Kept) -> None:
        """Keep a case as the one that moved last."""
        self._kept.pop(key, None)
        self._kept[key] = kept

    def _make_room(self) -> None:
        """Drop the cases that moved longest ago, but none of a page under way: they were not read again."""
        for key in list(islice(self._kept, max(0, len(self._kept) - CASES_KEPT))):
            del self._kept[key]


async def groups(
    tx: PostgresTransaction, read: Sequence[tuple[Record, AcceptedEvent]], catalogue: Catalogue
) -> tuple[set[Key], set[Key]]:
    """Return the cases and facts to which folded events belong, and where corrections of them had waited."""
    force = {record.shard: Force([], None, catalogue) for record, _ in read}
    found = [Arrived(record.shard, record.number, event, record.body) for record, event in read]
    keyed, joins = await _group(tx, found, force, writes=False)
    return set(keyed), set(joins)


def _begun(old: Case | None, sums: Sums, force: Force) -> Kept | None:
    """Return a case as it is stored, None where it is out of the ordinary; the sums stay as they are."""
    if old is None or force.ordinary is None:
        return Kept([], {}, {}, frozenset())
    facts_of = _facts(stored_events(old.events), force)
    rows = force.ordinary.rows(facts_of or [])
    spots = sums.change({}, rows)
    if facts_of is None or spots is None:
        return None
    sums.change(rows, {})
    return Kept(facts_of, rows, spots, _places(spots))


def _places(spots: Mapping[RowKey, Sequence[Spot]]) -> frozenset[Place]:
    """Return where rows are found, by unit and month."""
    return frozenset(
        {(leaf, month) for found in spots.values() for leaves, month in found for leaf in leaves}
    )


def is_alone(event: AcceptedEvent, catalogue: Catalogue) -> bool:
    """Tell whether a report is a fact of its own, as far as is known without its revisions."""
    return (
        event.case is None
        and event.correctsid is None
        and event.correctedby is None
        and not catalogue.keys.get(event.type)
    )


def _fold_alone(record: Record, event: AcceptedEvent, force: Force, moves: Moves) -> None:
    alone = moves.alone[record.shard]
    if force.ordinary is not None:
        sums = moves.sums_of(record.shard, force.ordinary)
        found = sums.alone(event.type, data_of(event), time_of(event), event.subject)
        if found is not None:
            alone.add(record.number, record.body, found)
            return
    report = report_of(event, force.catalogue)
    traces = fold_under(moves.tallies[record.shard], force.plans, [report])
    cause = f"{ACCEPTED}/{record.shard}/{record.number}"
    moves.doubt((record.shard, facts.key_of(record.number)), NO_TRACES, traces, cause)
    alone.add_at(record.number, record.body, traces.places)


def _facts(events: Sequence[AcceptedEvent], force: Force) -> list[Fact] | None:
    """Return the facts of events, or None where one is a correction or might repeat another."""
    keys = force.catalogue.keys
    for event in events:
        if event.correctsid is not None or keys.get(event.type):
            return None
    return sorted(fact_of(event, force.catalogue) for event in events)


def _fold_plain(
    key: Key,
    old: Case | None,
    bodies: Sequence[bytes],
    strays: Sequence[Case],
    why: tuple[Force, str],
    moves: Moves,
) -> None:
    """Fold any case: take back what it left before and add what it leaves now."""
    force, cause = why
    tally = moves.tallies[key[0]]
    reports = [] if old is None else [report_of(one, force.catalogue) for one in stored_events(old.events)]
    before = fold_under(tally, force.plans, reports, -1)
    for stray in strays:
        early = [report_of(one, force.catalogue) for one in stored_events(stray.events)]
        moves.add((stray.shard, stray.grp), fold_under(tally, force.plans, early, -1), NO_TRACES, cause)
    reports += [report_of(one, force.catalogue) for one in stored_events(b",".join(bodies))]
    moves.add(key, before, fold_under(tally, force.plans, reports), cause)


async def _moved(
    tx: PostgresTransaction,
    keyed: Mapping[Key, Sequence[Arrived]],
    known: Mapping[Key, Case],
    force: Mapping[int, Force],
    moves: Moves,
    *,
    writes: bool,
) -> dict[Key, bytes]:
    """Take facts that are revised for the first time out of their rows; return them by their case."""
    wanted = {
        (key[0], int(one.event.correctsnumber)): (key, one)
        for key, news in keyed.items()
        for one in news
        if key not in known and one.event.correctsnumber is not None and one.event.case is None
    }
    found = await facts.load(tx, wanted)
    for (shard, number), body in found.items():
        _, one = wanted[shard, number]
        here = force[shard]
        (original,) = stored_events(body)
        assert (original.source, original.id) == (one.event.correctssource, one.event.correctsid)
        left = fold_under(moves.tallies[shard], here.plans, [report_of(original, here.catalogue)], -1)
        moves.doubt((shard, facts.key_of(number)), left, NO_TRACES, one.cause)
    if writes:
        await facts.revise(tx, sorted(found))
    return {wanted[place][0]: body for place, body in found.items()}


async def _group(
    tx: PostgresTransaction, arrived: Sequence[Arrived], force: Mapping[int, Force], *, writes: bool
) -> tuple[dict[Key, list[Arrived]], dict[Key, Key]]:
    """Return events by the case or fact they belong to; a correction follows its original.

    Also returns where corrections that came before their original would wait, and where they belong.
    """
    loose = [one for one in arrived if one.event.case is None]
    first = {
        (one.shard, root_key(one.event)): fact
        for one in loose
        if (fact := fact_key(one.event, force[one.shard].catalogue)) is not None
    }
    corrected = {(one.shard, root_key(one.event)) for one in loose if one.event.correctsid is not None}
    facts_of = first | (await cases.load_roots(tx, corrected - first.keys()) if corrected else {})
    keyed: dict[Key, list[Arrived]] = {}
    for one in arrived:
        if one.event.case is not None:
            grp = key_digest("case", one.event.case)
        else:
            root = root_key(one.event)
            grp = facts_of.get((one.shard, root), root)
        keyed.setdefault((one.shard, grp), []).append(one)
    if first and writes:
        await cases.save_roots(tx, first)
    return keyed, {(shard, root): (shard, fact) for (shard, root), fact in first.items()}
