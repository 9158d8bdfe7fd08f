"""What the facts of one case add to every measure, unit and month."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import add

from services.scoring.domain.expressions import Row
from services.scoring.domain.facts import ORIGINAL_MISSING, Report, Standing, standing
from services.scoring.domain.keyed import Keys
from services.scoring.domain.layout import Slots
from services.scoring.domain.plan import CompiledMeasure, Plan
from shared.kernel.periods import Month

UNKNOWN_UNIT = "unknown_unit"
NO_SCHEME = "no_scheme"
NO_INDICATOR = "no_indicator"
NOT_APPLICABLE = "not_applicable"

Cell = tuple[str, str, str, int]
Place = tuple[str, int]
Spot = tuple[str, str, tuple[str, ...], int]
Doubt = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Traces:
    """What folding one case leaves beside the sums.

    `places` are the (leaf unit, month) pairs under which the case is found: where it counts, and where a
    report that was left out would have. `doubts` say why (and what of it) a row could not be scored.
    """

    places: frozenset[Place] = frozenset()
    doubts: frozenset[Doubt] = frozenset()
    rows: int = 0


NO_TRACES = Traces()


class Tally:
    """Adds up rows by what they name, before their sums are given to the units above.

    The numbers of all measures of a plan over one view or type stand in one list, by the leaves of the row
    and the month: what many rows share is spread over the units only once.
    """

    def __init__(self) -> None:
        self._numbers: dict[Spot, list[int]] = {}
        self._plans: dict[str, Plan] = {}

    def add(self, plan: Plan, facts: Sequence[Report], sign: int = 1) -> Traces:
        """Add what standing facts of one case give, or with -1 take it back."""
        self._plans[plan.id] = plan
        places: set[Place] = set()
        doubts: set[Doubt] = set()
        gone: set[Doubt] = set()
        rows = counted = 0
        for over, events in plan.events_of.items():
            relevant = [fact for fact in facts if fact.type in events]
            for row in plan.rows_of[over](relevant) if relevant else ():
                rows += 1
                leaves, strangers = plan.leaves_of(row)
                months = self._add_row(plan, over, leaves, row, sign) if leaves else set[int]()
                places.update((leaf, month) for month in months for leaf in leaves)
                doubts.update((UNKNOWN_UNIT, leaf) for leaf in strangers)
                if _is_absent(plan, over, leaves, months):
                    gone.update((NOT_APPLICABLE, leaf) for leaf in leaves)
                elif months:
                    counted += 1
                if leaves and not months:
                    doubts.update((NO_SCHEME, str(month)) for month in _outside(plan, over, row))
        return Traces(frozenset(places), frozenset(doubts if counted else doubts | gone), rows)

    def spread(self) -> dict[Cell, list[int]]:
        """Return the numbers by (scheme, over, unit, month), for the leaves and every unit above them."""
        cells: dict[Cell, list[int]] = {}
        for (name, over, leaves, month), numbers in self._numbers.items():
            for unit in self._plans[name].units_of(leaves, over) if any(numbers) else ():
                cell = name, over, unit, month
                known = cells.get(cell)
                cells[cell] = numbers if known is None else list(map(add, known, numbers))
        return {cell: numbers for cell, numbers in cells.items() if any(numbers)}

    def touched(self) -> Iterator[Place]:
        """Yield the scored units and months of which anything was added or taken back."""
        for name, over, leaves, month in self._numbers:
            yield from ((unit, month) for unit in self._plans[name].units_of(leaves, over))

    def _add_row(self, plan: Plan, over: str, leaves: tuple[str, ...], row: Row, sign: int) -> set[int]:
        """Add a row to the measures; return the months in which it counts."""
        months: set[int] = set()
        for flows in plan.flows[over]:
            month = flows.placed(row)
            if month is None or not plan.first <= month <= plan.last:
                continue
            months.add(month)
            numbers = self._at(plan, over, leaves, month)
            numbers[flows.rows] += sign
            for slots, measure in flows.measures:
                base = 0 if measure.denominator is None else measure.denominator(row)
                _put(numbers, slots, sign * measure.numerator(row), sign * base)
                if slots.keys is not None:
                    _put_keys(numbers, slots.keys, measure, row, sign)
        for slots, measure in plan.stocks[over]:
            for share in measure.shares(row):
                months.add(share.month)
                numbers = self._at(plan, over, leaves, share.month)
                _put(numbers, slots, sign * share.numerator, sign * share.denominator)
                if slots.keys is not None:
                    _put_keys(numbers, slots.keys, measure, row, sign if share.rows else -sign)
                numbers[slots.rows] += sign * share.rows
        return months

    def _at(self, plan: Plan, over: str, leaves: tuple[str, ...], month: int) -> list[int]:
        spot = plan.id, over, leaves, month
        found = self._numbers.get(spot)
        if found is None:
            found = self._numbers[spot] = [0] * plan.layouts[over].width
        return found


def _put(numbers: list[int], slots: Slots, numerator: int, denominator: int) -> None:
    numbers[slots.numerator] += numerator
    if slots.denominator is not None:
        numbers[slots.denominator] += denominator


def _put_keys(numbers: list[int], keys: Keys, measure: CompiledMeasure, row: Row, sign: int) -> None:
    """Count the key that a row holds; what leaves a stock takes it back."""
    for at, count in zip(keys.places, measure.keys, strict=True):
        numbers[at] += sign * count(row)


def fold_under(tally: Tally, plans: Sequence[Plan], reports: Sequence[Report], sign: int = 1) -> Traces:
    """Fold the reports of one case under several schemes, whose sums are apart.

    A doubt is what no scheme that reads the case could score; a scheme that reads nothing of it has no say,
    and one that does not cover its month has none beside one that does.
    Until there is a scheme all is in doubt, and a correction is until its original comes.
    """
    if not reports:
        return NO_TRACES
    stands = standing(reports)
    found = [fold_standing(tally, plan, stands, sign) for plan in plans]
    awaited = {
        (ORIGINAL_MISSING, "/".join(report.root))
        for report, why in stands.left_out
        if why == ORIGINAL_MISSING
    }
    if len(found) == 1 and not awaited:
        return found[0]
    return Traces(
        places=frozenset[Place]().union(*(one.places for one in found)),
        doubts=_unscored(stands, found) | awaited,
        rows=sum(one.rows for one in found),
    )


def _unscored(stands: Standing, found: Sequence[Traces]) -> frozenset[Doubt]:
    if not found:
        return frozenset((NO_SCHEME, fact.type) for fact in stands.facts)
    heard = [one.doubts for one in found if one.rows]
    if not heard or not all(heard):
        return frozenset()
    named = frozenset(one for doubts in heard for one in doubts if one[0] != NO_SCHEME)
    return heard[0].intersection(*heard) or named


def fold_standing(tally: Tally, plan: Plan, stands: Standing, sign: int = 1) -> Traces:
    """Fold what stands; what was left out is found under the places that it would have had alone."""
    found = tally.add(plan, stands.facts, sign)
    alone = [Tally().add(plan, [report]).places for report, _ in stands.left_out if report.data is not None]
    return replace(found, places=found.places.union(*alone)) if alone else found


def _is_absent(plan: Plan, over: str, leaves: Sequence[str], months: Collection[int]) -> bool:
    """Tell whether nothing that reads a row applies to the units that it counts for."""
    gone = plan.absent.get(over)
    if not gone or not months:
        return False
    return all((leaf, month) in gone for leaf in leaves for month in months)


def _outside(plan: Plan, over: str, row: Row) -> set[Month]:
    """Return the months of a row that the scheme does not cover."""
    months = {measure.placed(row) for measure in plan.measures[over]} - {None}
    return {Month.of_ordinal(at) for at in months if at is not None and not plan.first <= at <= plan.last}
