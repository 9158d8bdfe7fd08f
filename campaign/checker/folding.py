"""What the campaign's events must come to: its four measures, cells and standings, in plain fractions."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any, TypeAlias

Event: TypeAlias = Mapping[str, Any]
Sums: TypeAlias = dict[tuple[str, str, int], list[int]]
EAST = timedelta(hours=8)
MILLION = 1_000_000
POINTS = {
    "levied": Fraction(20),
    "ontime": Fraction(40),
    "answered": Fraction(20),
    "overdue": Fraction(20),
}
TARGETS = {"levied": Fraction(20_000_000), "ontime": Fraction("0.98"), "answered": Fraction("0.9")}
EACH_OVERDUE = Fraction("0.05")
RATIOS = {"ontime", "answered"}
TIERS = (("first", Fraction("0.4")), ("second", Fraction("0.8")), ("third", Fraction(1)))
LAST_MONTH = 2025 * 12 + 11


@dataclass(slots=True)
class _Case:
    unit: str | None = None
    deadline: datetime | None = None
    answered: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A unit in a standing."""

    points: Decimal | None
    rank: int | None
    tier: str | None


@dataclass(slots=True)
class Folded:
    """Sums by measure, unit and month: numerator and denominator in millionths, and how many rows."""

    sums: Sums = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0]))

    def add(self, measure: str, unit: str, month: int, numerator: int, denominator: int) -> None:
        """Count a row for its unit; those above it are in no group and have no sums."""
        cell = self.sums[measure, unit, month]
        cell[0] += numerator
        cell[1] += denominator
        cell[2] += 1

    def worth(self, measure: str, unit: str, months: Iterable[int]) -> Decimal | None:
        """Return the points of an indicator over months at 12 places, half even; None without data."""
        found = [self.sums[measure, unit, month] for month in months if (measure, unit, month) in self.sums]
        numerator, denominator, rows = (
            (sum(part) for part in zip(*found, strict=True)) if found else (0, 0, 0)
        )
        points = POINTS[measure]
        if measure == "overdue":
            value = min(points, max(Fraction(0), points - EACH_OVERDUE * Fraction(numerator, MILLION)))
        elif not rows or (measure in RATIOS and not denominator):
            return None
        else:
            actual = Fraction(numerator, denominator if measure in RATIOS else MILLION)
            value = max(Fraction(0), points * min(Fraction(1), actual / TARGETS[measure]))
        return Decimal(round(value * 10**12)).scaleb(-12)

    def standing(self, units: Iterable[str], months: Iterable[int]) -> dict[str, Line]:
        """Return the lines of a group: one rounding, 1224 ranks, tiers by cumulative shares."""
        span = tuple(months)
        totals: dict[str, Decimal | None] = {}
        for unit in units:
            values = [self.worth(measure, unit, span) for measure in POINTS]
            known = [value for value in values if value is not None]
            totals[unit] = printed(sum(known, Decimal(0))) if len(known) == len(values) else None
        full = sorted((total for total in totals.values() if total is not None), reverse=True)
        lines: dict[str, Line] = {}
        for unit, total in totals.items():
            rank = None if total is None else full.index(total) + 1
            lines[unit] = Line(total, rank, None if rank is None else _tier(rank, len(full)))
        return lines


def fold(events: Iterable[Event]) -> Folded:
    """Fold accepted events, in whatever order they come."""
    levies: dict[tuple[str, str], dict[int, Event]] = defaultdict(dict)
    cases: dict[str, _Case] = defaultdict(_Case)
    for event in events:
        if event["type"] == "levy.done.v1":
            named = event.get("correctssource") or event["source"], event.get("correctsid") or event["id"]
            levies[named][event.get("revision", 0)] = event
        else:
            _note(cases[event["case"]], event)
    folded = Folded()
    for reports in levies.values():
        _count_levy(folded, reports)
    for case in cases.values():
        _count_case(folded, case)
    return folded


def month_of(text: str) -> int:
    """Return the month of an instant in the scheme's zone, counted from year 0."""
    return _ordinal(datetime.fromisoformat(text))


def months_of(period: str, first_month: int = 1) -> tuple[int, ...]:
    """Return the months of `2025-03`, `2025-Q1`, `2025-H1` or `2025`, of a year that begins in a month."""
    year, _, rest = period.partition("-")
    first, count = {"": (0, 12), "Q": (3, 3), "H": (6, 6)}.get(rest[:1], (1, 1))
    start = 0 if not rest else (int(rest.strip("QH")) - 1) * first
    late = first_month - 1 if count > 1 else 0
    return tuple(int(year) * 12 + late + start + step for step in range(count))


def printed(value: Decimal, places: int = 2) -> Decimal:
    """Round to 9 places and then to those of the scheme, both half away from zero."""
    guarded = value.quantize(Decimal("1e-9"), rounding=ROUND_HALF_UP)
    return guarded.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def _ordinal(instant: datetime) -> int:
    offset = instant.utcoffset()
    assert offset is not None, "an accepted instant has a zone"
    local = instant - offset + EAST
    return local.year * 12 + local.month - 1


def _note(case: _Case, event: Event) -> None:
    if event["type"] == "risk.found.v1":
        case.unit = event["subject"]
        case.deadline = datetime.fromisoformat(event["data"]["deadline"])
    else:
        case.answered = datetime.fromisoformat(event["time"])


def _count_levy(folded: Folded, reports: Mapping[int, Event]) -> None:
    """Count the newest report of a levy; what only corrects waits for its original."""
    newest = reports[max(reports)]
    if 0 not in reports or newest.get("data") is None:
        return
    unit, month, data = newest["subject"], month_of(newest["time"]), newest["data"]
    folded.add("levied", unit, month, int(Decimal(data["amount"]) * MILLION), 0)
    folded.add("ontime", unit, month, MILLION * data["ontime"], MILLION)


def _count_case(folded: Folded, case: _Case) -> None:
    if case.unit is None or case.deadline is None:
        return
    met = case.answered is not None and case.answered <= case.deadline
    month = _ordinal(case.deadline)
    folded.add("answered", case.unit, month, MILLION * met, MILLION)
    folded.add("overdue", case.unit, month, MILLION * (not met), 0)


def _tier(rank: int, count: int) -> str:
    for code, share in TIERS:
        edge = share * count
        if rank <= (2 * edge.numerator + edge.denominator) // (2 * edge.denominator):
            return code
    raise AssertionError("the last tier takes everybody")
