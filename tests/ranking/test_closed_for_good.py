"""Whatever comes after T, in any batches, what was closed stays and equals what was told on the day before."""

import random

import pytest

from tests.ranking.closings import DAY, persons, with_grace
from tests.ranking.rig import MARCH, adopted, figure, posted, service
from tests.ranking.test_known import INDICATORS, PERIODS, UNITS, day, history

__all__ = ["persons", "service"]
CLOSED = (MARCH, "2021-Q1", "2021")
LEFT_OUT = ("state", "as_of", "known_on")
OVERLAYS = [
    {
        "code": "drill",
        "name": "Drill",
        "points": "5",
        "counts": "beside",
        "from": "2021-03",
        "until": "2021-04",
    }
]


def documents():
    more = [
        *INDICATORS,
        INDICATORS[0] | {"code": "drilled", "board": None, "overlay": "drill", "points": "5"},
        INDICATORS[0]
        | {
            "code": "absent",
            "not_applicable": [
                {"units": ["b2"], "reason": "无此业务", "from": "2021-01", "until": "2021-12"}
            ],
        },
    ]
    more[2].pop("board")
    first, second = (with_grace(version, indicators=more, overlays=OVERLAYS) for version in (1, 2))
    second["scheme"] |= {"effective": "2021-07"}
    return first, second


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_comes_later_in_any_batches_the_closed_bytes_stay_as_they_were_told_before_t(
    persons, seed
):
    drawn, days = random.Random(seed), history(seed)
    whole = [figure(unit, "10", indicator="losses", period=period) for unit in UNITS for period in PERIODS]
    await persons.service.apply(*map(adopted, documents()), posted(*whole, fresh_at=f"{day(1)}T00:00:00Z"))
    in_time = [one for at, told in days.items() if at <= DAY for one in told]
    for one in in_time:
        await persons.service.apply(one)
    told = {period: await persons.standing(period) for period in CLOSED}
    waiting = []
    at_close = drawn.randint(0, 3)
    late = [one for at, found in days.items() if at > DAY for one in found]
    for place, one in enumerate([*late, posted(figure("b1", "1"), fresh_at=f"{day(30)}T00:00:00Z")]):
        if place == at_close:
            frozen = {}
            for period in CLOSED:
                await persons.cut(period)
                await persons.close(period)
                frozen[period] = await persons.ask("GET", f"/v1/standings/mini/bureaus/{period}")
        waiting.append(one)
        if drawn.random() < 0.4:
            await persons.service.apply(*waiting)
            waiting = []
    await persons.service.apply(*waiting)
    for period in CLOSED:
        now = await persons.ask("GET", f"/v1/standings/mini/bureaus/{period}")
        assert now.content == frozen[period].content
        before, closed = told[period], now.json()
        assert {k: v for k, v in closed.items() if k not in LEFT_OUT} == {
            k: v for k, v in before.items() if k not in LEFT_OUT
        }
    assert any(line["not_applicable"] for line in now.json()["units"])
    assert [one["code"] for one in now.json()["overlays"]] == ["drill"]
