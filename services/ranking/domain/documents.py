"""What one version of a scheme says of its indicators, read from its document."""

from collections.abc import Mapping
from typing import Any

from shared.kernel.periods import Cycle, Period

Document = Mapping[str, Any]
Indicator = Mapping[str, Any]

FIRST_MONTH, LAST_MONTH = "0000-01", "9999-12"


def covers(document: Document, month: str) -> bool:
    """Tell whether a version covers a month."""
    return document["scheme"]["effective"] <= month <= document["scheme"]["until"]


def indicators_of(document: Document, group: str, unit: str) -> list[Indicator]:
    """Return the indicators that a unit of a group has in a version."""
    return [one for one in document["indicators"] if is_for(one, group, unit)]


def points_of(indicator: Indicator) -> str:
    """Return the points of an indicator; outside the boards there are none to reach."""
    return indicator["points"] if "board" in indicator else "0"


def is_for(indicator: Indicator, group: str, unit: str) -> bool:
    """Tell whether a unit of a group has an indicator."""
    return group in indicator["groups"] and (not indicator.get("units") or unit in indicator["units"])


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


def is_due(indicator: Indicator, period: Period) -> bool:
    """Tell whether a cycle of an indicator ends in a period; a deduction or bonus is due in every one."""
    if is_always_due(indicator):
        return True
    return Period.containing(period.last, Cycle(indicator.get("cycle", "month"))).last == period.last
