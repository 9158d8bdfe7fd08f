"""Derived facts: what somebody concluded from events, whole, by key and version; the newest counts.

A derived fact says which units lose points in which months under a scheme. It is stored as it was told and
folded under every scheme in force, so that a newer version, or a newer scheme, takes back what the one before
took: sums move by the differences, whatever the order in which versions come.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from services.scoring.domain.absences import Absence, absences
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.expressions import is_count, is_part
from services.scoring.domain.folding import (
    NO_INDICATOR,
    NO_SCHEME,
    NO_TRACES,
    UNKNOWN_UNIT,
    Cell,
    Doubt,
    Place,
    Traces,
)
from services.scoring.domain.indicator_section import IndicatorSpec, class_sums, short_rounds
from services.scoring.domain.layout import Layout, Slots, layout_of
from services.scoring.domain.measures import ItemsSpec, MeasureSpec, PointsSpec, SurveyedSpec
from services.scoring.domain.methods.survey import SurveySpec
from services.scoring.domain.plan import Plan
from services.scoring.domain.sums import REVIEWED, STALE
from shared.kernel.codes import is_trial, scheme_of
from shared.kernel.periods import Month
from shared.kernel.points import MILLIONTHS, millionths
from shared.kernel.reigns import Months

Cells = dict[Cell, list[int]]


class Loss(NamedTuple):
    """Points in parts of 10^-12 that a unit loses in a month, and where they stand in the sums of `over`.

    The unit alone loses them, and none above. Of a value that is given, and not lost, `parts` are millionths;
    `base` is added to a denominator. Without `slots` the scheme does not have the `indicator` that is named,
    or not so, and nothing is lost.
    """

    over: str
    slots: Slots | None
    unit: str
    month: int
    parts: int
    base: int = MILLIONTHS
    indicator: str = ""


@dataclass(frozen=True, slots=True)
class LateDays:
    """A measure of late days: its place, and what a day costs until the cap, in millionths."""

    name: str
    slots: Slots
    per_day: int
    cap: int


class Taker(NamedTuple):
    """An indicator that takes late days: by what measure, of which units, and where it does not apply.

    `within` are the only months of an indicator of an overlay.
    """

    indicator: str
    measure: LateDays
    units: frozenset[str]
    absent: Mapping[str, Absence]
    within: Months | None = None

    def holds(self, month: int) -> bool:
        """Tell whether the indicator has a month."""
        return self.within is None or self.within[0] <= month <= self.within[1]

    def takes(self, unit: str, month: int) -> bool:
        """Tell whether a unit has the indicator and it applies to it in a month."""
        return _applies(self.units, self.absent, unit, month)


class Taking(NamedTuple):
    """Where the sums of the measure that an indicator takes stand.

    `in_points` says whether they are in points, `stock` whether every month before counts too. Of a
    ratio of events `counts` says whether both sides are counts, `is_share` whether both take one amount of a
    row. `units` have the indicator, `absent` says in which months it does not apply to them; those of
    `shared` have another of its measure.
    """

    over: str
    slots: Slots
    in_points: bool
    stock: bool
    counts: bool
    is_share: bool
    units: frozenset[str]
    absent: Mapping[str, Absence]
    shared: frozenset[str]

    def applies(self, unit: str, month: int) -> bool:
        """Tell whether a unit has the indicator and it applies to it in a month."""
        return _applies(self.units, self.absent, unit, month)


@dataclass(frozen=True, slots=True)
class Question:
    """A question of a survey: where its sums stand, those of each class of raters too, and how it is scored.

    `short` is where the rounds are counted in which a class was below its minimum.
    """

    over: str
    slots: Slots
    classes: Mapping[str, tuple[Slots, Slots]]
    short: Slots
    method: SurveySpec


@dataclass(frozen=True, slots=True)
class PointsPlan:
    """What a scheme makes of derived facts: who takes late days by kind of item, places by indicator.

    `late_days` are in the order of the scheme: the first that takes a unit has its items without indicator.
    `taken` are the places of what every indicator takes, `surveyed` the questions of surveys by indicator,
    `events` the event types of every view and type that is measured; `sources` are the units of sources that
    may not send of all, in the catalogue that the scheme was checked against. `earlier` are the versions that
    ruled the months before, in their order.
    """

    scheme: str
    plan: Plan
    late_days: Mapping[str, tuple[Taker, ...]]
    taken: Mapping[str, Taking]
    surveyed: Mapping[str, Question]
    widths: Mapping[str, int]
    events: Mapping[str, frozenset[str]]
    zone: ZoneInfo
    sources: Mapping[str, Sequence[str]]
    earlier: tuple["PointsPlan", ...] = ()

    def covered(self, source: str, over: str) -> Collection[str]:
        """Return the scored units for which rows of a view or type count that a source may send of."""
        named = self.sources.get(source)
        if named is None:
            return sorted(self.plan.scored)
        whole = frozenset(named)
        prefixes = tuple(one.removesuffix("*") for one in named if one.endswith("*"))
        named_by = [code for code in self.plan.above if code in whole or code.startswith(prefixes)]
        return sorted(self.plan.units_of(named_by, over))

    def ruling(self, month: int) -> "PointsPlan":
        """Return the version that rules a month; the first for those before it."""
        return next((one for one in self.earlier if month <= one.plan.last), self)

    def place(self, over: str, indicator: str) -> Taking | None:
        """Return where the sums of an indicator stand, None where it takes nothing of `over`."""
        found = self.taken.get(indicator)
        return found if found is not None and found.over == over else None

    def hears(self, decided: str | None) -> bool:
        """Tell whether what was decided under a scheme (code@version, else all) counts."""
        if is_trial(self.plan.id) and decided is not None:
            return decided.partition("@")[0] == self.scheme
        return decided in {None, self.plan.id}


class Derived(Protocol):
    """A derived fact: `key` names it in its stream and shard, of several versions the highest counts."""

    @property
    def key(self) -> str: ...

    @property
    def version(self) -> int: ...

    def losses(self, under: PointsPlan) -> Iterable[Loss]:
        """Return what it costs under a scheme, in whatever month."""
        ...

    def places(self) -> frozenset[tuple[str, str, int]]:
        """Return (over, unit, month) under which it is found, whether it counts there or not."""
        ...


def points_plan(document: SchemeDocument, plan: Plan, catalogue: Mapping[str, Any]) -> PointsPlan:
    """Make what a scheme says of derived facts ready."""
    overs = {spec.over for spec in document.measures.values()}
    layouts = {over: layout_of(document, over) for over in overs}
    return PointsPlan(
        scheme=scheme_of(document.scheme.code),
        plan=plan,
        late_days=_late_days(document, layouts),
        taken={one.code: _taking(document, one, layouts) for one in document.indicators},
        surveyed=dict(_questions(document, layouts)),
        widths={
            f"{changed}{over}": layout.width for over, layout in layouts.items() for changed in ("", REVIEWED)
        }
        | {f"{STALE}{over}": 1 for over in plan.events_of},
        events=plan.events_of,
        zone=ZoneInfo(document.scheme.zone),
        sources={
            name: spec["units"]
            for name, spec in catalogue.get("sources", {}).items()
            if isinstance(spec.get("units", "all"), list)
        },
    )


def following(plans: Iterable[PointsPlan]) -> list[PointsPlan]:
    """Return the plans of one scheme, each with those that ruled the months before it."""
    found = sorted(plans, key=lambda one: one.plan.first)
    return [replace(one, earlier=tuple(found[:at])) for at, one in enumerate(found)]


def fold_derived(cells: Cells, plans: Sequence[PointsPlan], fact: Derived | None, sign: int = 1) -> Traces:
    """Add what a derived fact costs to the sums of schemes, or with -1 take it back.

    It is in doubt where every scheme that reads it could not score it, for the reasons that they share or, if
    they share none, for those of each; a scheme that does not read it has no say.
    """
    if fact is None:
        return NO_TRACES
    found = [_fold(cells, under, list(fact.losses(under)), sign) for under in plans]
    return Traces(
        places=frozenset[Place]().union(*(one.places for one in found)),
        doubts=_shared([one.doubts for one in found if one.rows]),
        rows=sum(one.rows for one in found),
    )


def newest(facts: Iterable[Derived]) -> Derived | None:
    """Return the version that counts."""
    return max(facts, key=lambda fact: fact.version, default=None)


def _taking(document: SchemeDocument, indicator: IndicatorSpec, layouts: Mapping[str, Layout]) -> Taking:
    spec = document.measures[indicator.measure]
    ratio = (spec.numerator, spec.denominator) if isinstance(spec, MeasureSpec) and spec.denominator else None
    return Taking(
        spec.over,
        layouts[spec.over].slots[indicator.measure],
        in_points=isinstance(spec, PointsSpec),
        stock=spec.kind == "stock",
        counts=ratio is not None and all(map(is_count, ratio)),
        is_share=ratio is not None and is_part(*ratio),
        units=frozenset(document.units_of(indicator)),
        absent=absences(document, indicator),
        shared=frozenset().union(*(document.units_of(one) for one in _others(document, indicator))),
    )


def _others(document: SchemeDocument, indicator: IndicatorSpec) -> Iterator[IndicatorSpec]:
    """Yield the other indicators that take the measure of one."""
    for one in document.indicators:
        if one != indicator and indicator.measure in {one.measure, *one.method.further_measures.values()}:
            yield one


def _applies(units: Collection[str], absent: Mapping[str, Absence], unit: str, month: int) -> bool:
    gone = absent.get(unit)
    return unit in units and (gone is None or month not in gone.months)


def _questions(document: SchemeDocument, layouts: Mapping[str, Layout]) -> Iterator[tuple[str, Question]]:
    for indicator in document.indicators:
        spec, method = document.measures[indicator.measure], indicator.method.survey
        if isinstance(spec, SurveyedSpec) and method is not None:
            slots = layouts[spec.over].slots
            places = {
                rater: class_sums(indicator.measure, rater) for rater in document.surveys[spec.survey].raters
            }
            yield (
                indicator.code,
                Question(
                    over=spec.over,
                    slots=slots[indicator.measure],
                    classes={rater: (slots[total], slots[kept]) for rater, (total, kept) in places.items()},
                    short=slots[short_rounds(indicator.measure)],
                    method=method,
                ),
            )


def _late_days(document: SchemeDocument, layouts: Mapping[str, Layout]) -> Mapping[str, tuple[Taker, ...]]:
    """Return who takes late days, by the kind of item."""
    found: dict[str, tuple[Taker, ...]] = {}
    for one in document.indicators:
        spec = document.measures[one.measure]
        if isinstance(spec, ItemsSpec):
            slots = layouts[spec.over].slots[one.measure]
            measure = LateDays(one.measure, slots, _exact(spec.per_day), _exact(spec.cap))
            units, absent = frozenset(document.units_of(one)), absences(document, one)
            taker = Taker(one.code, measure, units, absent, document.months_of(one))
            found[spec.items] = (*found.get(spec.items, ()), taker)
    return found


def _fold(cells: Cells, under: PointsPlan, losses: Sequence[Loss], sign: int) -> Traces:
    plan = under.plan
    inside = [one for one in losses if one.unit in plan.above and plan.first <= one.month <= plan.last]
    touched: set[tuple[Cell, int]] = set()
    for one in inside:
        if one.slots is None or one.unit not in plan.scored:
            continue
        cell = plan.id, one.over, one.unit, one.month
        numbers = cells.setdefault(cell, [0] * under.widths[one.over])
        numbers[one.slots.numerator] += sign * one.parts
        if one.slots.denominator is not None:
            numbers[one.slots.denominator] += sign * one.base
        touched.add((cell, one.slots.rows))
    for cell, rows in touched:
        cells[cell][rows] += sign
    places = frozenset((one.unit, one.month) for one in inside)
    return Traces(places, frozenset(_doubts(plan, losses, inside)), len(losses))


def _shared(heard: Sequence[frozenset[Doubt]]) -> frozenset[Doubt]:
    none = frozenset[Doubt]()
    if not all(heard):
        return none
    return none.union(*heard).intersection(*heard) or none.union(*heard)


def _doubts(plan: Plan, losses: Sequence[Loss], inside: Sequence[Loss]) -> Iterator[Doubt]:
    for unit in {one.unit for one in losses} - plan.above.keys():
        yield UNKNOWN_UNIT, unit
    for code in {one.indicator for one in inside if one.slots is None}:
        yield NO_INDICATOR, code
    if not inside:
        for month in {one.month for one in losses if one.unit in plan.above}:
            yield NO_SCHEME, str(Month.of_ordinal(month))


def _exact(written: str) -> int:
    return millionths(Decimal(written))
