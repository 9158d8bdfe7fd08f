"""What reviews change as facts come after them: the same as of all facts anew, by reading those that came."""

import itertools
import random
from decimal import Decimal

import pytest

from services.scoring import cases
from services.scoring.contract import ACCEPTED, CALENDARS, POINTS, SCHEMES
from services.scoring.domain.reviewed import Reach, Stands
from services.scoring.reviewed_sums import PASSES_IDLE, ROOM, Kept, KeptFacts, Room
from services.scoring.stage_a import StageA
from services.scoring.under_review import UnderReview
from shared.kernel.shards import shard_of
from tests.scoring.manual import begun
from tests.scoring.reviews import ABOVE, UNIT, ask, decide, door, proved
from tests.scoring.test_manual_points import cell
from tests.scoring.test_stages import accept, levy, missed, scoring

__all__ = ["door", "scoring"]
STREAMS = (ACCEPTED, SCHEMES, POINTS, CALENDARS)
DAYS = ("2021-02-11", "2021-03-04", "2021-03-05")
FETCHED = """
    SELECT COALESCE(sum(idx_tup_fetch + seq_tup_read), 0)::bigint AS rows FROM pg_stat_xact_user_tables
    WHERE relname = 'cases' AND schemaname = current_schema()"""


class Counting:
    """Stage A, and how many rows of cases its last batch read."""

    def __init__(self, room=ROOM):
        self.stage, self.read = StageA(room), 0

    async def __call__(self, tx, batch):
        await tx.execute("SET LOCAL enable_seqscan = off")
        before = (await tx.many(FETCHED))[0]["rows"]
        answers = await self.stage(tx, batch)
        self.read = (await tx.many(FETCHED))[0]["rows"] - before
        return answers


def risk(number, day="2021-03-04", **more):
    return missed(number, f"{day}T08:00:00+08:00") | more


def corrected(event, revision=1, **more):
    return (
        event
        | {
            "id": f"{event['id']}-{revision}",
            "revision": revision,
            "correctssource": event["source"],
            "correctsid": event["id"],
        }
        | more
    )


async def test_a_batch_after_a_review_reads_its_own_cases_and_not_those_of_the_month(scoring, door):
    exchange, driver = await begun(scoring)
    counting = Counting()
    driver.stages[0] = "a", counting, STREAMS
    names = list(itertools.islice((f"c{at}" for at in itertools.count() if shard_of(f"c{at}") == 5), 40))
    await accept(exchange, [risk(at, case=name) for at, name in enumerate(names)])
    await driver.run()
    async with door(exchange) as client:
        asked = await ask(client, exchange, indicator="missed")
        await decide(client, asked["id"], "change", body={"numerator": "-30"})
    await driver.run()
    assert await cell(exchange, "missed") == 5
    await accept(exchange, [risk(100, case=names[7])])
    await driver.run()
    assert counting.read <= 4
    assert await cell(exchange, "missed") == Decimal("4.5")


MANY = """
    INSERT INTO cases SELECT 0, name, '{}' FROM generate_series(1, $1::int) n,
        LATERAL (SELECT decode(md5(n::text), 'hex') AS name) m"""
FOUND = """
    INSERT INTO case_places SELECT 'b' || get_byte(c.grp, 15) % 2, month, c.grp, 0
    FROM cases c CROSS JOIN generate_series(1, 1 + get_byte(c.grp, 14) % 2) month"""


async def test_very_many_cases_are_read_each_once_in_small_pages_of_long_pages_of_names(scoring):
    count, exchange = cases.NAMES_PER_PAGE + 700, await scoring()
    async with exchange.begin(actor="test", action="read cases") as tx:
        await tx.many(MANY, count)
        await tx.execute(FOUND)
        pages = [page async for page in cases.among(tx, 0, ["b0", "b1"], (1, 2), 500)]
    assert [len(page) for page in pages] == [500] * 41 + [200]
    names = [one.grp for page in pages for one in page]
    assert names == sorted(set(names))
    assert len(names) == count


async def test_a_month_that_does_not_fit_is_read_again_and_drives_out_none_that_does(scoring, door):
    exchange, driver = await begun(scoring)
    counting = Counting(Room(10))
    driver.stages[0] = "a", counting, STREAMS
    names = list(itertools.islice((f"c{at}" for at in itertools.count() if shard_of(f"c{at}") == 5), 21))
    days = ["2021-03-04"] * 12 + ["2021-02-11"] * 9
    async with door(exchange) as client:
        for at, news in enumerate((range(12, 21), range(12))):
            await accept(exchange, [risk(one, days[one], case=names[one]) for one in news])
            await driver.run()
            body = {"entry": await newest(exchange, "missed", 2 + at), "reason": "r"}
            asked = await client.post("/v1/reviews", body, 201, **UNIT)
            await decide(client, asked["id"], "change", body={"numerator": "-1"})
            await driver.run()
    for number in (30, 31):
        await accept(exchange, [risk(number, days[-1], case=names[-1])])
        await driver.run()
        assert 12 <= counting.read <= 12 + 4


