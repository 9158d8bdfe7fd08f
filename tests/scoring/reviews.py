"""Reviews asked and decided at the door, and the points under them."""

import pytest

from services.scoring.contract import ACCEPTED, CALENDARS, POINTS, SCHEMES
from services.scoring.domain.proof import Scope
from services.scoring.proving import prove
from services.scoring.review_api import reviews_router
from services.scoring.stage_a import StageA
from tests.scoring.manual import begun, door_of, request
from tests.scoring.test_manual_points import MARCH
from tests.scoring.test_verify import Ahead, settled

ABOVE = {"who": "sun", "role": "approver", "unit": "/"}
UNIT = {"who": "wang", "role": "author", "unit": "/hq/b1"}


@pytest.fixture
def door(tmp_path):
    return door_of(tmp_path, lambda exchange: reviews_router(exchange, replay=False))


async def entry(exchange, indicator="conduct"):
    """Return the newest entry of a cell of March."""
    async with exchange.reading() as tx:
        rows = await tx.execute(
            "SELECT max(id) AS id FROM entries WHERE unit = 'b1' AND month = :month AND indicator = :indicator",
            month=MARCH,
            indicator=indicator,
        )
    return rows[0].id


async def ask(client, exchange, status=201, *, indicator="conduct", reason="整改已按时报送", **who):
    body = {"entry": await entry(exchange, indicator), "reason": reason}
    return await client.post("/v1/reviews", body, status, **(UNIT | who))


async def decide(client, review, step, status=200, *, body=None, **who):
    path = f"/v1/reviews/{review}:{step}"
    told = {"reason": "经复核属实"} | (body or {})
    return await client.post(path, told, status, **(ABOVE | who))


async def given(scoring, door_):
    """Return an exchange in which 1.5 points were given and posted."""
    exchange, driver = await begun(scoring)
    driver.stages[0] = "a", StageA(), (ACCEPTED, SCHEMES, POINTS, CALENDARS)
    async with door_(exchange) as client:
        await client.give(request("1.5"))
    await driver.run()
    return exchange, driver


async def proved(exchange, driver):
    await settled(exchange, driver)
    async with exchange.snapshot() as tx:
        return [one async for one in prove(tx, Scope(), Ahead())]


async def newest(exchange):
    async with exchange.reading() as tx:
        return (await tx.execute("SELECT max(id) AS id FROM entries"))[0].id
