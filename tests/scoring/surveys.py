"""A small administration that is rated by its leaders and by the public."""

import copy
from itertools import count

import pytest

from services.scoring.contract import (
    ACCEPTED,
    CONSUMER_A,
    SCHEMES,
    SURVEY_COUNTED,
    SURVEYS,
    TICK,
    SurveyCounted,
    SurveyTurned,
    Tick,
)
from services.scoring.stage_a import StageA
from services.scoring.survey_api import surveys_router
from shared.contracts import envelope
from shared.kernel.digests import EMPTY_CHAIN
from shared.kernel.errors import Refused
from shared.kernel.records import Draft, Position
from shared.kernel.shards import SHARDS
from tests.scoring.manual import door_of
from tests.scoring.test_stages import MARCH, SCHEME, Driver, adopt, kept_cells, teach

METHOD = {
    "scale": 100,
    "trim": "0.1",
    "classes": [
        {"rater": "leaders", "weight": "0.4", "minimum": 5},
        {"rater": "public", "weight": "0.6", "minimum": 6},
    ],
}
FIRST = {one["rater"]: one["minimum"] for one in METHOD["classes"]}
ROUND = {"opens": "2021-03-10", "closes": "2021-03-25", "remind": ["2021-03-20"]}


def scheme(*, method=METHOD, rounds=(ROUND,), **head):
    """Return a scheme of 10 points by events and 20 by a survey of two classes of raters."""
    document = copy.deepcopy(SCHEME)
    document["scheme"] |= {"total": "30"} | head
    document["boards"][0]["points"] = "30"
    document["measures"]["reliability"] = {"survey": "ratings"}
    document["surveys"] = {
        "ratings": {
            "title": "多维测评",
            "raters": {"leaders": "上级领导", "public": "服务对象"},
            "rounds": copy.deepcopy(list(rounds)),
        }
    }
    document["indicators"][1] |= {
        "code": "reliability",
        "name": "Reliability",
        "points": "20",
        "collection": "system",
        "measure": "reliability",
        "method": {"survey": copy.deepcopy(method)},
    }
    return document


ROUND_ID = "mini~ratings~2021-03"
PATH = f"/v1/surveys/{ROUND_ID}"


class WithSurveys(Driver):
    """Runs the stages over events, ticks and what rounds came to, which stage A tells itself."""

    def __init__(self, exchange, done=()):
        super().__init__(exchange, done)
        self.stages[0] = "a", StageA(), (ACCEPTED, SCHEMES, SURVEYS)

    async def run(self):
        await self.run_stage("a")
        await super().run()

    async def tick(self, minute):
        """Let every shard know a minute, as ingest does."""
        await self.told_minute(minute)
        await self.run()

    async def told_minute(self, minute):
        """Put a minute into every shard, applied nowhere yet."""
        async with self.exchange.begin(actor="clock", action="tick") as tx:
            told = envelope.encode(TICK, "dukao/ingest", "clock", Tick(minute=minute))
            await tx.append(ACCEPTED, [Draft(shard, told) for shard in range(SHARDS)])

    async def apply_a(self, tx):
        """Apply what stage A has not, in a transaction that stays open."""
        batch = await self.unread(tx, "a", self.stages[0][2])
        for stream, draft in await self.stages[0][1](tx, batch):
            await tx.append(stream, [draft])


class ByPositions(WithSurveys):
    """Runs stage A alone, as a consumer does: its positions beside its effects."""

    async def run(self):
        for _ in range(2):
            async with self.exchange.begin(actor=CONSUMER_A, action="applied") as tx:
                await self._apply(tx)

    async def _apply(self, tx):
        _, stage, inputs = self.stages[0]
        batch = await self.unread(tx, "a", inputs)
        answers = await stage(tx, batch)
        for stream in sorted({stream for stream, _ in answers}):
            await tx.append(stream, [draft for to, draft in answers if to == stream])
        last = {(one.stream, one.shard): one for one in batch}
        await tx.many(
            "INSERT INTO positions (consumer, stream, shard, number, chain) SELECT $1, s, h, 0, $4 "
            "FROM unnest($2::text[], $3::smallint[]) n(s, h) ON CONFLICT DO NOTHING",
            CONSUMER_A,
            [stream for stream, _ in last],
            [shard for _, shard in last],
            EMPTY_CHAIN,
        )
        await tx.advance(
            CONSUMER_A, [Position(one.stream, one.shard, one.number, one.chain) for one in last.values()]
        )


