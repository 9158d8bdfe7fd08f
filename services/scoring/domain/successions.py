"""Versions of a scheme that follow each other in a group, each in the months that it rules."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from zoneinfo import ZoneInfo

from services.scoring.domain.chapters import Chapter
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.groups import GroupPlan, group_plan
from services.scoring.domain.placing import Reign
from services.scoring.domain.sums import UnitSums
from services.scoring.domain.versions import ruled
from shared.kernel.periods import Month, Period, PeriodCalendar
from shared.kernel.points import MILLIONTHS

Sums = Mapping[tuple[str, str], UnitSums]
Having = tuple[frozenset[int] | None, ...]


@dataclass(frozen=True, eq=False)
class Succession:
    """The versions of a scheme that rule one after another in a group, by their months.

    A unit belongs to it that any of them has in the group: what it has in others it brings along.
    """

    code: str
    name: str
    chapters: tuple[Chapter, ...]

    @property
    def plans(self) -> tuple[GroupPlan, ...]:
        """What each of them scores by itself."""
        return tuple(one.plan for one in self.chapters)

    @property
    def calendar(self) -> PeriodCalendar:
        """The calendar of their periods, which no version changes."""
        return self.chapters[0].plan.calendar

    @cached_property
    def zones(self) -> Mapping[int, ZoneInfo]:
        """The time zones of the versions."""
        return {one.plan.version: ZoneInfo(one.document.scheme.zone) for one in self.chapters}

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
        calendar, years = self.calendar, dict[int, set[int]]()
        for at, one in enumerate(self.chapters):
            for month in one.plan.months:
                years.setdefault(calendar.year_of(month), set()).add(at)
        found = {
            period: None
            for one in self.chapters
            for month in one.plan.months
            if len(years[calendar.year_of(month)]) > 1
            for period in calendar.around(Month.of_ordinal(month))
        }
        return tuple(found)

    @cached_property
    def compares(self) -> bool:
        """Whether any version compares units, so that what moves one can move all."""
        return bool(self.rivals) or any(plan.compared for plan in self.plans)

    def having(self, code: str, unit: str) -> Having:
        """Return by version in which months an indicator does not apply to a unit; None: it is not for it."""
        return tuple(one.missing(code, unit) for one in self.chapters)

    def had(self, unit: str, period: Period, *, before: Chapter) -> bool:
        """Tell whether a version before this one has a unit in the group in months of a period."""
        older = self.chapters[: self.chapters.index(before)]
        return any(unit in one.plan.units and one.within(period.months()) for one in older)

    @cached_property
    def guests(self) -> Mapping[GroupPlan, frozenset[str]]:
        """By version the units that are not in the group there, and are in others."""
        return {plan: frozenset(self.heard) - plan.units for plan in self.plans}

    @cached_property
    def rivals(self) -> frozenset[str]:
        """The units with which its own are compared for months in which they were in another group."""
        by_year: dict[int, list[SchemeDocument]] = {}
        for one in self.chapters:
            by_year.setdefault(one.plan.year, []).append(one.document)
        found = [rivals_of(versions).get(self.name, frozenset()) for versions in by_year.values()]
        return frozenset(unit for units in found for unit in units)

    @cached_property
    def heard(self) -> tuple[str, ...]:
        """The units whose sums its figures are made of: its own, and their rivals."""
        return tuple(sorted({*self.units, *self.rivals}))

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """The indicators that any unit has in any version."""
        return tuple(
            {
                one.code: None
                for chapter in self.chapters
                for groups in {chapter.groups_of(unit) for unit in self.units}
                for one in chapter.indicators.values()
                if not groups.isdisjoint(one.groups)
            }
        )

    @cached_property
    def units(self) -> tuple[str, ...]:
        """The units of all versions."""
        return tuple(sorted({unit for plan in self.plans for unit in plan.units}))

    def volume(self, unit: str, period: Period, sums: Sums) -> int:
        """Return the volume of a unit in a period, each version's months by its own measure."""
        found = 0
        for one in self.chapters:
            mine = sums.get((one.plan.id, unit))
            if mine is not None:
                months = one.within(period.months())
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
                        by_number[version],
                        group_plan(by_number[version], name, Reign(tuple(mine), _others(months, version))),
                    )
                    for version, mine in months.items()
                ]
                found.append(Succession(code, name, tuple(chapters)))
    return found


def rivals_of(versions: Sequence[SchemeDocument]) -> dict[str, frozenset[str]]:
    """Return by group of a year the units with which those are compared that it took over from others.

    A newer version takes a unit over; the older one compares it by an indicator that the group does not have.
    """
    found: dict[str, set[str]] = {}
    for older, newer in combinations(sorted(versions, key=lambda one: one.scheme.effective), 2):
        levels = {one.code: one.level for one in older.units}
        moves = {(levels[one.code], one.level) for one in newer.units if one.code in levels}
        for left, level in sorted(moves):
            groups = [
                set(one.groups)
                for one in older.indicators
                if one.method.comparing is not None
                and any(older.level_of(name) == left for name in one.groups)
            ]
            for name in newer.groups:
                taken = newer.level_of(name) == level and older.level_of(name) != left
                if taken and any(name not in of_one for of_one in groups):
                    found.setdefault(name, set()).update(unit for unit, at in levels.items() if at == left)
    return {name: frozenset(units) for name, units in found.items()}


def _others(months: Mapping[int, range], version: int) -> frozenset[int]:
    return frozenset(month for other, mine in months.items() if other != version for month in mine)
