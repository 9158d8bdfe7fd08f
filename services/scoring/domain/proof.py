"""What a proof of the ledger finds wrong, and the rules that need no table: entries, causes, cells."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from services.scoring.domain.changes import Cell, Standing
from services.scoring.domain.comparing import compare, compared_figures
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.groups import GroupPlan
from services.scoring.domain.layout import Numbers, layout_of
from services.scoring.domain.parted import Figure
from services.scoring.domain.parts import Key
from services.scoring.domain.posting import everything, post, posted, silent
from services.scoring.domain.sums import UnitSums, home_of
from shared.kernel.periods import Month, PeriodCalendar
from shared.kernel.points import parts_text

Range = tuple[str, int, int, int]
Reached = Mapping[tuple[str, int], int]


class Wrong(StrEnum):
    """What does not hold."""

    PARTIAL = "partial"
    INPUT = "input"
    CELL = "cell"
    FIGURE = "figure"
    ENTRIES = "entries"
    CAUSE = "cause"
    PUBLISHED = "published"
    CHAIN = "chain"
    RISE = "rise"
    SILENT = "silent"


class Named(NamedTuple):
    """A month cell; without an indicator all cells of a unit and month that read the same sums."""

    scheme: str
    month: int
    unit: str
    indicator: str | None = None

    def __str__(self) -> str:
        written = f"{self.scheme} {Month.of_ordinal(self.month)} {self.unit}"
        return written if self.indicator is None else f"{written} {self.indicator}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not hold: the cells it concerns, where it stands, what is there and should be."""

    what: Wrong
    cells: tuple[Named, ...]
    where: str
    found: str | None
    expected: str | None


@dataclass(frozen=True, slots=True)
class Scope:
    """Of which cells a proof speaks: None is all; a period has the months that the calendar of a scheme says.

    `calendars` are those of the adopted schemes by their code.
    """

    scheme: str | None = None
    unit: str | None = None
    period: str | None = None
    calendars: Mapping[str, PeriodCalendar] = field(default_factory=dict[str, PeriodCalendar])

    def of_scheme(self, scheme: str) -> bool:
        """Tell whether a scheme, as `code@version`, is meant."""
        return self.scheme is None or _code(scheme) == self.scheme

    def of_unit(self, unit: str) -> bool:
        """Tell whether a unit is meant."""
        return self.unit is None or unit == self.unit

    def of_period(self, scheme: str, period: str) -> bool:
        """Tell whether a period of a scheme is meant: one that shares months with that which is asked for."""
        if self.period is None:
            return True
        calendar = self.calendars[_code(scheme)]
        asked = calendar.parse(self.period)
        return any(month in asked for month in calendar.parse(period).months())

    def has(self, scheme: str, unit: str, month: int) -> bool:
        """Tell whether a cell is meant."""
        return (
            self.of_scheme(scheme)
            and self.of_unit(unit)
            and self.of_period(scheme, str(Month.of_ordinal(month)))
        )


class Entry(NamedTuple):
    """An entry as the ledger holds it, in parts of 10^-12; `named` is the digest that its causes come to."""

    id: int
    unit: str
    month: int
    indicator: str
    old: int | None
    new: int | None
    cause: bytes
    named: bytes
    ranges: tuple[Range, ...]


def cells_of(plan: GroupPlan, sums: Mapping[str, UnitSums]) -> dict[str, dict[Cell, int]]:
    """Return every month cell of units by the functions that compute them, in parts of 10^-12.

    Where the group compares its units the sums are those of all of them.
    """
    whole = everything(plan)
    changed = {unit: post(plan, unit, of_unit, Standing(), whole) for unit, of_unit in sums.items()}
    if plan.compared:
        compare(plan, sums, {unit: Standing() for unit in sums}, dict.fromkeys(sums, whole), changed)
    return {
        unit: {
            (month, code): new
            for month, found in changes.cells.items()
            for code, (_, new) in found.items()
            if new is not None
        }
        for unit, changes in changed.items()
    }


def figures_of(plan: GroupPlan, sums: Mapping[str, UnitSums]) -> dict[str, dict[Key, Figure]]:
    """Return every figure of units that the version scores alone, by the functions that compute them.

    Where the group compares its units the sums are those of all of them.
    """
    compared = compared_figures(plan, sums) if plan.compared else {}
    return {
        unit: {
            (plan.version, period, code): Figure(value, None)
            for (period, code), value in (
                posted(plan, unit, of_unit, {}).figures | compared.get(unit, {})
            ).items()
        }
        for unit, of_unit in sums.items()
    }


def differing_cells(
    scheme: str, unit: str, computed: Mapping[Cell, int], kept: Mapping[Cell, int]
) -> Iterator[Finding]:
    """Yield the cells that are not, bit for bit, what they are computed to be."""
    for month, code in sorted(computed.keys() | kept.keys()):
        due, found = computed.get((month, code)), kept.get((month, code))
        if due != found:
            cell = Named(scheme, month, unit, code)
            yield Finding(Wrong.CELL, (cell,), "cells", written(found), written(due))


