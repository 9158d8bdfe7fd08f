"""A scheme that changes on 1 July, on a real PostgreSQL: months, the year in parts, its explanation and proof."""

import copy
import random

from services.scoring import handlers
from services.scoring.contract import ENTRIES, ENTRIES_POSTED, PARTIALS, SCHEMES, SOURCE, EntriesPosted
from services.scoring.stage_b import Ledger, StageB
from shared.contracts import envelope
from shared.contracts.scoring import PeriodFigures
from shared.kernel.instants import parse
from shared.kernel.records import Draft
from shared.kernel.shards import shard_of
from tests.ranking.rig import adopted, ask, service
from tests.scoring import test_stages
from tests.scoring.test_explain import come, door, got
from tests.scoring.test_stages import SCHEME, TYPES, accept, adopt, missed, scoring
from tests.scoring.test_verify import proof, settled

__all__ = ["ask", "door", "scoring", "service"]
JULY = 2021 * 12 + 6
WITH_SUMS = copy.deepcopy(TYPES)
WITH_SUMS["types"]["levy.month.v1"] = {
    "title": "The levies of a month",
    "fields": {name: {"type": "integer", "required": True, "minimum": 0} for name in ("made", "due")},
}


def version(number, points, target, **head):
    document = copy.deepcopy(SCHEME)
    document["scheme"] |= {"version": number, "total": str(int(points) + 10), **head}
    document["boards"][0]["points"] = document["scheme"]["total"]
    document["measures"]["ontime"] |= {
        "over": "levy.month.v1",
        "numerator": "sum(made)",
        "denominator": "sum(due)",
    }
    document["indicators"][0] |= {"points": points, "method": {"target": {"target": target}}}
    return document


FIRST = version(1, "20", "0.90")
SECOND = version(2, "30", "0.95", effective="2021-07")


def made(number, month, made, due=1000, unit="b1"):
    return {
        "specversion": "1.0",
        "source": "s",
        "id": f"d{number}",
        "type": "levy.month.v1",
        "subject": unit,
        "time": f"2021-{month:02d}-10T08:00:00+08:00",
        "data": {"made": made, "due": due},
    }


EVENTS = [
    made(1, 3, 441, 500),
    made(2, 6, 441, 500),
    made(3, 9, 931),
    made(4, 2, 9, 10, unit="b2"),
    made(5, 12, 5, 10, unit="b2"),
    missed(1, "2021-06-30T15:59:59Z"),
    missed(2, "2021-06-30T16:00:00Z"),
    missed(3, "2021-11-01T08:00:00+08:00"),
]


async def begun(scoring):
    return await test_stages.begun(scoring, None, types=WITH_SUMS)


async def lived(scoring, steps, chance=None):
    """Live through events and adoptions; with chance several of them come in one batch."""
    exchange, driver = await begun(scoring)
    for step in steps:
        await (accept(exchange, [step]) if "id" in step else adopt(exchange, step))
        if chance is None or step is steps[-1] or chance.random() < 1 / 2:
            await driver.run()
    await settled(exchange, driver)
    return exchange


async def told(exchange):
    """Return the figures of the year that were told last, with the points that were told beside them."""
    found = {}
    async with exchange.reading() as tx:
        for record in await tx.read(ENTRIES, shard_of("mini/bureaus"), 0, 10_000):
            posted = envelope.decode_data(envelope.decode(record.body), EntriesPosted)
            for one in posted.figures:
                for code, value in one.values.items():
                    found[posted.version, one.period, one.unit, code] = value, one.points.get(code)
    return found


async def kept(exchange):
    async with exchange.reading() as tx:
        rows = await tx.execute("SELECT version, month, unit, indicator, value FROM cells")
    return {(row.version, row.month, row.unit, row.indicator): row.value for row in rows}


