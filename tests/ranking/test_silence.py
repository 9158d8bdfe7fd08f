"""A stale feed is shown in the standing and in totals, as long and in the periods in which it is silent."""

import pytest

from shared.contracts.scoring import UnitSilence
from tests.ranking.rig import MARCH, adopted, ask, figure, indicator, posted, scheme, service
from tests.ranking.test_totals import ask as ask_total

__all__ = ["ask", "ask_total", "service"]
INDICATORS = [
    indicator("ontime"),
    indicator("losses", method={"deduct": {"each": "1"}}),
    indicator("yearly", cycle="year"),
]
FIGURES = [figure("b1", "9"), figure("b1", None, indicator="losses"), figure("b2", "8")]


def silent(*months, unit="b1", codes=("ontime", "losses", "yearly"), version=1):
    told = UnitSilence(unit=unit, months={code: months for code in codes if months})
    return posted(version=version, silent=(told,))


async def stale(ask, period=MARCH):
    units = (await ask(f"/v1/standings/mini/bureaus/{period}")).json()["units"]
    return {one["unit"]: one["stale"] for one in units if one["stale"]}


async def test_what_is_scored_and_what_is_not_assessed_of_a_stale_feed_is_marked_and_what_is_not_due_is_not(
    service, ask, ask_total
):
    await service.apply(adopted(scheme(indicators=INDICATORS)), posted(*FIGURES), silent(MARCH, "2021-04"))
    assert await stale(ask) == {"b1": ["losses", "ontime"]}
    parts = {one["indicator"]: one["stale"] for one in (await ask_total())["parts"]}
    assert parts == {"losses": True, "ontime": True, "yearly": False}
    assert await stale(ask, "2021-02") == {}
    assert await stale(ask, "2021-Q1") == {"b1": ["losses", "ontime"]}
    assert await stale(ask, "2021") == {"b1": ["losses", "ontime", "yearly"]}
    await service.apply(silent())
    assert await stale(ask) == await stale(ask, "2021") == {}


async def test_a_stale_feed_changes_no_rank_and_no_points_by_itself(service, ask):
    await service.apply(adopted(scheme()), posted(figure("b1", "9"), figure("b2", "8")))
    before = (await ask(f"/v1/standings/mini/bureaus/{MARCH}")).json()["units"]
    told = await service.apply(silent(MARCH, codes=("ontime",)))
    after = (await ask(f"/v1/standings/mini/bureaus/{MARCH}")).json()["units"]
    assert [one | {"stale": []} for one in after] == before != after
    assert not any(told.values())


async def test_a_month_in_which_it_does_not_apply_is_not_stale(service, ask):
    gone = [{"units": ["b1"], "from": MARCH, "until": MARCH, "reason": "r"}]
    document = scheme(indicators=[indicator("ontime", not_applicable=gone), indicator("other")])
    await service.apply(adopted(document), silent(MARCH, codes=("ontime", "other")))
    assert await stale(ask) == await stale(ask, "2021-Q1") == {"b1": ["other"]}


@pytest.mark.parametrize(("version", "found"), [(1, {}), (2, {"b1": ["ontime"]})])
async def test_of_a_month_the_version_that_rules_it_says_what_is_silent(service, ask, version, found):
    later = scheme(2)
    later["scheme"] |= {"effective": "2021-07"}
    await service.apply(
        adopted(scheme()), adopted(later), posted(figure("b1", "9", period="2021-08"), version=2)
    )
    await service.apply(silent("2021-08", codes=("ontime",), version=version))
    assert await stale(ask, "2021-08") == found
