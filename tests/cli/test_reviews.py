"""Reviews from the command line, without a platform."""

import pytest
from typer.testing import CliRunner

from dukao.cli import app
from dukao.commands.reviews import STATES, STEPS
from dukao.exits import Exit
from services.scoring.domain.reviews import State, Step
from services.scoring.reviewing import ASK

COMMANDS = {
    "ask": ("ask", "1742", "--reason", "r"),
    "list": ("list", "--state", "asked", "--output", "json"),
    "show": ("show", "1742-1"),
    "drop": ("drop", "1742-1", "--reason", "r"),
    "uphold": ("uphold", "1742-1", "--reason", "r"),
    "change": ("change", "1742-1", "--points", "0.5", "--reason", "r"),
}


def run(tmp_path, *words):
    return CliRunner().invoke(app, ["reviews", *words], env={"DUKAO_STATE": str(tmp_path / "state")})


@pytest.mark.parametrize("case", COMMANDS)
def test_without_a_platform_a_command_says_so_and_its_help_shows_it(tmp_path, case):
    done = run(tmp_path, *COMMANDS[case])
    assert done.exit_code == Exit.NOT_RUNNING
    assert f"dukao reviews {case}" in run(tmp_path, case, "--help").stdout


@pytest.mark.parametrize(
    "words", [("ask", "x", "--reason", "r"), ("ask", "1742"), ("change", "1742-1", "--reason", "r")]
)
def test_what_a_command_needs_is_said_before_anything_is_sent(tmp_path, words):
    assert run(tmp_path, *words).exit_code == Exit.USAGE


def test_every_state_and_step_has_its_word_for_people():
    assert {state.value for state in State} == STATES.keys()
    assert {step.value for step in Step} | {ASK} == STEPS.keys()
