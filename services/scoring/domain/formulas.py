"""A method as a formula: in symbols, and with the numbers put in."""

from services.scoring.domain.cells import Partials, actual_of
from services.scoring.domain.document import IndicatorSpec
from services.scoring.domain.figures import Worth
from shared.kernel.figures import FigureState
from shared.kernel.points import MILLIONTHS, of_millionths, parts_text, published, text


def symbolic(indicator: IndicatorSpec, *, is_ratio: bool) -> str:
    """Return the formula of an indicator: w are its points."""
    if indicator.method.deduct is not None:
        return "max(floor, w − points)" if _in_points(indicator) else "max(floor, w − each · events)"
    actual = "(numerator/denominator)" if is_ratio else "actual"
    target = indicator.method.target
    if target is not None and target.direction == "down":
        return f"w · min(1, target / {actual}), and w where that is not above 0"
    return f"w · min(1, {actual} / target), and 0 below 0"


def put_in(indicator: IndicatorSpec, partials: Partials, worth: Worth, *, is_ratio: bool, places: int) -> str:
    """Return the formula with its numbers: `10 · min(1, (9702/10000) / 0.98) = 9.90`."""
    if worth.state is FigureState.NOT_DUE:
        return f"not due: its cycle ({indicator.cycle}) does not end in this period"
    left = _numbers(indicator, partials, is_ratio=is_ratio)
    if worth.value is None:
        return f"{left}: no data yet"
    return f"{left} = {text(published(worth.value, places))}"


def amount(millionths: int) -> str:
    """Write an amount without zeros that say nothing: `9702`, `0.5`."""
    whole, rest = divmod(abs(millionths), MILLIONTHS)
    sign = "-" if millionths < 0 else ""
    return f"{sign}{whole}" if rest == 0 else sign + text(of_millionths(abs(millionths))).rstrip("0")


def lost(parts: int) -> str:
    """Write points in parts of 10^-12 without zeros that say nothing."""
    written = parts_text(parts).rstrip("0")
    return written.removesuffix(".")


def _in_points(indicator: IndicatorSpec) -> bool:
    return indicator.method.deduct is not None and indicator.method.deduct.each is None


def _numbers(indicator: IndicatorSpec, partials: Partials, *, is_ratio: bool) -> str:
    w, numerator = indicator.points, amount(partials.numerator)
    method = indicator.method
    if method.deduct is not None and _in_points(indicator):
        return f"max({method.deduct.floor}, {w} − {lost(partials.numerator)})"
    if method.deduct is not None:
        return f"max({method.deduct.floor}, {w} − {method.deduct.each} · {numerator})"
    assert method.target is not None
    actual = f"({numerator}/{amount(partials.denominator)})" if is_ratio else numerator
    value = actual_of(partials, is_ratio=is_ratio)
    if method.target.direction == "up" and value is not None and value < 0:
        return f"0, as {actual} is below 0,"
    if method.target.direction == "up":
        return f"{w} · min(1, {actual} / {method.target.target})"
    if value is not None and value <= 0:
        return f"{w}, as {actual} is not above 0,"
    return f"{w} · min(1, {method.target.target} / {actual})"
