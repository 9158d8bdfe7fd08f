"""The words of supervision's door and decisions, and of schemes that open items, are those of the contract."""

from typing import get_args

import pytest

from services.scoring.domain.item_section import ItemSpec
from services.supervision import answers
from services.supervision.domain import seen
from shared.contracts.supervision import LATE_DAYS_TOLD, ItemKind, ItemState, Light


@pytest.mark.parametrize(
    ("words", "contract"),
    [
        (answers.StateText, ItemState),
        (answers.KindText, ItemKind),
        (answers.LightText, Light),
        (ItemSpec.model_fields["kind"].annotation, ItemKind),
    ],
    ids=["state", "kind", "light", "kind of a scheme"],
)
def test_words_are_those_of_the_contract(words, contract):
    assert list(get_args(words)) == [one.value for one in contract]


def test_lights_and_the_days_that_are_told_are_those_of_the_contract():
    assert {light.value for light in seen.Light} == {light.value for light in Light}
    assert seen.LATE_DAYS_TOLD == LATE_DAYS_TOLD
