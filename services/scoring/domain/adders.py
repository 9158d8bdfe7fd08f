"""All measures of a scheme over one view or event type as one function, made from their source.

What `folding` adds up measure by measure this adds up at once, equal by test: terms that several measures
share are counted once, by leaves and month, and laid out at the end. A row that is out of the ordinary (of a
unit in no tree, in no month of the scheme, where nothing applies) is not taken; `folding` says what becomes
of it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.keyed import counted, keyed
from services.scoring.domain.layout import Slots
from services.scoring.domain.measures import MeasureSpec, Span
from services.scoring.domain.plan import QUARTER_HOUR, Plan, month_ordinal
from services.scoring.domain.sources import Source, Value, function
from shared.kernel.points import MILLIONTHS

QUARTERS_KEPT = 1 << 16
Spot = tuple[tuple[str, ...], int]
Spots = dict[Spot, list[int]]
Add = Callable[..., "list[Spot] | None"]


class Months(dict[int, int]):
    """The months of a zone by the quarter of an hour since 1970; those that were asked for are kept."""

    def __init__(self, zone: ZoneInfo) -> None:
        super().__init__()
        self._zone = zone

    def __missing__(self, quarter: int) -> int:
        if len(self) >= QUARTERS_KEPT:
            self.clear()
        month = self[quarter] = month_ordinal(quarter * QUARTER_HOUR, self._zone)
        return month


@lru_cache(maxsize=64)
def months_of(zone: str) -> Months:
    """Return the months of a zone by its name."""
    return Months(ZoneInfo(zone))


class Periods(NamedTuple):
    """The instants that place a row in months: one for flows, two for stocks."""

    zone: str
    flows: frozenset[str]
    stocks: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Adder:
    """What one row of a view or event type adds; `columns` are the arguments after the spots.

    `add` and `take` return where they did, or None, and did nothing, where the row is out of the ordinary.
    """

    plan: Plan
    over: str
    columns: tuple[str, ...]
    add: Add
    take: Add
    terms: tuple[tuple[int, int, int], ...]
    periods: Periods

    def laid_out(self, counted: Sequence[int]) -> list[int]:
        """Return the numbers of the layout that the terms of a spot stand for."""
        numbers = [0] * self.plan.layouts[self.over].width
        for slot, term, scale in self.terms:
            numbers[slot] += counted[term] * scale
        return numbers


@dataclass(slots=True)
class Terms:
    """What is added in each month (a local) where a row is kept, and which slots that is for."""

    places: dict[tuple[str, str, str], int] = field(default_factory=dict[tuple[str, str, str], int])
    slots: list[tuple[int, int, int]] = field(default_factory=list[tuple[int, int, int]])

    def put(self, month: str, share: tuple[str, Value | None], slot: int, *, sign: int = 1) -> None:
        """Add what a row counts for, or its value, to a slot."""
        kept, value = share
        place = self._place(month, kept, "1" if value is None else value.name)
        self.slots.append((slot, place, sign * (MILLIONTHS if value is None else 1)))

    def row(self, month: str, slot: int) -> None:
        """Count a row."""
        self.slots.append((slot, self._place(month, "True", "1"), 1))

    def lines(self, month: str) -> Iterator[str]:
        """Write what is added in a month, conditions once."""
        by_kept: dict[str, list[str]] = {}
        for (at, kept, amount), place in self.places.items():
            if at == month:
                by_kept.setdefault(kept, []).append(f"n[{place}] += {amount}")
        for kept, adding in by_kept.items():
            yield from adding if kept == "True" else [f"if {kept}:", *(f"    {line}" for line in adding)]

    def _place(self, *key: str) -> int:
        return self.places.setdefault((key[0], key[1], key[2]), len(self.places))


def adder(document: SchemeDocument, plan: Plan, over: str) -> Adder:
    """Write the function of everything that is measured over a view or an event type."""
    source = Source({name: Value(f"c{at}", nullable=True) for at, name in enumerate(plan.columns[over])})
    terms, months = Terms(), list[str]()
    flows: dict[str, list[tuple[Slots, MeasureSpec]]] = {}
    for measure in plan.measures[over]:
        spec, slots = document.event_measures[measure.name], plan.layouts[over].slots[measure.name]
        if isinstance(spec.period_by, Span):
            months += _stock(source, terms, slots, spec, spec.period_by)
        else:
            flows.setdefault(spec.period_by, []).append((slots, spec))
    for period_by, alike in flows.items():
        months.append(_flow(source, terms, period_by, alike))
    body = [*_leaves(plan, source), *source.lines, f"if {' is '.join([*months, 'None'])}: return None"]
    if plan.absent.get(over):
        body += [
            f"if all(m is None or (leaf, m) in absent for leaf in leaves for m in ({', '.join(months)},)):",
            "    return None",
        ]
    for month in months:
        body += [f"if {month} is not None:", *(f"    {line}" for line in _block(terms, month))]
    names = source.constants | {
        "above": plan.above,
        "absent": plan.absent.get(over),
        "first": plan.first,
        "last": plan.last,
        "months": months_of(document.scheme.zone),
        "new": [0] * len(terms.places),
    }
    add, take = (_signed(source, body, sign, names) for sign in ("+=", "-="))
    return Adder(plan, over, tuple(source.used), add, take, tuple(terms.slots), _periods(document, over))


def month_at(instant: Value) -> str:
    """Write the month of an instant that is known, by `months`."""
    return f"months[{instant.name} // {QUARTER_HOUR}]"


def _periods(document: SchemeDocument, over: str) -> Periods:
    placed = [spec.period_by for spec in document.measures.values() if spec.over == over]
    flows = frozenset(one for one in placed if not isinstance(one, Span))
    stocks = frozenset((one.from_, one.until) for one in placed if isinstance(one, Span))
    return Periods(document.scheme.zone, flows, stocks)


def _flow(source: Source, terms: Terms, by: str, alike: Sequence[tuple[Slots, MeasureSpec]]) -> str:
    instant = source.instant(by)
    month = f"m{len(source.lines)}"
    source.lines += [
        f"{month} = None if {instant.name} is None else {month_at(instant)}",
        f"if {month} is not None and not first <= {month} <= last: {month} = None",
    ]
    terms.row(month, alike[0][0].rows)
    for slots, spec in alike:
        for text, slot in _counted(spec, slots):
            terms.put(month, source.share(text), slot)
        if spec.denominator is not None and slots.denominator is not None:
            terms.put(month, source.share(spec.denominator), slots.denominator)
    return month


def _stock(source: Source, terms: Terms, slots: Slots, spec: MeasureSpec, span: Span) -> tuple[str, str]:
    """Write a stock: in from its month's end, out from the end of the month in which it leaves."""
    enters, leaves = source.instant(span.from_), source.instant(span.until)
    came, went = f"m{len(source.lines)}", f"w{len(source.lines)}"
    source.lines += [
        f"{came} = {went} = None",
        f"if {enters.name} is not None:",
        f"    {came} = max({month_at(enters)}, first)",
        f"    {went} = last + 1 if {leaves.name} is None else {month_at(leaves)}",
        f"    if {went} <= {came} or {came} > last: {came} = {went} = None",
        f"    elif {went} > last: {went} = None",
    ]
    terms.row(came, slots.rows)
    shares = [(source.share(text), slot) for text, slot in _counted(spec, slots)]
    if spec.denominator is not None and slots.denominator is not None:
        shares.append((source.share(spec.denominator), slots.denominator))
    for share, slot in shares:
        terms.put(came, share, slot)
        terms.put(went, share, slot, sign=-1)
    return came, went


