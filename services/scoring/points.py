"""Reads the derived facts behind a cell back: late days, deductions, what persons gave or raters said."""

from collections.abc import Iterator
from fractions import Fraction

from services.scoring import conclusions, cursors, derived, shown
from services.scoring.answers import ShownRow
from services.scoring.contract import (
    Deduction,
    DeductionDecided,
    DeductionState,
    ItemChanged,
    PointsGiven,
    ReportName,
    SurveyCounted,
)
from services.scoring.derived import Found, Told
from services.scoring.domain.decided import Decision
from services.scoring.domain.explanation import Uncounted, leaves_of, not_taken
from services.scoring.domain.late_days import LateItem, charges
from services.scoring.domain.manual import Given
from services.scoring.domain.measures import ItemsSpec, PointsSpec
from services.scoring.domain.surveyed import Counted
from services.scoring.domain.written import amount, lost
from services.scoring.evidence import Cursor, Wanted
from services.scoring.questions import Question
from services.scoring.settling import key_of
from shared.contracts import envelope
from shared.kernel.periods import Month
from shared.kernel.points import MILLIONTHS, decimal, millionths, shown_ratio, text
from shared.storage.transaction import PostgresTransaction

FACTS_PER_QUERY = 200
QUERIES_PER_PAGE = 10


async def rows(
    tx: PostgresTransaction, question: Question, after: Cursor | None, limit: int, wanted: Wanted
) -> tuple[list[ShownRow], Cursor | None]:
    """Return a page of rows and where the next begins; it ends early where few of many are wanted."""
    page: list[ShownRow] = []
    at, done = _begin(question, after)
    for _ in range(QUERIES_PER_PAGE):
        found = await _find(tx, question, at)
        for place, told in found:
            rows = [_applying(question, row) for row in _rows(question, place, told)]
            begin = done if place == at else 0
            for done, row in enumerate(rows[begin:], begin):
                mine = _takes(question, wanted, row)
                if len(page) == limit and mine:
                    return page, _cursor(place, done)
                page += [row] if mine else []
            at, done = place, len(rows)
        if at is None or len(found) < FACTS_PER_QUERY:
            return page, None
    return page, None if at is None else _cursor(at, done)


def _applying(question: Question, row: ShownRow) -> ShownRow:
    """Return a row as it counts: where the indicator is not assessed or does not apply it takes nothing."""
    if not row.counted or row.month is None:
        return row
    document, month, reason = question.scheme.document, Month.parse(row.month).ordinal, None
    taken = document.months_taken(question.indicator)
    if month in question.gone(question.unit):
        reason = Uncounted.NOT_APPLICABLE
    elif taken is not None and month not in taken:
        reason = not_taken(document.months_of(question.indicator), month)
    if reason is None:
        return row
    return row.model_copy(update={"counted": False, "reason": reason, "numerator": "0", "denominator": None})


def _takes(question: Question, wanted: Wanted, row: ShownRow) -> bool:
    stream = derived.stream_of(question.spec.over)
    return wanted.by_count(counted=row.counted) and any(
        wanted.caused(stream, one.shard, one.number) for one in row.reports
    )


def _begin(question: Question, after: Cursor | None) -> tuple[Found | None, int]:
    """Return where a page begins and how many rows were told there, or refuse a cursor of something else."""
    if after is None:
        return None, 0
    months = question.window
    known = (
        after.unit in question.scheme.plan.above and months[0].ordinal <= after.month <= months[-1].ordinal
    )
    try:
        key = after.grp.decode()
    except UnicodeDecodeError:
        raise cursors.refused() from None
    if not known or not key.isprintable():
        raise cursors.refused()
    return Found(after.unit, after.month, after.shard, key), after.rows


async def _find(tx: PostgresTransaction, question: Question, at: Found | None) -> list[tuple[Found, Told]]:
    over, months = question.spec.over, question.window
    return await derived.find(
        tx,
        derived.stream_of(over),
        over,
        leaves_of(question.scheme.plan, question.unit)
        if isinstance(question.spec, ItemsSpec)
        else [question.unit],
        (months[0].ordinal, months[-1].ordinal),
        at,
        FACTS_PER_QUERY,
    )


def _rows(question: Question, place: Found, told: Told) -> Iterator[ShownRow]:
    fact = told.fact
    if isinstance(fact, LateItem):
        yield from _late_days(question, place, fact, told.body)
    elif isinstance(fact, Decision):
        yield from _deductions(question, place, told.body)
    elif isinstance(fact, Given) and _is_of(question, fact):
        yield _given(question, fact, told.body)
    elif isinstance(fact, Counted) and _is_of(question, fact):
        yield _surveyed(question, fact, told.body)


def _is_of(question: Question, fact: Given | Counted) -> bool:
    return (fact.scheme, fact.indicator) == (question.scheme.points.scheme, question.indicator.code)


