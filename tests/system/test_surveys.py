"""A survey through the running platform while scoring is killed: issued, answered, closed by its day, rebuilt."""

import json
from collections.abc import AsyncIterator, Collection
from pathlib import Path

import pytest

from campaign.checker.archive import SCHEMAS
from campaign.checker.surveys import surveys
from campaign.checker.topics import held
from shared.contracts.catalogue import STREAM_OWNERS
from shared.contracts.ranking import STANDINGS
from shared.contracts.scoring import ENTRIES, PARTIALS, SURVEYS
from tests.scoring.leaks import Leaks
from tests.scoring.surveys import METHOD, ROUND_ID, scheme
from tests.scoring.test_stages import TYPES, levy
from tests.system.rig import Options, Rig, command, platform, rebuilt, until

pytestmark = [pytest.mark.system, pytest.mark.kafka, pytest.mark.long]

DAMAGE = (
    "UPDATE scoring.survey_answers SET scores = replace(scores, '\"617\": 1', '\"618\": 1')",
    "UPDATE scoring.survey_answers SET answers = answers + 1",
    "UPDATE scoring.partials SET numbers = replace(numbers, '3151000000', '3152000000') WHERE over = 'survey:ratings'",
    "DELETE FROM scoring.derived WHERE stream = 'scoring.surveys' AND key LIKE '%~b1'",
)
SAID = {"leaders": (617, 619, 631, 641, 643), "public": (709, 719, 727, 733, 739, 743)}
TABLES = """
    SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname = ANY($1::text[])"""


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with platform(options=Options(clock="replay")) as running:
        await running.adopt_types(TYPES)
        await running.adopt_scheme(scheme(method=METHOD | {"scale": 1000}))
        yield running


async def test_a_round_is_answered_closed_and_counted_once_whatever_dies(rig: Rig, tmp_path: Path) -> None:
    await rig.send([levy(1, day=10)])
    await shown(rig, "进行中")
    answer = tmp_path / "answer.json"
    tokens: list[str] = []
    for rater, scores in SAID.items():
        told = json.loads(
            await command(rig, "surveys", "tokens", ROUND_ID, rater, str(len(scores)), "-o", "json")
        )
        tokens += told["tokens"]
        first, *others = zip(told["tokens"], scores, strict=True)
        for token, score in others:
            said = {"token": token, "attempt": token[::-1], "ratings": rated(score)}
            await rig.post("scoring", f"/v1/surveys/{ROUND_ID}/answers", "reader", said)
        answer.write_text(json.dumps(rated(first[1])))
        for _ in range(2):
            again = str(answer), "--token", first[0], "--attempt", f"attempt-of-{rater}"
            assert "taken" in await command(rig, "surveys", "answer", ROUND_ID, *again)
    await rig.kill(["scoring"])
    await rig.ready()
    await rig.send([levy(2, day=26)])
    await shown(rig, "已结束")
    await rig.kill(["scoring"])
    await rig.ready()
    await worth(rig, "13.78")
    explained = await command(rig, "explain", "mini", "b1", "reliability", "2021-03")
    assert "20 · (0.4 · 3151/5 + 0.6 · 4370/6) / 1000 = 13.78" in explained
    assert "mean:public 728.333333" in explained
    assert "未考" in await command(rig, "explain", "mini", "b2", "reliability", "2021-03")
    await nothing_else_tells_an_answer(rig, tokens)
    await every_damage_is_seen(rig)
    assert await rebuilt(rig) == ("same", [])


def rated(score: int) -> list[dict[str, object]]:
    return [{"unit": "b1", "indicator": "reliability", "score": score}]


async def shown(rig: Rig, state: str) -> None:
    async def there() -> bool:
        return state in await command(rig, "surveys", "show", ROUND_ID)

    await until(there)


async def worth(rig: Rig, published: str) -> None:
    async def there() -> bool:
        found = await rig.get("scoring", "/v1/cells/2021-03/b1/reliability", scheme="mini")
        return found["figure"]["published"] == published

    await until(there)


async def nothing_else_tells_an_answer(rig: Rig, tokens: Collection[str]) -> None:
    """Look into every topic and every table of all services, after all has come everywhere."""
    attempts = [*(token[::-1] for token in tokens), *(f"attempt-of-{rater}" for rater in SAID)]
    leaks = Leaks([score for scores in SAID.values() for score in scores], [*tokens, *attempts])
    await rig.drained()
    found = await held(rig.kafka, list(STREAM_OWNERS))
    assert {SURVEYS, PARTIALS, ENTRIES, STANDINGS} <= {stream for stream, _ in found}
    said = [body for one in found.values() for body, _ in one.records.values()]
    assert not [body for body in said if leaks.score_in(body) or leaks.secret_in(body)]
    database = await rig.database()
    try:
        tables = [row["name"] for row in await database.fetch(TABLES, list(SCHEMAS))]
        rows = [(table, row) for table in tables for row in await database.fetch(f"SELECT * FROM {table}")]
        assert leaks.tables(rows) == ({"scoring.survey_answers"}, set())
    finally:
        await database.close()


async def every_damage_is_seen(rig: Rig) -> None:
    """Alter what is kept in a transaction that is rolled back; the checker tells of each."""
    database = await rig.database()
    try:
        assert await surveys(database) == []
        for damage in DAMAGE:
            transaction = database.transaction()
            await transaction.start()
            assert not (await database.execute(damage)).endswith(" 0"), damage
            assert await surveys(database) != [], damage
            await transaction.rollback()
    finally:
        await database.close()
