"""Versions of a scheme that follow each other, and the figures whose months several of them rule.

Such a figure is made of parts, one for each run of versions that score the indicator alike: months weight the
points of the parts, deductions and bonuses are taken in full, once, and their limits are weighted. What no
version changed is one part, scored over the whole. Until a period is over the weights are the months so far.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from operator import add
from typing import NamedTuple

from services.scoring.domain.absences import Absence, absences
from services.scoring.domain.cells import compare, formula
from services.scoring.domain.differences import scoring_of
from services.scoring.domain.document import IndicatorSpec, SchemeDocument
from services.scoring.domain.figures import is_due, window
from services.scoring.domain.groups import Changes, GroupPlan, Reign, group_plan, stale_rows
from services.scoring.domain.layout import Numbers, Slots, layout_of
from services.scoring.domain.measures import AnyMeasure, MeasureSpec
from services.scoring.domain.methods.amounts import Partials, Taken, actual_of, exact
from services.scoring.domain.sums import UnitSums
from services.scoring.domain.versions import ruled
from shared.kernel.periods import Month, Period, periods_containing
from shared.kernel.points import MILLIONTHS, PARTS, parts, scaled

Sums = Mapping[tuple[str, str], UnitSums]
Key = tuple[int, str, str]
Having = tuple[frozenset[int] | None, ...]
NOTHING = Partials()


@dataclass(frozen=True, eq=False)
class Chapter:
    """A version in the months that it rules; `indicators` are those of the group by their code."""

    document: SchemeDocument
    plan: GroupPlan

    @cached_property
    def months(self) -> frozenset[int]:
        """The months that it rules."""
        return frozenset(self.plan.months)

    @cached_property
    def indicators(self) -> Mapping[str, IndicatorSpec]:
        """Its indicators of the group by their code."""
        return {one.code: one for one in self.document.indicators if self.plan.name in one.groups}

    @cached_property
    def occurred(self) -> tuple[str, ...]:
        """What measures run over whose rows all stand in the month in which they occurred; else all of it."""
        found: dict[str, bool] = {}
        for spec in self.document.measures.values():
            found[spec.over] = found.get(spec.over, True) and _by_time(self.document, spec)
        return tuple(over for over, by_time in found.items() if by_time) or tuple(found)

    def newest(self, sums: UnitSums) -> int:
        """Return the newest month of the version in which a unit has sums, 0 where there is none."""
        for month in reversed(self.plan.months):
            for over in self.occurred:
                if any(sums.merged.get(over, {}).get((month, month), ())):
                    return month
        return 0

    @cached_property
    def absent(self) -> Mapping[str, Mapping[str, Absence]]:
        """By indicator and unit the months in which it does not apply."""
        return {code: absences(self.document, one) for code, one in self.indicators.items()}

    @cached_property
    def stale(self) -> Mapping[str, tuple[str, ...]]:
        """By indicator the rows that say that a feed of its events is silent."""
        return {code: stale_rows(self.document, one) for code, one in self.indicators.items()}

    def is_stale(self, code: str, sums: UnitSums | None, months: Collection[int]) -> bool:
        """Tell whether a feed of an indicator's events is silent in any of these months."""
        if sums is None or sums.merged.keys().isdisjoint(self.stale[code]):
            return False
        rows = [sums.merged.get(over, {}) for over in self.stale[code]]
        return any(any(of_over.get((month, month), ())) for of_over in rows for month in months)

    def has(self, code: str, unit: str) -> bool:
        """Tell whether a unit has an indicator."""
        return code in self.indicators and unit in self.plan.units and self.indicators[code].is_for(unit)

    def missing(self, code: str, unit: str) -> frozenset[int] | None:
        """Return in which months an indicator does not apply to a unit, None where it is not for it."""
        if not self.has(code, unit):
            return None
        absence = self.absent[code].get(unit)
        return frozenset() if absence is None else absence.months

    def gathered(self, code: str, sums: UnitSums | None, months: Collection[int]) -> Partials:
        """Return the sums of an indicator over months; of a stock all that came until then."""
        if sums is None:
            return NOTHING
        spec = self.indicators[code]
        if self.document.measures[spec.measure].kind == "stock":
            months = range(self.plan.months[0], max(months) + 1)
        found = _added(sums, months, *self._place(spec.measure))
        more = tuple(_added(sums, months, *self._place(name)).numerator for name in spec.further)
        return Partials(found.numerator, found.denominator, found.rows, more, found.held)

    def _place(self, sums: str) -> tuple[str, Slots]:
        over = self.document.measures[sums.partition("/")[0]].over
        return over, layout_of(self.document, over).slots[sums]


