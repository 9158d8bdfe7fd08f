"""Reviews from the command line, without a platform."""

import pytest

from dukao.commands.reviews import STATES, STEPS
from dukao.exits import Exit
from services.scoring.domain.reviews import State, Step
from services.scoring.reviewing import ASK
from tests.cli.alone import run


@pytest.mark.parametrize(
    "words", [("ask", "x", "--reason", "r"), ("ask", "1742"), ("change", "1742-1", "--reason", "r")]
)
def test_what_a_command_needs_is_said_before_anything_is_sent(tmp_path, words):
    assert run(tmp_path, "reviews", *words).exit_code == Exit.USAGE


def test_every_state_and_step_has_its_word_for_people():
    assert {state.value for state in State} == STATES.keys()
    assert {step.value for step in Step} | {ASK} == STEPS.keys()
