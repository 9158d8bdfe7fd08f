"""The figures of a period by exactly what was received before its cut, from the stored facts.

What stage B holds is newer by then. Every fact is folded anew without what was received at T or later, as a
proof folds it; so whatever overtook what, the figures are those of the facts before T.
"""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence

from services.scoring import conclusions, derived, refolding, store, under_review
from services.scoring.contract import DEDUCTIONS, ITEMS, DeductionDecided, PeriodFigures
from services.scoring.cuts import Cut
from services.scoring.derived import Key, Told
from services.scoring.domain.derived import fold_derived
from services.scoring.domain.folding import Cell, Tally, fold_under
from services.scoring.domain.groups import GroupPlan
from services.scoring.domain.parted import Figure, parted_figures
from services.scoring.domain.parts import Key as FigureKey
from services.scoring.domain.proof import figures_of
from services.scoring.domain.reviewed import Reviewed
from services.scoring.domain.silence import Silence
from services.scoring.domain.successions import Succession
from services.scoring.domain.sums import UnitSums
from services.scoring.grounds import Known, known_of
from services.scoring.moves import Moves
from services.scoring.plans import InForce
from services.scoring.reports import Catalogue, catalogue_of, report_of, stored_events
from services.scoring.under_review import UnderReview
from shared.contracts import envelope
from shared.contracts.catalogue import known_event
from shared.kernel.points import parts_text
from shared.kernel.shards import SHARDS
from shared.storage.transaction import PostgresTransaction

FACTS_PER_PAGE = 500

UnitMonth = tuple[str, int]
Sums = dict[tuple[str, str], UnitSums]
Figured = dict[tuple[str, str], tuple[PeriodFigures, ...]]


async def figured(tx: PostgresTransaction, ready: Sequence[Cut]) -> Figured | None:
    """Return by period and group the figures at T of cuts of one version and T; `tx` is one snapshot.

    None where the facts that are kept do not say it: of an item and of a silent feed only the newest version
    is kept, and a review stands on facts as they are now.
    """
    one = ready[0]
    known = await known_of(tx)
    sums = await _sums(tx, known, one.scheme, one.cut)
    if sums is None:
        return None
    groups = {
        name: (plan, known.lines[code, version, name])
        for (code, version, name), plan in known.groups.items()
        if (code, version) == (one.scheme, one.version) and (code, version, name) in known.lines
    }
    return await asyncio.to_thread(_figured, groups, sums, [cut.period for cut in ready])


async def _sums(tx: PostgresTransaction, known: Known, code: str, closes: str) -> Sums | None:
    """Return the sums of units by what was received before T, merged over all shards."""
    _, document = await store.newest_catalogue(tx)
    catalogue = catalogue_of(document)
    found: Sums = {}
    for shard in range(SHARDS):
        schemes = [one for one in known.of_a[shard] if one.document.scheme.code == code]
        folding = _Folding(shard, schemes, catalogue, closes)
        async for page in refolding.pages(tx, shard):
            await asyncio.to_thread(folding.fold, page)
        if not await folding.derive(tx):
            return None
        rows = await folding.rows(tx)
        if rows is None:
            return None
        for (scheme, over, unit, month), numbers in rows.items():
            first_month = known.schemes[scheme].document.calendar.first_month
            of_unit = found.setdefault((scheme, unit), UnitSums(first_month))
            of_unit.take((over, month, shard), numbers)
    return found


