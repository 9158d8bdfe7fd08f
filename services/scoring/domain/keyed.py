"""Aggregates of bounded keys: min, max and count distinct of a column whose values a filter lists.

What is kept is how many rows hold each key. Such counts add up, are taken back and merge like any other, so
that a correction can lower a maximum and a quarter is the union of its months.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from sqlglot import exp

from services.scoring.domain.expressions import Columns, Kind, Row, aggregate, parse, refusal
from shared.kernel.errors import Refused
from shared.kernel.points import MILLIONTHS, decimal, millionths

MOST_KEYS = 64
_MAYBE = re.compile(r"\s*(min|max|count)\s*\(", re.IGNORECASE)
How = Literal["min", "max", "distinct"]


@dataclass(frozen=True, slots=True)
class Keyed:
    """Such an aggregate: `counts` are what counts the rows of each key, `rows` what counts all of them.

    `values` are the keys in millionths where they are numbers.
    """

    how: How
    column: str
    is_text: bool
    values: tuple[int, ...]
    counts: tuple[str, ...]
    rows: str


class Keys(NamedTuple):
    """Where the counts of keys stand in a row of partial sums, from `first` on, and how they are read."""

    how: How
    values: tuple[int, ...]
    first: int

    @property
    def places(self) -> range:
        """The places of the counts."""
        return range(self.first, self.first + len(self.values))

    def counts(self, numbers: Sequence[int]) -> "Held":
        """Return how many rows hold each key."""
        return Held(self.how, self.values, tuple(numbers[at] for at in self.places))


@dataclass(frozen=True, slots=True)
class Held:
    """How many rows hold each key, in millionths; of several months the counts are added."""

    how: How
    values: tuple[int, ...]
    counts: tuple[int, ...]

    @property
    def amount(self) -> int:
        """The aggregate in millionths; of no row it is 0."""
        present = [value for value, count in zip(self.values, self.counts, strict=True) if count > 0]
        if self.how == "distinct":
            return len(present) * MILLIONTHS
        return (min if self.how == "min" else max)(present, default=0)

    def __add__(self, other: "Held") -> "Held":
        counts = tuple(one + more for one, more in zip(self.counts, other.counts, strict=True))
        return Held(self.how, self.values, counts)


@lru_cache(maxsize=4096)
def keyed(text: str) -> Keyed | None:
    """Read an aggregate of bounded keys, None where it is another; refuses one whose keys nothing bounds."""
    if _MAYBE.match(text) is None:
        return None
    node = parse(text)
    inner = node.this if isinstance(node, exp.Filter) else node
    how = _how(inner)
    if how is None:
        return None
    column = inner.this.expressions[0] if how == "distinct" else inner.this
    if not isinstance(column, exp.Column) or not isinstance(node, exp.Filter):
        raise _unbounded()
    where = node.expression.this
    listed = next((one for one in _conjuncts(where) if _lists(one, column)), None)
    if listed is None:
        raise _unbounded()
    keys = {_value(part): part for part in listed.expressions}
    if len(keys) > MOST_KEYS:
        raise refusal(f"At most {MOST_KEYS} keys are listed.")
    texts = {isinstance(value, str) for value in keys}
    if texts == {True, False}:
        raise refusal("Keys are of one kind.")
    return Keyed(
        how=how,
        column=column.name,
        is_text=texts == {True},
        values=tuple(0 if isinstance(value, str) else value for value in keys),
        counts=tuple(
            _counting(where, listed, exp.EQ(this=column.copy(), expression=key)) for key in keys.values()
        ),
        rows=_counting(where, listed, listed),
    )


def numerator(text: str, columns: Columns) -> Callable[[Row], int]:
    """Compile the numerator of a measure; of bounded keys it counts the rows that hold one."""
    found = keyed(text)
    if found is None:
        return aggregate(text, columns)
    if found.how != "distinct" and columns.get(found.column) is not Kind.NUMBER:
        raise refusal("min and max are taken of numbers.")
    return aggregate(found.rows, columns)


def counted(text: str) -> str:
    """Return the aggregate that adds up in the place of a numerator."""
    found = keyed(text)
    return text if found is None else found.rows


def _how(node: exp.Expr) -> How | None:
    match node:
        case exp.Min() if not node.expressions:
            return "min"
        case exp.Max() if not node.expressions:
            return "max"
        case exp.Count() if isinstance(node.this, exp.Distinct) and len(node.this.expressions) == 1:
            return "distinct"
        case _:
            return None


def _value(key: exp.Expr) -> str | int:
    """Return a key as rows hold it: a text, or a number in millionths."""
    if key.is_string:
        return key.name
    try:
        return millionths(decimal(key.name))
    except Refused as refused:
        raise refusal(refused.problem.detail) from None


def _conjuncts(node: exp.Expr) -> list[exp.Expr]:
    match node:
        case exp.Paren():
            return _conjuncts(node.this)
        case exp.And():
            return [*_conjuncts(node.this), *_conjuncts(node.expression)]
        case _:
            return [node]


def _lists(node: exp.Expr, column: exp.Column) -> bool:
    parts = node.expressions if isinstance(node, exp.In) else []
    mine = isinstance(node.this, exp.Column) and node.this.name == column.name
    return bool(parts) and mine and all(isinstance(part, exp.Literal) for part in parts)


def _counting(where: exp.Expr, listed: exp.Expr, instead: exp.Expr) -> str:
    """Write the count of rows of which the condition is true with another one in the place of the list."""

    def changed(node: exp.Expr) -> exp.Expr:
        return instead.copy() if node == listed else node

    kept = where.copy().transform(changed)
    return f"count(*) FILTER (WHERE {kept.sql(dialect='postgres')})"


def _unbounded() -> Exception:
    return refusal(
        "min, max and count(DISTINCT …) are of a column whose keys a filter lists: "
        "max(level) FILTER (WHERE level IN (1, 2, 3))."
    )
