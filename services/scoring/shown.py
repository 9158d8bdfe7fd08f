"""Puts what was read of a cell into the shape of the answers."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.scoring import cursors
from services.scoring.answers import (
    Backtest,
    BacktestedUnit,
    CellAnswer,
    EntryAnswer,
    Explanation,
    Formula,
    Inputs,
    MeasuredValue,
    Objections,
    ShownEntry,
    ShownEvent,
    ShownFigure,
    ShownKnown,
    ShownMeasure,
    ShownPart,
    ShownRow,
    ShownSuspense,
    SuspendedCase,
    Suspense,
    SuspenseQuery,
)
from services.scoring.backtesting import Compared
from services.scoring.cases import Case, Key
from services.scoring.contract import SCHEMES
from services.scoring.domain.combining import Share
from services.scoring.domain.explanation import Uncounted
from services.scoring.domain.expressions import Columns, Kind
from services.scoring.domain.figures import Worth
from services.scoring.domain.formulas import outside, put_in, put_together, symbolic
from services.scoring.domain.measures import MeasureSpec, PointsSpec
from services.scoring.domain.methods.amounts import Partials, actual_of
from services.scoring.domain.plan import columns_of
from services.scoring.domain.rows import event_row
from services.scoring.domain.titles import titles_of
from services.scoring.domain.written import amount, lost
from services.scoring.evidence import Told
from services.scoring.figuring import Read
from services.scoring.knowing import Known
from services.scoring.questions import Question
from services.scoring.reports import stored_events
from services.scoring.traces import Doubted, LedgerEntry, SuspenseEntry
from shared.contracts.envelope import AcceptedEvent
from shared.contracts.scoring import Cause
from shared.kernel import instants
from shared.kernel.figures import FigureState
from shared.kernel.periods import Month
from shared.kernel.points import of_parts, parts_of, published, shown_ratio, text

REPORTS_SHOWN = 100
ENTRIES_SHOWN = 100


def head(question: Question, read: Read, as_of: str, fresh_at: str | None) -> dict[str, Any]:
    """Return what every answer about a cell begins with."""
    document, indicator, spec = question.scheme.document, question.indicator, question.spec
    value = read.worth.value
    return {
        "scheme": document.scheme.code,
        "version": document.scheme.version,
        "zone": document.scheme.zone,
        "period": str(question.period),
        "unit": question.unit,
        "unit_name": next(one.name for one in document.units if one.code == question.unit),
        "indicator": indicator.code,
        "indicator_name": indicator.name,
        "board": indicator.board,
        "overlay": indicator.overlay,
        "as_of": as_of,
        "fresh_at": fresh_at,
        "figure": ShownFigure(
            points=read.points,
            value=None if value is None else text(value),
            published=None if value is None else text(published(value, document.scheme.places)),
            state=read.worth.state,
            stale=read.worth.stale,
        ),
        "measure": ShownMeasure(
            name=indicator.measure,
            version=spec.version,
            owner=spec.owner or indicator.assessor,
            effective=spec.effective or document.scheme.effective,
            definition=spec,
        ),
    }


def cell_answer(
    begun: Mapping[str, Any], entries: Sequence[LedgerEntry], asked: tuple[str, Known] | None
) -> CellAnswer:
    """Return a cell with its newest entries; where it was asked how it was known, with what said so."""
    shown = [entry_of(entry) for entry in entries[-ENTRIES_SHOWN:]]
    truncated = len(entries) > ENTRIES_SHOWN
    if asked is None:
        return CellAnswer(**begun, entries=shown, truncated=truncated)
    told = ShownKnown(asked=asked[0], said_by=asked[1].said_by, known_at=asked[1].known_at)
    then: dict[str, Any] = {**begun, "state": "as_of"}
    return CellAnswer(**then, known=told, entries=shown, truncated=truncated)


def entry_of(entry: LedgerEntry) -> ShownEntry:
    """Return an entry as it is shown."""
    return ShownEntry(
        id=entry.id,
        month=str(Month.of_ordinal(entry.month)),
        old=None if entry.old is None else text(entry.old),
        new=None if entry.new is None else text(entry.new),
        cause=[Cause.model_validate(one) for one in entry.cause],
        known_at=entry.known_at,
    )


def entry_answer(
    question: Question,
    begun: Mapping[str, Any],
    read: Read,
    entry: LedgerEntry,
    rows: Sequence[ShownRow],
    following: str | None,
) -> EntryAnswer:
    """Return an entry with a page of the rows among its causes."""
    change = None if entry.old is None or entry.new is None else text(entry.new - entry.old)
    shown = entry_of(entry)
    adopted = [one for one in shown.cause if one.stream == SCHEMES]
    return EntryAnswer(
        **begun,
        formula=_formula(question, read),
        entry=shown,
        change=change,
        adopted=adopted,
        rows=list(rows),
        titles=_titles(question),
        next=following,
    )


def explanation(
    question: Question,
    begun: Mapping[str, Any],
    read: Read,
    rows: Sequence[ShownRow],
    following: str | None,
    objections: Objections,
) -> Explanation:
    """Return the formula, its inputs and a page of rows."""
    partials = read.sums.summed
    in_points = isinstance(question.spec, PointsSpec)
    return Explanation(
        **begun,
        formula=_formula(question, read),
        inputs=Inputs(
            numerator=lost(partials.numerator) if in_points else amount(partials.numerator),
            denominator=amount(partials.denominator) if question.has_denominator else None,
            months=[str(month) for month in question.window],
        ),
        parts=[_part(one, question.scheme.document.scheme.places) for one in read.shares],
        reviews=objections.reviews,
        replies=objections.replies,
        truncated=objections.truncated,
        rows=list(rows),
        titles=_titles(question),
        next=following,
    )


def _titles(question: Question) -> dict[str, str]:
    scheme = question.scheme
    return titles_of(scheme.document, question.spec.over, scheme.types)


def backtest(code: str, found: Compared) -> Backtest:
    """Return two versions of a measure beside each other."""
    units = [_beside(unit, found) for unit in sorted(found.old.keys() | found.new.keys())]
    return Backtest(
        scheme=code,
        measure=found.before.name,
        period=str(found.before.period),
        before=found.before.scheme,
        after=found.after.scheme,
        definitions={"before": found.before.spec, "after": found.after.spec},
        facts=found.facts,
        differing=sum(one.differs for one in units),
        units=units,
    )


def _beside(unit: str, found: Compared) -> BacktestedUnit:
    before = _value(found.old.get(unit, Partials()), found.before.spec)
    after = _value(found.new.get(unit, Partials()), found.after.spec)
    return BacktestedUnit(unit=unit, before=before, after=after, differs=before != after)


def _value(partials: Partials, spec: MeasureSpec) -> MeasuredValue:
    actual, summed = actual_of(partials, is_ratio=True) if spec.is_ratio else None, partials.summed
    return MeasuredValue(
        numerator=amount(summed.numerator),
        denominator=None if spec.denominator is None else amount(summed.denominator),
        ratio=None if actual is None else text(shown_ratio(actual)),
    )


def _formula(question: Question, read: Read) -> Formula:
    """Return how the value comes about: in symbols, and with the numbers put in."""
    indicator, ratio = question.indicator, question.spec.is_ratio
    places = question.scheme.document.scheme.places
    if question.outside is not None and read.worth.state is FigureState.NOT_DUE:
        told = outside(question.outside)
    elif question.parted is None or question.parted.is_whole:
        told = put_in(indicator, read.sums, read.worth, is_ratio=ratio, places=places)
    else:
        value = None if read.worth.value is None else parts_of(read.worth.value)
        told = put_together(question.parted, read.shares, value, places)
    return Formula(symbolic=symbolic(indicator, is_ratio=ratio), with_numbers=told, method=indicator.method)


def _part(share: Share, places: int) -> ShownPart:
    """Return a part with the formula of its own months."""
    part, sums = share.part, share.sums.summed
    in_points = isinstance(part.measure, PointsSpec)
    state = FigureState.NOT_ASSESSED if share.value is None else FigureState.SCORED
    worth = Worth(None if share.value is None else of_parts(share.value), state, share.among)
    return ShownPart(
        versions=[one.plan.version for one in part.chapters],
        months=[str(Month.of_ordinal(month)) for months in part.months for month in months],
        weight=part.weight,
        points=part.indicator.points,
        numerator=lost(sums.numerator) if in_points else amount(sums.numerator),
        denominator=None if part.measure.denominator is None else amount(sums.denominator),
        value=None if worth.value is None else text(worth.value),
        formula=put_in(part.indicator, share.sums, worth, is_ratio=part.is_ratio, places=places),
    )


def rows_of_events(question: Question, rows: Sequence[Told]) -> list[ShownRow]:
    """Return the rows of a measure of events."""
    document, types = question.scheme.document, question.scheme.catalogue.types
    columns = {one.over: columns_of(document, one.over, types) for one in question.measures}
    return [_row(told, columns[told.measure.over], question) for told in rows]


def suspense_bound(state: str) -> str:
    """Return the question that a cursor of the list in a state is bound to."""
    return f"suspense {state}"


def suspense(
    found: Mapping[Doubted, Sequence[SuspenseEntry]], known: Mapping[Key, Case], asked: SuspenseQuery
) -> Suspense:
    """Return a page of what waits in suspense or was settled."""
    items = [_suspended(doubt, entries, known) for doubt, entries in found.items()]
    full = len(found) == asked.limit
    following = cursors.write(list(found)[-1], suspense_bound(asked.state)) if full else None
    return Suspense(items=items, next=following)


def _suspended(doubt: Doubted, entries: Sequence[SuspenseEntry], known: Mapping[Key, Case]) -> SuspendedCase:
    """Return a case with its reports; those that were joined to another since are found there."""
    case = known.get((doubt.shard, doubt.grp))
    events = [] if case is None else stored_events(case.events)
    last = entries[-1]
    return SuspendedCase(
        why=doubt.why,
        what=doubt.what,
        state="settled" if last.settles else "waiting",
        opened=next(one.cause for one in reversed(entries) if not one.settles),
        settled=last.cause if last.settles else None,
        entries=[
            ShownSuspense(id=one.id, what="settled" if one.settles else "opened", by=one.cause)
            for one in entries
        ],
        case=next((event.case for event in events), None),
        reports=[event_of(event) for event in events[:REPORTS_SHOWN]],
        reports_total=len(events),
    )


def _row(told: Told, columns: Columns, question: Question) -> ShownRow:
    row, own = told.row, told.measure.name == question.indicator.measure
    ratio = question.has_denominator and own
    counted = row.reason is None
    taken = _taken(question, told)
    reports = [(report, None) for report in row.facts] + [(r, Uncounted(why)) for r, why in row.left_out]
    events = [
        (told.events[report.source, report.id], why, taken.get(at, ()))
        for at, (report, why) in enumerate(reports)
    ]
    return ShownRow(
        case=next((event.case for event, _, _ in events), None),
        unit=row.leaf,
        month=None if row.month is None else str(Month.of_ordinal(row.month)),
        counted=counted,
        met=row.numerator != 0 if ratio and row.denominator != 0 else None,
        reason=row.reason,
        numerator=amount(row.numerator),
        denominator=amount(row.denominator) if ratio else None,
        columns={name: _column(row.row.get(name), kind) for name, kind in columns.items()},
        reports=[event_of(*one) for one in events[:REPORTS_SHOWN]],
        reports_total=len(events),
        measure=None if own else told.measure.name,
    )


def _taken(question: Question, told: Told) -> Mapping[int, Sequence[str]]:
    """Return by the place of a fact the columns of its case that take it; a row of an event has none."""
    view = question.scheme.plan.views.get(told.measure.over)
    return {} if view is None else view.taken([(fact.type, event_row(fact)) for fact in told.row.facts])


def event_of(
    event: AcceptedEvent, left_out: Uncounted | None = None, taken_by: Sequence[str] = ()
) -> ShownEvent:
    """Return a report as it is shown."""
    return ShownEvent(
        source=event.source,
        id=event.id,
        type=event.type,
        time=event.time,
        received=event.received,
        shard=event.shard,
        number=event.number,
        left_out=left_out,
        taken_by=list(taken_by),
    )


def _column(value: Any, kind: Kind) -> str | bool | None:
    if value is None or isinstance(value, bool):
        return value
    match kind:
        case Kind.TIME:
            return instants.text(instants.of_micros(value))
        case Kind.NUMBER:
            return amount(value)
        case _:
            return str(value)