async def test_of_a_month_that_does_not_fit_what_reviews_can_reach_is_kept(scoring, door):
    exchange, driver = await begun(scoring)
    counting = Counting(Room(10, spare=2))
    driver.stages[0] = "a", counting, STREAMS
    names = list(itertools.islice((f"c{at}" for at in itertools.count() if shard_of(f"c{at}") == 5), 30))
    events = [risk(at, case=name) for at, name in enumerate(names)]
    await accept(exchange, events)
    await driver.run()
    async with door(exchange) as client:
        asked = await ask(client, exchange, indicator="missed")
        await decide(client, asked["id"], "change", body={"numerator": "-2"})
    await driver.run()
    reads = []
    for at, one in enumerate(events[:28]):
        await accept(exchange, [corrected(one, data=None)])
        await driver.run()
        reads.append(counting.read)
        left = len(events) - 1 - at
        assert await cell(exchange, "missed") == max(Decimal(0), 10 - Decimal("0.5") * max(0, left - 2))
    assert sum(read > 4 for read in reads) <= len(reads) / 3, reads
    assert await proved(exchange, driver) == []


def kept_of(month, plan="mini@1"):
    return Kept(UnderReview(5, "b1", month), plan, "missed")


def said(amount):
    return Reach({(ACCEPTED, str(at)): Stands((ACCEPTED, str(at)), (at,), 1) for at in range(amount)})


def test_of_two_months_that_do_not_fit_both_the_first_stays_however_often_the_other_comes():
    kept = KeptFacts(10)
    assert kept.keep(kept_of(1), said(6))
    for _ in range(5):
        kept.turn()
        assert kept.find(kept_of(2)) is None
        assert not kept.keep(kept_of(2), said(6))
        assert not kept.keep(kept_of(3), said(11))
        assert kept.find(kept_of(1)) == said(6)
    assert kept.keep(kept_of(4), said(4))


def test_a_month_makes_room_when_no_batch_concerned_it_for_long():
    kept = KeptFacts(10)
    assert kept.keep(kept_of(1), said(6))
    assert kept.keep(kept_of(2), said(4))
    for _ in range(PASSES_IDLE + 1):
        assert not kept.keep(kept_of(3), said(6))
        kept.turn()
        assert kept.find(kept_of(2)) is not None
    assert kept.keep(kept_of(3), said(6))
    assert [kept.find(kept_of(month)) is None for month in (1, 2, 3)] == [True, False, False]


def test_a_trial_takes_no_room_from_a_scheme_in_force_and_gives_it_its_own():
    kept = KeptFacts(10)
    assert kept.keep(kept_of(1, "mini~draft@2"), said(6))
    assert kept.keep(kept_of(1), said(6))
    assert kept.find(kept_of(1, "mini~draft@2")) is None
    assert not kept.keep(kept_of(1, "mini~draft@2"), said(6))


def test_what_grew_beyond_the_room_loses_the_month_that_came_last():
    kept = KeptFacts(10)
    first = said(4)
    assert kept.keep(kept_of(1), first)
    assert kept.keep(kept_of(2), said(6))
    first.facts |= said(5).facts
    kept.turn()
    assert kept.find(kept_of(1)) == said(5)
    assert kept.find(kept_of(2)) is None


@pytest.mark.parametrize(("seed", "room"), [(0, ROOM), (1, Room(3)), (2, Room(10, spare=0))])
async def test_in_any_history_reviews_come_to_what_all_facts_say_anew(scoring, door, seed, room):
    chance = random.Random(seed)
    exchange, driver = await begun(scoring)
    driver.stages[0] = "a", StageA(room), STREAMS
    known, number = [], 0
    async with door(exchange) as client:
        for _ in range(8):
            news = []
            for _ in range(chance.randint(1, 6)):
                number += 1
                what = chance.random()
                if what < 0.3 or not known:
                    news.append(risk(number, chance.choice(DAYS)))
                elif what < 0.5:
                    news.append(risk(number, chance.choice(DAYS), case=f"c{chance.randint(1, 4)}"))
                elif what < 0.7:
                    news.append(
                        levy(
                            number, ontime=chance.random() < 0.5, voucher=f"v{chance.randint(1, 9)}-{number}"
                        )
                    )
                else:
                    one = chance.choice(known)
                    more = (
                        {"data": None}
                        if chance.random() < 0.5
                        else {"time": f"{chance.choice(DAYS)}T09:00:00+08:00"}
                    )
                    news.append(corrected(one, number, **more))
            chance.shuffle(news)
            known += [one for one in news if "revision" not in one]
            await accept(exchange, news)
            await driver.run()
            if chance.random() < 0.5:
                await reviewed(client, exchange, chance)
            if chance.random() < 0.2:
                driver.stages[0] = "a", StageA(room), STREAMS
        await driver.run()
    assert await proved(exchange, driver) == []


async def reviewed(client, exchange, chance):
    """Let somebody change what the newest entry of an indicator says, if anything is left to change."""
    indicator, numerator = chance.choice([("missed", "-1"), ("missed", "-2"), ("ontime", "1")])
    body = {"entry": await newest(exchange, indicator), "reason": "r"}
    if body["entry"] is None:
        return
    asked = await client.ask("POST", "/v1/reviews", "wang", "author", "/hq/b1", json=body)
    if asked.status_code == 201:
        path = f"/v1/reviews/{asked.json()['id']}:change"
        told = {"reason": "r", "numerator": numerator}
        who = f"sun{body['entry']}"
        answer = await client.ask("POST", path, who, ABOVE["role"], ABOVE["unit"], json=told)
        assert answer.status_code in {200, 409}, answer.text


async def newest(exchange, indicator, month=3):
    async with exchange.reading() as tx:
        rows = await tx.many(
            "SELECT max(id) AS id FROM entries WHERE unit = 'b1' AND month = $1 AND indicator = $2",
            2021 * 12 + month - 1,
            indicator,
        )
    return rows[0]["id"]
