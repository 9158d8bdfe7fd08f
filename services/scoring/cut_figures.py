"""The figures of a period by exactly what was received before its cut, from the stored facts.

What stage B holds is newer by then. Every fact is folded anew without what was received at T or later, as a
proof folds it; so whatever overtook what, the figures are those of the facts before T.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence

from services.scoring import derived, refolding, store
from services.scoring.contract import DEDUCTIONS, ITEMS, PeriodFigures
from services.scoring.cuts import Cut
from services.scoring.derived import Key, Told, cause_received
from services.scoring.domain.derived import fold_derived
from services.scoring.domain.folding import fold_under
from services.scoring.domain.groups import GroupPlan
from services.scoring.domain.parted import Figure, parted_figures
from services.scoring.domain.parts import Key as FigureKey
from services.scoring.domain.plan import Plan
from services.scoring.domain.proof import figures_of
from services.scoring.domain.reviewed import Reviewed
from services.scoring.domain.silence import Silence
from services.scoring.domain.successions import Succession
from services.scoring.domain.sums import UnitSums
from services.scoring.grounds import Known, known_of
from services.scoring.moves import Moves
from services.scoring.plans import InForce
from services.scoring.reports import Catalogue, catalogue_of, report_of, stored_events
from shared.contracts import envelope
from shared.kernel.points import parts_text
from shared.kernel.shards import SHARDS
from shared.storage.transaction import PostgresTransaction

FACTS_PER_PAGE = 500

Sums = dict[tuple[str, str], UnitSums]
Figured = dict[tuple[str, str], tuple[PeriodFigures, ...]]


async def figured(tx: PostgresTransaction, ready: Sequence[Cut]) -> Figured | None:
    """Return by period and group the figures at T of cuts of one version and T; `tx` is one snapshot.

    None where the facts that are kept do not say it: of a derived fact only the newest version is kept, and a
    review stands on facts as they are now.
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
        moves = Moves()
        async for page in refolding.pages(tx, shard):
            plans = [one.plan for one in schemes]
            await asyncio.to_thread(_fold, page, plans, catalogue, moves, shard, closes)
        if not await _derive(tx, shard, schemes, moves, closes):
            return None
        for (_, scheme, over, unit, month), numbers in moves.cells().items():
            first_month = known.schemes[scheme].document.calendar.first_month
            of_unit = found.setdefault((scheme, unit), UnitSums(first_month))
            of_unit.take((over, month, shard), numbers)
    return found


def _fold(
    page: Sequence[bytes], plans: Sequence[Plan], catalogue: Catalogue, moves: Moves, shard: int, closes: str
) -> None:
    read = {name.encode() for plan in plans for events in plan.events_of.values() for name in events}
    for events in page:
        if any(name in events for name in read):
            early = [event for event in stored_events(events) if event.received < closes]
            reports = [report_of(event, catalogue) for event in early]
            fold_under(moves.tallies[shard], plans, reports)


async def _derive(
    tx: PostgresTransaction, shard: int, schemes: Sequence[InForce], moves: Moves, closes: str
) -> bool:
    """Fold what others concluded before T; tell whether that is known of everything."""
    points, at = [one.points for one in schemes], Key(shard, "", "")
    while page := await derived.following(tx, at, FACTS_PER_PAGE):
        for one in page:
            if _received(one) < closes:
                if isinstance(one.fact, Reviewed) and one.fact.is_change:
                    return False
                fold_derived(moves.points[shard], points, one.fact)
            elif len(one.numbers) > 1 or isinstance(one.fact, Silence):
                return False
        at = page[-1].key
    return True


def _received(one: Told) -> str:
    event = envelope.decode(one.body)
    return cause_received(event) if one.key.stream in {ITEMS, DEDUCTIONS} else event.received


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
