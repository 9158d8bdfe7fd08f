"""Manual points from the command line, without a platform."""

import pytest

from dukao.commands.points import STATES, STEPS
from dukao.exits import Exit
from services.scoring.domain.requests import State, Step
from services.scoring.requesting import ASK
from tests.cli.alone import run

ID = "mini~b1~conduct~2021-03~1"
CELL = ("mini", "b1", "conduct", "2021-03")


@pytest.mark.parametrize(
    "words",
    [
        ("request", *CELL, "--evidence", __file__, "--reason", "r"),
        ("request", *CELL, "--points", "1", "--value", "1", "--evidence", __file__, "--reason", "r"),
        ("request", *CELL, "--points", "1", "--evidence", "nowhere.pdf", "--reason", "r"),
        ("request", *CELL, "--points", "1", "--evidence", __file__),
        ("approve", ID),
        ("show",),
    ],
)
def test_what_a_command_needs_is_said_before_anything_is_sent(tmp_path, words):
    assert run(tmp_path, "points", *words).exit_code == Exit.USAGE


def test_every_state_and_step_has_its_word_for_people():
    assert {state.value for state in State} == STATES.keys()
    assert {step.value for step in Step} | {ASK} == STEPS.keys()
