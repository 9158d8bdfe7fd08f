"""The restricted SQL of measures: parsed by sqlglot, allow-listed, composed into closures, never evaluated.

Values of a row: text, bool, integers in millionths, instants in microseconds, or None; logic is three-valued.
"""

import operator
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from shared.kernel.errors import Refused, refuse
from shared.kernel.points import MILLIONTHS, decimal, millionths

LARGEST_NODES = 200
LARGEST_DEPTH = 20
LONGEST_TEXT = 2000
_MARKS = (";", "--", "/*", "$")

Row = Mapping[str, Any]
Getter = Callable[[Row], Any]


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"
    BOOLEAN = "boolean"


Columns = Mapping[str, Kind]
ORDERED = frozenset({Kind.NUMBER, Kind.TIME})
_COMPARE: dict[type[exp.Expr], Callable[[Any, Any], bool]] = {
    exp.EQ: operator.eq,
    exp.NEQ: operator.ne,
    exp.LT: operator.lt,
    exp.LTE: operator.le,
    exp.GT: operator.gt,
    exp.GTE: operator.ge,
}
# What is read of the parser's nodes, or holds anyway: any other modifier would be dropped in silence.
_READ = frozenset(
    {"this", "expression", "expressions", "table", "quoted", "is_string", "big_int", "ignore_nulls"}
)


def refusal(reason: str) -> Exception:
    """Return the one refusal of this language."""
    return refuse(422, "expression", reason)


def parse(text: str) -> exp.Expr:
    """Parse one expression and bound it; comments and several statements are refused."""
    if len(text) > LONGEST_TEXT or any(mark in text for mark in _MARKS):
        raise refusal("One expression without comments, at most 2,000 characters.")
    if not all(one.isprintable() or one in "\n\t" for one in text):
        raise refusal("An expression is written in characters that can be seen.")
    try:
        parsed = sqlglot.parse_one(text, read="postgres")
    except (SqlglotError, RecursionError, ValueError):
        raise refusal("This is not an expression.") from None
    nodes = list(parsed.walk())
    if len(nodes) > LARGEST_NODES or max(_depth(node) for node in nodes) > LARGEST_DEPTH:
        raise refusal(f"At most {LARGEST_NODES} parts, {LARGEST_DEPTH} deep.")
    if any(given and not _is_read(node, name) for node in nodes for name, given in node.args.items()):
        raise refusal("A part of this expression has a modifier that is not of the language of measures.")
    return parsed


def scalar(node: exp.Expr, columns: Columns) -> tuple[Kind, Getter]:
    """Compile a value of a row: column, literal, +, -, GREATEST, LEAST, seconds between instants."""
    match node:
        case exp.Paren():
            return scalar(node.this, columns)
        case exp.Column():
            return _column(node, columns)
        case exp.Literal():
            return _literal(node)
        case exp.Add() | exp.Sub():
            return _arithmetic(node, columns)
        case exp.Greatest() | exp.Least():
            return _extreme(node, columns)
        case exp.Extract():
            return _seconds(node, columns)
        case _:
            raise refusal(f"{node.key} is not part of the language of measures.")


def condition(  # noqa: PLR0911 - one line per construct
    node: exp.Expr, columns: Columns
) -> Getter:
    """Compile a condition; None stands for unknown."""
    match node:
        case exp.Paren():
            return condition(node.this, columns)
        case exp.And() | exp.Or():
            left, right = condition(node.left, columns), condition(node.right, columns)
            return _both(left, right) if isinstance(node, exp.And) else _either(left, right)
        case exp.Not():
            return _negated(condition(node.this, columns))
        case exp.Is():
            return _is_null(node, columns)
        case exp.In():
            return _one_of(node, columns)
        case exp.Column():
            return _flag(node, columns)
        case exp.Boolean():
            truth = bool(node.this)
            return lambda _: truth
        case _:
            return _comparison(node, columns)


def _is_read(node: exp.Expr, name: str) -> bool:
    return name in _READ or (name == "negate" and isinstance(node, exp.Is))


def _depth(node: exp.Expr) -> int:
    depth = 0
    parent = node.parent
    while parent is not None:
        depth, parent = depth + 1, parent.parent
    return depth


def _column(node: exp.Column, columns: Columns) -> tuple[Kind, Getter]:
    name = f"{node.table}.{node.name}" if node.table else node.name
    if name not in columns:
        raise refusal(f"There is no column {name!r} here.")
    return columns[name], operator.methodcaller("get", name)


def _literal(node: exp.Literal) -> tuple[Kind, Getter]:
    value: Any = node.this
    if node.is_string:
        return Kind.TEXT, lambda _: value
    try:
        number = millionths(decimal(value))
    except Refused as refused:
        raise refusal(refused.problem.detail) from None
    return Kind.NUMBER, lambda _: number


def _arithmetic(node: exp.Expr, columns: Columns) -> tuple[Kind, Getter]:
    (left_kind, left), (right_kind, right) = scalar(node.this, columns), scalar(node.expression, columns)
    if left_kind is not Kind.NUMBER or right_kind is not Kind.NUMBER:
        raise refusal("Only numbers are added and subtracted.")
    return Kind.NUMBER, _lifted(operator.add if isinstance(node, exp.Add) else operator.sub, left, right)


