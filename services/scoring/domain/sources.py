"""The language of measures as Python source: locals, each value and condition once, three-valued logic kept.

`expressions` has checked what is written here; nothing of a scheme's text gets into the source: columns and
constants are arguments with names of our own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from services.scoring.domain.expressions import parse
from shared.kernel.points import decimal, millionths

_COMPARE: dict[type[exp.Expr], str] = {
    exp.EQ: "==",
    exp.NEQ: "!=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}


def greatest(*values: Any) -> Any:
    """Return the greatest of the values that are known."""
    return max((value for value in values if value is not None), default=None)


def least(*values: Any) -> Any:
    """Return the least of the values that are known."""
    return min((value for value in values if value is not None), default=None)


@dataclass(frozen=True, slots=True)
class Value:
    """A local of the source, and whether it can be unknown."""

    name: str
    nullable: bool


@dataclass(slots=True)
class Source:
    """Lines that assign locals, and the constants they name; of the columns some are `used`."""

    columns: Mapping[str, Value]
    used: dict[str, Value] = field(default_factory=dict[str, Value])
    lines: list[str] = field(default_factory=list[str])
    constants: dict[str, Any] = field(default_factory=lambda: {"greatest": greatest, "least": least})
    known: dict[str, str] = field(default_factory=dict[str, str])

    def share(self, text: str) -> tuple[str, Value | None]:
        """Write an aggregate; return the local that tells whether a row counts, and what it adds (else 1)."""
        node = parse(text)
        kept = "True"
        if isinstance(node, exp.Filter):
            kept, node = self.truth(node.expression.this), node.this
        if isinstance(node, exp.Count):
            if isinstance(node.this, exp.Star):
                return kept, None
            counted = self.value(node.this)
            present = self._known(counted)
            return (kept if present == "True" else self._local(f"{kept} and {present}")), None
        added = self.value(node.this)
        present = self._known(added)
        return (kept if present == "True" else self._local(f"{kept} and {present}")), added

    def instant(self, text: str) -> Value:
        """Write the instant that places a row."""
        return self.value(parse(text))

    def column(self, name: str) -> Value:
        """Return the local of a column, which is needed from here on."""
        return self.used.setdefault(name, self.columns[name])

    def value(self, node: exp.Expr) -> Value:
        """Write a value of a row."""
        match node:
            case exp.Paren():
                return self.value(node.this)
            case exp.Column():
                return self.column(node.name)
            case exp.Literal():
                return Value(self._constant(_literal(node)), nullable=False)
            case exp.Add() | exp.Sub():
                sign = "+" if isinstance(node, exp.Add) else "-"
                return self._lifted(self.value(node.this), sign, self.value(node.expression))
            case exp.Extract():
                between = node.expression.unnest()
                return self._lifted(self.value(between.this), "-", self.value(between.expression))
            case exp.Greatest() | exp.Least():
                return self._extreme(node)
            case _:
                raise AssertionError(f"{node.key} was checked")

    def truth(  # noqa: PLR0911 - one line per construct
        self, node: exp.Expr, *, of: bool = True
    ) -> str:
        """Write a condition; return the local that tells whether it is true, or with `of` false, false."""
        match node:
            case exp.Paren():
                return self.truth(node.this, of=of)
            case exp.Not():
                return self.truth(node.this, of=not of)
            case exp.And() | exp.Or():
                both = isinstance(node, exp.And) == of
                left, right = self.truth(node.this, of=of), self.truth(node.expression, of=of)
                return self._local(f"{left} {'and' if both else 'or'} {right}")
            case exp.Is():
                absent = bool(node.args.get("negate")) != of
                return self._local(f"{self.value(node.this).name} is {'' if absent else 'not '}None")
            case exp.In():
                values = frozenset(_literal(part) for part in node.expressions)
                return self._tested(self.value(node.this), "in" if of else "not in", self._constant(values))
            case exp.Column():
                return self._local(f"{self.column(node.name).name} is {of}")
            case exp.Boolean():
                return str(bool(node.this) == of)
            case _:
                return self._compared(node, of=of)

    def _compared(self, node: exp.Expr, *, of: bool) -> str:
        sign = _COMPARE[type(node)]
        left, right = self.value(node.this), self.value(node.expression)
        return self._tested(left, sign if of else _OPPOSITE[sign], right.name, self._known(right))

    def _tested(self, left: Value, sign: str, right: str, other: str = "True") -> str:
        present = [known for known in (self._known(left), other) if known != "True"]
        return self._local(" and ".join([*present, f"{left.name} {sign} {right}"]))

    def _lifted(self, left: Value, sign: str, right: Value) -> Value:
        present = [known for known in (self._known(left), self._known(right)) if known != "True"]
        applied = f"{left.name} {sign} {right.name}"
        if present:
            applied = f"({applied}) if {' and '.join(present)} else None"
        return Value(self._local(applied), nullable=bool(present))

    def _extreme(self, node: exp.Expr) -> Value:
        parts = [self.value(part) for part in [node.this, *node.expressions]]
        name = "greatest" if isinstance(node, exp.Greatest) else "least"
        listed = ", ".join(part.name for part in parts)
        return Value(self._local(f"{name}({listed})"), nullable=all(part.nullable for part in parts))

    def _known(self, value: Value) -> str:
        return self._local(f"{value.name} is not None") if value.nullable else "True"

    def _local(self, written: str) -> str:
        """Return the local that holds what is written, and assign it the first time."""
        if written not in self.known:
            self.known[written] = f"x{len(self.known)}"
            self.lines.append(f"{self.known[written]} = {written}")
        return self.known[written]

    def _constant(self, value: object) -> str:
        name = self.known.get(f"constant {type(value).__name__} {value!r}")
        if name is None:
            name = f"k{len(self.constants)}"
            self.known[f"constant {type(value).__name__} {value!r}"] = name
            self.constants[name] = value
        return name


def _literal(node: exp.Expr) -> str | int:
    written: str = node.this
    return written if node.is_string else millionths(decimal(written))


def function(
    arguments: Sequence[str], lines: Sequence[str], names: Mapping[str, object]
) -> Callable[..., Any]:
    """Make a function of lines of source and the names that they use."""
    made: dict[str, Any] = dict(names)
    written = "\n    ".join([f"def made({', '.join(arguments)}):", *lines])
    exec(written, made)  # noqa: S102 - written here of names of our own; a scheme's text is constants
    return made["made"]