def differing_figures(
    scheme: str,
    unit: str,
    computed: Mapping[Key, Figure],
    told: Mapping[tuple[str, str], Figure],
    calendar: PeriodCalendar,
) -> Iterator[Finding]:
    """Yield the figures that were told otherwise than they are computed to be.

    Those of other versions than `scheme` are passed over; `calendar` is that of its periods.
    """
    for (version, period, code), due in sorted(computed.items()):
        found = told.get((period, code))
        if scheme.endswith(f"@{version}") and found != due:
            cell = Named(scheme, calendar.parse(period).last.ordinal, unit, code)
            where = f"figures {period}"
            yield Finding(
                Wrong.FIGURE, (cell,), where, None if found is None else _figure(found), _figure(due)
            )


def differing_silence(
    plan: GroupPlan, unit: str, sums: UnitSums, told: Mapping[str, Sequence[int]]
) -> Iterator[Finding]:
    """Yield the months of indicators whose feeds were told to be silent, or not to be, and are otherwise."""
    due = {(code, month) for code, months in silent(plan, unit, sums).items() for month in months}
    found = {(code, month) for code, months in told.items() for month in months if month in plan.months}
    for code, month in sorted(due ^ found):
        cell = Named(plan.id, month, unit, code)
        said = {True: "silent", False: "not silent"}
        yield Finding(
            Wrong.SILENT, (cell,), "silent", said[(code, month) in found], said[(code, month) in due]
        )


def broken_entries(
    scheme: str, entries: Iterable[Entry], kept: Mapping[tuple[str, int, str], int], reached: Reached
) -> Iterator[Finding]:
    """Yield entries that do not go on from the one before, causes that cannot be, ends that miss the cell."""
    last: dict[tuple[str, int, str], int | None] = {}
    for one in entries:
        key = one.unit, one.month, one.indicator
        cell = (Named(scheme, one.month, one.unit, one.indicator),)
        if one.old != last.get(key) or one.old == one.new:
            expected = f"goes on from {written(last.get(key))}"
            yield Finding(Wrong.ENTRIES, cell, f"entry {one.id}", _step(one.old, one.new), expected)
        last[key] = one.new
        why = unfounded(one, reached)
        if why is not None:
            yield Finding(Wrong.CAUSE, cell, f"entry {one.id}", _ranges(one.ranges), why)
    for key in sorted(last.keys() | kept.keys()):
        if last.get(key) != kept.get(key):
            unit, month, code = key
            cell = (Named(scheme, month, unit, code),)
            yield Finding(Wrong.ENTRIES, cell, "cells", written(kept.get(key)), written(last.get(key)))


def unfounded(entry: Entry, reached: Reached) -> str | None:
    """Return why the causes of an entry cannot be, or None: unaltered, some, and no number yet to come."""
    if entry.named != entry.cause:
        return "the ranges that its digest names"
    if not entry.ranges:
        return "some range of numbers"
    for stream, shard, first, last in entry.ranges:
        if not 1 <= first <= last <= reached.get((stream, shard), 0):
            return f"numbers of {stream}/{shard} up to {reached.get((stream, shard), 0)}"
    return None


def within(ranges: Sequence[Range], told: Sequence[Range]) -> bool:
    """Tell whether every range lies in one that was told."""
    return all(
        any((stream, shard) == (s, n) and a <= first and last <= b for s, n, a, b in told)
        for stream, shard, first, last in ranges
    )


def readers_of(
    document: SchemeDocument, over: str, found: Numbers, due: Numbers, unit: str, month: int
) -> tuple[Named, ...]:
    """Return the cells of a unit and month that read numbers which differ, else the unit and month."""
    scheme = f"{document.scheme.code}@{document.scheme.version}"
    wide = max(len(found), len(due))
    moved = {
        at for at in range(wide) if (found[at] if at < len(found) else 0) != (due[at] if at < len(due) else 0)
    }
    slots = layout_of(document, home_of(over)).slots
    measures = {name for name, places in slots.items() if moved & {at for at in places if at is not None}}
    codes = [
        one.code
        for one in document.indicators
        if measures & {one.measure, *one.further} and unit in document.units_of(one)
    ]
    return tuple(Named(scheme, month, unit, code) for code in codes) or (Named(scheme, month, unit),)


def written(parts: int | None) -> str | None:
    """Write a value of a cell, None where there is none."""
    return None if parts is None else parts_text(parts)


def _code(scheme: str) -> str:
    return scheme.rpartition("@")[0]


def _figure(one: Figure) -> str:
    points = "" if one.points is None else f" of {parts_text(one.points)}"
    return f"{written(one.value)}{points}"


def _step(old: int | None, new: int | None) -> str:
    return f"{written(old)} → {written(new)}"


def _ranges(ranges: Sequence[Range]) -> str:
    return ", ".join(f"{stream}/{shard} {first}–{last}" for stream, shard, first, last in ranges) or "nothing"
