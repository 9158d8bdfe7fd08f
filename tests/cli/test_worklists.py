"""The work lists and promises from the command line, without a platform."""

import pytest
from typer.testing import CliRunner

from dukao.cli import app
from dukao.exits import Exit


def run(tmp_path, *words):
    return CliRunner().invoke(app, list(words), env={"DUKAO_STATE": str(tmp_path / "state")})


COMMANDS = {
    "feeds": ("feeds", "--output", "json"),
    "manifests": ("manifests", "--state", "missing"),
    "refusals": ("refusals", "list", "--state", "open"),
    "a refusal": ("refusals", "show", "7"),
    "dismiss": ("refusals", "dismiss", "7", "--reason", "a test"),
    "replay a refusal": ("refusals", "replay", "7", "--reason", "adopted now"),
    "conflicts": ("conflicts", "list"),
    "replay": ("conflicts", "replay", "3", "--reason", "the second is right", "--revision", "2"),
}


@pytest.mark.parametrize("case", COMMANDS)
def test_without_a_platform_a_command_says_so(tmp_path, case):
    done = run(tmp_path, *COMMANDS[case])
    assert done.exit_code == Exit.NOT_RUNNING
    assert "dukao up" in done.stderr


def test_a_decision_needs_a_reason_and_a_fix_an_event(tmp_path):
    assert run(tmp_path, "conflicts", "replay", "3").exit_code == Exit.USAGE
    file = tmp_path / "event.json"
    file.write_text("{", "utf-8")
    done = run(tmp_path, "refusals", "fix", "7", str(file), "--reason", "r")
    assert (done.exit_code, "not JSON" in done.stderr) == (Exit.USAGE, True)
