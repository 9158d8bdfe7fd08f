"""What does not apply to a unit: in which months, and whether a figure is taken from such months alone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.indicator_section import AbsenceSpec, IndicatorSpec
from services.scoring.domain.reading import Finding
from services.scoring.domain.sums import UnitSums, Window
from shared.kernel.periods import Month


@dataclass(frozen=True, slots=True)
class Absence:
    """The months of a scheme in which an indicator, which may take `only` some, does not apply to a unit."""

    months: frozenset[int]
    of_scheme: tuple[int, int]
    stock: bool
    only: frozenset[int] | None = None

    def gone(self, window: Window) -> frozenset[int]:
        """Return the months of a window whose events count for nothing: of a stock all of them, or none."""
        months = frozenset(range(window[0], window[1] + 1))
        if self.stock:
            return months if self.covers(window) else frozenset()
        return months & self.months

    def seen(self, sums: UnitSums, overs: Iterable[str], window: Window) -> UnitSums:
        """Return sums of a window without what came where it does not apply; a stock is that of its end."""
        gone = self.gone(window)
        return sums if self.stock or not gone else sums.without(overs, window, gone)

    def covers(self, window: Window) -> bool:
        """Tell whether a figure over months is taken from none in which it applies; a stock from the last."""
        first, last = max(window[0], self.of_scheme[0]), min(window[1], self.of_scheme[1])
        wanted = range(last if self.stock else first, last + 1)
        taken = wanted if self.only is None else [month for month in wanted if month in self.only]
        return first <= last and bool(taken) and all(month in self.months for month in taken)


def absences(document: SchemeDocument, indicator: IndicatorSpec) -> dict[str, Absence]:
    """Return by unit in which months an indicator does not apply to it."""
    stock = document.measures[indicator.measure].kind == "stock"
    return {
        unit: Absence(frozenset(months), _of_scheme(document), stock, document.months_taken(indicator))
        for unit, months in _gone(document, indicator).items()
    }


def absences_are_said_well(document: SchemeDocument, _types: object) -> Iterator[Finding]:
    """What does not apply is an indicator of the unit, in months of the scheme, and said once."""
    units = {unit.code for unit in document.units}
    first, last = _of_scheme(document)
    for place, indicator in enumerate(document.indicators):
        having, seen = _having(document, indicator), set[tuple[str, int]]()
        for at, one in enumerate(indicator.not_applicable):
            path = f"/indicators/{place}/not_applicable/{at}"
            begins, ends = _ends(one, (first, last))
            if not first <= begins <= ends <= last:
                yield Finding(path, "dates", "It names months of the scheme, in order.")
            for nth, unit in enumerate(one.units):
                months = {(unit, month) for month in range(begins, ends + 1)}
                if unit not in units:
                    yield Finding(f"{path}/units/{nth}", "unknown_unit", f"There is no unit {unit}.")
                elif unit not in having:
                    reason = f"{unit} does not have {indicator.code} anyway."
                    yield Finding(f"{path}/units/{nth}", "other_group", reason)
                elif not seen.isdisjoint(months):
                    reason = f"It is said of {unit} a second time for a month."
                    yield Finding(f"{path}/units/{nth}", "duplicate", reason)
                seen |= months


def something_applies_to_everyone(document: SchemeDocument, _types: object) -> Iterator[Finding]:
    """In every month an indicator of some board applies to each unit: else its points had nowhere to go."""
    first, last = _of_scheme(document)
    within = [
        (_having(document, one), _gone(document, one)) for one in document.indicators if one.board is not None
    ]
    for unit in sorted({unit for _, gone in within for unit in gone}):
        mine = [gone.get(unit, set[int]()) for having, gone in within if unit in having]
        for month in range(first, last + 1) if mine else ():
            if all(month in gone for gone in mine):
                reason = f"No indicator of a board applies to {unit} in {Month.of_ordinal(month)}."
                yield Finding("/indicators", "nothing_applies", reason)
                break


def _having(document: SchemeDocument, indicator: IndicatorSpec) -> set[str]:
    """Return the units that have an indicator, whether it applies to them or not."""
    levels = {document.groups[name].level for name in indicator.groups if name in document.groups}
    return {unit.code for unit in document.units if unit.level in levels and indicator.is_for(unit.code)}


def _gone(document: SchemeDocument, indicator: IndicatorSpec) -> dict[str, set[int]]:
    gone: dict[str, set[int]] = {}
    for one in indicator.not_applicable:
        first, last = _ends(one, _of_scheme(document))
        for unit in one.units:
            gone.setdefault(unit, set()).update(range(first, last + 1))
    return gone


def _of_scheme(document: SchemeDocument) -> tuple[int, int]:
    head = document.scheme
    return Month.parse(head.effective).ordinal, Month.parse(head.until).ordinal


def _ends(one: AbsenceSpec, of_scheme: tuple[int, int]) -> tuple[int, int]:
    first = of_scheme[0] if one.from_ is None else Month.parse(one.from_).ordinal
    last = of_scheme[1] if one.until is None else Month.parse(one.until).ordinal
    return first, last
