"""Incidents from the command line, without a platform."""

import pytest

from dukao.commands.incidents import _questions
from dukao.exits import Exit
from dukao.telling.incidents import ROLES, STAGES, STANCES, STATES
from dukao.telling.words import NOT_COUNTED
from services.scoring.domain.explanation import Uncounted
from services.scoring.domain.incidents.settling import Stage
from services.scoring.incident_answers import FindingShown
from shared.contracts.scoring import DeductionState, RoleOfUnit
from tests.cli.alone import run

ID = "t1~vat~2019"


@pytest.mark.parametrize(
    "words",
    [
        ("decide", ID, "--reason", "r"),
        ("decide", ID, "--apply"),
        ("join", ID, "--reason", "r"),
        ("show",),
        ("rises", "mini", "c", "2021-02"),
    ],
)
def test_what_a_command_needs_is_said_before_anything_is_sent(tmp_path, words):
    assert run(tmp_path, "incidents", *words).exit_code == Exit.USAGE


def test_every_word_of_the_service_has_its_own_for_people():
    assert {stage.value for stage in Stage} == STAGES.keys()
    assert {state.value for state in DeductionState} == STATES.keys()
    assert {role.value for role in RoleOfUnit} == ROLES.keys()
    assert set(FindingShown.model_fields["stance"].annotation.__args__) == STANCES.keys()
    assert {why.value for why in Uncounted} == NOT_COUNTED.keys()


def asked(finding, trigger):
    return {"finding": {"id": finding}, "trigger": trigger, "inspection": {"id": "i"}}


def test_a_question_is_named_by_any_of_its_parts():
    both = [asked("f1", "a"), asked("f1", "b")]
    assert _questions(both, {"finding": "f1", "trigger": None, "inspection": None}) == both
    assert _questions(both, {"finding": None, "trigger": "b", "inspection": "i"}) == both[1:]
    assert _questions(both, {"finding": "f2", "trigger": None, "inspection": None}) == []
