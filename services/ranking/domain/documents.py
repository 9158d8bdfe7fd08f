"""What one version of a scheme says of its indicators, read from its document."""

from collections.abc import Collection, Mapping
from typing import Any

from shared.kernel.periods import JANUARY, LENGTH_MONTHS, Cycle, Month, Period, PeriodCalendar

Document = Mapping[str, Any]
Indicator = Mapping[str, Any]

FIRST_MONTH, LAST_MONTH = "0000-01", "9999-12"


def calendar_of(document: Document) -> PeriodCalendar:
    """Return the calendar of a version's periods, which all versions of a scheme have."""
    return PeriodCalendar(document["scheme"].get("first_month", JANUARY.first_month))


def covers(document: Document, month: str) -> bool:
    """Tell whether a version covers a month."""
    return document["scheme"]["effective"] <= month <= document["scheme"]["until"]


def groups_of_units(document: Document) -> dict[str, frozenset[str]]:
    """Return by unit the groups that it is in."""
    by_level: dict[str, set[str]] = {}
    for name, group in document["groups"].items():
        by_level.setdefault(group["level"], set()).add(name)
    of_level = {level: frozenset(names) for level, names in by_level.items()}
    return {unit["code"]: of_level.get(unit["level"], frozenset()) for unit in document["units"]}


def points_of(indicator: Indicator) -> str:
    """Return the points of an indicator; outside boards and overlays there are none to reach."""
    return indicator["points"] if indicator.keys() & {"board", "overlay"} else "0"


def overlay_of(document: Document, indicator: Indicator) -> Document | None:
    """Return the special assessment (专项考评) that an indicator belongs to, None where it does to none."""
    code = indicator.get("overlay")
    return None if code is None else next(one for one in document["overlays"] if one["code"] == code)


def within(document: Document, indicator: Indicator, period: Period) -> tuple[Month, ...]:
    """Return the months of a period in which an indicator is assessed: of an overlay only its own."""
    overlay = overlay_of(document, indicator)
    if overlay is None:
        return period.months()
    return tuple(month for month in period.months() if overlay["from"] <= str(month) <= overlay["until"])


def named_months(indicator: Indicator) -> frozenset[str] | None:
    """Return the only months in which an indicator is due that names days; None where it names none."""
    match indicator.get("cycle"):
        case "point":
            days = [day[:7] for day in indicator["dates"]]
        case "progress":
            days = [one["due"][:7] for one in indicator["milestones"]]
        case _:
            return None
    return None if is_always_due(indicator) else frozenset(days)


def taken(document: Document, indicator: Indicator, period: Period) -> tuple[Month, ...]:
    """Return the months of a period of which an indicator takes anything: of days only theirs."""
    months, named = within(document, indicator, period), named_months(indicator)
    return months if named is None else tuple(month for month in months if str(month) in named)


def window(document: Document, indicator: Indicator, period: Period) -> tuple[Month, ...]:
    """Return the months that a figure of a period is taken from: the period's, or those of a longer cycle.

    Of an overlay only its own, of days only theirs; none where none lies in the period.
    """
    months = taken(document, indicator, period)
    if not months or is_always_due(indicator):
        return months
    cycle = cycle_of(document, indicator, months[-1])
    longer = LENGTH_MONTHS[cycle.cycle] > LENGTH_MONTHS[period.cycle]
    return taken(document, indicator, cycle) if longer else months


def is_for(indicator: Indicator, groups: Collection[str], unit: str) -> bool:
    """Tell whether a unit of groups has an indicator."""
    named = indicator.get("units")
    return (not named or unit in named) and any(group in indicator["groups"] for group in groups)


def is_always_due(indicator: Indicator) -> bool:
    """Tell whether an indicator is due in every period: a deduction, or a bonus."""
    return bool(indicator["method"].keys() & {"deduct", "bonus"})


def absences(indicator: Indicator, unit: str, month: str) -> list[Indicator]:
    """Return what is said of an indicator of a unit not applying to it in a month."""
    return [
        one
        for one in indicator.get("not_applicable", ())
        if unit in one["units"] and one.get("from", FIRST_MONTH) <= month <= one.get("until", LAST_MONTH)
    ]


def is_due(document: Document, indicator: Indicator, period: Period) -> bool:
    """Tell whether a cycle of an indicator ends in a period; a deduction or bonus is due in every one.

    What belongs to an overlay is due in its months alone, and its last cycle ends with it; what names days
    is due in a period that contains one of them.
    """
    months = taken(document, indicator, period)
    if not months or is_always_due(indicator):
        return bool(months)
    return taken(document, indicator, cycle_of(document, indicator, months[-1]))[-1] == months[-1]


def cycle_of(document: Document, indicator: Indicator, month: Month) -> Period:
    """Return the cycle of an indicator that a month lies in."""
    return calendar_of(document).containing(month, calendar_cycle(indicator))


def calendar_cycle(indicator: Indicator) -> Cycle:
    """Return the cycle of the calendar at whose end an indicator is due; of days that of their months."""
    cycle = indicator.get("cycle", "month")
    return Cycle.MONTH if cycle in {"point", "progress"} else Cycle(cycle)
