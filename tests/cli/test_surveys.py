"""Surveys from the command line, without a platform."""

import pytest
from typer.testing import CliRunner

from dukao.cli import app
from dukao.commands.surveys import STATES
from dukao.exits import Exit
from services.scoring.domain.rounds import State

ID = "mini~ratings~2021-03"
RATINGS = '[{"unit": "b1", "indicator": "reliability", "score": 90}]'
COMMANDS = {
    "list": ("list", "--scheme", "mini", "--lang", "en", "--output", "json"),
    "show": ("show", ID),
    "tokens": ("tokens", ID, "leaders", "3"),
    "answer": ("answer", ID, "FILE", "--token", "t" * 32),
}


@pytest.fixture
def run(tmp_path):
    file = tmp_path / "answer.json"
    file.write_text(RATINGS)

    def ran(*words):
        named = [str(file) if word == "FILE" else word for word in words]
        return CliRunner().invoke(app, ["surveys", *named], env={"DUKAO_STATE": str(tmp_path / "state")})

    return ran


@pytest.mark.parametrize("case", COMMANDS)
def test_without_a_platform_a_command_says_so(run, case):
    done = run(*COMMANDS[case])
    assert done.exit_code == Exit.NOT_RUNNING
    assert "dukao up" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("show",),
        ("tokens", ID, "leaders", "0"),
        ("tokens", ID, "leaders", "1001"),
        ("answer", ID, "FILE"),
        ("answer", ID, "nowhere.json", "--token", "t" * 32),
        ("answer", ID, __file__, "--token", "t" * 32),
    ],
)
def test_what_a_command_needs_is_said_before_anything_is_sent(run, words):
    assert run(*words).exit_code == Exit.USAGE


@pytest.mark.parametrize("case", COMMANDS)
def test_the_help_of_a_command_shows_how_it_is_called(run, case):
    told = run(case, "--help")
    assert told.exit_code == 0
    assert f"dukao surveys {case}" in told.stdout


def test_every_state_has_its_word_for_people():
    assert {state.value for state in State} == STATES.keys()
