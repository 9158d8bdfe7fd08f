"""A review stands in the figures at T if it was decided before T, and they are told only where it is known."""

import copy
from datetime import timedelta

import pytest

from services.scoring.contract import POINTS, REVIEW_DECIDED, SOURCE, ReviewDecided
from shared.contracts import envelope
from shared.kernel.records import Draft
from shared.kernel.shards import shard_of
from tests.scoring import test_stages
from tests.scoring.cuts import T, WithCuts, counted, risk, scheme
from tests.scoring.test_stages import TYPES, scoring

__all__ = ["scoring"]
A_SECOND = timedelta(seconds=1)
STOCK = {
    "over": "risk",
    "kind": "stock",
    "period_by": {"from": "since", "until": "gone"},
    "numerator": "count(*)",
}


def open_risks():
    """Return a scheme that counts the risks that are open, and the types that it reads."""
    document, types = scheme(), copy.deepcopy(TYPES)
    types["types"]["risk.missed.v1"]["fields"] = {"until": {"type": "time"}}
    columns = {"unit": {"first": "subject"}, "since": {"first": "time"}, "gone": {"last": "until"}}
    columns = {name: column | {"of": "risk.missed.v1"} for name, column in columns.items()}
    document["views"] = {"risk": {"events": ["risk.missed.v1"], "columns": columns}}
    document["measures"]["missed"] = STOCK
    return document, types


async def begun(scoring, document, types=TYPES):
    return await test_stages.begun(scoring, document, driven=WithCuts, types=types)


async def review(exchange, case, received, *, unit="b1", version=1, numerator="-1"):
    """Give a missed risk back to a unit, of all that its entry of March stands on in the shard of a case."""
    told = ReviewDecided(
        key=f"{unit}/{case}",
        version=version,
        scheme="mini",
        unit=unit,
        indicator="missed",
        month="2100-03",
        entry=1,
        numerator=numerator,
        asked_by="wang",
        asked="已按时报送",
        decided_by="sun",
        reason="属实",
    )
    body = envelope.encode(REVIEW_DECIDED, SOURCE, told.key, told)
    async with exchange.begin(actor="sun", action="decide") as tx:
        await tx.append(POINTS, [Draft(shard_of(case), body, received=received)])


async def missed_at_t(exchange):
    figures, exact = await counted(exchange)
    return {unit: values["missed"] for unit, values in figures.items()}, exact


async def test_a_review_counts_at_t_if_it_was_decided_before_t_though_another_was_decided_since(scoring):
    exchange, driver = await begun(scoring, scheme())
    await driver.receive(
        risk(1, T - A_SECOND, case="c1"),
        risk(2, T - A_SECOND, case="c2", unit="b2"),
        risk(3, T, case="c3", unit="b2"),
    )
    await review(exchange, "c1", T - A_SECOND)
    await review(exchange, "c2", T, unit="b2")
    await driver.cut()
    assert await missed_at_t(exchange) == ({"b1": "10.000000000000", "b2": "9.500000000000"}, [True])


@pytest.mark.parametrize("since", ["another risk", "another decision"])
async def test_the_figures_are_not_told_where_a_review_stands_on_what_came_since(scoring, since):
    exchange, driver = await begun(scoring, scheme())
    await driver.receive(risk(1, T - A_SECOND, case="c1"))
    await review(exchange, "c1", T - A_SECOND)
    if since == "another risk":
        await driver.receive(risk(2, T, case="c1"))
    else:
        await review(exchange, "c1", T, version=2, numerator=None)
    await driver.cut()
    assert await missed_at_t(exchange) == ({}, [False])


async def test_the_figures_are_not_told_where_the_stock_under_a_review_is_of_what_an_earlier_month_lost_since(
    scoring,
):
    exchange, driver = await begun(scoring, *open_risks())
    first = risk(1, T, case="c1")[0] | {"time": "2100-01-10T08:00:00+08:00"}
    await driver.receive((first, T - A_SECOND))
    await review(exchange, "c1", T - A_SECOND)
    taken_back = {"id": "r1", "revision": 1, "correctssource": "s", "correctsid": "m1", "data": None}
    await driver.receive((first | taken_back, T))
    await driver.cut()
    assert await missed_at_t(exchange) == ({}, [False])
