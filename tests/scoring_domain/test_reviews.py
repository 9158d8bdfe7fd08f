"""Reviews: thirty calendar days to the next working day, one table of steps, a difference of exact sums."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.derived import fold_derived
from services.scoring.domain.manual import Given
from services.scoring.domain.measures import MANUAL_POINTS, MANUAL_VALUES
from services.scoring.domain.reviewed import Reviewed
from services.scoring.domain.reviews import DECIDED, RULES, State, last_day, most, possible, rule_of, table
from services.scoring.domain.sums import GIVEN_BACK, UnitSums, home_of
from shared.kernel.points import MILLIONTHS
from tests.scoring_domain.test_manual_points import MARCH, PLANS

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


def decision(key, indicator, **amounts):
    return Reviewed(key, 1, "mini", "b1", indicator, MARCH, **amounts)


FACTS = st.lists(
    st.one_of(
        st.builds(
            lambda key, amount: Given(
                f"p{key}", 1, "mini", "b1", "conduct", MARCH, MANUAL_POINTS, amount, stands=True
            ),
            st.integers(1, 3),
            st.integers(1, 9),
        ),
        st.builds(
            lambda key, amount: decision(f"c{key}", "conduct", points=-amount * MILLIONTHS),
            st.integers(1, 3),
            st.integers(1, 9),
        ),
        st.builds(
            lambda key, up, down: decision(f"o{key}", "ontime", numerator=up, denominator=down),
            st.integers(1, 3),
            st.integers(-9, 9),
            st.integers(-9, 9),
        ),
    ),
    unique_by=lambda fact: fact.key,
)


@settings(max_examples=200)
@given(FACTS, st.randoms(use_true_random=False))
def test_decisions_in_any_order_count_with_what_they_change(facts, chance):
    """The merged sums of the unit are those of its facts and decisions, in whatever order rows come."""
    cells = {}
    for fact in facts:
        fold_derived(cells, PLANS, fact)
    sums = UnitSums()
    rows = list(cells.items())
    chance.shuffle(rows)
    for (_, over, unit, month), numbers in rows:
        assert unit == "b1"
        sums.take((over, month, 0), [0] * len(numbers))
        sums.take((over, month, 0), numbers)
    given = sum(fact.amount for fact in facts if isinstance(fact, Given)) * MILLIONTHS
    back = sum(fact.points for fact in facts if isinstance(fact, Reviewed))
    merged = {over: found[MARCH, MARCH] for over, found in sums.merged.items() if (MARCH, MARCH) in found}
    assert merged.get(MANUAL_POINTS, [0])[0] == max(0, given + back)
    wanted = [
        sum(getattr(fact, name) for fact in facts if isinstance(fact, Reviewed))
        for name in ("numerator", "denominator")
    ]
    assert merged.get("levy.done.v1", [0, 0])[:2] == wanted


@pytest.mark.parametrize(
    ("old", "new", "left", "bound"),
    [
        (4, 2, 3, 2),  # what the entry took
        (4, 2, 1, 1),  # less is left of it
        (None, 2, 3, 2),  # the first entry of a cell took it from the whole
        (2, 3, 3, 3),  # the entry gave back, and not enough
        (1, 0, 5, 5),  # at the floor the cell hides how much was taken
        (4, 2, -1, 0),
    ],
)
def test_a_deduction_gives_back_at_most_what_its_entry_took_and_is_left(old, new, left, bound):
    assert most(old, new, full=4, floor=0, left=left) == bound


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.sampled_from((MARCH, MARCH - 1)), st.integers(0, 9)), max_size=6),
    st.lists(st.tuples(st.sampled_from((MARCH, MARCH - 1)), st.integers(-9, 0)), max_size=6),
    st.randoms(use_true_random=False),
)
def test_what_reviews_give_back_of_a_month_is_bounded_there_in_any_order(losses, backs, chance):
    """A quarter loses what each of its months still loses, none below nothing."""
    sums = UnitSums()
    rows = [(("conduct", month, at), [lost]) for at, (month, lost) in enumerate(losses)]
    rows += [((f"{GIVEN_BACK}conduct", month, at), [back]) for at, (month, back) in enumerate(backs)]
    chance.shuffle(rows)
    for source, numbers in rows:
        sums.take(source, numbers)
    wanted = [
        max(0, sum(amount for at, amount in (*losses, *backs) if at == month)) for month in (MARCH, MARCH - 1)
    ]
    quarter = sums.merged.get("conduct", {}).get((MARCH - 2, MARCH), [0])
    assert quarter == [sum(wanted)]


def test_a_decision_counts_where_what_it_changes_counts():
    assert home_of("reviewed:manual:values") == MANUAL_VALUES
    assert home_of("given_back:manual:points") == MANUAL_POINTS
    assert home_of("levy.done.v1") == "levy.done.v1"
    taken = PLANS[0].taken
    assert taken["conduct"].in_points
    assert not taken["marks"].in_points