def _extreme(node: exp.Expr, columns: Columns) -> tuple[Kind, Getter]:
    parts = [scalar(part, columns) for part in [node.this, *node.expressions]]
    kinds = {kind for kind, _ in parts}
    if len(kinds) != 1 or not kinds <= ORDERED:
        raise refusal("GREATEST and LEAST compare values of one kind, numbers or instants.")
    pick = max if isinstance(node, exp.Greatest) else min
    getters = [getter for _, getter in parts]

    def extreme(row: Row) -> Any:
        present = [value for getter in getters if (value := getter(row)) is not None]
        return pick(present) if present else None

    return kinds.pop(), extreme


def _seconds(node: exp.Extract, columns: Columns) -> tuple[Kind, Getter]:
    between = node.expression.unnest() if isinstance(node.expression, exp.Paren) else node.expression
    if node.name.upper() != "EPOCH" or not isinstance(between, exp.Sub):
        raise refusal("EXTRACT is taken as EXTRACT(EPOCH FROM later - earlier).")
    (left_kind, left), (right_kind, right) = scalar(between.left, columns), scalar(between.right, columns)
    if left_kind is not Kind.TIME or right_kind is not Kind.TIME:
        raise refusal("Seconds lie between two instants.")
    return Kind.NUMBER, _lifted(operator.sub, left, right)


def _lifted(apply: Callable[[Any, Any], Any], left: Getter, right: Getter) -> Getter:
    def result(row: Row) -> Any:
        one, other = left(row), right(row)
        return None if one is None or other is None else apply(one, other)

    return result


def _comparison(node: exp.Expr, columns: Columns) -> Getter:
    compare = _COMPARE.get(type(node))
    if compare is None:
        raise refusal(f"{node.key} is not a condition.")
    (left_kind, left), (right_kind, right) = scalar(node.this, columns), scalar(node.expression, columns)
    if left_kind is not right_kind:
        raise refusal(f"A {left_kind} is not compared with a {right_kind}.")
    if left_kind not in ORDERED and not isinstance(node, exp.EQ | exp.NEQ):
        raise refusal(f"A {left_kind} has no order here: databases sort it each in its own way.")
    return _lifted(compare, left, right)


def _both(left: Getter, right: Getter) -> Getter:
    def result(row: Row) -> bool | None:
        one, other = left(row), right(row)
        if one is False or other is False:
            return False
        return None if one is None or other is None else True

    return result


def _either(left: Getter, right: Getter) -> Getter:
    def result(row: Row) -> bool | None:
        one, other = left(row), right(row)
        if one is True or other is True:
            return True
        return None if one is None or other is None else False

    return result


def _negated(inner: Getter) -> Getter:
    def result(row: Row) -> bool | None:
        value = inner(row)
        return None if value is None else not value

    return result


def _is_null(node: exp.Is, columns: Columns) -> Getter:
    if not isinstance(node.expression, exp.Null):
        raise refusal("IS is taken with NULL.")
    _, inner = scalar(node.this, columns)
    if node.args.get("negate"):
        return lambda row: inner(row) is not None
    return lambda row: inner(row) is None


def _one_of(node: exp.In, columns: Columns) -> Getter:
    if not node.expressions or not all(isinstance(part, exp.Literal) for part in node.expressions):
        raise refusal("IN takes a list of literals.")
    kind, inner = scalar(node.this, columns)
    literals = [_literal(part) for part in node.expressions]
    if any(other is not kind for other, _ in literals):
        raise refusal("IN compares values of one kind.")
    values = frozenset(getter({}) for _, getter in literals)

    def result(row: Row) -> bool | None:
        value = inner(row)
        return None if value is None else value in values

    return result


def _flag(node: exp.Column, columns: Columns) -> Getter:
    kind, getter = _column(node, columns)
    if kind is not Kind.BOOLEAN:
        raise refusal("A column that is a condition holds true or false.")
    return getter


def aggregate(text: str, columns: Columns) -> Callable[[Row], int]:
    """Compile `count(*)`, `count(x)` or `sum(x)`, with FILTER or without, to a row's share in millionths."""
    node = parse(text)
    keep: Getter | None = None
    if isinstance(node, exp.Filter):
        keep = condition(node.expression.this, columns)
        node = node.this
    share = _share(node, columns)
    if keep is None:
        return share
    kept = keep
    return lambda row: share(row) if kept(row) is True else 0


def is_count(text: str) -> bool:
    """Tell whether an aggregate counts rows, so that none adds more than one."""
    return isinstance(_amount(text), exp.Count)


def is_part(text: str, whole: str) -> bool:
    """Tell whether two aggregates take one amount of each row, be it of other rows."""
    return _amount(text) == _amount(whole)


def _amount(text: str) -> exp.Expr:
    node = parse(text)
    return node.this if isinstance(node, exp.Filter) else node


def _share(node: exp.Expr, columns: Columns) -> Callable[[Row], int]:
    match node:
        case exp.Count() if node.expressions:
            raise refusal("count takes one column or a star.")
        case exp.Count() if isinstance(node.this, exp.Star):
            return lambda _: MILLIONTHS
        case exp.Count() if isinstance(node.this, exp.Column):
            _, counted = scalar(node.this, columns)
            return lambda row: 0 if counted(row) is None else MILLIONTHS
        case exp.Sum() if not isinstance(node.this, exp.Distinct):
            kind, summed = scalar(node.this, columns)
            if kind is not Kind.NUMBER:
                raise refusal("Only numbers are summed.")
            return lambda row: summed(row) or 0
        case _:
            raise refusal("A measure is count(*), count(column) or sum(value), with FILTER or without.")


def value(text: str, columns: Columns) -> tuple[Kind, Getter]:
    """Compile a value outside an aggregate, as `period_by` has it."""
    return scalar(parse(text), columns)
