"""The examples that pages of the help end with are lines that the commands take."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from dukao.cli import app
from tests.cli.test_operations import COMMANDS

CALL = re.compile(r"(?:^|[|(;] ?) *dukao ((?:(?! {2}|[|>;)]).)+)", re.MULTILINE)
SAMPLES = Path(__file__).parents[2] / "samples"
FOLDERS = ("boston311_2011", "second")
FILES = {".csv", ".gz", ".json", ".ndjson", ".pdf", ".position", ".xlsx", ".yaml"}
CALLS = {
    name: [shlex.split(call) for call in CALL.findall(command.epilog)] for name, command in COMMANDS.items()
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with every file and folder that an example names."""
    monkeypatch.chdir(tmp_path)
    for name in FOLDERS:
        Path(name).mkdir()
    for word in (word for calls in CALLS.values() for words in calls for word in words):
        if Path(word).suffix in FILES:
            Path(word).parent.mkdir(parents=True, exist_ok=True)
            Path(word).touch()


@pytest.mark.usefixtures("folder")
def test_every_example_is_a_line_that_its_command_takes():
    root = typer.main.get_command(app)
    for calls in CALLS.values():
        for words in calls:
            command, rest = root, list(words)
            while hasattr(command, "commands"):
                command = command.commands[rest.pop(0)]
            command.make_context(" ".join(words), rest)


def test_what_examples_explain_is_in_their_sample():
    explained = {tuple(words[1:4:2]) for words in CALLS["explain"] if len(words) > 4 and words[4][:2] == "20"}
    assert len(explained) > 1
    for scheme, indicator in explained:
        document = (SAMPLES / scheme / "scheme.yaml").read_text("utf-8")
        assert re.search(rf"\bcode: {indicator}\b(?!-)", document) is not None, (scheme, indicator)


def test_every_command_has_an_example_of_itself():
    lacking = [
        name for name, calls in CALLS.items() if not any(" ".join(words).startswith(name) for words in calls)
    ]
    assert lacking == []
