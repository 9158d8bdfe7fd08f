"""Replies from the command line, without a platform."""

import pytest
from typer.testing import CliRunner

from dukao.cli import app
from dukao.exits import Exit

COMMANDS = {
    "send": ("send", "1742", "--says", "s"),
    "list": ("list", "--open", "--output", "json"),
    "show": ("show", "3"),
    "answer": ("answer", "3", "--says", "s"),
}


def run(tmp_path, *words):
    return CliRunner().invoke(app, ["replies", *words], env={"DUKAO_STATE": str(tmp_path / "state")})


@pytest.mark.parametrize("case", COMMANDS)
def test_without_a_platform_a_command_says_so_and_its_help_shows_it(tmp_path, case):
    done = run(tmp_path, *COMMANDS[case])
    assert done.exit_code == Exit.NOT_RUNNING
    assert f"dukao replies {case}" in run(tmp_path, case, "--help").stdout


@pytest.mark.parametrize("words", [("send", "1742"), ("answer", "3"), ("show", "x")])
def test_what_a_command_needs_is_said_before_anything_is_sent(tmp_path, words):
    assert run(tmp_path, *words).exit_code == Exit.USAGE