def _given(question: Question, fact: Given, body: bytes) -> ShownRow:
    """Return what persons gave for the indicator in a month, withdrawn or not."""
    event = envelope.decode(body)
    told = envelope.decode_data(event, PointsGiven)
    in_points = isinstance(question.spec, PointsSpec)
    written = lost(fact.amount * MILLIONTHS) if in_points else amount(fact.amount)
    return ShownRow(
        case=None,
        unit=fact.unit,
        month=told.month,
        counted=fact.stands,
        met=None,
        reason=None if fact.stands else Uncounted.WITHDRAWN,
        numerator=written if fact.stands else "0",
        denominator=None if in_points else str(int(fact.stands)),
        columns={
            "request": told.key,
            "state": told.state.value,
            "points" if in_points else "value": written,
            "asked_by": told.asked_by,
            "reason": told.reason,
            "approved_by": told.approved_by,
            "evidence": told.evidence.name,
            "sha256": told.evidence.sha256,
        },
        reports=[shown.event_of(event)],
        reports_total=1,
    )


def _surveyed(question: Question, fact: Counted, body: bytes) -> ShownRow:
    """Return what a closed round came to, class by class; of a class below its minimum nothing is told.

    What the scheme asks otherwise is not taken by it.
    """
    event = envelope.decode(body)
    told = envelope.decode_data(event, SurveyCounted)
    answers = 0 if fact.short else sum(one.answers for one in told.classes)
    means = {f"mean:{one.rater}": text(shown_ratio(Fraction(one.total, one.kept))) for one in told.classes}
    reason = Uncounted.BELOW_MINIMUM if fact.short else None
    if reason is None and any(one.slots is None for one in fact.losses(question.scheme.points)):
        reason = Uncounted.NOT_SCORED
    return ShownRow(
        case=None,
        unit=fact.unit,
        month=told.month,
        counted=reason is None,
        met=None,
        reason=reason,
        numerator=str(answers),
        denominator=None,
        columns={"survey": told.survey, **means, "short": ", ".join(told.short) or None},
        reports=[shown.event_of(event)],
        reports_total=1,
    )


def _late_days(question: Question, place: Found, item: LateItem, body: bytes) -> Iterator[ShownRow]:
    """Yield the late days of an item that a unit bears in a month, those that cost it nothing too."""
    plan, measure = question.scheme.points, question.indicator.measure
    event = envelope.decode(body)
    state = envelope.decode_data(event, ItemChanged)
    columns = {
        "item": state.item,
        "title": state.title,
        "state": state.state.value,
        "light": state.light.value,
        "given": state.given,
        "due": state.due,
        "completed": state.completed,
    }
    for one in charges(item, measure, plan, question.unit):
        if (one.unit, one.month) == (place.unit, place.month):
            day = one.day.isoformat()
            yield ShownRow(
                case=state.case,
                unit=one.unit,
                month=str(Month.of_ordinal(one.month)),
                counted=one.free is None,
                met=None,
                reason=None if one.free is None else Uncounted(one.free),
                numerator=lost(one.parts),
                denominator=None,
                columns={"day": day, **columns, "share": conclusions.shares_on(state, day)[place.unit]},
                reports=[shown.event_of(event)],
                reports_total=1,
            )


def _deductions(question: Question, place: Found, body: bytes) -> Iterator[ShownRow]:
    """Yield what was decided of an incident for the indicator in a month, what does not count too."""
    event = envelope.decode(body)
    decided = envelope.decode_data(event, DeductionDecided)
    for one in decided.deductions:
        if one.indicator != question.indicator.code or Month.parse(one.month).ordinal != place.month:
            continue
        reason = _why_not(one, heard=question.scheme.points.hears(one.scheme))
        points = millionths(decimal(one.points)) * MILLIONTHS
        yield ShownRow(
            case=None,
            unit=decided.unit,
            month=one.month,
            counted=reason is None,
            met=None,
            reason=reason,
            numerator=lost(0 if reason else points),
            denominator=None,
            columns={
                "incident": key_of(decided.incident).id,
                "role": one.role.value,
                "finding": _written(one.finding),
                "state": one.state.value,
                "points": lost(points),
                "trigger": one.trigger,
                "inspection": _written(one.inspection),
                "suppressed_by": _written(one.suppressed_by),
                "test": one.figures or None,
            },
            reports=[shown.event_of(event)],
            reports_total=1,
        )


def _why_not(one: Deduction, *, heard: bool) -> Uncounted | None:
    if not heard:
        return Uncounted.OTHER_INDICATOR
    match one.state:
        case DeductionState.COUNTED | DeductionState.REVIVED:
            return None
        case DeductionState.SUPPRESSED:
            return Uncounted.SUPPRESSED
        case DeductionState.NOT_SCORED:
            return Uncounted.NOT_SCORED


def _written(report: ReportName | None) -> str | None:
    return None if report is None else f"{report.source}/{report.id}"


def _cursor(place: Found, done: int) -> Cursor:
    return Cursor(place.unit, place.month, place.key.encode(), place.shard, done)
