"""A child scheme beside its parent: what it asks beyond it (层层加码), and how much of it it carries on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from services.scoring.domain.document import DeductSpec, IndicatorSpec, SchemeDocument, TargetSpec

Kind = Literal["stricter", "too_many", "not_comparable", "unknown_parent_indicator", "unknown_parent_unit"]
NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Burden:
    """What a child asks beyond its parent, by a JSON pointer into the child; `above` and `here` are compared.

    `stricter` and `too_many` are 层层加码; the others say what cannot be compared, and why.
    """

    kind: Kind
    path: str
    indicator: str = ""
    above: str = ""
    here: str = ""


@dataclass(frozen=True, slots=True)
class Carried:
    """How much of the parent's points the indicators of a child carry on, and which none does."""

    points: Decimal
    total: Decimal
    missing: tuple[str, ...]

    def share(self) -> Fraction:
        """Return the share of the parent's points."""
        return Fraction(self.points) / Fraction(self.total) if self.total else Fraction(0)


def burdens(child: SchemeDocument, parent: SchemeDocument) -> Iterator[Burden]:
    """Yield what a child asks beyond its parent; what is equal is not stricter."""
    if child.parent is not None and child.parent.unit not in {one.code for one in parent.units}:
        yield Burden("unknown_parent_unit", "/parent/unit", here=child.parent.unit)
    budget = parent.children
    if budget is not None and len(child.indicators) > budget.indicators:
        yield Burden("too_many", "/indicators", above=str(budget.indicators), here=str(len(child.indicators)))
    above = {one.code: one for one in parent.indicators}
    for place, one in enumerate(child.indicators):
        if one.decomposes is None:
            continue
        path = f"/indicators/{place}"
        if one.decomposes not in above:
            yield Burden("unknown_parent_indicator", f"{path}/decomposes", one.code, here=one.decomposes)
        else:
            yield from _compared(f"{path}/method", one, above[one.decomposes])


def carried(child: SchemeDocument, parent: SchemeDocument) -> Carried:
    """Return how much of the points of its unit in the parent a child carries on."""
    unit = child.parent.unit if child.parent is not None else ""
    wanted = [one for one in parent.indicators if unit in parent.units_of(one)]
    named = {one.decomposes for one in child.indicators}
    return Carried(
        points=sum((Decimal(one.points) for one in wanted if one.code in named), NOTHING),
        total=sum((Decimal(one.points) for one in wanted), NOTHING),
        missing=tuple(one.code for one in wanted if one.code not in named),
    )


def reached(chain: Sequence[SchemeDocument]) -> list[Decimal]:
    """Return, for a chain from the first parent down, how many points of the first reach each child."""
    known = {one.code: one.code for one in chain[0].indicators}
    points = {one.code: Decimal(one.points) for one in chain[0].indicators}
    found: list[Decimal] = []
    for document in chain[1:]:
        known = {
            one.code: known[one.decomposes]
            for one in document.indicators
            if one.decomposes is not None and one.decomposes in known
        }
        found.append(sum((points[first] for first in set(known.values())), NOTHING))
    return found


def _compared(path: str, here: IndicatorSpec, above: IndicatorSpec) -> Iterator[Burden]:
    match (here.method.target, above.method.target), (here.method.deduct, above.method.deduct):
        case (TargetSpec() as ours, TargetSpec() as theirs), _ if ours.direction == theirs.direction:
            yield from _target(f"{path}/target/target", here.code, ours, theirs)
        case _, (DeductSpec() as ours, DeductSpec() as theirs):
            yield from _deduct(f"{path}/deduct", (here, ours), (above, theirs))
        case _:
            if here.method != above.method:
                yield Burden("not_comparable", path, here.code, _name(above), _name(here))


def _target(path: str, code: str, ours: TargetSpec, theirs: TargetSpec) -> Iterator[Burden]:
    higher, lower = (
        Decimal(ours.target) > Decimal(theirs.target),
        Decimal(ours.target) < Decimal(theirs.target),
    )
    if higher if ours.direction == "up" else lower:
        yield Burden("stricter", path, code, theirs.target, ours.target)


def _deduct(
    path: str, here: tuple[IndicatorSpec, DeductSpec], above: tuple[IndicatorSpec, DeductSpec]
) -> Iterator[Burden]:
    """Compare shares of the points of each indicator, so that other totals do not look stricter."""
    (one, ours), (other, theirs) = here, above
    if ours.each is not None and theirs.each is not None and _of(ours.each, one) > _of(theirs.each, other):
        yield Burden("stricter", f"{path}/each", one.code, theirs.each, ours.each)
    if _of(ours.floor, one) < _of(theirs.floor, other):
        yield Burden("stricter", f"{path}/floor", one.code, theirs.floor, ours.floor)


def _of(amount: str, indicator: IndicatorSpec) -> Fraction:
    return Fraction(Decimal(amount)) / Fraction(Decimal(indicator.points))


def _name(indicator: IndicatorSpec) -> str:
    return next(iter(indicator.method.model_dump(exclude_none=True)))
