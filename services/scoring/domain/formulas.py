"""A method as a formula: in symbols, and with the numbers put in."""

from collections.abc import Sequence

from services.scoring.domain.combining import Share, taken_in_full
from services.scoring.domain.figures import Worth
from services.scoring.domain.indicator_section import IndicatorSpec
from services.scoring.domain.methods.amounts import Measured, Partials, Taken
from services.scoring.domain.overlay_section import OverlaySpec
from services.scoring.domain.parts import Parted
from services.scoring.domain.written import lost
from shared.kernel.figures import FigureState
from shared.kernel.points import of_parts, published, text


def symbolic(indicator: IndicatorSpec, *, is_ratio: bool) -> str:
    """Return the formula of an indicator: w are its points."""
    return indicator.method.chosen.symbolic("(numerator/denominator)" if is_ratio else "actual")


def put_in(indicator: IndicatorSpec, partials: Partials, worth: Worth, *, is_ratio: bool, places: int) -> str:
    """Return the formula with its numbers: `10 · min(1, (9702/10000) / 0.98) = 9.90`."""
    if worth.state is FigureState.NOT_DUE and indicator.days:
        return f"not due: none of its days ({', '.join(indicator.days)}) lies in this period"
    if worth.state is FigureState.NOT_DUE:
        return f"not due: its cycle ({indicator.cycle}) does not end in this period"
    measured = Measured(partials, is_ratio, worth.among)
    has_none = measured.value is None and not indicator.method.is_always_due
    if has_none and indicator.method.comparing is not None:
        left = symbolic(indicator, is_ratio=is_ratio)
    else:
        left = indicator.method.chosen.put_in(indicator.points, measured)
    if worth.value is None:
        return f"{left}: no data yet"
    if has_none and indicator.no_data != "not_assessed":
        left = f"{left}: no data, which counts as {indicator.no_data},"
    return f"{left} = {text(published(worth.value, places))}"


def outside(overlay: OverlaySpec) -> str:
    """Say in place of a formula that an overlay has no month of the period."""
    return f"not due: the months of its overlay ({overlay.from_} to {overlay.until}) lie outside this period"


def put_together(parted: Parted, shares: Sequence[Share], value: int | None, places: int) -> str:
    """Return how parts come to a figure: `(6 · 19.6 + 6 · 29.4) / 12 = 24.50`; deductions are in full."""
    months = parted.months
    terms = [
        f"{one.part.weight} · {lost(one.value)}"
        for one in shares
        if one.value is not None and one.part.indicator.method.in_full is None
    ]
    told = [f"({' + '.join(terms)}) / {months}{_stretch(parted)}"] if terms else []
    told += [_in_full(name, taken) for name, taken in taken_in_full(parted, shares)]
    if value is None:
        missing = sum(one.value is None for one in shares)
        return f"{missing} of {len(shares)} parts: no data yet"
    return f"{' + '.join(told)} = {text(published(of_parts(value), places))}"


def _stretch(parted: Parted) -> str:
    """Write how far parts are taken to the points of all months, assessed in them or not."""
    return "" if parted.stretch == 1 else " · {} / {}".format(*map(lost, parted.stretched))


def _in_full(name: str, taken: Taken) -> str:
    """Write a deduction or a bonus with its limits, which months weight."""
    full, floor, cap, gone, won = (lost(value) for value in taken)
    if name == "bonus":
        return f"min({cap}, {won})"
    bonus = f" + min({cap}, {won})" if taken.cap else ""
    return f"max({floor}, {full} − {gone}{bonus})"
