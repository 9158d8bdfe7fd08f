"""Coverage: of every individual indicator each unit has an item, and what lacks one is named."""

import pytest

from tests.supervision.decision import SHARD, begun, opened
from tests.supervision.facts import Feed, scheme

__all__ = ["begun"]

OWN_INDICATORS = [
    {"code": "k1", "name": "个性一", "units": ["b1"], "groups": ["bureaus"]},
    {"code": "k2", "name": "个性二", "units": ["b1", "b2"], "groups": ["bureaus"]},
    {"code": "k3", "name": "个性三", "units": ["b2"], "groups": ["bureaus"]},
    {"code": "c1", "name": "共性", "units": [], "groups": ["bureaus"]},
]


@pytest.fixture
async def owned(service):
    """A door at 20 April 2021, 09:00, over a scheme with individual indicators and an item for one of them."""
    feed = Feed()
    await service.apply(feed.types(), feed.adopted(scheme(indicators=OWN_INDICATORS)), feed.given())
    async with service.door() as door:
        yield service, door


async def coverage(door, unit="/"):
    return (await door.ask("GET", "/v1/coverage/mini", unit=unit)).json()


async def test_coverage_names_each_unit_of_an_individual_indicator_that_has_no_item(owned):
    _, door = owned
    found = await coverage(door)
    assert (found["pairs"], found["covered"], found["percent"]) == (4, 1, "25.00")
    assert [(one["indicator"], one["unit"]) for one in found["missing"]] == [
        ("k2", "b1"),
        ("k2", "b2"),
        ("k3", "b2"),
    ]
    assert found["missing"][0]["name"] == "个性二"
    assert found["missing"][0]["unit_name"] == "北京"
    assert [one["rules"] for one in found["indicators"]] == [["paper"], [], []]
    assert (await door.ask("GET", "/v1/coverage/none")).status_code == 404


async def test_of_nothing_to_cover_no_share_is_told(begun):
    _, _, door = begun
    found = await coverage(door)
    assert (found["pairs"], found["covered"], found["percent"]) == (0, 0, None)


async def test_an_item_covers_an_individual_indicator_for_its_own_units_alone(owned):
    service, door = owned
    await opened(door, indicator="k2")
    await service.apply_acts(SHARD)
    found = await coverage(door)
    assert (found["pairs"], found["covered"], found["percent"]) == (4, 2, "50.00")
    assert [(one["indicator"], one["unit"]) for one in found["missing"]] == [("k2", "b2"), ("k3", "b2")]
    assert [(one["covered"], one["missing"], one["items"]) for one in found["indicators"]] == [
        (1, [], {"b1": 1}),
        (1, ["b2"], {"b1": 1, "b2": 0}),
        (0, ["b2"], {"b2": 0}),
    ]


async def test_a_unit_with_a_share_of_an_item_is_covered_as_the_lead_is_until_it_is_cancelled(owned):
    service, door = owned
    await opened(door, indicator="k2", shares={"b1": "0.7", "b2": "0.3"})
    await service.apply_acts(SHARD)
    assert [(one["indicator"], one["unit"]) for one in (await coverage(door))["missing"]] == [("k3", "b2")]
    await door.act("decision-7", "cancel", "issuer")
    await service.apply_acts(SHARD)
    assert len((await coverage(door))["missing"]) == 3


async def test_of_other_units_coverage_says_nothing(owned):
    _, door = owned
    found = await coverage(door, unit="/nation/b2")
    assert (found["pairs"], found["covered"], found["percent"]) == (2, 0, "0.00")
    assert [(one["indicator"], one["units"]) for one in found["indicators"]] == [
        ("k2", ["b2"]),
        ("k3", ["b2"]),
    ]
    assert (await coverage(door, unit="/nation"))["pairs"] == 4