async def test_20_points_at_90_percent_and_from_july_30_at_95_are_24_50_of_25(scoring, door):
    exchange = await lived(scoring, [FIRST, SECOND, *EVENTS])
    async with door(exchange) as client:
        year = await got(client, "/v1/cells/2021/b1/ontime")
        why = await got(client, "/v1/cells/2021/b1/ontime/explain")
        halves = [await got(client, f"/v1/cells/2021-H{half}/b1/ontime") for half in (1, 2)]
    assert (year["figure"]["published"], year["figure"]["points"]) == ("24.50", "25")
    assert [half["figure"]["published"] for half in halves] == ["19.60", "29.40"]
    assert why["formula"]["with_numbers"] == "(6 · 19.6 + 6 · 29.4) / 12 = 24.50"
    assert [(part["versions"], part["weight"], part["formula"]) for part in why["parts"]] == [
        ([1], 6, "20 · min(1, (882/1000) / 0.90) = 19.60"),
        ([2], 6, "30 · min(1, (931/1000) / 0.95) = 29.40"),
    ]
    assert [row["month"] for row in why["rows"]] == ["2021-03", "2021-06", "2021-09"]
    assert {entry["month"] for entry in year["entries"]} >= {"2021-03", "2021-06", "2021-09"}


async def test_what_the_change_leaves_as_it_was_is_scored_over_the_whole_year(scoring, door):
    exchange = await lived(scoring, [FIRST, SECOND, *EVENTS])
    async with door(exchange) as client:
        why = await got(client, "/v1/cells/2021/b1/missed/explain")
        pages, after = [], None
        while after is not None or not pages:
            page = await got(
                client, "/v1/cells/2021/b1/missed/explain", limit=1, **({"after": after} if after else {})
            )
            pages.append([row["month"] for row in page["rows"]])
            after = page["next"]
    assert why["formula"]["with_numbers"] == "max(0, 10 − 0.5 · 3) = 8.50"
    assert (why["figure"]["points"], [part["versions"] for part in why["parts"]]) == ("10", [[1, 2]])
    assert [month for page in pages for month in page] == ["2021-06", "2021-07", "2021-11"]


async def posted_of(exchange):
    """Return what was posted of the group, in order."""
    async with exchange.reading() as tx:
        records = await tx.read(ENTRIES, shard_of("mini/bureaus"), 0, 10_000)
    return [envelope.decode_data(envelope.decode(record.body), EntriesPosted) for record in records]


async def test_no_version_dates_its_figures_before_those_of_another_and_the_day_is_that_of_the_zone(scoring):
    """A shard that was behind brings to the second version what was received on the day before."""
    exchange, driver = await begun(scoring)
    for document in (FIRST, SECOND):
        await adopt(exchange, document)
    await driver.run()
    await come(exchange, "2027-03-31T16:30:00Z", [made(1, 3, 441, 500)])
    await come(exchange, "2027-03-31T15:00:00Z", [made(2, 9, 931, unit="b2")])
    await driver.run_stage("a", only=shard_of("b1"))
    await driver.run_stage("b")
    await driver.run()
    found = [
        (one.version, one.fresh_at, one.day) for one in await posted_of(exchange) if one.fresh_at > "2027"
    ]
    assert {version for version, _, _ in found} == {1, 2}
    assert {tuple(one[1:]) for one in found} == {("2027-03-31T16:30:00.000000Z", "2027-04-01")}


async def test_days_of_a_group_never_fall_and_in_a_replay_are_those_of_the_feed(scoring):
    """An adoption overtakes what was received on the day before it."""
    found = {}
    for replay in (False, True):
        exchange, driver = await begun(scoring)
        driver.stages[1] = "b", StageB(book=Ledger(replay=replay)), (PARTIALS, SCHEMES)
        await adopt(exchange, FIRST)
        await come(exchange, "2027-08-08T01:00:00Z", [made(3, 3, 441, 500)])
        await driver.run()
        async with exchange.begin(actor="ada", action="adopt") as tx:
            tx.replay_at(parse("2027-08-10T01:00:00Z"))
            await handlers.draft_scheme(tx, SECOND, "ada")
            await handlers.adopt_scheme(tx, "mini", 2, "bob")
        await driver.run()
        await come(exchange, "2027-08-09T01:00:00Z", [made(9, 9, 931)])
        await driver.run()
        found[replay] = [one.day[-2:] for one in await posted_of(exchange) if one.version == 2]
    assert found[False][0] == found[False][-1] == "10"
    assert (found[True][0], found[True][-1]) == ("08", "09")


