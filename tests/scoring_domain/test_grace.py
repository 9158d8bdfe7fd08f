"""T: 24:00 of the last working day of grace, by the statutory calendar, and unknown where that does not reach."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.grace import KnownDays, cut, last_of_grace

APRIL = date(2021, 4, 1)
FESTIVAL = {date(2021, 4, day): False for day in (3, 4, 5)}


SHANGHAI = ZoneInfo("Asia/Shanghai")


def known(named, last=date(2021, 12, 31), received="2020-11-25"):
    told = datetime.fromisoformat(received).replace(tzinfo=UTC)
    return KnownDays(date(2021, 1, 1), last, named, told)


def ends(*calendars, days=5):
    return cut(APRIL, days, calendars, SHANGHAI)


def at_midnight(day):
    return datetime(2021, 4, day, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("days", "named", "last"),
    [
        (5, FESTIVAL, 8),
        (5, {}, 7),
        (0, FESTIVAL, 0),
        (1, FESTIVAL, 1),
        (2, FESTIVAL, 2),
        (3, FESTIVAL, 6),
        (3, {date(2021, 4, 3): True}, 3),  # a Saturday that is worked
    ],
)
def test_grace_is_counted_in_working_days_from_the_first_day_after_the_month(days, named, last):
    found = last_of_grace(APRIL, days, known(named))
    assert found == (date(2021, 3, 31) if last == 0 else date(2021, 4, last))


def test_where_the_calendar_does_not_know_every_day_of_grace_t_is_not_known():
    assert last_of_grace(APRIL, 5, known(FESTIVAL, date(2021, 4, 8))) == date(2021, 4, 8)
    assert last_of_grace(APRIL, 5, known(FESTIVAL, date(2021, 4, 7))) is None
    assert last_of_grace(date(2020, 12, 31), 1, known({})) is None
    assert ends() is None
    assert ends(days=0) == ends(known(FESTIVAL), days=0) == at_midnight(1)
    assert ends(known(FESTIVAL, date(2021, 4, 7))) is None


def test_a_calendar_that_comes_after_t_moves_it_no_more():
    """By the first T is the end of 7 April, by the second that of 8 April, and the other way round."""
    early, late = known({}), known(FESTIVAL)
    assert (ends(early), ends(late)) == (at_midnight(8), at_midnight(9))
    for received, wanted in (("2021-04-07T15:59:59", 9), ("2021-04-07T16:00:00", 8), ("2022-01-01", 8)):
        assert ends(early, known(FESTIVAL, received=received)) == at_midnight(wanted)
    for received, wanted in (("2021-04-07T15:59:59", 8), ("2021-04-07T16:00:00", 9), ("2021-04-08T12:00", 9)):
        assert ends(late, known({}, received=received)) == at_midnight(wanted)
    reaching_less = known(FESTIVAL, date(2021, 4, 7))
    assert ends(early, reaching_less) == at_midnight(8)
    assert ends(reaching_less, known(FESTIVAL, received="2021-06-01")) == at_midnight(9)


DAYS = st.dates(date(2021, 4, 1), date(2021, 4, 12))
TOLD = st.tuples(
    st.dictionaries(DAYS, st.booleans(), max_size=5),
    st.sampled_from((date(2021, 4, 7), date(2021, 4, 12), date(2021, 12, 31))),
    st.integers(0, 15 * 24),
)


@given(st.lists(TOLD, max_size=4), TOLD, st.integers(0, 6))
def test_no_calendar_moves_a_t_that_had_passed_when_it_was_received_nor_into_the_past(before, one, days):
    """What was in time stays in time: also where the newer calendar alone would put T somewhere else."""
    began = datetime(2021, 4, 1, tzinfo=UTC)
    told = [
        KnownDays(date(2021, 1, 1), last, named, began + timedelta(hours=hours))
        for named, last, hours in (*sorted(before, key=lambda each: each[2]), one)
    ]
    stood, received = ends(*told[:-1], days=days), max(each.received for each in told)
    newest = KnownDays(told[-1].first, told[-1].last, told[-1].named, received)
    found = ends(*told[:-1], newest, days=days)
    if stood is not None and received >= stood:
        assert found == stood
    elif stood is not None:
        assert found is not None
        assert found == stood or found > received
