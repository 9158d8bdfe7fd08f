"""Ready results from the command line, without a platform."""

import pytest

from dukao.commands.results import STATES, line
from dukao.output import Format
from dukao.telling.languages import Lang
from services.scoring.domain.reconciling import State


def test_every_state_has_its_word_for_people():
    assert {state.value for state in State} == STATES.keys()


@pytest.mark.parametrize(
    ("output", "lang", "state"),
    [
        (Format.TABLE, Lang.ZH, "仅对方有"),
        (Format.TABLE, Lang.EN, "theirs alone"),
        (Format.CSV, Lang.ZH, "only_official"),
    ],
)
def test_a_state_is_a_word_for_people_and_a_name_for_programs(output, lang, state):
    side = {"numerator": "9", "denominator": "10"}
    one = {"unit": "b1", "state": "only_official", "official": side, "ours": None}
    assert line(one, output, lang) == one | {"state": state, "official": "9/10"}