async def test_a_month_belongs_to_one_version_whenever_the_newer_is_adopted(scoring, door):
    exchange = await lived(scoring, [FIRST, *EVENTS, SECOND])
    cells = await kept(exchange)
    assert {version for version, month, *_ in cells if month < JULY} == {1}
    assert {version for version, month, *_ in cells if month >= JULY} == {2}
    assert await proof(exchange) == []
    async with door(exchange) as client:
        answer = await client.get("/v1/cells/2021-08/b1/missed", params={"scheme": "mini", "version": 1})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_any_order_of_events_and_adoptions_comes_to_the_same_year(scoring):
    wanted = await lived(scoring, [FIRST, SECOND, *EVENTS])
    year = {key: one for key, one in (await told(wanted)).items() if key[:2] == (2, "2021")}
    assert year[2, "2021", "b1", "ontime"] == ("24.500000000000", "25.000000000000")
    assert await proof(wanted) == []
    for seed in range(3):
        order = random.Random(seed)
        steps = order.sample(EVENTS, len(EVENTS))
        steps.insert(order.randrange(len(steps)), FIRST)
        steps.insert(order.randrange(steps.index(FIRST) + 1, len(steps) + 1), SECOND)
        exchange = await lived(scoring, steps, order)
        assert await kept(exchange) == await kept(wanted)
        assert {key: one for key, one in (await told(exchange)).items() if key in year} == year
        assert await proof(exchange) == []


async def test_a_proof_finds_a_figure_made_of_parts_that_was_told_wrong(scoring):
    exchange = await lived(scoring, [FIRST, SECOND, *EVENTS])
    wrong = PeriodFigures(unit="b1", period="2021", values={"ontime": "28.630000000000"})
    body = envelope.encode(
        ENTRIES_POSTED,
        SOURCE,
        "mini/bureaus",
        EntriesPosted(
            scheme="mini",
            version=2,
            group="bureaus",
            cause=(),
            fresh_at="2021-12-31T00:00:00.000000Z",
            day="2021-12-31",
            figures=(wrong,),
        ),
    )
    async with exchange.begin(actor="mallory", action="tamper") as tx:
        await tx.append(ENTRIES, [Draft(shard_of("mini/bureaus"), body)])
    (found,) = await proof(exchange)
    assert (found.what, str(found.cells[0])) == ("figure", "mini@2 2021-12 b1 ontime")
    assert (found.found, found.expected) == ("28.630000000000", "24.500000000000 of 25.000000000000")


async def test_how_events_are_put_into_batches_leaves_no_trace_in_the_weights(scoring):
    """With events until August the year weighs six months and two, whatever came with them."""
    wanted = None
    for at in (0, 3, len(EVENTS)):
        early = [event for event in EVENTS if event["time"] < "2021-09"] + [made(9, 8, 931)]
        exchange, driver = await begun(scoring)
        for step in (FIRST, SECOND):
            await adopt(exchange, step)
        for batch in (early[:at], early[at:]):
            if batch:
                await accept(exchange, batch)
                await driver.run()
        await settled(exchange, driver)
        year = {key: one for key, one in (await told(exchange)).items() if key[:3] == (2, "2021", "b1")}
        assert year[2, "2021", "b1", "ontime"] == ("22.050000000000", "22.500000000000")
        assert wanted in (None, year)
        assert await proof(exchange) == []
        wanted = year


async def test_the_standing_of_the_year_has_the_points_that_months_weight(scoring, service, ask):
    exchange = await lived(scoring, [FIRST, SECOND, *EVENTS])
    async with exchange.reading() as tx:
        records = await tx.read(ENTRIES, shard_of("mini/bureaus"), 0, 10_000)
    await service.apply(adopted(FIRST), adopted(SECOND))
    await service.apply(*((ENTRIES, record.body) for record in records))
    lines = {}
    for period in ("2021", "2021-H1"):
        shown = (await ask(f"/v1/standings/mini/bureaus/{period}")).json()
        (line,) = [one for one in shown["units"] if one["unit"] == "b1"]
        lines[period] = shown["version"], line["points"], line["covered"]
    assert lines == {"2021": (2, "33.00", "35.00"), "2021-H1": (1, "29.10", "30.00")}
