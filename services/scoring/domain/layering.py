"""A child scheme beside its parent: what it asks beyond it (层层加码), and how much of it it carries on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.indicator_section import IndicatorSpec
from services.scoring.domain.methods.deduct import DeductSpec
from services.scoring.domain.methods.excess import ExcessSpec
from services.scoring.domain.methods.target import TargetSpec
from services.scoring.domain.methods.within import WithinSpec
from services.scoring.domain.overlay_section import OverlaySpec

Kind = Literal["stricter", "too_many", "not_comparable", "unknown_parent_indicator", "unknown_parent_unit"]
NOTHING = Decimal(0)
SOFTEST_FIRST = ("full", "not_assessed", "zero")


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
            yield from _without_data(path, one, above[one.decomposes])
            yield from _over_months((child, one), (parent, above[one.decomposes]))
            yield from _longer(path, child, one, parent.overlay_of(above[one.decomposes]))


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
    """Compare two indicators by the one method that both have; others only by whether they are the same."""
    place = f"{path}/{here.method.name}"
    match here.method.chosen, above.method.chosen:
        case (TargetSpec() as ours, TargetSpec() as theirs) if ours.direction == theirs.direction:
            more, less = (ours, theirs) if ours.direction == "up" else (theirs, ours)
            asks = [("target", theirs.target, ours.target, _of(more.target) > _of(less.target))]
        case (DeductSpec() as ours, DeductSpec() as theirs):
            asks = [
                ("floor", theirs.floor, ours.floor, _of(ours.floor, here) < _of(theirs.floor, above)),
                *_dearer("each", (here, ours.each), (above, theirs.each)),
            ]
        case (ExcessSpec() as ours, ExcessSpec() as theirs):
            asks = [
                ("limit", theirs.limit, ours.limit, _of(ours.limit) < _of(theirs.limit)),
                *_dearer("step", (here, ours.step), (above, theirs.step)),
            ]
        case (WithinSpec() as ours, WithinSpec() as theirs):
            asks = [
                ("low", theirs.low, ours.low, _of(ours.low) > _of(theirs.low)),
                ("high", theirs.high, ours.high, _of(ours.high) < _of(theirs.high)),
                ("tolerance", theirs.tolerance, ours.tolerance, _of(ours.tolerance) < _of(theirs.tolerance)),
            ]
        case _:
            asks = []
            if here.method != above.method:
                yield Burden("not_comparable", path, here.code, above.method.name, here.method.name)
    for name, theirs, ours, stricter in asks:
        if stricter:
            yield Burden("stricter", f"{place}/{name}", here.code, theirs, ours)


def _without_data(path: str, here: IndicatorSpec, above: IndicatorSpec) -> Iterator[Burden]:
    """Compare what no data is worth; what a method says of it itself is compared with the method."""
    if any(one.method.is_always_due or one.method.survey is not None for one in (here, above)):
        return
    if SOFTEST_FIRST.index(here.no_data) > SOFTEST_FIRST.index(above.no_data):
        yield Burden("stricter", f"{path}/no_data", here.code, above.no_data, here.no_data)


def _over_months(
    here: tuple[SchemeDocument, IndicatorSpec], above: tuple[SchemeDocument, IndicatorSpec]
) -> Iterator[Burden]:
    """Compare how months make a longer period: of mean and sums each can ask more than the other."""
    ours, theirs = (
        "mean" if document.measures[one.measure].is_mean else "sums" for document, one in (here, above)
    )
    if ours != theirs:
        path = f"/measures/{here[1].measure}/over_months"
        yield Burden("not_comparable", path, here[1].code, theirs, ours)


def _longer(
    path: str, child: SchemeDocument, here: IndicatorSpec, above: OverlaySpec | None
) -> Iterator[Burden]:
    """Compare the months in which an indicator is asked with those of the overlay that it carries on.

    What the parent assesses beside the total is stricter where it is inside that of the child.
    """
    if above is None:
        return
    place, ours = f"{path}/overlay", child.overlay_of(here)
    begins, ends = (child.scheme.effective, child.scheme.until) if ours is None else (ours.from_, ours.until)
    if begins < above.from_:
        yield Burden("stricter", place, here.code, above.from_, begins)
    if ends > above.until:
        yield Burden("stricter", place, here.code, above.until, ends)
    if above.counts == "beside" and child.is_counted(here):
        yield Burden("stricter", place, here.code, "beside", "added")


def _dearer(
    name: str, here: tuple[IndicatorSpec, str | None], above: tuple[IndicatorSpec, str | None]
) -> list[tuple[str, str, str, bool]]:
    """Compare what one event takes of the points of each, where both say it."""
    (one, ours), (other, theirs) = here, above
    if ours is None or theirs is None:
        return []
    return [(name, theirs, ours, _of(ours, one) > _of(theirs, other))]


def _of(amount: str, indicator: IndicatorSpec | None = None) -> Fraction:
    """Return an amount, as a share of an indicator's points, so that other totals do not look stricter."""
    whole = Fraction(1) if indicator is None else Fraction(Decimal(indicator.points))
    return Fraction(Decimal(amount)) / whole
