"""Every command is an operation of some OpenAPI, or one of the few that concern this machine alone."""

import typer

from dukao.cli import app
from dukao.manual import Page
from dukao.operations import LOCAL, OPERATIONS
from tests.cli.operations import DESCRIBED, command_of, operation_of, unlisted


def commands(group=None, words=()):
    group = group or typer.main.get_command(app)
    for name, command in sorted(group.commands.items()):
        if hasattr(command, "commands"):
            yield from commands(command, (*words, name))
        else:
            yield " ".join((*words, name)), command


COMMANDS = dict(commands())


def test_every_command_says_which_operations_it_calls():
    missing = sorted(COMMANDS.keys() - OPERATIONS.keys() - LOCAL)
    assert not missing, "add to OPERATIONS in dukao/operations.py:\n" + "\n".join(
        f'    "{name}": ("SERVICE.OPERATION_ID",),' for name in missing
    )


def test_no_command_is_listed_that_there_is_not_and_none_twice():
    assert sorted((OPERATIONS.keys() | LOCAL) - COMMANDS.keys()) == []
    assert sorted(OPERATIONS.keys() & LOCAL) == []


def test_every_operation_that_is_named_is_described():
    named = {(command, one) for command, called in OPERATIONS.items() for one in called}
    assert sorted(pair for pair in named if pair[1] not in DESCRIBED) == []
    assert all(OPERATIONS.values())
    assert {command for command, called in OPERATIONS.items() if len(set(called)) < len(called)} == set()


def test_every_command_has_a_page():
    assert {name for name, command in COMMANDS.items() if not isinstance(command, Page)} == set()


def test_what_a_command_asks_is_known_by_its_address():
    assert operation_of("ranking", "GET", "/v1/standings/s/g/2021-Q1") == "ranking.show_standing"
    assert operation_of("scoring", "POST", "/v1/operations/skips/3:approve") == "scoring.approve_skip"
    assert operation_of("ingest", "GET", "/v1/nothing") is None
    assert command_of(["items", "list", "--watch"]) == "items list"
    assert command_of(["send", "file"]) == "send"
    ports = {1: "ranking", 2: "ingest"}
    right = ("GET", "http://127.0.0.1:1/v1/standings?after=2", 200)
    wrong = ("POST", "http://127.0.0.1:2/v1/types", 201)
    none = ("GET", "http://127.0.0.1:2/v1/standings", 404)
    assert unlisted(["standings"], [right, none], ports) == []
    assert unlisted(["standings"], [right, wrong], ports) == ["standings: ingest.draft_types"]
    assert unlisted(["standings"], [(*none[:2], 200)], ports) != []
