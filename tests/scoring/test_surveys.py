"""Surveys: tokens without identity, answers that nobody finds again, and what a closed round comes to."""

import asyncio
import json
from fractions import Fraction

import pytest

from services.scoring import surveys
from services.scoring.contract import (
    ACCEPTED,
    CONSUMER_A,
    PARTIALS,
    SCHEMES,
    SURVEY_COUNTED,
    SURVEY_TURNED,
    SURVEYS,
)
from services.scoring.domain.proof import Scope
from services.scoring.stage_a import StageA
from shared.kernel import numbering
from shared.kernel.points import cell
from shared.messaging.archive import OwnArchive
from shared.runtime.rebuilding import Commanded, Fold, Rebuilds
from tests.rebuilds import rebuilt
from tests.scoring.leaks import Leaks
from tests.scoring.surveys import (
    CLOSED,
    LAST_DAY,
    LEADERS,
    METHOD,
    OPEN,
    PATH,
    PUBLIC,
    ROUND_ID,
    ByPositions,
    Raters,
    begun,
    closed,
    door,
    scheme,
    scored,
    told,
)
from tests.scoring.test_stages import adopt, scoring
from tests.scoring.test_verify import proof, settled

__all__ = ["door", "scoring"]
TABLES = ("survey_tokens", "survey_spent", "survey_answers")


async def test_answers_are_taken_between_the_days_of_a_round_by_the_clock_of_the_shards(scoring, door):
    exchange, driver = await begun(scoring)
    async with door(exchange) as client:
        raters = Raters(client)
        first, second, third, *_ = await raters.tokens("leaders", 5)
        assert (await raters.answer(first, {"b1": 90}, status=409))["code"] == "survey_not_open"
        await driver.tick("2021-03-09T15:59:00Z")
        assert (await raters.answer(first, {"b1": 90}, status=409))["code"] == "survey_not_open"
        await driver.tick(OPEN)
        assert await raters.answer(first, {"b1": 90}) == {"survey": ROUND_ID, "state": "taken"}
        await driver.tick(LAST_DAY)
        await raters.answer(second, {"b1": 90})
        await driver.tick(CLOSED)
        assert (await raters.answer(third, {"b1": 90}, status=409))["code"] == "survey_closed"
        assert (await raters.tokens("leaders", 1, status=409))["code"] == "survey_closed"
    turns = await told(exchange, SURVEY_TURNED)
    assert [(one.turn.value, one.day) for one in turns] == [
        ("opened", "2021-03-10"),
        ("reminded", "2021-03-20"),
        ("closed", "2021-03-25"),
    ]
    assert {one.round for one in turns} == {ROUND_ID}


async def test_a_token_counts_once_and_its_retry_is_answered_the_same_way_even_after_the_close(scoring, door):
    exchange, driver = await begun(scoring)
    await driver.tick(OPEN)
    async with door(exchange) as client:
        raters = Raters(client)
        token, other, *_ = await raters.tokens("leaders", 5)
        first = await raters.answer(token, {"b1": 90}, attempt="the-very-same-attempt")
        assert await raters.answer(token, {"b1": 90}, attempt="the-very-same-attempt") == first
        again = await raters.answer(token, {"b1": 90}, status=403)
        assert again["code"] == "token_refused"
        assert await raters.answer("never-was-a-token-at-all", {"b1": 90}, status=403) == again
        async with exchange.reading() as tx:
            (kept,) = (await surveys.answers(tx, ROUND_ID)).values()
        assert (kept.answers, kept.scores) == (1, {"reliability": {"b1": {90: 1}}})
        same = [raters.answer(other, {"b1": 80}, attempt="the-other-sent-often") for _ in range(6)]
        assert await asyncio.gather(*same) == [first] * 6
        await driver.tick(CLOSED)
        assert await raters.answer(token, {"b1": 90}, attempt="the-very-same-attempt") == first
        assert (await raters.answer(token, {"b1": 90}, status=409))["code"] == "survey_closed"
    async with exchange.reading() as tx:
        (kept,) = (await surveys.answers(tx, ROUND_ID)).values()
    assert kept.answers == 2


async def test_a_closed_round_is_scored_once_by_its_trimmed_means(scoring, door):
    exchange, driver = await closed(scoring, door)
    leaders, public = Fraction(4 * 90 + 95, 5), Fraction(5 * 60 + 3 * 83, 8)
    expected = cell(20 * (Fraction("0.4") * leaders + Fraction("0.6") * public) / 100)
    assert await scored(exchange) == {"b1": expected}
    for minute in ("2021-03-26T00:00:00Z", "2021-04-02T00:00:00Z"):
        await driver.tick(minute)
    assert len(await told(exchange, SURVEY_COUNTED)) == 2
    assert await scored(exchange) == {"b1": expected}
    async with exchange.reading() as tx:
        ticks = await received_of(tx, ACCEPTED)
        assert await received_of(tx, SURVEYS) <= ticks