@dataclass(frozen=True, eq=False)
class Part:
    """A run of versions that score an indicator alike, each in its months; `weight` are those so far.

    `newest` is the last of them that has begun.
    """

    code: str
    chapters: tuple[Chapter, ...]
    months: tuple[tuple[int, ...], ...]
    weight: int
    newest: Chapter

    @property
    def indicator(self) -> IndicatorSpec:
        """The indicator as the newest version has it."""
        return self.newest.indicators[self.code]

    @property
    def measure(self) -> AnyMeasure:
        """How it is measured."""
        return self.newest.document.measures[self.indicator.measure]

    @property
    def is_ratio(self) -> bool:
        """Whether its measure has a denominator."""
        return self.measure.denominator is not None

    @property
    def pieces(self) -> list[tuple[Chapter, tuple[int, ...]]]:
        """The versions whose sums count, each with its months: of a stock the last, which holds all."""
        of_each = list(zip(self.chapters, self.months, strict=True))
        return of_each[-1:] if self.measure.kind == "stock" else of_each

    def applies(self, unit: str) -> bool:
        """Tell whether a unit has the indicator in its newest version, and it applies to it in any month."""
        there = any(
            (gone := one.missing(self.code, unit)) is not None and not gone.issuperset(months)
            for one, months in zip(self.chapters, self.months, strict=True)
        )
        return there and self.newest.has(self.code, unit)

    def is_stale(self, unit: str, sums: Sums) -> bool:
        """Tell whether a feed of its events is silent in its months."""
        return any(one.is_stale(self.code, sums.get((one.plan.id, unit)), at) for one, at in self.pieces)

    def sums(self, unit: str, sums: Sums) -> Partials:
        """Return what was measured of a unit in its months."""
        found = [one.gathered(self.code, sums.get((one.plan.id, unit)), at) for one, at in self.pieces]
        return sum(found, NOTHING)


@dataclass(frozen=True, eq=False)
class Parted:
    """A figure made of parts: which version tells it, in a period, and how many months there are so far.

    `months` are those of versions in which it applies, `ruled` those of all; `reach` are the points of all in
    millionths, times `ruled`. Without parts it applies in none and has points alone.
    """

    chapter: Chapter
    period: Period
    code: str
    parts: tuple[Part, ...]
    months: int
    ruled: int
    reach: int

    @cached_property
    def is_whole(self) -> bool:
        """Tell whether no version changed how it is scored."""
        return len(self.parts) == 1 and self.parts[0].weight == self.months and self.stretch == 1

    @cached_property
    def stretch(self) -> Fraction:
        """How the points of all months are to those of the months of its parts."""
        return Fraction(self.reach * self.months, self.ruled * self._applying)

    @property
    def stretched(self) -> tuple[int, int]:
        """The points of all months and those of its parts, in parts of 10^-12."""
        return parts(self.reach, self.ruled * MILLIONTHS), parts(self._applying, self.months * MILLIONTHS)

    @property
    def _applying(self) -> int:
        return sum(one.weight * exact(one.indicator.points) for one in self.parts)

    @property
    def key(self) -> Key:
        """Names the figure: the version that tells it, period and indicator."""
        return self.chapter.plan.version, str(self.period), self.code

    @property
    def points(self) -> int | None:
        """Its points in parts of 10^-12, None where they are those of its version or stand outside boards."""
        if self.parts and self.parts[-1].indicator.board is None:
            return None
        own = self.chapter.indicators.get(self.code)
        if own is not None and self.reach == self.ruled * exact(own.points):
            return None
        return parts(self.reach, self.ruled * MILLIONTHS)


class Share(NamedTuple):
    """A part with what was measured, the values it was compared with, and its worth by itself.

    It is `stale` where a feed of its events is silent.
    """

    part: Part
    sums: Partials
    value: int | None
    among: tuple[Fraction, ...] = ()
    stale: bool = False


