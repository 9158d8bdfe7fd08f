"""The month cell as a formula, for comparison with what is posted batch by batch."""

from services.scoring.domain.cells import compute
from services.scoring.domain.figures import merged


def month_cell(document, indicator, month, partials):
    """Return the points of the month alone, whatever the cycle."""
    spec = document.measures[indicator.measure]
    total = merged((month,), partials, spec)
    return compute(indicator, total, is_ratio=spec.is_ratio)
