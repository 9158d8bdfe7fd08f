"""What really happened, in the measures of the scheme, and its worth, without the platform's folding."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from dukao.simulator.desk import Count
from dukao.simulator.nation import Unit
from dukao.simulator.worth import COMPARING, Pair, alone, among
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.indicator_section import IndicatorSpec
from services.scoring.domain.measures import DecidedSpec
from shared.kernel.points import of_millionths, published, text

MONTHS_OF_CYCLE = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Line:
    """A measure of a unit in a month, in millionths."""

    unit: str
    month: str
    measure: str
    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True)
class Figure:
    """What an indicator is worth where it is due, at 12 places; `None` without data."""

    unit: str
    period: str
    indicator: str
    value: Decimal | None


class Truth:
    """The sums of everything that really happened; `kinds` counts how it was reported."""

    def __init__(self, scheme: SchemeDocument) -> None:
        self._scheme = scheme
        self._first, self._last = scheme.scheme.effective, scheme.scheme.until
        self._levels = {group.level for group in scheme.groups.values()}
        self._level_of = {unit.code: unit.level for unit in scheme.units}
        self._levels_of: dict[str, list[str]] = {level: [] for level in self._level_of.values()}
        for unit, level in self._level_of.items():
            self._levels_of[level].append(unit)
        self._sums: dict[Key, Pair] = {}
        self.kinds: Counter[str] = Counter()

    def add(self, worked: Unit, count: Count) -> None:
        """Count for the unit and every unit it counts for; months outside the scheme count for nobody."""
        if not self._first <= count.month <= self._last:
            return
        for unit in worked.counts_for if count.in_region else worked.upwards:
            key = (unit, count.month, count.measure)
            numerator, denominator = self._sums.get(key, (0, 0))
            self._sums[key] = (numerator + count.numerator, denominator + count.denominator)

    def lose(self, unit: str, month: str, points: int) -> None:
        """Let a unit, and no unit above it, lose points (millionths) that were decided of an incident."""
        for measure, spec in self._scheme.measures.items():
            if isinstance(spec, DecidedSpec) and self._first <= month <= self._last:
                numerator, denominator = self._sums.get((unit, month, measure), (0, 0))
                self._sums[unit, month, measure] = (numerator + points, denominator)

    def of(self, unit: str, month: str, measure: str) -> Pair:
        """Return numerator and denominator in millionths."""
        return self._sums.get((unit, month, measure), (0, 0))

    def lines(self) -> Iterator[Line]:
        """Yield every unit of a group, month and measure of the scheme, also where nothing happened."""
        for unit in self.units():
            for month in self.months():
                for measure in sorted(self._scheme.measures):
                    yield Line(unit, month, measure, *self.of(unit, month, measure))

    def units(self) -> list[str]:
        """Return the units that a group holds, in the order of the scheme."""
        return [unit.code for unit in self._scheme.units if unit.level in self._levels]

    def figures(self) -> Iterator[Figure]:
        """Yield what every indicator is worth for its units, in every month and period in which it is due."""
        for unit in self.units():
            for period, months in self.periods():
                for indicator in self.indicators(unit):
                    if self._due(indicator, months):
                        yield Figure(unit, period, indicator.code, self.worth(unit, months, indicator))

    def indicators(self, unit: str) -> list[IndicatorSpec]:
        """Return the common indicators of a unit and its own."""
        level = next(one.level for one in self._scheme.units if one.code == unit)
        groups = {name for name, group in self._scheme.groups.items() if group.level == level}
        return [one for one in self._scheme.indicators if groups & set(one.groups) and one.is_for(unit)]

    def periods(self) -> Iterator[tuple[str, list[str]]]:
        """Yield the year's months, quarters, half-years and the year with their months."""
        months = self.months()
        year = self._year_of(months[0])[0]
        yield from ((month, [month]) for month in months)
        yield from ((f"{year}-Q{at + 1}", months[3 * at : 3 * at + 3]) for at in range(4))
        yield from ((f"{year}-H{at + 1}", months[6 * at : 6 * at + 6]) for at in range(2))
        yield str(year), months

    def months(self) -> list[str]:
        """Return the months that the scheme covers."""
        first, last = _ordinal(self._first), _ordinal(self._last)
        return [f"{at // 12:04d}-{at % 12 + 1:02d}" for at in range(first, last + 1)]

    def document(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the truth as it is written to a file; numerators and denominators are exact decimals."""
        return {
            "simulated": True,
            "note": "模拟数据 simulated data: no figure here is about a real tax administration",
            "settings": dict(settings),
            "reports": dict(sorted(self.kinds.items())),
            "measures": [
                {
                    "unit": line.unit,
                    "month": line.month,
                    "measure": line.measure,
                    "numerator": text(of_millionths(line.numerator)),
                    "denominator": text(of_millionths(line.denominator)),
                }
                for line in self.lines()
            ],
            "figures": self._figures(),
            "totals": {
                unit: _written(self.total(unit, self.months()))
                for unit in self.units()
                if self.indicators(unit)
            },
        }

    def _figures(self) -> dict[str, dict[str, dict[str, str | None]]]:
        """Return the figures by unit, period and indicator."""
        found: dict[str, dict[str, dict[str, str | None]]] = {}
        for one in self.figures():
            periods = found.setdefault(one.unit, {})
            periods.setdefault(one.period, {})[one.indicator] = _written(one.value)
        return found

    def worth(self, unit: str, months: list[str], indicator: IndicatorSpec) -> Decimal | None:
        """Return the points of an indicator due in these months, at 12 places; `None` without data."""
        return self._compared(unit, indicator, lambda of: self._merged(of, months, indicator))

    def cell(self, unit: str, month: str, indicator: IndicatorSpec) -> Decimal | None:
        """Return the points of a month alone, whatever the cycle, at 12 places; `None` without data."""
        return self._compared(unit, indicator, lambda of: self.of(of, month, indicator.measure))

    def _compared(
        self, unit: str, indicator: IndicatorSpec, sums_of: Callable[[str], Pair]
    ) -> Decimal | None:
        """Score a unit alone, or among those of its level that have data."""
        of_unit = sums_of(unit)
        if not indicator.method.model_fields_set & COMPARING:
            return alone(indicator, of_unit)
        sums = {of: sums_of(of) for of in self._levels_of[self._level_of[unit]]}
        values = {of: Fraction(*pair) for of, pair in sums.items() if pair[1]}
        return among(indicator, values[unit], list(values.values())) if of_unit[1] else None

    def total(self, unit: str, months: list[str]) -> Decimal | None:
        """Return a unit's published points of what is due in these months; `None` if some has no data."""
        total = Decimal(0)
        for indicator in self.indicators(unit):
            if not self._due(indicator, months):
                continue
            value = self.worth(unit, months, indicator)
            if value is None:
                return None
            total += value
        return published(total, self._scheme.scheme.places)

    def _due(self, indicator: IndicatorSpec, months: list[str]) -> bool:
        """Tell whether a cycle of an indicator ends with a period; deductions and bonuses always are."""
        ends = self._year_of(months[-1])[1] + 1
        return _always_due(indicator) or ends % MONTHS_OF_CYCLE[indicator.cycle] == 0

    def _year_of(self, month: str) -> tuple[int, int]:
        """Return the year of a month by the first month of the scheme, and its place there from 0."""
        return divmod(_ordinal(month) - self._scheme.scheme.first_month + 1, 12)

    def _merged(self, unit: str, months: list[str], indicator: IndicatorSpec) -> Pair:
        """Add up a flow over its months, at least its cycle; a stock is what is left at the end."""
        if self._scheme.measures[indicator.measure].kind == "stock":
            return self.of(unit, months[-1], indicator.measure)
        if not _always_due(indicator) and MONTHS_OF_CYCLE[indicator.cycle] > len(months):
            last = self.months().index(months[-1]) + 1
            months = self.months()[last - MONTHS_OF_CYCLE[indicator.cycle] : last]
        pairs = [self.of(unit, month, indicator.measure) for month in months]
        return sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)


def _ordinal(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:]) - 1


def _always_due(indicator: IndicatorSpec) -> bool:
    return indicator.method.deduct is not None or indicator.method.bonus is not None


def _written(value: Decimal | None) -> str | None:
    return None if value is None else text(value)
