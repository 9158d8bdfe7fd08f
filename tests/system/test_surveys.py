"""A survey through the running platform while scoring is killed: issued, answered, closed by its day, rebuilt."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from campaign.checker.surveys import surveys
from tests.scoring.surveys import ROUND_ID, scheme
from tests.scoring.test_stages import TYPES, levy
from tests.system.rig import Options, Rig, platform, until
from tests.system.test_late_days import command, rebuilt

pytestmark = [pytest.mark.system, pytest.mark.kafka, pytest.mark.long]

DAMAGE = (
    "UPDATE scoring.survey_answers SET scores = replace(scores, '\"90\": 5', '\"91\": 5')",
    "UPDATE scoring.survey_answers SET answers = answers + 1",
    "UPDATE scoring.partials SET numbers = replace(numbers, '450000000', '451000000') WHERE over = 'survey:ratings'",
    "DELETE FROM scoring.derived WHERE stream = 'scoring.surveys' AND key LIKE '%~b1'",
)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with platform(options=Options(clock="replay")) as running:
        await running.adopt_types(TYPES)
        await running.adopt_scheme(scheme())
        # A round is told of at a tick that follows the scheme; a replay has no next one.
        await running.drained()
        yield running


async def test_a_round_is_answered_closed_and_counted_once_whatever_dies(rig: Rig, tmp_path: Path) -> None:
    await rig.send([levy(1, day=10)])
    await shown(rig, "进行中")
    answer = tmp_path / "answer.json"
    for rater, scores in (("leaders", [90] * 5), ("public", [60] * 5 + [80])):
        told = json.loads(
            await command(rig, "surveys", "tokens", ROUND_ID, rater, str(len(scores)), "-o", "json")
        )
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
    await worth(rig, "14.80")
    explained = await command(rig, "explain", "mini", "b1", "reliability", "2021-03")
    assert "20 · (0.4 · 450/5 + 0.6 · 380/6) / 100 = 14.80" in explained
    assert "mean:public 63.333333" in explained
    assert "未考" in await command(rig, "explain", "mini", "b2", "reliability", "2021-03")
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