async def begun(scoring, document=None, driven=WithSurveys):
    """Return scoring with a scheme in force on the first of March."""
    exchange = await scoring()
    driver = driven(exchange)
    await teach(exchange)
    await driver.run()
    await adopt(exchange, document or scheme())
    await driver.tick("2021-03-01T00:00:00Z")
    return exchange, driver


class Raters:
    """Persons with tokens, and the operator who issues them."""

    def __init__(self, door):
        self.door = door
        self.attempts = count(1)

    async def tokens(self, rater, number, status=201):
        asked = {"rater": rater, "count": number}
        told = await self.door.post(f"{PATH}/tokens", asked, status, who="olga", role="operator", unit="/")
        return told["tokens"] if status == 201 else told

    async def answer(self, token, scores, *, attempt=None, status=201):
        """Answer without a bearer token; scores are those of units on reliability."""
        ratings = [
            {"unit": unit, "indicator": "reliability", "score": score} for unit, score in scores.items()
        ]
        body = {
            "token": token,
            "attempt": attempt or f"attempt-{next(self.attempts):012d}",
            "ratings": ratings,
        }
        told = await self.door.client.post(f"{PATH}/answers", json=body)
        assert told.status_code == status, told.text
        return told.json()

    async def all_answer(self, rater, *answers):
        tokens = await self.tokens(rater, max(len(answers), FIRST[rater]))
        for token, scores in zip(tokens, answers, strict=False):
            await self.answer(token, scores)


OPEN, LAST_DAY, CLOSED = "2021-03-09T16:00:00Z", "2021-03-25T15:59:00Z", "2021-03-25T16:00:00Z"
LEADERS = [{"b1": 90, "b2": 70}] * 4 + [{"b1": 95}]
PUBLIC = [{"b1": 60, "b2": 50}] * 5 + [{"b1": 83}] * 4 + [{"b1": 0, "b2": 40}]


@pytest.fixture
def door(tmp_path):
    return door_of(tmp_path, surveys_router)


async def told(exchange, kind):
    """Return what was told of surveys in any shard."""
    async with exchange.reading() as tx:
        shards = sorted(await tx.reached(SURVEYS))
        records = [one for shard in shards for one in await tx.read(SURVEYS, shard, 0, 1000)]
    events = [envelope.decode(one.body) for one in records]
    model = SurveyCounted if kind == SURVEY_COUNTED else SurveyTurned
    return [envelope.decode_data(event, model) for event in events if event.type == kind]


async def scored(exchange):
    async with exchange.reading() as tx:
        cells = await kept_cells(tx)
    return {
        unit: value for (month, unit, code), value in cells.items() if (month, code) == (MARCH, "reliability")
    }


async def closed(scoring, door):
    """Live through a round: b1 is rated by enough of both classes, b2 by four leaders only."""
    exchange, driver = await begun(scoring)
    await driver.tick(OPEN)
    async with door(exchange) as client:
        raters = Raters(client)
        await raters.all_answer("leaders", *LEADERS)
        await raters.all_answer("public", *PUBLIC)
        assert await scored(exchange) == {}, "nothing moves while a round is open"
        await driver.tick(CLOSED)
    return exchange, driver


async def findings(exchange, document):
    """Return why an adoption is refused."""
    with pytest.raises(Refused) as found:
        await adopt(exchange, document)
    return found.value.problem.extra["findings"]


async def refused(exchange, document):
    """Return where an adoption is refused, and by which rule."""
    return [(one["path"], one["code"]) for one in await findings(exchange, document)]
