"""Adders of several schemes that take the same rows, and which of them a row reaches by its months.

Schemes of many years are mostly one document with other months. A row is made once for all of them, and only
those are asked in whose months it counts; the others would say no more than that it lies outside.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from services.scoring.domain.adders import Adder, Periods, month_at, months_of
from services.scoring.domain.sources import Source, Value, function
from services.scoring.domain.views import Aggregate, View, Wanted

NEVER = 1 << 32

Span = tuple[int, int]


class Reading(NamedTuple):
    """What a row is made of, and the instants that place it: lanes are of those that agree in it.

    `view` are the aggregates of the columns; None where a row is an event of a type. `beneath` is what they
    are made of where one is filtered.
    """

    view: tuple[Aggregate, ...] | None
    events: frozenset[str]
    columns: tuple[str, ...]
    periods: Periods
    beneath: tuple[Wanted, ...] = ()


@dataclass(frozen=True, slots=True)
class Lane:
    """Adders, by their number, that read alike; `months` are those of their schemes.

    `filtered` makes their rows where a column is filtered.
    """

    reading: Reading
    filtered: View | None
    members: tuple[tuple[int, range], ...]
    months: Mapping[int, tuple[int, ...]]
    placed: Callable[..., list[Span]]

    def reached(self, row: Sequence[Any]) -> Sequence[int]:
        """Return the adders in whose months a row counts.

        None of several where it counts nowhere, or lies as well in a month that no scheme here covers: what
        is in doubt then `folding` says. A lone adder says that itself.
        """
        if len(self.members) == 1:
            return [self.members[0][0]]
        spans = self.placed(*row)
        if any(came not in self.months for came, _ in spans):
            return ()
        if len(spans) == 1 and spans[0][1] == spans[0][0] + 1:
            return self.months[spans[0][0]]
        return [
            at
            for at, months in self.members
            if any(came < went and came < months.stop and months.start < went for came, went in spans)
        ]


def lanes_of(adders: Sequence[Adder]) -> list[Lane]:
    """Put adders together that read alike."""
    found: dict[Reading, list[int]] = {}
    for at, one in enumerate(adders):
        found.setdefault(_reading(one), []).append(at)
    return [_lane(reading, {at: adders[at] for at in alike}) for reading, alike in found.items()]


def _reading(one: Adder) -> Reading:
    view, events = one.plan.views.get(one.over), one.plan.events_of[one.over]
    if view is None:
        return Reading(None, events, one.columns, one.periods)
    aggregates = tuple(view.aggregates[name] for name in one.columns)
    return Reading(aggregates, events, one.columns, one.periods, view.beneath(one.columns))


def _lane(reading: Reading, alike: Mapping[int, Adder]) -> Lane:
    members = tuple((at, range(one.plan.first, one.plan.last + 1)) for at, one in alike.items())
    months: dict[int, tuple[int, ...]] = {}
    for at, covered in members:
        for month in covered:
            months[month] = (*months.get(month, ()), at)
    first = next(iter(alike.values()))
    filtered = first.plan.views[first.over].only(first.columns) if reading.beneath else None
    return Lane(reading, filtered, members, months, _placed(reading, first))


def _placed(reading: Reading, one: Adder) -> Callable[..., list[Span]]:
    """Write the function that returns the months in which a row comes in and from which it is out again."""
    source = Source(
        {name: Value(f"c{at}", nullable=True) for at, name in enumerate(one.plan.columns[one.over])}
    )
    arguments = [source.column(name).name for name in reading.columns]
    lines: list[str] = []
    for by in sorted(reading.periods.flows):
        at = source.instant(by)
        lines += [f"if {at.name} is not None:", f"    m = {month_at(at)}", "    found.append((m, m + 1))"]
    for came, went in sorted(reading.periods.stocks):
        enters, leaves = source.instant(came), source.instant(went)
        end = f"never if {leaves.name} is None else {month_at(leaves)}"
        lines += [f"if {enters.name} is not None:", f"    found.append(({month_at(enters)}, {end}))"]
    names = source.constants | {"months": months_of(reading.periods.zone), "never": NEVER}
    return function(arguments, [*source.lines, "found = []", *lines, "return found"], names)
