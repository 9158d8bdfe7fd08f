"""Surveys from the command line, without a platform."""

import pytest

from dukao.commands.surveys import STATES
from dukao.exits import Exit
from services.scoring.domain.rounds import State
from tests.cli.alone import run

ID = "mini~ratings~2021-03"


@pytest.mark.parametrize(
    "words",
    [
        ("show",),
        ("tokens", ID, "leaders", "0"),
        ("tokens", ID, "leaders", "1001"),
        ("answer", ID, __file__),
        ("answer", ID, "nowhere.json", "--token", "t" * 32),
        ("answer", ID, __file__, "--token", "t" * 32),
    ],
)
def test_what_a_command_needs_is_said_before_anything_is_sent(tmp_path, words):
    assert run(tmp_path, "surveys", *words).exit_code == Exit.USAGE


def test_every_state_has_its_word_for_people():
    assert {state.value for state in State} == STATES.keys()