async def received_of(tx, stream):
    shards = await tx.reached(stream)
    return {numbering.received_of(one) for shard in shards for one in await tx.read(stream, shard, 0, 1000)}


@pytest.mark.long
async def test_explanations_end_at_class_means_and_a_short_class_shows_no_number(scoring, door):
    exchange, _ = await closed(scoring, door)
    async with door(exchange) as client:
        found = await client.got("/v1/cells/2021-03/b1/reliability/explain", scheme="mini")
        assert found["formula"]["with_numbers"] == "20 · (0.4 · 455/5 + 0.6 · 549/8) / 100 = 15.52"
        (row,) = found["rows"]
        assert row["counted"]
        assert row["numerator"] == "15"
        assert row["columns"] == {
            "survey": "ratings",
            "mean:leaders": "91.000000",
            "mean:public": "68.625000",
            "short": None,
        }
        found = await client.got("/v1/cells/2021-03/b2/reliability/explain", scheme="mini")
        assert found["figure"]["state"] == "not_assessed"
        (row,) = found["rows"]
        assert (row["counted"], row["reason"], row["numerator"]) == (False, "below_minimum", "0")
        assert row["columns"] == {"survey": "ratings", "mean:public": "48.333333", "short": "leaders"}


SAID = 617, 619, 631, 641, 643, 647


async def test_no_stream_and_no_table_but_one_has_a_score_and_no_row_joins_it_to_a_token(scoring, door):
    exchange, driver = await begun(scoring, scheme(method=METHOD | {"scale": 1000}))
    await driver.tick(OPEN)
    async with door(exchange) as client:
        raters = Raters(client)
        tokens = await raters.tokens("public", 6)
        for token, score in zip(tokens, SAID, strict=True):
            await raters.answer(token, {"b1": score}, attempt=token[::-1])
    async with exchange.reading() as tx:
        rows = {name: [dict(one) for one in await tx.many(f"SELECT * FROM {name}")] for name in TABLES}
        audit = [dict(one) for one in await tx.many("SELECT * FROM audit WHERE action LIKE '%survey%'")]
    assert {one["token"] for one in rows["survey_tokens"]}.isdisjoint(
        {one["mark"] for one in rows["survey_spent"]}
    )
    digests = [one["token"] for one in rows["survey_tokens"]]
    assert digests == sorted(digests), "the order of issue is not kept"
    counts = json.dumps({"reliability": {"b1": {str(score): 1 for score in SAID}}})
    assert rows["survey_answers"] == [{"survey": ROUND_ID, "rater": "public", "answers": 6, "scores": counts}]
    detail = {(one["actor"], one["detail"]) for one in audit}
    assert detail == {("olga", f"{ROUND_ID} public 6"), ("a rater", ROUND_ID)}
    await driver.tick(CLOSED)
    leaks = Leaks(SAID, [*tokens, *(token[::-1] for token in tokens)])
    assert leaks.tables(await everything(exchange)) == ({"survey_answers"}, set())
    (one,) = [one for one in await told(exchange, SURVEY_COUNTED) if one.unit == "b1"]
    assert (one.classes[0].rater, one.classes[0].kept, one.classes[0].total) == ("public", 6, sum(SAID))
    assert (one.short, one.scale) == (("leaders",), 1000)
    (two,) = [one for one in await told(exchange, SURVEY_COUNTED) if one.unit == "b2"]
    assert (two.classes, two.short) == ((), ("leaders", "public"))


async def everything(exchange):
    """Return every row of scoring with its table; those of the outbox are the records of every stream."""
    mine = "SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
    found = []
    async with exchange.reading() as tx:
        for table in [row["name"] for row in await tx.many(mine)]:
            found += [(table, dict(row)) for row in await tx.many(f"SELECT * FROM {table}")]
    assert {SURVEYS, PARTIALS} <= {row["stream"] for table, row in found if table == "outbox"}
    return found


@pytest.mark.long
async def test_what_is_not_asked_is_refused_and_leaves_the_token_good(scoring, door):
    exchange, driver = await begun(scoring)
    await driver.tick(OPEN)
    async with door(exchange) as client:
        raters = Raters(client)
        token, *_ = await raters.tokens("leaders", 5)
        assert (await raters.answer(token, {"hq": 90}, status=422))["code"] == "not_rated"
        assert (await raters.answer(token, {"b1": 101}, status=422))["code"] == "score_above_scale"
        twice = [{"unit": "b1", "indicator": "reliability", "score": 1}] * 2
        body = {"token": token, "attempt": "x" * 16, "ratings": twice}
        refused = await client.client.post(f"{PATH}/answers", json=body)
        assert (refused.status_code, refused.json()["code"]) == (422, "rated_twice")
        assert (await raters.tokens("peers", 1, status=422))["code"] == "unknown_rater"
        await client.post(
            f"{PATH}/tokens", {"rater": "leaders", "count": 1}, 403, who="zhao", role="author", unit="/"
        )
        missing = await client.client.post("/v1/surveys/mini~ratings~2021-04/answers", json=body)
        assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
        await raters.answer(token, {"b1": 90})


