"""Why a case counts in a cell or does not: its row, its share, its reports and those left out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.scoring.domain.expressions import Row
from services.scoring.domain.facts import Report, Standing
from services.scoring.domain.folding import Place, Tally, fold_standing
from services.scoring.domain.plan import CompiledMeasure, Plan
from shared.kernel.reigns import Months

LeftOut = tuple[Report, str]


class Uncounted(StrEnum):
    """Why a row does not count; a row of reports that were all left out says why the last one was."""

    FILTER_NOT_MET = "filter_not_met"
    NO_DATE = "no_date"
    OTHER_MONTH = "other_month"
    OUTSIDE_OVERLAY = "outside_overlay"
    LEFT_BEFORE_THE_END = "left_before_the_end"
    REVISED = "revised"
    WITHDRAWN = "withdrawn"
    SAME_FACT = "same_fact"
    ORIGINAL_MISSING = "original_missing"
    BEYOND_CAP = "beyond_cap"
    PROVISIONAL = "provisional"
    OTHER_INDICATOR = "other_indicator"
    SUPPRESSED = "suppressed"
    NOT_SCORED = "not_scored"
    BELOW_MINIMUM = "below_minimum"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True)
class Asked:
    """A measure of a unit in the months first..last; `over_view` tells a case view from an event type.

    Of `gone` months nothing counts: what is asked does not apply to the unit there. Of a flow nothing but
    `only` some months may count: those of the days at which it is assessed, and of an overlay its own, from
    the first to the last of `overlay`. Of a stock `only` are none where it is asked for outside its months.
    """

    unit: str
    measure: CompiledMeasure
    over_view: bool
    first: int
    last: int
    gone: frozenset[int] = frozenset()
    only: frozenset[int] | None = None
    overlay: Months | None = None

    def takes(self, month: int) -> bool:
        """Tell whether a month is one of those that are asked for."""
        return self.first <= month <= self.last and (self.only is None or month in self.only)

    def not_taken(self, month: int) -> Uncounted:
        """Return why a row of a month that is not one of them does not count."""
        return not_taken(self.overlay, max(month, self.last) if self.measure.stock else month)


@dataclass(frozen=True, slots=True)
class ExplainedRow:
    """A row of a measure: where it belongs, what it adds (millionths), or why it adds nothing."""

    row: Row
    leaf: str
    month: int | None
    numerator: int
    denominator: int
    reason: Uncounted | None
    facts: tuple[Report, ...]
    left_out: tuple[LeftOut, ...]


def not_taken(overlay: Months | None, month: int) -> Uncounted:
    """Return why what belongs to a month that is not taken does not count: perhaps its overlay has others."""
    if overlay is None or overlay[0] <= month <= overlay[1]:
        return Uncounted.OTHER_MONTH
    return Uncounted.OUTSIDE_OVERLAY


def leaves_of(plan: Plan, unit: str) -> list[str]:
    """Return the units whose rows count for a unit, itself included, in order."""
    return sorted(code for code, chain in plan.above.items() if unit in chain)


def home_of(plan: Plan, asked: Asked, stands: Standing) -> Place | None:
    """Return the first place under which a case is found for what is asked, so that it is listed once."""
    places = fold_standing(Tally(), plan, stands).places
    return min(
        (
            (leaf, month)
            for leaf, month in places
            if asked.first <= month <= asked.last and asked.unit in plan.above[leaf]
        ),
        default=None,
    )


def explain(plan: Plan, asked: Asked, stands: Standing) -> list[ExplainedRow]:
    """Return the rows of one case that concern the unit asked for."""
    events = plan.events_of[asked.measure.over]
    facts = [fact for fact in stands.facts if fact.type in events]
    left_out = [(report, why) for report, why in stands.left_out if report.type in events]
    rows = [
        found
        for own, others in _grouped(asked, facts, left_out)
        if (found := _standing_row(plan, asked, own, others)) is not None
    ]
    told = {id(report) for row in rows for report, _ in row.left_out}
    return [*rows, *_left_out_rows(plan, asked, [pair for pair in left_out if id(pair[0]) not in told])]


def _grouped(
    asked: Asked, facts: Sequence[Report], left_out: Sequence[LeftOut]
) -> Iterator[tuple[tuple[Report, ...], tuple[LeftOut, ...]]]:
    """Return the facts of each row, and what was left out of it: over a view the case is one row."""
    if asked.over_view:
        if facts:
            yield tuple(facts), tuple(left_out)
        return
    for fact in facts:
        yield (fact,), tuple(pair for pair in left_out if pair[0].root == fact.root)


def _standing_row(
    plan: Plan, asked: Asked, facts: tuple[Report, ...], left_out: tuple[LeftOut, ...]
) -> ExplainedRow | None:
    row = plan.rows_of[asked.measure.over](facts)[0]
    leaf = _leaf(plan, asked, row)
    if leaf is None:
        return None
    measure = asked.measure
    within = [share for share in measure.shares(row) if asked.takes(share.month)]
    shares = [share for share in within if share.month not in asked.gone]
    numerator = sum(share.numerator for share in shares)
    denominator = sum(share.denominator for share in shares)
    month = measure.placed(row)
    reason = None
    if numerator == denominator == 0:
        reason = Uncounted.NOT_APPLICABLE if len(shares) < len(within) else _reason(asked, row, month)
    return ExplainedRow(row, leaf, month, numerator, denominator, reason, facts, left_out)


def _reason(asked: Asked, row: Row, month: int | None) -> Uncounted:
    shares = asked.measure.shares(row)
    if month is None:
        return Uncounted.NO_DATE
    if month > asked.last or not (asked.only is None if asked.measure.stock else asked.takes(month)):
        return asked.not_taken(month)
    if asked.measure.stock and (not shares or any(share.numerator or share.denominator for share in shares)):
        return Uncounted.LEFT_BEFORE_THE_END
    return Uncounted.FILTER_NOT_MET


def _left_out_rows(plan: Plan, asked: Asked, left_out: Sequence[LeftOut]) -> Iterator[ExplainedRow]:
    """Return a row for each report that has none because all that revises or repeats it was left out."""
    by_root: dict[tuple[str, str], list[LeftOut]] = {}
    for report, why in left_out:
        by_root.setdefault(report.root, []).append((report, why))
    for pairs in by_root.values():
        for report in [report for report, _ in reversed(pairs) if report.data is not None][:1]:
            row = plan.rows_of[asked.measure.over]([report])[0]
            leaf = _leaf(plan, asked, row)
            if leaf is not None:
                month, why = asked.measure.placed(row), Uncounted(pairs[-1][1])
                yield ExplainedRow(row, leaf, month, 0, 0, why, (), tuple(pairs))


def _leaf(plan: Plan, asked: Asked, row: Row) -> str | None:
    """Return the unit that a row belongs to below the one asked for, by the first tree that has one."""
    for column in plan.trees.values():
        leaf = row.get(column)
        if leaf is None or leaf not in plan.above:
            continue
        if asked.unit in plan.chain(leaf, asked.measure.over):
            return leaf
    return None
