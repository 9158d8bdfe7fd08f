"""T: 24:00 of the last working day of grace, by the statutory calendar, and unknown where that does not reach."""

from datetime import date

import pytest

from services.scoring.domain.grace import KnownDays, last_of_grace

APRIL = date(2021, 4, 1)
FESTIVAL = {date(2021, 4, day): False for day in (3, 4, 5)}


def known(named, last=date(2021, 12, 31)):
    return KnownDays(date(2021, 1, 1), last, named)


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
    assert last_of_grace(APRIL, 1, None) is None
    assert last_of_grace(APRIL, 0, None) == date(2021, 3, 31)
