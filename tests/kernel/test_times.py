"""Instants and periods are read strictly and written in one way."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel import instants
from shared.kernel.errors import Refused
from shared.kernel.periods import JANUARY, LENGTH_MONTHS, Cycle, Month, PeriodCalendar, day, month_of

MONTHS = st.builds(Month, st.integers(1901, 2198), st.integers(1, 12))
CALENDARS = st.builds(PeriodCalendar, st.integers(1, 12))
APRIL = PeriodCalendar(4)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("2021-03-31T23:59:59+08:00", "2021-03-31T15:59:59.000000Z"),
        ("2021-03-31T16:00:00Z", "2021-03-31T16:00:00.000000Z"),
        ("2021-03-31T16:00:00.5-00:30", "2021-03-31T16:30:00.500000Z"),
        ("2020-02-29T00:00:00.123456789Z", "2020-02-29T00:00:00.123456Z"),
    ],
)
def test_an_instant_is_shown_in_utc_with_six_places(written: str, shown: str) -> None:
    assert instants.text(instants.parse(written)) == shown


@pytest.mark.parametrize(
    "written",
    [
        "2021-03-31T16:00:00",
        "2026-02-30T00:00:00Z",
        "2016-12-31T23:59:60Z",
        "9999-12-31T23:59:59Z",
        "2021-03-31T16:00:00+24:00",
        "2021-03-31 16:00:00Z",
        "2021-03-31t16:00:00z",
        "2021-03-31",
        "20210331T160000Z",
        "2021-W13-3T16:00:00Z",
        "2021-03-31T24:00:00Z",
        "2021-03-31T16:00:00,5Z",
        "2021-03-31T16:00:00Z\n",
        "２021-03-31T16:00:00Z",
        "",
    ],
)
def test_another_instant_is_refused(written: str) -> None:
    with pytest.raises(Refused, match="time_format"):
        instants.parse(written)


@given(st.datetimes(datetime(1900, 1, 1), datetime(2199, 1, 1), timezones=st.just(UTC)))
def test_instants_go_to_microseconds_and_text_and_back(instant: datetime) -> None:
    assert instants.of_micros(instants.micros(instant)) == instant
    assert instants.parse(instants.text(instant)) == instant


@pytest.mark.parametrize(
    ("written", "first", "last", "count"),
    [
        ("2021-03", "2021-03", "2021-03", 1),
        ("2021-Q1", "2021-01", "2021-03", 3),
        ("2021-Q4", "2021-10", "2021-12", 3),
        ("2021-H2", "2021-07", "2021-12", 6),
        ("2021", "2021-01", "2021-12", 12),
    ],
)
def test_a_period_knows_its_months(written: str, first: str, last: str, count: int) -> None:
    period = JANUARY.parse(written)
    assert str(period) == written
    assert (str(period.first), str(period.last), len(period.months())) == (first, last, count)
    assert list(period.months()) == sorted(period.months())


@pytest.mark.parametrize(
    "written", ["2021-13", "2021-Q5", "2021-H3", "21", "2021-00", "2021-q1", "2021-03-01", "9999"]
)
def test_another_period_is_refused(written: str) -> None:
    with pytest.raises(Refused, match="period"):
        JANUARY.parse(written)


@given(MONTHS, CALENDARS)
def test_a_month_lies_in_one_period_of_each_cycle(month: Month, calendar: PeriodCalendar) -> None:
    periods = calendar.around(month)
    assert [period.cycle for period in periods] == list(Cycle)
    assert all(month in period and calendar.parse(str(period)) == period for period in periods)
    assert [len(period.months()) for period in periods] == list(LENGTH_MONTHS.values())
    assert {calendar.containing(at, one.cycle) for one in periods for at in one.months()} == set(periods)
    assert Month.parse(str(month)) == month == Month.of_ordinal(month.ordinal)


@given(st.integers(1901, 2198), CALENDARS)
def test_a_year_is_twelve_months_from_its_first_that_its_parts_follow_each_other_through(
    year: int, calendar: PeriodCalendar
) -> None:
    whole = calendar.parse(f"{year:04d}")
    assert whole.first == Month(year, calendar.first_month)
    assert whole.months() == tuple(whole.first.plus(step) for step in range(12))
    for names in (["H1", "H2"], ["Q1", "Q2", "Q3", "Q4"]):
        parts = [calendar.parse(f"{year:04d}-{name}") for name in names]
        assert tuple(month for part in parts for month in part.months()) == whole.months()
        assert [part.index for part in parts] == list(range(1, len(parts) + 1))
    assert {calendar.year_of(month.ordinal) for month in whole.months()} == {year}


@given(MONTHS)
def test_from_january_a_year_has_the_months_that_bear_its_name(month: Month) -> None:
    found = {period.cycle: (period.year, period.index) for period in JANUARY.around(month)}
    assert {year for year, _ in found.values()} == {month.year} == {JANUARY.year_of(month.ordinal)}
    assert {cycle: index for cycle, (_, index) in found.items()} == {
        Cycle.MONTH: month.month,
        Cycle.QUARTER: (month.month + 2) // 3,
        Cycle.HALF_YEAR: (month.month + 5) // 6,
        Cycle.YEAR: 1,
    }


@pytest.mark.parametrize(
    ("written", "first", "last"),
    [
        ("2021", "2021-04", "2022-03"),
        ("2021-Q1", "2021-04", "2021-06"),
        ("2021-Q4", "2022-01", "2022-03"),
        ("2021-H1", "2021-04", "2021-09"),
        ("2021-03", "2021-03", "2021-03"),
    ],
)
def test_from_april_a_year_runs_to_march_and_months_keep_their_names(
    written: str, first: str, last: str
) -> None:
    period = APRIL.parse(written)
    assert (str(period), str(period.first), str(period.last)) == (written, first, last)


@given(MONTHS, st.integers(-500, 500))
def test_months_are_ordered_by_time(month: Month, step: int) -> None:
    assert (month.plus(step) > month) == (step > 0)
    assert month.plus(step).ordinal == month.ordinal + step


def test_the_month_of_an_instant_is_that_of_the_zone() -> None:
    instant = instants.parse("2021-03-31T16:00:00Z")
    assert str(month_of(instant, ZoneInfo("Asia/Shanghai"))) == "2021-04"
    assert str(month_of(instant, ZoneInfo("America/New_York"))) == "2021-03"
    assert Month(2021, 4).starts(ZoneInfo("Asia/Shanghai")) == instant


@given(st.dates(date(1900, 1, 1), date(2199, 12, 31)))
def test_a_day_is_written_in_one_way(found: date) -> None:
    assert day(found.isoformat()) == found
    week = "{}-W{:02}-{}".format(*found.isocalendar())
    for written in (found.strftime("%Y%m%d"), week, f"{found}\n", f" {found}", f"{found}T00:00"):
        with pytest.raises(Refused):
            day(written)


@pytest.mark.parametrize(
    "written", ["1899-12-31", "2200-01-01", "2021-02-29", "2021-3-31", "", "０021-03-31"]
)
def test_what_is_no_day_is_refused(written: str) -> None:
    with pytest.raises(Refused) as refused:
        day(written, "/day")
    assert (refused.value.problem.code, refused.value.problem.pointer) == ("day", "/day")
