"""Reviews: thirty calendar days to the next working day, one table of steps."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.reviews import DECIDED, RULES, State, last_day, possible, rule_of, table

PAGE = Path(__file__).resolve().parents[2] / "docs/reviews.md"


@pytest.mark.parametrize(
    ("begins", "worked", "last"),
    [
        (date(2021, 4, 8), {}, date(2021, 5, 10)),  # 8 May 2021 is a Saturday, so Monday
        (date(2021, 4, 8), {date(2021, 5, 8): True}, date(2021, 5, 8)),  # a make-up workday
        (date(2021, 4, 1), {date(2021, 5, day): False for day in range(1, 6)}, date(2021, 5, 6)),
        (date(2021, 3, 10), {}, date(2021, 4, 9)),
        (date(2021, 1, 1), {}, date(2021, 2, 1)),
    ],
)
def test_the_day_itself_does_not_count_and_a_last_day_that_is_not_worked_moves_on(begins, worked, last):
    assert last_day(begins, worked) == last


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.sets(st.integers(0, 60)))
def test_the_last_day_is_the_first_worked_day_from_the_thirtieth_on(begins, rests):
    worked = {begins + timedelta(days=day): day not in rests for day in range(61)}
    found = last_day(begins, worked)
    between = [begins + timedelta(days=day) for day in range(30, (found - begins).days)]
    assert (found - begins).days >= 30
    assert not any(worked[day] for day in between if day in worked)
    assert worked.get(found, found.weekday() < 5)


def test_every_state_is_reached_and_only_an_asked_review_can_be_decided():
    assert {rule.leads for rule in RULES} | {State.ASKED} == set(State)
    assert {state for state in State if possible(state)} == {State.ASKED}
    assert {rule.leads for rule in RULES if rule.who == "above"} == DECIDED
    assert all(rule_of(state, rule.step) is None for state in DECIDED for rule in RULES)


def test_the_page_has_the_table():
    assert table() in PAGE.read_text("utf-8")
