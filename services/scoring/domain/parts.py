"""Figures whose months several versions of a scheme rule: of which parts each of them is made.

A part is a run of versions that score the indicator alike: months weight the points of the parts, deductions
and bonuses are taken in full, once, and their limits are weighted. What no version changed is one part,
scored over the whole. Until a period is over the weights are the months so far.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache

from services.scoring.domain.chapters import NOTHING, Chapter
from services.scoring.domain.figures import is_due, window
from services.scoring.domain.indicator_section import IndicatorSpec
from services.scoring.domain.measures import AnyMeasure
from services.scoring.domain.methods.amounts import Partials, exact, mean_of_months
from services.scoring.domain.placing import told_by
from services.scoring.domain.successions import Having, Succession, Sums
from shared.kernel.periods import Period
from shared.kernel.points import MILLIONTHS, parts

Key = tuple[int, str, str]


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
        """Whether its value is a quotient."""
        return self.measure.is_ratio

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
        return any(
            one.is_stale(self.code, sums.get((one.plan.id, unit)), at) for one, at in self._taken(unit)
        )

    def sums(self, unit: str, sums: Sums) -> Partials:
        """Return what was measured of a unit in its months, one after another where it is their mean."""
        of_each = [
            one.gathered(self.code, sums.get((one.plan.id, unit)), at)
            for one, months in self._taken(unit)
            for at in ([(month,) for month in months] if self.measure.is_mean else [months])
        ]
        if self.measure.is_mean:
            return mean_of_months(of_each, of_ratios=self.measure.denominator is not None)
        return sum(of_each, NOTHING)

    def _taken(self, unit: str) -> list[tuple[Chapter, tuple[int, ...]]]:
        """Return the versions with the months in which it applies to a unit; a stock is that of the last."""
        if self.measure.kind == "stock":
            return self.pieces
        return [
            (one, tuple(month for month in months if gone is not None and month not in gone))
            for one, months in self.pieces
            for gone in (one.missing(self.code, unit),)
        ]


@dataclass(frozen=True, eq=False)
class Parted:
    """A figure made of parts: which version tells it, in a period, and how many months there are so far.

    `months` are those that it is scored by, of versions in which it applies. `ruled` are all in which it has
    points, assessed there or not, so that a board keeps its sum; `reach` are these points in millionths,
    times `ruled`. Without parts it applies in none and has points alone. `waived` are versions in whose
    months it does not apply, with how many: their limits are weighted like their points.
    """

    chapter: Chapter
    period: Period
    code: str
    parts: tuple[Part, ...]
    months: int
    ruled: int
    reach: int
    waived: tuple[tuple[int, IndicatorSpec], ...] = ()

    @cached_property
    def is_whole(self) -> bool:
        """Tell whether no version changed how it is scored."""
        if len(self.parts) != 1 or self.parts[0].weight != self.months or self.stretch != 1:
            return False
        return all(one.method == self.parts[0].indicator.method for _, one in self.waived)

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
        if self.parts and self.parts[-1].indicator.is_extra:
            return None
        own = self.chapter.indicators.get(self.code)
        if own is not None and self.reach == self.ruled * exact(own.points):
            return None
        return parts(self.reach, self.ruled * MILLIONTHS)


@lru_cache(maxsize=1 << 12)
def parted_of(succession: Succession, unit: str, clock: int) -> tuple[Parted, ...]:
    """Return the figures of a unit that are made of parts, as of a month.

    The version that tells one has the unit in the group: elsewhere it is neither ranked nor counted.
    """
    return tuple(one for one in _told_of(succession, unit, clock) if unit in one.chapter.plan.units)


def left_of(succession: Succession, unit: str, clock: int) -> tuple[Key, ...]:
    """Return the figures that a unit has in the group no more: another group of the version tells them."""
    if all(unit in plan.units for plan in succession.plans):
        return ()
    return tuple(
        one.key
        for one in _told_of(succession, unit, clock)
        if unit not in one.chapter.plan.units and succession.had(unit, one.period, before=one.chapter)
    )


def _told_of(succession: Succession, unit: str, clock: int) -> Iterator[Parted]:
    """Yield the figures of a unit that versions share, whichever of its groups tells them."""
    having = {code: succession.having(code, unit) for code in succession.codes}
    for period in succession.shared:
        for code, months in having.items():
            found = _parted(succession, period, code, months, clock)
            if found is not None:
                yield found


@lru_cache(maxsize=1 << 14)
def _parted(succession: Succession, period: Period, code: str, having: Having, clock: int) -> Parted | None:
    """Return how a figure is made of parts for units that have the indicator in these versions, if it is.

    A version in whose months it does not apply at all weighs nothing and keeps its points, which are told.
    """
    chapters = succession.chapters
    until, telling = _now(chapters, period, clock)
    speaking = _speaking(chapters[: telling + 1], code, period, having)
    if not speaking:
        return None
    newest = chapters[speaking[-1]]
    document, spec = newest.document, newest.indicators[code]
    is_gone = speaking[-1] < telling and not newest.within(period.months())
    if is_gone or not is_due(document, spec, period):
        return None
    first, last = told_by(document, spec, period)
    months = _months(_scored_in, chapters, code, newest, period, having)
    if sum(one.rules_any(first, last) for one in chapters) == 1 or not any(months):
        return None
    come = _so_far(months, until)
    so_far = _applying(months, come, having)
    found = _parts(chapters, code, months, so_far, having)
    standing = _months(_standing_in, chapters, code, newest, period, having)
    ruled = _so_far(standing, until)
    points = [
        0 if gone is None else exact(one.indicators[code].points)
        for one, gone in zip(chapters, having, strict=True)
    ]
    reach = sum(count * worth for count, worth in zip(ruled, points, strict=True))
    differ = len({worth for worth, mine in zip(points, standing, strict=True) if mine}) > 1
    if not found and (spec.is_extra or not reach or not differ):
        return None
    waived = tuple(
        (come[at], one.indicators[code])
        for at, one in enumerate(chapters)
        if months[at] and having[at] is not None and so_far[at] < come[at]
    )
    return Parted(chapters[telling], period, code, found, sum(so_far), sum(ruled), reach, waived)


def _now(chapters: Sequence[Chapter], period: Period, clock: int) -> tuple[int, int]:
    """Return until which month a period has come, and the place of the version that rules the last of it."""
    ruling = [month for one in chapters for month in one.within(period.months())]
    until = max(clock, ruling[0])
    last = max(month for month in ruling if month <= until)
    return until, next(at for at, one in enumerate(chapters) if last in one.months)


def _speaking(chapters: Sequence[Chapter], code: str, period: Period, having: Having) -> list[int]:
    """Return the places of the versions that ask for a figure: the telling one, the last, and those before.

    One before speaks where the version that follows it had not begun the indicator.
    """
    telling = len(chapters) - 1
    return [
        at
        for at, one in enumerate(chapters)
        if having[at] is not None
        and one.asks(code, period)
        and (at == telling or one.began(code, before=chapters[at + 1]))
    ]


def _months(
    taken: Callable[[Chapter, str, Chapter, Period], tuple[int, ...]],
    chapters: Sequence[Chapter],
    code: str,
    newest: Chapter,
    period: Period,
    having: Having,
) -> list[tuple[int, ...]]:
    """Return the months that are taken of each version; of one without an overlay none."""
    is_overlay = newest.indicators[code].overlay is not None
    return [
        () if is_overlay and gone is None else taken(one, code, newest, period)
        for one, gone in zip(chapters, having, strict=True)
    ]


def _applying(months: Sequence[tuple[int, ...]], come: Sequence[int], having: Having) -> list[int]:
    """Return how many months of each version have come, none where it applies in none of them."""
    return [
        0 if mine and gone and gone.issuperset(mine) else count
        for mine, count, gone in zip(months, come, having, strict=True)
    ]


def _parts(
    chapters: Sequence[Chapter],
    code: str,
    months: Sequence[tuple[int, ...]],
    so_far: Sequence[int],
    having: Having,
) -> tuple[Part, ...]:
    """Return the runs of versions that score alike and of which any month has come."""
    ruling = [at for at, mine in enumerate(months) if mine]
    return tuple(
        Part(
            code,
            tuple(chapters[at] for at in run),
            tuple(months[at] for at in run),
            weight,
            chapters[max(at for at in run if so_far[at])],
        )
        for run in _runs(chapters, code, ruling, having)
        if (weight := sum(so_far[at] for at in run))
    )


def _scored_in(one: Chapter, code: str, newest: Chapter, period: Period) -> tuple[int, ...]:
    """Return in which months a version scores an indicator for a period, each overlay in its own.

    Where the newest takes every month, one that named days gives those of its days alone.
    """
    spec = newest.indicators[code]
    if spec.overlay is not None:
        return one.within(window(one.document, one.indicators[code], period))
    months = one.within(window(newest.document, spec, period))
    mine = one.indicators.get(code)
    if mine is None or mine.named_months is None or spec.named_months is not None:
        return months
    return tuple(month for month in months if month in mine.named_months)


def _standing_in(one: Chapter, code: str, newest: Chapter, period: Period) -> tuple[int, ...]:
    """Return the months of a period in which a version gives an indicator points, assessed there or not."""
    if newest.indicators[code].overlay is None:
        return one.within(period.months())
    first, last = one.document.months_of(one.indicators[code]) or (0, 0)
    return tuple(month for month in one.within(period.months()) if first <= month <= last)


def _so_far(months: Sequence[Collection[int]], until: int) -> list[int]:
    """Return how many months of each version have come, before the first of them how many there are."""
    come = [sum(month <= until for month in mine) for mine in months]
    return come if any(come) else [len(mine) for mine in months]


def _runs(chapters: Sequence[Chapter], code: str, ruling: Sequence[int], having: Having) -> list[list[int]]:
    """Put versions together that follow each other and score the indicator alike."""
    runs: list[list[int]] = []
    before: object = None
    for at in ruling:
        scoring = chapters[at].scoring[code] if having[at] is not None else None
        if scoring is not None and scoring == before:
            runs[-1].append(at)
        elif scoring is not None:
            runs.append([at])
        before = scoring
    return runs
