"""When an indicator is due and of which months its figure is taken: by its cycle, its days, its overlay."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from campaign.checker.folding import months_of

Document: TypeAlias = Mapping[str, Any]
MONTHS_OF = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}


def overlay_of(document: Document, indicator: Document) -> Document | None:
    """Return the special assessment that an indicator belongs to, as a version has it."""
    return next(
        (one for one in document.get("overlays", ()) if one["code"] == indicator.get("overlay")), None
    )


def own_months(document: Document, indicator: Document) -> range | None:
    """Return the months of the overlay of an indicator, None where it has those of the scheme."""
    overlay = overlay_of(document, indicator)
    if overlay is None:
        return None
    return range(months_of(overlay["from"])[0], months_of(overlay["until"])[0] + 1)


def is_due(
    indicator: Document, months: Sequence[int], first_month: int = 1, own: range | None = None
) -> bool:
    """Tell whether a cycle ends in a period, or a named day lies in it; deductions and bonuses are due.

    Of an overlay nothing but its own months is asked, and its last cycle ends with it.
    """
    there = [month for month in months if own is None or month in own]
    if (days := days_of(indicator)) is not None:
        return not days.isdisjoint(there)
    if is_always_due(indicator):
        return bool(there)
    ends = None if own is None else own[-1]
    last = _cycle(indicator) - 1
    return any(month == ends or _place(indicator, month, first_month) == last for month in there)


def days_of(indicator: Document) -> set[int] | None:
    """Return the months of the days that an indicator names to be assessed at; None where it names none."""
    days = [*indicator.get("dates", ()), *(one["due"] for one in indicator.get("milestones", ()))]
    if not days or is_always_due(indicator):
        return None
    return {int(day[:4]) * 12 + int(day[5:7]) - 1 for day in days}


def window(
    indicator: Document, months: Sequence[int], first_month: int = 1, own: range | None = None
) -> list[int]:
    """Return the months that a figure is taken from: the period's, those of a longer cycle, or of days."""
    there = [month for month in months if own is None or month in own]
    if (days := days_of(indicator)) is not None:
        return [month for month in there if month in days]
    if not there or is_always_due(indicator) or _cycle(indicator) <= len(months):
        return there
    first = there[-1] - _place(indicator, there[-1], first_month)
    return [month for month in range(first, there[-1] + 1) if own is None or month in own]


def is_always_due(indicator: Document) -> bool:
    """Tell whether an indicator is due in every period: a deduction, or a bonus."""
    return not {"deduct", "bonus"}.isdisjoint(indicator["method"])


def _cycle(indicator: Document) -> int:
    return MONTHS_OF.get(indicator.get("cycle", "month"), 1)


def _place(indicator: Document, month: int, first_month: int) -> int:
    """Return which month of its cycle a month is, from 0."""
    return (month + 1 - first_month) % _cycle(indicator)
