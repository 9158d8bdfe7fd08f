"""The states of a version, and what each allows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.life import Act, Life, State, obstacle, possible, state_of

LIVES = st.builds(
    Life,
    rounds=st.integers(0, 4),
    open=st.booleans(),
    unanswered=st.integers(0, 3),
    wanted=st.integers(0, 3),
    adopted=st.booleans(),
    begun=st.booleans(),
)


@pytest.mark.parametrize(
    ("life", "state", "acts"),
    [
        (Life(), State.DRAFT, {Act.REDRAFT, Act.OPEN_ROUND, Act.ADOPT}),
        (Life(wanted=3), State.DRAFT, {Act.REDRAFT, Act.OPEN_ROUND}),
        (Life(rounds=1, open=True), State.CONSULTATION, {Act.CLOSE_ROUND, Act.COMMENT}),
        (
            Life(rounds=1, open=True, unanswered=1),
            State.CONSULTATION,
            {Act.CLOSE_ROUND, Act.COMMENT, Act.ANSWER},
        ),
        (Life(rounds=1, unanswered=1), State.CONSULTATION, {Act.REDRAFT, Act.OPEN_ROUND, Act.ANSWER}),
        (Life(rounds=2, wanted=3), State.CONSULTATION, {Act.REDRAFT, Act.OPEN_ROUND}),
        (Life(rounds=3, wanted=3), State.CONSULTATION, {Act.REDRAFT, Act.OPEN_ROUND, Act.ADOPT}),
        (Life(rounds=3, adopted=True), State.ADOPTED, set()),
        (Life(adopted=True, begun=True), State.EFFECTIVE, set()),
        (Life(adopted=True, begun=True, replaced=True), State.SUPERSEDED, set()),
    ],
)
def test_a_version_stands_where_its_rounds_and_its_adoption_put_it(life, state, acts):
    assert state_of(life) is state
    assert set(possible(life)) == acts


@given(LIVES)
def test_nothing_is_adopted_while_a_round_is_open_or_a_comment_waits(life):
    if Act.ADOPT in possible(life):
        assert not life.open
        assert life.unanswered == 0
        assert life.rounds >= life.wanted


@given(LIVES)
def test_what_is_not_possible_has_a_reason_and_a_draft_is_never_without_a_way(life):
    assert all((obstacle(life, act) is None) == (act in possible(life)) for act in Act)
    assert life.adopted or possible(life)
