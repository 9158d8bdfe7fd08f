"""Reads back what a cell is worth, from what stage B was told."""

from dataclasses import dataclass, replace

from services.scoring import inputs
from services.scoring.domain.combining import Share, combined
from services.scoring.domain.figures import (
    NOT_APPLICABLE,
    MonthPartials,
    Worth,
    compared_worth,
    is_due,
    merged,
    worth,
)
from services.scoring.domain.methods.amounts import Partials
from services.scoring.domain.parted import shares_of
from services.scoring.domain.parts import Parted
from services.scoring.domain.placing import placed
from services.scoring.domain.successions import Succession
from services.scoring.domain.sums import UnitSums
from services.scoring.plans import group_shard
from services.scoring.questions import Question
from shared.kernel.figures import FigureState
from shared.kernel.points import of_parts, short_text
from shared.storage.transaction import PostgresTransaction


@dataclass(frozen=True, slots=True)
class Read:
    """What a cell is worth and the sums it is made of; of one that is made of parts, the parts."""

    worth: Worth
    sums: Partials
    points: str
    shares: tuple[Share, ...] = ()


async def figure(tx: PostgresTransaction, question: Question) -> Read:
    """Return what a cell is worth and the sums that it is made of."""
    document, indicator = question.scheme.document, question.indicator
    if question.ended:
        return Read(Worth(None, FigureState.NOT_ASSESSED), Partials(), indicator.points)
    if question.line is not None and question.parted is not None:
        return await _made_of_parts(tx, question, question.line, question.parted)
    shard = group_shard(document.scheme.code, question.groups[0])
    sums = await inputs.load(tx, shard, question.scheme.plan.id, question.among, document.calendar)
    by_unit = {
        unit: _applying(question, unit, inputs.of_indicator(document, found, indicator))
        for unit, found in sums.items()
    }
    partials = by_unit[question.unit]
    if question.unit in question.absent and is_due(document, indicator, question.period):
        found = NOT_APPLICABLE
    elif indicator.method.comparing is None or question.unit in question.absent:
        found = worth(document, indicator, question.period, partials)
    else:
        there = {unit: of_unit for unit, of_unit in by_unit.items() if unit not in question.absent}
        found = compared_worth(document, indicator, question.period, there)[question.unit]
    found = _heard(question, found, sums[question.unit])
    total = merged(question.window, partials, question.spec)
    return Read(found, total, indicator.points)


async def _made_of_parts(
    tx: PostgresTransaction, question: Question, line: Succession, parted: Parted
) -> Read:
    """Return a figure that several versions share, with its parts."""
    sums = await inputs.of_line(tx, line)
    shares = shares_of(parted, question.unit, sums)
    value = combined(parted, shares)
    state = FigureState.NOT_ASSESSED if value is None else FigureState.SCORED
    stale = any(one.stale for one in shares)
    found = Worth(None if value is None else of_parts(value), state, shares[-1].among, stale)
    points = question.indicator.points if parted.points is None else short_text(parted.points)
    return Read(found, shares[-1].sums, points, tuple(shares))


def _applying(question: Question, unit: str, partials: MonthPartials) -> MonthPartials:
    """Return month partials without those of months in which the indicator does not apply to a unit."""
    gone = question.gone(unit)
    return {month: found for month, found in partials.items() if month not in gone}


def _heard(question: Question, found: Worth, sums: UnitSums) -> Worth:
    """Mark a figure of a silent feed; one of no event at all is then not assessed."""
    one = placed(question.scheme.document, question.indicator)
    at = question.span
    if question.unit in question.absences:
        sums = question.absences[question.unit].seen(sums, one.overs, at)
    if found.state not in {FigureState.SCORED, FigureState.NOT_ASSESSED} or not one.is_stale(sums, at):
        return found
    if one.at_once and one.waits(sums, at):
        return Worth(None, FigureState.NOT_ASSESSED, stale=True)
    return replace(found, stale=True)
