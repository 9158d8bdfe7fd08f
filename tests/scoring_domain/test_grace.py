"""T: 24:00 of the last working day of grace, by the statutory calendar, and unknown where that does not reach."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

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
