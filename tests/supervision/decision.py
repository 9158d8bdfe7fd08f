"""A decision of eight working days before the door: opened on 20 April 2021, worked on by the clock of the feed."""

import pytest

from shared.kernel.shards import shard_of
from tests.supervision.facts import Feed, scheme

OPENED = {
    "item": "decision-7",
    "kind": "decision",
    "title": "国务院常务会议决定事项",
    "unit": "b1",
    "due": {"working_days": 8},
    "case": "c1",
    "scheme": "mini",
    "indicator": "k1",
}


PAPER = {"evidence": [{"name": "report.pdf", "sha256": "a" * 64}]}


SHARD = shard_of("c1")


@pytest.fixture
async def begun(service):
    """A door at 20 April 2021, 09:00."""
    feed = Feed()
    await service.apply(feed.types(), feed.adopted(scheme()), feed.tick("2021-04-20 09:00"))
    async with service.door() as door:
        yield service, feed, door


async def opened(door, **changes):
    answer = await door.ask("POST", "/v1/items", "issuer", json=OPENED | changes)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def at(service, feed, text):
    """Let the clock of the feed reach a minute."""
    await service.apply(feed.tick(text))
    return await service.apply_acts(SHARD)


async def done(door, service, feed):
    """Have it signed for, submitted on 10 May and accepted; return it as it is then."""
    await at(service, feed, "2021-05-10 16:00")
    for act, person, body in (("sign", "unit", {}), ("submit", "unit", PAPER), ("accept", "li", {})):
        answer = await door.act("decision-7", act, person, **body)
        assert answer.status_code == 200, answer.text
    return answer.json()


async def assigned(door):
    await opened(door)
    answer = await door.ask("POST", "/v1/items/decision-7:assign", "issuer", json={"unit": "b1"})
    assert answer.status_code == 200, answer.text
