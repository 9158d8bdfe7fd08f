"""What a total and a board are made of: which indicators lost how much, the dearest first, each with its cell."""

import pytest

from services.ranking.domain.losses import summed
from services.ranking.domain.standings import Figure
from services.ranking.totals import totals_router
from shared.kernel.figures import FigureState
from shared.kernel.points import decimal
from tests.ranking.doors import door
from tests.ranking.rig import MARCH, adopted, figure, indicator, posted, scheme, service

__all__ = ["service"]
DOCUMENT = scheme(
    units=("b1", "b2"),
    boards=[{"code": "work", "title": "Work"}, {"code": "party", "title": "党的全面领导"}],
    measures={"m": {"version": 3}},
    indicators=[
        indicator("a", points="7", measure="m", name="A"),
        indicator("b", points="7", measure="m", name="B"),
        indicator("c", points="7", measure="m", name="C"),
        indicator("p", points="5", measure="m", name="P", board="party", method={"deduct": {}}),
        indicator("y", points="9", measure="m", name="Y", cycle="year"),
    ],
)
TWO_THIRDS = "4.666666666667"


@pytest.fixture
async def ask(service, tmp_path):
    async with door(tmp_path, totals_router(service.exchange)) as asked:

        async def got(unit="b1", period=MARCH, status=200, of="/", **query):
            path = f"/v1/totals/{period}/{unit}/explain"
            answer = await asked(path, unit=of, params={"scheme": "mini"} | query)
            assert answer.status_code == status, answer.text
            return answer.json()

        yield got


async def fed(service, **values):
    figures = [figure("b1", value, indicator=code) for code, value in values.items()]
    await service.apply(adopted(DOCUMENT), posted(*figures))


async def test_three_thirds_lose_exactly_what_is_missing_and_the_sum_is_rounded_once(service, ask):
    await fed(service, a=TWO_THIRDS, b=TWO_THIRDS, c=TWO_THIRDS, p="4.5")
    told = await ask()
    assert [(one["indicator"], one["lost"]) for one in told["parts"]] == [
        ("a", "2.333333333333"),
        ("b", "2.333333333333"),
        ("c", "2.333333333333"),
        ("p", "0.500000000000"),
        ("y", None),
    ]
    assert (told["value"], told["published"], told["points"]) == ("18.500000000001", "18.50", "26")
    assert told["formula"] == "Σ of 4 = 18.500000000001 → 18.500000000 → 18.50 (2 places)"
    assert told["lost"] == "7.499999999999"
    board = await ask(board="work")
    assert (board["published"], board["board_title"]) == ("14.00", "Work")
    assert [one["published"] for one in board["parts"]][:3] == ["4.67"] * 3


async def test_each_part_leads_to_its_cell_and_says_by_which_versions(service, ask):
    await fed(service, a="7", b="6", c="5", p="5")
    told = await ask()
    first = told["parts"][0]
    assert first["indicator"] == "c"
    assert first["cell"] == "/v1/cells/2021-03/b1/c?scheme=mini&version=1"
    assert first["explain"] == "/v1/cells/2021-03/b1/c/explain?scheme=mini&version=1"
    assert (first["measure"], first["measure_version"], first["method"]) == ("m", 3, "target")
    assert (told["rank"], told["ranked"], told["tier"]) == (1, 1, "first")


async def test_what_has_no_data_makes_a_range_and_comes_after_the_losses(service, ask):
    await fed(service, a="7", b=None, c="5", p="5")
    told = await ask()
    assert [one["indicator"] for one in told["parts"]] == ["c", "a", "p", "b", "y"]
    assert (told["value"], told["published"], told["range"]) == (None, None, ["17.00", "24.00"])
    assert told["formula"] == "1 of 4 have no data yet: 17.00 to 24.00"
    assert {one["indicator"]: one["state"] for one in told["parts"]}["y"] == "not_due"


async def test_parts_are_paged_without_loss_or_double(service, ask):
    await fed(service, a="7", b="6", c="5", p="5")
    found, after = [], 0
    while after is not None:
        page = await ask(limit=2, after=after)
        found += [one["indicator"] for one in page["parts"]]
        after = page["next"]
    assert found == ["c", "b", "a", "p", "y"]


async def test_what_is_not_there_is_refused(service, ask):
    await fed(service, a="7")
    for unit, more in (
        ("bx", {}),
        ("b1", {"board": "none"}),
        ("b1", {"group": "others"}),
        ("b1", {"scheme": "no"}),
    ):
        assert (await ask(unit, status=404, **more))["code"] == "not_found"
    assert (await ask(period="2021-13", status=422))["code"] == "period"


async def test_what_a_total_is_made_of_is_there_for_its_unit_and_for_no_other(service, ask):
    await fed(service, a="7")
    assert (await ask(of="/b1"))["unit"] == "b1"
    assert (await ask(of="/b2", status=404))["code"] == "not_found"


async def test_what_a_total_was_is_there_for_whom_its_unit_is_below_now(service, ask):
    first, second = scheme(units=("b1", "b2")), scheme(2, units=("b1", "b2"))
    second["scheme"]["effective"] = "2021-07"
    for document, above in ((first, "p1"), (second, "p2")):
        document["units"] += [{"code": code, "name": code, "level": "county"} for code in ("p1", "p2")]
        document["units"][0]["parent"] = above
    await service.apply(adopted(first), posted(figure("b1", "9", period="2021")))
    moved = posted(figure("b1", "8", period="2021"), version=2, fresh_at="2021-07-01T00:00:00Z")
    await service.apply(adopted(second), moved)
    for of, status in (("/p1", 404), ("/p2", 200), ("/p2/b1", 200), ("/p1/b1", 404)):
        for asked in ({}, {"as_of": "2021-06-30"}):
            await ask(period="2021", status=status, of=of, **asked)
    assert (await ask(period="2021", of="/p2", as_of="2021-06-30"))["version"] == 1


def test_a_gain_above_its_points_stands_last_among_the_losses():
    def one(code, points, value):
        return Figure(code, "work", decimal(points), decimal(value), FigureState.SCORED)

    found = summed([one("bonus", "0", "3"), one("a", "10", "8"), one("b", "10", "10")], 2)
    assert [part.figure.indicator for part in found.parts] == ["a", "b", "bonus"]
    assert (found.published, found.lost) == (decimal("21.00"), decimal("-1"))
