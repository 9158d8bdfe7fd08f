"""Replies to entries: a unit says something, its assessor answers once, both dated and shown in explain."""

import asyncio

import pytest

from services.scoring.reply_api import replies_router
from tests.scoring.manual import door_of
from tests.scoring.reviews import UNIT, entry, given
from tests.scoring.test_stages import accept, levy, scoring

__all__ = ["scoring"]
ASSESSOR = {"who": "zhao", "role": "author", "unit": "/hq/d1"}


@pytest.fixture
def door(tmp_path):
    return door_of(tmp_path, replies_router)


async def send(client, exchange, status=201, *, says="扣分事项已整改", **who):
    body = {"entry": await entry(exchange), "says": says}
    return await client.post("/v1/replies", body, status, **(UNIT | who))


async def answer(client, number, status=200, *, says="已转交复核", **who):
    return await client.post(f"/v1/replies/{number}:answer", {"says": says}, status, **(ASSESSOR | who))


async def test_a_reply_and_its_dated_answer_are_shown_in_explain(scoring, door):
    exchange, _ = await given(scoring, door)
    async with door(exchange) as client:
        sent = await send(client, exchange)
        assert (sent["person"], sent["answer"], sent["answered_at"]) == ("wang", None, None)
        assert await send(client, exchange) == sent
        answered = await answer(client, sent["number"])
        told = await client.got("/v1/cells/2021-03/b1/conduct/explain", scheme="mini")
        other = await client.got("/v1/cells/2021-03/b2/conduct/explain", scheme="mini")
    (reply,) = told["replies"]
    assert told["truncated"] is False
    assert reply == {name: answered[name] for name in reply}
    assert (reply["says"], reply["answer"], reply["answered_by"]) == ("扣分事项已整改", "已转交复核", "zhao")
    assert reply["answered_at"] >= reply["at"]
    assert other["replies"] == []


async def test_explain_says_that_there_are_more_replies_than_it_shows(scoring, door):
    exchange, _ = await given(scoring, door)
    async with door(exchange) as client:
        await send(client, exchange)
        async with exchange.begin(actor="test", action="say") as tx:
            await tx.execute(
                "INSERT INTO replies (entry, scheme, unit, indicator, month, paths, at, person, says) "
                "SELECT entry, scheme, unit, indicator, month, paths, at, person, says || n "
                "FROM replies, generate_series(1, 100) n"
            )
        told = await client.got("/v1/cells/2021-03/b1/conduct/explain", scheme="mini")
    assert (len(told["replies"]), told["truncated"]) == (100, True)


async def test_a_reply_is_answered_once_and_by_the_assessors_people(scoring, door):
    exchange, _ = await given(scoring, door)
    async with door(exchange) as client:
        number = (await send(client, exchange))["number"]
        assert (await answer(client, number, 403, unit="/hq/b1"))["code"] == "not_assessor"
        assert (await answer(client, number, 403, who="wang", unit="/"))["code"] == "same_person"
        assert (await answer(client, number, 403, role="reader"))["code"] == "forbidden"
        await answer(client, number, 404, unit="/hq/b2")
        first = await answer(client, number)
        assert await answer(client, number) == first
        assert (await answer(client, number, 409, says="another"))["code"] == "answered"


async def test_without_an_assessor_who_stands_above_answers_and_never_the_units_own_people(scoring, door):
    exchange, driver = await given(scoring, door)
    await accept(exchange, [levy(1, ontime=False)])
    await driver.run()
    async with door(exchange) as client:
        body = {"entry": await entry(exchange, "ontime"), "says": "数据有误"}
        number = (await client.post("/v1/replies", body, 201, **UNIT))["number"]
        assert (await answer(client, number, 403, unit="/hq/b1"))["code"] == "not_assessor"
        assert (await answer(client, number, unit="/hq"))["answered_by"] == "zhao"


async def test_the_same_words_sent_at_once_are_one_reply(scoring, door):
    exchange, _ = await given(scoring, door)
    async with door(exchange) as client, asyncio.TaskGroup() as both:
        sent = [both.create_task(send(client, exchange)) for _ in range(4)]
    assert len({one.result()["number"] for one in sent}) == 1


async def test_what_cannot_be_said_is_refused(scoring, door):
    exchange, _ = await given(scoring, door)
    async with door(exchange) as client:
        await client.post("/v1/replies", {"entry": 10**9, "says": "x"}, 404, **UNIT)
        await send(client, exchange, 404, unit="/hq/b2")
        await send(client, exchange, 403, role="reader")
        for says in ("", "a\x00b", "x" * 2001):
            await send(client, exchange, 422, says=says)
        await client.got("/v1/replies/99", 404)
        await client.got("/v1/replies/0", 422)


async def test_replies_are_filtered_and_paged_and_others_are_not_shown(scoring, door):
    exchange, _ = await given(scoring, door)
    async with door(exchange) as client:
        numbers = [(await send(client, exchange, says=f"s{at}"))["number"] for at in range(3)]
        await answer(client, numbers[0])
        page = await client.got("/v1/replies", limit=2)
        rest = await client.got("/v1/replies", limit=2, after=page["next"])
        assert [one["number"] for one in (*page["items"], *rest["items"])] == numbers
        for query, count in (({"answered": "true"}, 1), ({"answered": "false"}, 2), ({"unit": "b2"}, 0)):
            assert len((await client.got("/v1/replies", **query))["items"]) == count
        assert (await client.got("/v1/replies", below="/hq/b2"))["items"] == []
        await client.got(f"/v1/replies/{numbers[0]}", 404, below="/hq/b2")
