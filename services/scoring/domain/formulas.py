"""A method as a formula: in symbols, and with the numbers put in."""

from services.scoring.domain.document import IndicatorSpec
from services.scoring.domain.figures import Worth
from services.scoring.domain.methods.amounts import Measured, Partials
from shared.kernel.figures import FigureState
from shared.kernel.points import published, text


def symbolic(indicator: IndicatorSpec, *, is_ratio: bool) -> str:
    """Return the formula of an indicator: w are its points."""
    return indicator.method.chosen.symbolic("(numerator/denominator)" if is_ratio else "actual")


def put_in(indicator: IndicatorSpec, partials: Partials, worth: Worth, *, is_ratio: bool, places: int) -> str:
    """Return the formula with its numbers: `10 · min(1, (9702/10000) / 0.98) = 9.90`."""
    if worth.state is FigureState.NOT_DUE:
        return f"not due: its cycle ({indicator.cycle}) does not end in this period"
    if worth.value is None and indicator.method.comparing is not None:
        return f"{symbolic(indicator, is_ratio=is_ratio)}: no data yet"
    left = indicator.method.chosen.put_in(indicator.points, Measured(partials, is_ratio, worth.among))
    if worth.value is None:
        return f"{left}: no data yet"
    return f"{left} = {text(published(worth.value, places))}"
