"""Manual points from the command line, without a platform."""

import pytest
from typer.testing import CliRunner

from dukao.cli import app
from dukao.commands.points import STATES, STEPS
from dukao.exits import Exit
from services.scoring.domain.requests import State, Step
from services.scoring.requesting import ASK

ID = "mini~b1~conduct~2021-03~1"
CELL = ("mini", "b1", "conduct", "2021-03")
COMMANDS = {
    "request": ("request", *CELL, "--points", "0.5", "--evidence", __file__, "--reason", "r"),
    "list": ("list", "--state", "asked", "--output", "json"),
    "show": ("show", ID),
    "approve": ("approve", ID, "--reason", "r"),
    "refuse": ("refuse", ID, "--reason", "r"),
    "withdraw": ("withdraw", ID, "--reason", "r"),
}


def run(tmp_path, *words):
    return CliRunner().invoke(app, ["points", *words], env={"DUKAO_STATE": str(tmp_path / "state")})


@pytest.mark.parametrize("case", COMMANDS)
def test_without_a_platform_a_command_says_so(tmp_path, case):
    done = run(tmp_path, *COMMANDS[case])
    assert done.exit_code == Exit.NOT_RUNNING
    assert "dukao up" in done.stderr


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
    assert run(tmp_path, *words).exit_code == Exit.USAGE


@pytest.mark.parametrize("case", COMMANDS)
def test_the_help_of_a_command_shows_how_it_is_called(tmp_path, case):
    told = run(tmp_path, case, "--help")
    assert told.exit_code == 0
    assert f"dukao points {case}" in told.stdout


def test_every_state_and_step_has_its_word_for_people():
    assert {state.value for state in State} == STATES.keys()
    assert {step.value for step in Step} | {ASK} == STEPS.keys()