async def test_a_class_begins_with_as_many_tokens_as_its_minimum_sample(scoring, door):
    exchange, _ = await begun(scoring)
    async with door(exchange) as client:
        raters = Raters(client)
        refused = await raters.tokens("public", 5, status=422)
        assert (refused["code"], refused["pointer"]) == ("too_few_tokens", "/count")
        assert len(await raters.tokens("public", 6)) == 6
        assert len(await raters.tokens("public", 1)) == 1, "whoever comes later is one of seven"
        assert (await raters.tokens("leaders", 4, status=422))["code"] == "too_few_tokens"
        found = await client.got(PATH)
        assert [one["issued"] for one in found["raters"]] == [0, 7]


@pytest.mark.long
async def test_a_question_for_one_class_refuses_the_other(scoring, door):
    one = {**METHOD, "classes": [{"rater": "leaders", "weight": "1", "minimum": 5}]}
    document = scheme(method=one)
    document["measures"]["manners"] = {"survey": "ratings"}
    other = document["indicators"][1] | {"code": "manners", "measure": "manners", "points": "10"}
    other["method"] = {"survey": {**METHOD, "classes": [{"rater": "public", "weight": "1", "minimum": 5}]}}
    document["indicators"][1]["points"] = "10"
    document["indicators"].append(other)
    exchange, driver = await begun(scoring, document)
    await driver.tick(OPEN)
    async with door(exchange) as client:
        raters = Raters(client)
        token, *_ = await raters.tokens("public", 6)
        assert (await raters.answer(token, {"b1": 90}, status=422))["code"] == "not_asked"


@pytest.mark.long
async def test_a_survey_shows_how_many_answered_from_five_on(scoring, door):
    exchange, driver = await begun(scoring)
    await driver.tick(OPEN)
    async with door(exchange) as client:
        raters = Raters(client)
        await raters.all_answer("leaders", *LEADERS)
        await raters.all_answer("public", *PUBLIC[:4])
        found = await client.got(PATH)
        assert (found["state"], found["opens"], found["closes"]) == ("open", "2021-03-10", "2021-03-25")
        assert found["raters"] == [
            {"rater": "leaders", "title": "上级领导", "issued": 5, "answered": 5},
            {"rater": "public", "title": "服务对象", "issued": 6, "answered": None},
        ]
        assert found["questions"] == [
            {
                "indicator": "reliability",
                "name": "Reliability",
                "scale": 100,
                "units": 2,
                "raters": ["leaders", "public"],
            }
        ]
        listed = await client.got("/v1/surveys", scheme="mini")
        assert [(one["id"], one["state"]) for one in listed["items"]] == [(ROUND_ID, "open")]
        assert (await client.got("/v1/surveys", scheme="other"))["items"] == []


@pytest.mark.long
async def test_a_proof_of_the_ledger_folds_what_surveys_came_to(scoring, door):
    exchange, driver = await closed(scoring, door)
    await settled(exchange, driver)
    assert await proof(exchange, Scope()) == []
    await adopt(exchange, scheme(version=2))
    await driver.run()
    await settled(exchange, driver)
    assert await proof(exchange, Scope()) == []


@pytest.mark.long
async def test_a_rebuild_counts_a_closed_round_to_the_same_sums_and_records(scoring, door, postgres_url):
    exchange, driver = await begun(scoring, driven=ByPositions)
    await driver.tick(OPEN)
    async with door(exchange) as client:
        raters = Raters(client)
        await raters.all_answer("leaders", *LEADERS)
        await raters.all_answer("public", *PUBLIC)
    await driver.tick(CLOSED)
    async with exchange.reading() as tx:
        ((schema,),) = await tx.execute("SELECT current_schema()")
    folds = [Fold(CONSUMER_A, StageA, dict.fromkeys((ACCEPTED, SCHEMES, SURVEYS), OwnArchive(exchange)))]
    commanded = Commanded(tables=("schemes", *TABLES), streams=(ACCEPTED, SCHEMES))
    run = await rebuilt(Rebuilds("scoring", postgres_url, folds, commanded, schema=schema))
    assert (run.state, [one.table for one in run.different], run.chains) == ("same", [], [])
    assert {one.table: one.rows for one in run.tables}["survey_turns"] == 3
