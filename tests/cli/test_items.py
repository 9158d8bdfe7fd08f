"""Items from the command line, without a platform; and what a refusal says."""

import re

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from dukao.cli import app
from dukao.client import RefusedError
from dukao.commands.items import app as items_app
from dukao.commands.items import show_coverage, show_one
from dukao.exits import Exit
from dukao.failures import failure_of
from dukao.item_words import ACTS, EXTENSIONS, KINDS, LIGHTS, STATES
from dukao.output import Format
from services.supervision.answers import ExtensionAnswer, Filters, NewItem
from services.supervision.domain.items import Kind
from services.supervision.domain.machine import CHINESE, Act, State
from services.supervision.domain.seen import Light
from tests.cli.alone import run


@pytest.mark.parametrize(
    "words",
    [
        ("open", "--title", "t", "--unit", "b1"),
        ("open", "--title", "t", "--unit", "b1", "--working-days", "8", "--day", "2021-05-07"),
        ("assign", "i", "--unit", "b1", "--share", "b1"),
        ("submit", "i"),
        ("submit", "i", "--evidence", "nowhere.pdf"),
        ("send-back", "i"),
    ],
)
def test_what_a_command_needs_is_said_before_anything_is_sent(tmp_path, words):
    assert run(tmp_path, "items", *words).exit_code == Exit.USAGE


def test_an_item_that_is_opened_without_a_name_is_told_one_for_a_retry(tmp_path):
    line = ("items", "open", "--title", "督办", "--unit", "b1", "--working-days", "8")
    told = [run(tmp_path, *line).stderr for _ in range(2)]
    names = {re.search(r"--name ([0-9a-f-]{36})", text)[1] for text in told}
    assert len(names) == 2
    assert "--name" not in run(tmp_path, *line, "--name", "matter-7").stderr


def test_every_act_of_a_person_has_a_command():
    help_text = CliRunner().invoke(app, ["items", "--help"]).stdout
    renamed = {
        Act.ASK_EXTENSION: "extend",
        Act.APPROVE_EXTENSION: "approve",
        Act.REFUSE_EXTENSION: "refuse",
    }
    acts = [act for act in Act if act not in {Act.COMPLETE, Act.WITHDRAW}]
    assert [act for act in acts if renamed.get(act, act.value) not in help_text] == []


def test_states_and_lights_are_shown_in_the_words_of_the_service():
    assert {state.value: CHINESE[state] for state in State} == STATES
    assert {light.value for light in Light} == LIGHTS.keys()
    assert {kind.value for kind in Kind} == KINDS.keys()
    assert {act.value for act in Act} == ACTS.keys()
    assert set(ExtensionAnswer.model_fields["state"].annotation.__args__) == EXTENSIONS.keys()


@pytest.mark.parametrize(
    ("command", "asked", "otherwise"),
    [
        ("open", NewItem, {"item": "name", "shares": "share", "due": "working_days"}),
        ("list", Filters, {"after": "limit", "open": "open_"}),
    ],
)
def test_all_that_the_door_takes_has_an_option(command, asked, otherwise):
    options = {one.name for one in get_command(items_app).commands[command].params}
    assert {otherwise.get(name, name) for name in asked.model_fields} <= options


def test_an_item_is_shown_in_the_words_of_officials(capsys):
    shown = dict.fromkeys(("scheme", "indicator", "case", "completed", "sign_due", "begun", "calendar"))
    shown |= {
        "item": "i1",
        "version": 1,
        "facts": 2,
        "title": "督办",
        "unit": "b2",
        "given": "x",
        "due": None,
    }
    shown |= {"kind": "instruction", "state": "signed", "light": "red", "paused": False, "provisional": False}
    borne = {"first": "2021-04-30", "shares": {"b1": "1"}}
    shown |= {"shares": {"b2": "1"}, "late_days": ["2021-04-30"], "late_shares": [borne], "sign_late": False}
    asked = {"day": "2021-05-07", "state": "lapsed"}
    line = {"at": "x", "act": "ask-extension", "person": "zhao", "state": "signed", "reason": ""}
    shown |= {"event": {"source": "office", "id": "1"}, "extensions": [asked]}
    shown |= {"history": [line | {"refused": "illegal_step"}], "possible": []}
    show_one(shown, Format.TABLE)
    printed = capsys.readouterr().out
    words = (
        "领导批示",
        "申请延期",
        "已签收",
        "状态不允许",
        "2021-05-07 已失效",
        "2021-04-30 起 b1 1",
        "office/1",
    )
    assert [word for word in words if word not in printed] == []
    assert [code for code in ("instruction", "illegal_step", "signed", "lapsed") if code in printed] == []


def test_coverage_shows_the_items_of_each_unit_and_names_the_units_without(capsys):
    own = {"indicator": "k2", "name": "个性二", "units": ["b1", "b2"], "rules": [], "covered": 1}
    missing = {"indicator": "k2", "name": "个性二", "unit": "b2", "unit_name": "上海"}
    counted = {"scheme": "mini", "version": 1, "pairs": 2, "covered": 1, "percent": "50.00"}
    found = counted | {
        "missing": [missing],
        "indicators": [own | {"items": {"b1": 3, "b2": 0}, "missing": ["b2"]}],
    }
    show_coverage(found, Format.TABLE)
    printed = capsys.readouterr()
    assert "1 of 2 individual indicators" in printed.out
    assert "b1 3, b2 0" in printed.out
    assert "missing: k2 个性二 of b2 上海" in printed.err


def test_a_refused_step_says_what_is_possible():
    refused = RefusedError(
        409, {"code": "illegal_step", "detail": "no", "possible": ["sign", "cancel"]}, "supervision"
    )
    failure = failure_of(refused)
    assert failure.exit == Exit.REFUSED
    assert "possible now: sign, cancel" in failure.advice
