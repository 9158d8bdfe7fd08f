"""The working clock equals a naive one, day by day, over random calendars, pauses and extensions."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import event, given, settings
from hypothesis import strategies as st

from services.supervision.domain.calendar import DayKind, Span, calendar_of
from services.supervision.domain.worktime import (
    Course,
    Extension,
    NamedDate,
    NamedInstant,
    OfficeHours,
    Pause,
    WorkingDays,
    due,
    lapses,
    late_days,
)
from tests.supervision import naive_clock
from tests.supervision.naive_clock import Sheet

ZONES = [ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")]
BEGIN = date(2021, 3, 1)
SPANS = [(time(8, 30), time(12)), (time(13, 30), time(17, 30))]
ONE_SPAN = [(time(10), time(11, 15))]
DAYS = st.integers(0, 90).map(lambda days: BEGIN + timedelta(days=days))
LIMIT = 3


@st.composite
def sheets(draw):
    kinds = draw(st.dictionaries(DAYS, st.sampled_from(["work", "rest", "rest", "make-up"]), max_size=40))
    kinds = {day: kind for day, kind in kinds.items() if kind != "make-up" or day.weekday() >= 5}
    first = draw(st.sampled_from([BEGIN - timedelta(days=40), BEGIN, BEGIN + timedelta(days=20)]))
    last = draw(st.sampled_from([first, first + timedelta(days=45), BEGIN + timedelta(days=400)]))
    hours = [draw(st.sampled_from([SPANS, ONE_SPAN])) for _ in range(5)] + [[], []]
    return Sheet(draw(st.sampled_from(ZONES)), first, last, kinds, hours)


@st.composite
def instants(draw, sheet):
    """Return quarters of an hour, often midnight, where days and pauses meet; none that exists twice or never."""
    quarter = draw(st.one_of(st.just(0), st.integers(0, 7), st.integers(12, 95)))
    return datetime.combine(draw(DAYS), time(quarter // 4, quarter % 4 * 15), sheet.zone)


@st.composite
def pauses(draw, sheet, begun):
    """Return pauses one after the other, the last perhaps still open; none before there was a task."""
    edges = sorted(one for one in draw(st.lists(instants(sheet), max_size=8)) if one >= begun)
    pairs = list(zip(edges[::2], edges[1::2], strict=False))
    return pairs + ([(edges[-1], None)] if len(edges) % 2 else [])


@st.composite
def extensions(draw, sheet):
    asked = draw(instants(sheet))
    hours = st.integers(0, 24 * 8)
    approvals = [asked + timedelta(hours=draw(hours)) for _ in range(draw(st.integers(0, 3)))]
    return asked, draw(DAYS), LIMIT, approvals


@st.composite
def budgets(draw, sheet):
    return draw(
        st.one_of(
            st.tuples(st.just("days"), st.integers(1, 25)),
            st.tuples(st.just("day"), DAYS),
            st.tuples(st.just("instant"), instants(sheet)),
            st.tuples(st.just("minutes"), st.integers(1, 200).map(lambda quarters: 15 * quarters)),
        )
    )


@st.composite
def tasks(draw):
    sheet = draw(sheets())
    begun = draw(instants(sheet))
    return (
        sheet,
        begun,
        draw(budgets(sheet)),
        draw(pauses(sheet, begun)),
        draw(st.lists(extensions(sheet), max_size=2)),
        draw(instants(sheet)),
    )


def calendar(sheet):
    kinds = {day: DayKind(kind) for day, kind in sheet.kinds.items() if sheet.known(day)}
    hours = tuple(tuple(Span(opens, closes) for opens, closes in spans) for spans in sheet.hours)
    return calendar_of(sheet.zone, sheet.first, sheet.last, kinds, hours)


def course(known, begun, budget, paused, extended):
    made = {"days": WorkingDays, "day": NamedDate, "instant": NamedInstant, "minutes": OfficeHours}
    return Course(
        begun,
        made[budget[0]](budget[1]),
        tuple(Pause(*one) for one in paused),
        tuple(
            Extension(asked, day, lapses(known, asked, limit), tuple(approvals))
            for asked, day, limit, approvals in extended
        ),
    )


def test_a_named_time_on_a_day_off_is_moved_by_the_working_days_of_its_pause():
    zone = ZONES[0]
    sheet = Sheet(zone, BEGIN, BEGIN + timedelta(days=60), {}, [SPANS] * 5 + [[], []])
    given_on, saturday, sunday, tuesday = (datetime(2021, 3, day, tzinfo=zone) for day in (1, 6, 7, 9))
    record = Course(given_on, NamedInstant(sunday), (Pause(saturday, tuesday),), ())
    assert due(calendar(sheet), record).instant == datetime(2021, 3, 8, tzinfo=zone)
    assert naive_clock.due(sheet, given_on, ("instant", sunday), [(saturday, tuesday)], [])[0] == datetime(
        2021, 3, 8, tzinfo=zone
    )


@given(tasks())
@settings(max_examples=250, deadline=None)
def test_the_clock_equals_one_that_counts_day_by_day(task):
    sheet, begun, budget, paused, extended, until = task
    expected = naive_clock.due(sheet, begun, budget, paused, extended)
    record = course(calendar(sheet), begun, budget, paused, extended)
    found = due(calendar(sheet), record)
    event(budget[0])
    event("stopped" if expected is None else "known" if expected[1] else "provisional")
    if expected is None:
        assert found.instant is None
    else:
        assert (found.instant, found.provisional) == (expected[0], not expected[1])
    late = late_days(calendar(sheet), record, until)
    event("late" if late else "in time")
    assert list(late) == naive_clock.late_days(sheet, expected, until)


@given(sheets(), DAYS, st.integers(1, 40))
@settings(max_examples=100, deadline=None)
def test_days_are_counted_forwards_and_backwards_alike(sheet, day, number):
    known = calendar(sheet)
    there = known.after(day, number)
    assert known.count(day, there) == number
    assert [one for one in known.between(day + timedelta(days=1), there) if not sheet.worked(one)] == []
    assert len(known.between(day + timedelta(days=1), there)) == number
    assert known.before(there + timedelta(days=1), 1) == there
    assert known.is_worked(day) == sheet.worked(day)