class Figure(NamedTuple):
    """What a figure is worth, and its points where they are not those of the version, in parts of 10^-12."""

    value: int | None
    points: int | None


@dataclass(frozen=True, eq=False)
class Succession:
    """The versions of a scheme that rule one after another in a group, by their months."""

    code: str
    name: str
    chapters: tuple[Chapter, ...]

    @property
    def plans(self) -> tuple[GroupPlan, ...]:
        """What each of them scores by itself."""
        return tuple(one.plan for one in self.chapters)

    def clock(self, sums: Sums) -> int:
        """Return the newest month in which anything of the group has sums: up to it months have come.

        Only what is placed by when it occurred says so; a deadline lies ahead. 0 where nothing came yet.
        """
        return max(
            (
                one.newest(mine)
                for one in self.chapters
                for unit in self.units
                if (mine := sums.get((one.plan.id, unit))) is not None
            ),
            default=0,
        )

    @cached_property
    def shared(self) -> tuple[Period, ...]:
        """Every period of the years that several versions rule: of these some figures have parts."""
        years: dict[int, set[int]] = {}
        for at, one in enumerate(self.chapters):
            for month in one.plan.months:
                years.setdefault(month // 12, set()).add(at)
        found = {
            period: None
            for one in self.chapters
            for month in one.plan.months
            if len(years[month // 12]) > 1
            for period in periods_containing(Month.of_ordinal(month))
        }
        return tuple(found)

    @cached_property
    def compares(self) -> bool:
        """Whether any version compares units, so that what moves one can move all."""
        return any(plan.compared for plan in self.plans)

    def having(self, code: str, unit: str) -> Having:
        """Return by version in which months an indicator does not apply to a unit; None: it is not for it."""
        return tuple(one.missing(code, unit) for one in self.chapters)

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """The indicators of all versions."""
        return tuple({code: None for one in self.chapters for code in one.indicators})

    @cached_property
    def units(self) -> tuple[str, ...]:
        """The units of all versions."""
        return tuple(sorted({unit for plan in self.plans for unit in plan.units}))

    def parted(self, unit: str, clock: int) -> tuple[Parted, ...]:
        """Return the figures of a unit that are made of parts, as of a month."""
        return _of_unit(self, unit, clock)

    def volume(self, unit: str, period: Period, sums: Sums) -> int:
        """Return the volume of a unit in a period, each version's months by its own measure."""
        found = 0
        for one in self.chapters:
            mine = sums.get((one.plan.id, unit))
            if mine is not None:
                months = _months(one, period.months())
                found += sum(one.plan.volume_millionths(mine, (month, month)) for month in months)
        return found // MILLIONTHS


def successions(documents: Sequence[SchemeDocument], wanted: Callable[[str, str], bool]) -> list[Succession]:
    """Put the versions of each scheme after one another, for the groups that are wanted by code and name."""
    by_code: dict[str, list[SchemeDocument]] = {}
    for document in documents:
        by_code.setdefault(document.scheme.code, []).append(document)
    found: list[Succession] = []
    for code, versions in by_code.items():
        months = {
            version: range(first, last + 1)
            for version, (first, last) in ruled(one.scheme for one in versions).items()
        }
        by_number = {one.scheme.version: one for one in versions}
        for name in sorted({name for version in months for name in by_number[version].groups}):
            if wanted(code, name):
                chapters = [
                    Chapter(
                        document, group_plan(document, name, Reign(tuple(mine), _others(months, version)))
                    )
                    for version, mine in months.items()
                    if name in (document := by_number[version]).groups
                ]
                found.append(Succession(code, name, tuple(chapters)))
    return found


def parted_figures(
    succession: Succession, units: Collection[str], sums: Sums, clock: int
) -> dict[str, dict[Key, Figure]]:
    """Return by unit every figure that is made of parts, as of a month; sums are by version and unit.

    Where units are compared the sums are those of all of them.
    """
    scored: dict[Part, Mapping[str, int]] = {}
    found: dict[str, dict[Key, Figure]] = {}
    for unit in units:
        mine = found.setdefault(unit, {})
        for one in succession.parted(unit, clock):
            shares = [_share(succession, part, unit, sums, scored) for part in one.parts]
            mine[one.key] = Figure(combined(one, shares), one.points)
    return found


def parted_changes(
    succession: Succession,
    before: Mapping[str, Mapping[Key, Figure]],
    now: Mapping[str, Mapping[Key, Figure]],
    sums: Sums,
) -> dict[int, dict[str, Changes]]:
    """Return by version and unit the figures made of parts that became others, with their volumes."""
    found: dict[int, dict[str, Changes]] = {}
    for unit, told in now.items():
        for key, figure in told.items():
            if before.get(unit, {}).get(key) != figure:
                version, period, code = key
                changed = found.setdefault(version, {}).setdefault(unit, Changes())
                changed.figures.setdefault(period, {})[code] = figure.value
                if figure.points is not None:
                    changed.points.setdefault(period, {})[code] = figure.points
                if period not in changed.volumes:
                    changed.volumes[period] = succession.volume(unit, Period.parse(period), sums)
    return found


def shares_of(succession: Succession, parted: Parted, unit: str, sums: Sums) -> list[Share]:
    """Return the parts of a figure of a unit with what they come to."""
    found: list[Share] = []
    for part in parted.parts:
        share = _share(succession, part, unit, sums, {})
        among = tuple(_values(succession, part, sums).values()) if part.indicator.method.comparing else ()
        found.append(share._replace(among=among))
    return found


def combined(parted: Parted, shares: Sequence[Share]) -> int | None:
    """Return what parts come to, in parts of 10^-12, rounded once; None while one of them has no data.

    Where it does not apply in some versions their points are reached in proportion to the others.
    """
    if not shares or any(one.value is None for one in shares) or _waits(shares):
        return None
    if parted.is_whole:
        return shares[0].value
    weighted = parted.stretch * sum(
        one.part.weight * one.value
        for one in shares
        if one.value is not None and one.part.indicator.method.in_full is None
    )
    weighted += sum(taken.settled for _, taken in _in_full(parted, shares))
    return parts(weighted.numerator, weighted.denominator * parted.months * PARTS)


def _waits(shares: Sequence[Share]) -> bool:
    """Tell whether no event came in any part of a deduction or bonus, and a feed is silent."""
    return (
        any(one.stale for one in shares)
        and all(one.part.indicator.method.is_always_due for one in shares)
        and not any(one.sums.rows or any(one.sums.more) for one in shares)
    )


def taken_in_full(parted: Parted, shares: Sequence[Share]) -> list[tuple[str, Taken]]:
    """Return what deductions and bonuses of all parts come to, with limits weighted by months, rounded."""
    return [
        (name, Taken(*(parts(value, parted.months * PARTS) for value in taken)))
        for name, taken in _in_full(parted, shares)
    ]


def _in_full(parted: Parted, shares: Sequence[Share]) -> list[tuple[str, Taken]]:
    """Return the same times all months."""
    found: list[tuple[str, Taken]] = []
    for name in ("deduct", "bonus"):
        taken = [_taken(one, parted) for one in shares if one.part.indicator.method.name == name]
        if taken:
            found.append((name, Taken(*map(sum, zip(*taken, strict=True)))))
    return found


def _taken(one: Share, parted: Parted) -> Taken:
    """Return a deduction or bonus times all months: limits by its own, what was taken in full."""
    method, weight = one.part.indicator.method.in_full, one.part.weight
    assert method is not None, "scored by its months alone"
    full, floor, cap, lost, won = method.taken(exact(one.part.indicator.points), one.sums)
    months, whole = parted.months, scaled(weight * full, parted.stretch)
    return Taken(whole, weight * floor, weight * cap, months * lost, months * won)


def _share(
    succession: Succession, part: Part, unit: str, sums: Sums, scored: dict[Part, Mapping[str, int]]
) -> Share:
    measured = part.sums(unit, sums)
    if part.indicator.method.comparing is None:
        worth = formula(part.indicator, is_ratio=part.is_ratio)
        value = worth(measured.numerator, measured.denominator, measured.rows, *measured.more)
        return Share(part, measured, value, stale=part.is_stale(unit, sums))
    if part not in scored:
        scored[part] = compare(part.indicator, _values(succession, part, sums))
    return Share(part, measured, scored[part].get(unit), stale=part.is_stale(unit, sums))


def _values(succession: Succession, part: Part, sums: Sums) -> dict[str, Fraction]:
    """Return what was measured of the units that the newest version of a part compares, in its months."""
    values = {
        unit: actual_of(part.sums(unit, sums), is_ratio=part.is_ratio)
        for unit in succession.units
        if part.applies(unit)
    }
    return {unit: value for unit, value in values.items() if value is not None}


@lru_cache(maxsize=1 << 12)
def _of_unit(succession: Succession, unit: str, clock: int) -> tuple[Parted, ...]:
    return tuple(
        found
        for period in succession.shared
        for code in succession.codes
        if (found := _parted(succession, period, code, succession.having(code, unit), clock)) is not None
    )


@lru_cache(maxsize=1 << 14)
def _parted(succession: Succession, period: Period, code: str, having: Having, clock: int) -> Parted | None:
    """Return how a figure is made of parts for units that have the indicator in these versions, if it is.

    A version in whose months it does not apply at all weighs nothing and keeps its points, which are told.
    """
    chapters = succession.chapters
    ruling = [month for one in chapters for month in _months(one, period.months())]
    until = max(clock, ruling[0])
    last = max(month for month in ruling if month <= until)
    telling = next(at for at, one in enumerate(chapters) if last in one.months)
    newest = max((at for at in range(telling + 1) if having[at] is not None), default=None)
    if newest is None:
        return None
    spec = chapters[newest].indicators[code]
    months = [_months(one, window(spec, period)) for one in chapters]
    is_gone = newest < telling and not _months(chapters[newest], period.months())
    if is_gone or not is_due(spec, period) or sum(map(bool, months)) == 1:
        return None
    ruled = [sum(month <= until for month in mine) for mine in months]
    so_far = [
        0 if mine and (gone := having[at]) and gone.issuperset(mine) else ruled[at]
        for at, mine in enumerate(months)
    ]
    points = [
        0 if gone is None else exact(one.indicators[code].points)
        for one, gone in zip(chapters, having, strict=True)
    ]
    reach = sum(count * worth for count, worth in zip(ruled, points, strict=True))
    found = [
        Part(
            code,
            tuple(chapters[at] for at in run),
            tuple(months[at] for at in run),
            weight,
            chapters[max(at for at in run if so_far[at])],
        )
        for run in _runs(chapters, code, [at for at, mine in enumerate(months) if mine], having)
        if (weight := sum(so_far[at] for at in run))
    ]
    differ = len({worth for worth, mine in zip(points, months, strict=True) if mine}) > 1
    if not found and (spec.board is None or not reach or not differ):
        return None
    return Parted(chapters[telling], period, code, tuple(found), sum(so_far), sum(ruled), reach)


def _runs(chapters: Sequence[Chapter], code: str, ruling: Sequence[int], having: Having) -> list[list[int]]:
    """Put versions together that follow each other and score the indicator alike."""
    runs: list[list[int]] = []
    before: tuple[object, ...] | None = None
    for at in ruling:
        scoring = (
            scoring_of(chapters[at].document, chapters[at].indicators[code])
            if having[at] is not None
            else None
        )
        if scoring is not None and scoring == before:
            runs[-1].append(at)
        elif scoring is not None:
            runs.append([at])
        before = scoring
    return runs


def _by_time(document: SchemeDocument, spec: AnyMeasure) -> bool:
    """Tell whether a row stands in the month in which it occurred, neither ahead of it nor carried on."""
    if not isinstance(spec, MeasureSpec):
        return True
    if not isinstance(spec.period_by, str):
        return False
    view = document.views.get(spec.over)
    if view is None:
        return spec.period_by == "time"
    column = view.columns.get(spec.period_by)
    return column is not None and set(column.aggregates().values()) == {"time"}


def _months(chapter: Chapter, months: Sequence[Month]) -> tuple[int, ...]:
    return tuple(month.ordinal for month in months if month.ordinal in chapter.months)


def _others(months: Mapping[int, range], version: int) -> frozenset[int]:
    return frozenset(month for other, mine in months.items() if other != version for month in mine)


def _added(sums: UnitSums, months: Collection[int], over: str, slots: Slots) -> Partials:
    """Return what stands in a measure's places over months."""
    windows = sums.merged.get(over, {})
    total: Numbers | None = None
    for month in months:
        row = windows.get((month, month))
        if row is not None:
            total = row if total is None else list(map(add, total, row))
    return NOTHING if total is None else slots.partials(total)
