"""Which measures never sum to less than zero, by what their event types declare."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlglot import exp

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.expressions import parse
from services.scoring.domain.measures import MeasureSpec

Unsigned = Callable[[str], bool]


def is_magnitude(document: SchemeDocument, spec: MeasureSpec, catalogue: Mapping[str, Any]) -> bool:
    """Tell whether a measure counts, or sums what is never negative; its expression compiles."""
    node = parse(spec.numerator)
    if isinstance(node, exp.Filter):
        node = node.this
    view = document.views.get(spec.over)

    def unsigned(name: str) -> bool:
        if view is None:
            return _starts_at_zero(catalogue, spec.over, name)
        column = view.columns[name]
        ((how, field),) = column.aggregates().items()
        return how == "count" or _starts_at_zero(catalogue, column.of, field)

    return not isinstance(node, exp.Sum) or _is_unsigned(node.this, unsigned)


def _starts_at_zero(catalogue: Mapping[str, Any], event: str, field: str) -> bool:
    minimum = catalogue["types"][event]["fields"].get(field, {}).get("minimum")
    return minimum is not None and minimum >= 0


def _is_unsigned(node: exp.Expr, unsigned: Unsigned) -> bool:
    """Tell whether a value is at least 0 wherever it is known; GREATEST with a number is never unknown."""
    match node:
        case exp.Paren():
            return _is_unsigned(node.this, unsigned)
        case exp.Literal():
            return True
        case exp.Column():
            return unsigned(node.name)
        case exp.Add():
            return _is_unsigned(node.this, unsigned) and _is_unsigned(node.expression, unsigned)
        case exp.Greatest() | exp.Least():
            parts = [node.this, *node.expressions]
            floored = isinstance(node, exp.Greatest) and any(isinstance(part, exp.Literal) for part in parts)
            return floored or all(_is_unsigned(part, unsigned) for part in parts)
        case _:
            return False