def _counted(spec: MeasureSpec, slots: Slots) -> list[tuple[str, int]]:
    """Return what adds up for a numerator, and where: of bounded keys the rows of each too."""
    found = keyed(spec.numerator)
    keys = [] if found is None or slots.keys is None else zip(found.counts, slots.keys.places, strict=True)
    return [(counted(spec.numerator), slots.numerator), *keys]


def _leaves(plan: Plan, source: Source) -> list[str]:
    """Write which units of the trees a row names; one that no tree knows is out of the ordinary."""
    lines = ["leaves = ()"]
    for column in plan.trees.values():
        if column in source.columns:
            name = source.column(column).name
            lines += [
                f"if {name} is not None:",
                f"    if {name} not in above: return None",
                f"    leaves += ({name},)",
            ]
    return [*lines, "if not leaves: return None", "found = []"]


def _block(terms: Terms, month: str) -> list[str]:
    return [
        f"spot = leaves, {month}",
        "found.append(spot)",
        "n = spots.get(spot)",
        "if n is None: n = spots[spot] = new.copy()",
        *terms.lines(month),
    ]


def _signed(source: Source, body: Sequence[str], sign: str, names: Mapping[str, object]) -> Add:
    """Write the function that adds, or the one that takes back."""
    lines = [line.replace(" += ", f" {sign} ").replace("leaves -= ", "leaves += ") for line in body]
    return function(
        ["spots", *(column.name for column in source.used.values())], [*lines, "return found"], names
    )