class _Folding:
    """What a shard of stage A comes to by what was received before T.

    `later` are the months of units in which anything that was received since says something, `reviewed` those
    in which a review of before T changes something.
    """

    def __init__(self, shard: int, schemes: Sequence[InForce], catalogue: Catalogue, closes: str) -> None:
        self._shard = shard
        self._plans = [one.plan for one in schemes]
        self._points = [one.points for one in schemes]
        self._read = {name.encode() for one in self._plans for of in one.events_of.values() for name in of}
        self._catalogue = catalogue
        self._closes = closes
        self._moves = Moves()
        self._moved = Tally()
        self._later: set[UnitMonth] = set()
        self._reviewed: set[UnitMonth] = set()

    def fold(self, page: Sequence[bytes]) -> None:
        """Fold the events of facts and cases, without those of T and later."""
        for events in page:
            if any(name in events for name in self._read):
                read = stored_events(events)
                early = [event for event in read if event.received < self._closes]
                reports = [report_of(event, self._catalogue) for event in early]
                fold_under(self._moves.tallies[self._shard], self._plans, reports)
                if len(early) < len(read):
                    fold_under(self._moved, self._plans, reports)
                    fold_under(self._moved, self._plans, [report_of(one, self._catalogue) for one in read])

    async def derive(self, tx: PostgresTransaction) -> bool:
        """Fold what others concluded before T; tell whether that is known of everything."""
        at = Key(self._shard, "", "")
        while page := await derived.following(tx, at, FACTS_PER_PAGE):
            for one in page:
                if _received(one) >= self._closes and _is_lost(one):
                    return False
                early = await _told_before(tx, one, self._closes)
                if early is not one:
                    told = (one,) if early is None else (one, early)
                    self._later |= {(unit, month) for each in told for _, unit, month in each.fact.places()}
                if early is not None and _holds_later(early, self._closes):
                    return False
                if early is not None:
                    fold_derived(self._moves.points[self._shard], self._points, early.fact)
                    if isinstance(early.fact, Reviewed) and early.fact.is_change:
                        self._reviewed.add((early.fact.unit, early.fact.month))
            at = page[-1].key
        return True

    async def rows(self, tx: PostgresTransaction) -> dict[Cell, list[int]] | None:
        """Return the sums; None where a review stands on months in which later facts say something."""
        found = {cell[1:]: numbers for cell, numbers in self._moves.cells().items()}
        later = self._later | set(self._moved.touched()) if self._reviewed else set[UnitMonth]()
        if self._reviewed & later:
            return None
        decided = await under_review.decided(tx, [self._shard]) if self._reviewed else {}
        for cell, reviews in decided.items():
            if (cell.unit, cell.month) in self._reviewed:
                if self._reaches(cell, reviews, later):
                    return None
                reviewed = await under_review.rows(tx, cell, self._points, self._catalogue)
                found |= {at[1:]: numbers for at, numbers in reviewed.items() if any(numbers)}
        return found

    def _reaches(self, cell: UnderReview, reviews: Sequence[Reviewed], later: Collection[UnitMonth]) -> bool:
        """Tell whether later facts say something in the units and months of what reviews stand on."""
        return any(
            unit in units and first <= month <= last
            for under in under_review.indicators_of(cell, reviews, self._points)
            for units, (first, last) in [under_review.reach(cell, under)]
            for unit, month in later
        )


def _is_lost(one: Told) -> bool:
    """Tell whether what was told of a fact before its newest version is not kept here."""
    return isinstance(one.fact, Silence) or (one.key.stream == ITEMS and len(one.numbers) > 1)


def _holds_later(one: Told, closes: str) -> bool:
    """Tell whether a decision stands on reports of T and later too, with which it was decided anew."""
    if one.key.stream != DEDUCTIONS:
        return False
    newest = envelope.decode_data(envelope.decode(one.body), DeductionDecided).newest
    return newest is not None and newest >= closes


async def _told_before(tx: PostgresTransaction, one: Told, closes: str) -> Told | None:
    """Return the newest version of a fact that was received before T, None if there was none."""
    if _received(one) < closes:
        return one
    for number in reversed(one.numbers[:-1]):
        (record,) = await tx.read(one.key.stream, one.key.shard, number - 1, 1)
        event = known_event(record.stream, record.body)
        earlier = derived.told(record.stream, record.shard, event, record.body)
        if _received(earlier) < closes:
            return earlier
    return None


def _received(one: Told) -> str:
    return conclusions.received(one.key.stream, envelope.decode(one.body))


def _figured(
    groups: Mapping[str, tuple[GroupPlan, Succession]], sums: Sums, periods: Sequence[str]
) -> Figured:
    found: Figured = {}
    for name, (plan, line) in groups.items():
        held = {
            (one.id, unit): sums.get((one.id, unit)) or UnitSums(line.calendar.first_month)
            for one in line.plans
            for unit in {*line.heard, *plan.units}
        }
        figures: dict[str, dict[FigureKey, Figure]] = figures_of(
            plan, {unit: held[plan.id, unit] for unit in plan.units}
        )
        if line.shared:
            for unit, parted in parted_figures(line, line.units, held, line.clock(held)).items():
                figures[unit] = figures.get(unit, {}) | parted
        for period in periods:
            found[period, name] = tuple(_rows(plan, line, held, figures, period))
    return found


def _rows(
    plan: GroupPlan,
    line: Succession,
    held: Sums,
    figures: Mapping[str, Mapping[FigureKey, Figure]],
    period: str,
) -> Iterator[PeriodFigures]:
    """Yield what a version tells of units in a period."""
    named = line.calendar.parse(period)
    for unit, of_unit in sorted(figures.items()):
        mine = {code: one for (by, at, code), one in of_unit.items() if (by, at) == (plan.version, period)}
        if not mine:
            continue
        volume = 0
        if named in line.shared:
            volume = line.volume(unit, named, held)
        elif plan.gate is not None:
            volume = plan.volume(held[plan.id, unit], (named.first.ordinal, named.last.ordinal))
        yield PeriodFigures(
            unit=unit,
            period=period,
            volume=volume,
            values={c: None if one.value is None else parts_text(one.value) for c, one in mine.items()},
            points={c: parts_text(one.points) for c, one in mine.items() if one.points is not None},
        )
