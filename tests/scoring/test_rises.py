"""The door of regional risk: counts against exposure and the own baseline, cut at T, and what two persons make of it.

All of it is in 2198, so that what is received before and after T can be said.
"""

import random
from datetime import datetime
from decimal import Decimal

from services.scoring import proved_rises, rulers, store
from services.scoring import rises as regions
from services.scoring.contract import (
    ACCEPTED,
    CALENDAR_ADOPTED,
    CALENDARS,
    INCIDENTS_SHARD,
    RULINGS,
    TICK,
    CalendarAdopted,
    RisesJudged,
    Tick,
)
from services.scoring.domain.incidents.rises import Counted, rises
from services.scoring.domain.proof import Scope, Wrong
from shared.contracts import envelope
from shared.kernel.periods import Month
from shared.kernel.records import Draft
from shared.kernel.shards import SHARDS
from tests.scoring.incidents import WithIncidents, adopt, begun, corrected, finding, retracted, scheme
from tests.scoring.incidents import accept as accept_now
from tests.scoring.test_incidents_door import door
from tests.scoring.test_stages import scoring

__all__ = ["door", "scoring"]
RISE = {
    "code": "c",
    "title": "区域执法风险",
    "group": "bureaus",
    "measure": "risks",
    "baseline_months": 3,
    "minimum": 5,
    "alpha": "0.01",
    "grace_days": 5,
    "content": "vat",
    "roles": {
        "department": {"indicator": "department_linked", "points": "1"},
        "bureau": {"indicator": "bureau_linked", "points": "2"},
        "inspectorate": {"indicator": "inspectorate_linked", "points": "0.5"},
    },
}
RISKS = {
    "over": "finding.petition.v1",
    "period_by": "time",
    "numerator": "count(*)",
    "denominator": "sum(severity)",
}


EARLY, LATE = "2198-03-01T00:00:00Z", "2198-03-09T16:00:00Z"
HOLIDAY = ("2198-03-05", "2198-03-06")  # so that five working days of March end on the ninth


def looked_at(**more):
    document = scheme(**{"effective": "2198-01", "until": "2198-12"} | more)
    document["measures"]["risks"] = RISKS
    document["indicators"].append(
        document["indicators"][0]
        | {"code": "risk", "measure": "risks", "method": {"target": {"target": "1"}}}
    )
    document["indicators"][0] |= {"points": "5", "not_applicable": [{"units": ["b2"], "reason": "r"}]}
    document["indicators"][-1]["points"] = "5"
    document["incidents"]["rises"] = [RISE]
    return document


def acts(unit, day, exposures):
    """One act that went wrong for each exposure that it stands for."""
    return [
        finding(f"{unit}-{day}-{at}", "petition", time=day, unit=unit, severity=each, status="alleged")
        for at, each in enumerate(exposures)
    ]


FACTS = [
    *acts("b1", "2198-01-12", [100, 100]),
    *acts("b1", "2198-02-12", [10] * 12),
    *acts("b2", "2198-01-12", [100, 100]),
    *acts("b2", "2198-02-12", [100, 100]),
]


async def accept(exchange, events, received=EARLY):
    await accept_now(exchange, events, received=datetime.fromisoformat(received))


async def tick(exchange, received=LATE, shards=range(SHARDS)):
    """Let shards know that it is so late."""
    at = datetime.fromisoformat(received)
    told = envelope.encode(TICK, "dukao/ingest", "clock", Tick(minute=received))
    async with exchange.begin(actor="clock", action="tick") as tx:
        await tx.append(ACCEPTED, [Draft(shard, told, received=at) for shard in shards])


async def calendar(exchange, last="2198-12-31", *, version=1, rest=HOLIDAY, received=None):
    """Let scoring know the working days until a day."""
    days = [{"day": day, "kind": "rest", "name": "holiday"} for day in rest]
    document = {
        "calendar": {"first": "2198-01-01", "last": last},
        "notices": [{"title": "n", "days": days}],
    }
    told = CalendarAdopted(
        zone="Asia/Shanghai",
        version=version,
        digest="0" * 64,
        first="2198-01-01",
        last=last,
        document=document,
    )
    at = None if received is None else datetime.fromisoformat(received)
    body = envelope.encode(CALENDAR_ADOPTED, "dukao/supervision", "Asia/Shanghai", told)
    async with exchange.begin(actor="test", action="calendar") as tx:
        await tx.append(CALENDARS, [Draft(shard, body, received=at) for shard in range(SHARDS)])


async def passed(scoring, *more, facts=FACTS):
    """Return scoring with facts received before T, and every clock at T."""
    exchange, driver = await begun(scoring, document=looked_at())
    await calendar(exchange)
    await accept(exchange, [*facts, *more])
    await tick(exchange)
    await driver.run()
    return exchange, driver


async def test_a_region_whose_rate_rose_is_named_with_every_figure_behind_it(scoring, door):
    exchange, driver = await begun(scoring, document=looked_at())
    await accept(exchange, FACTS)
    await driver.run()
    async with door(exchange) as at:
        found = await at.got("/v1/rises/mini/1/c/2198-02")
        one, two = found.pop("regions")
        assert found == {
            "scheme": "mini",
            "version": 1,
            "code": "c",
            "title": "区域执法风险",
            "measure": "risks",
            "month": "2198-02",
            "closes": None,
            "judged_by": None,
            "baseline": ["2198-01"],
            "minimum": 5,
            "alpha": "0.01",
            "tested": 2,
        }
        assert one == {
            "unit": "b1",
            "count": 12,
            "exposure": 120,
            "before": 2,
            "exposure_before": 200,
            "p": "0.000301364219",
            "adjusted": "0.000602728438",
            "significant": True,
        }
        assert (two["unit"], two["p"], two["significant"]) == ("b2", "0.687500000000", False)
        own = await at.got("/v1/rises/mini/1/c/2198-02", below="/hq/b2", role="reader")
        assert (own["tested"], own["regions"]) == (2, [two])
        assert (await at.got("/v1/rises/mini/1/c/2198-01"))["regions"] == [], "it has no baseline"
        for path in ("mini/1/d/2198-02", "mini/1/c/2199-02", "mini/2/c/2198-02"):
            await at.got(f"/v1/rises/{path}", 404)


ROSE = f"scoring.rulings/{INCIDENTS_SHARD}/1/b1"
LOST = {
    ("2198-02", "d1", "department_linked"): Decimal(1),
    ("2198-02", "b1", "bureau_linked"): Decimal(2),
    ("2198-02", "i2", "inspectorate_linked"): Decimal("0.5"),
}
JUDGE = "/v1/rises/mini/1/c/2198-02:judge"
INCIDENT = "b1~vat~2198"
FULL = {"bureau_linked": 10, "department_linked": 40, "inspectorate_linked": 40, "audit": 5}
LESS = {"indicator": "bureau_linked", "points": "0.7"}
FIGURES = (
    "risks 2198-02: 12/120; 2198-01–2198-01: 2/200; p=0.000301364219; Holm 0.000602728438 ≤ 0.01; 12 ≥ 5"
)


async def linked(exchange, version=1):
    """Return the cells that are not full of indicators that lose by incidents."""
    async with exchange.reading() as tx:
        rows = await tx.execute(
            "SELECT month, unit, indicator, value FROM cells WHERE version = :v", v=version
        )
    return {
        (str(Month.of_ordinal(row.month)), row.unit, row.indicator): FULL[row.indicator] - row.value
        for row in rows
        if row.indicator in FULL and row.value != FULL[row.indicator]
    }


async def judged(at, path=JUDGE, status=200, **who):
    answer = await at.ask("POST", path, **who)
    assert answer.status_code == status, answer.text
    return answer.json()


async def decide(at, ruling="apply", status=200, **who):
    rose = {"source": "dukao/scoring", "id": ROSE}
    body = {"finding": rose, "trigger": "c", "inspection": rose, "ruling": ruling, "reason": "核实"}
    return await at.act("decide", body, status, **{"incident": INCIDENT, "name": "zhao"} | who)


async def told(exchange):
    """Return what was judged."""
    async with exchange.reading() as tx:
        record, *_ = await tx.read(RULINGS, INCIDENTS_SHARD, 0, 10)
    return envelope.decode_data(envelope.decode(record.body), RisesJudged)


async def test_a_rise_costs_nobody_until_another_person_applies_it_and_is_taken_back_by_a_later_decision(
    scoring, door
):
    exchange, driver = await passed(scoring)
    async with door(exchange) as at:
        await judged(at, unit="/hq/b1", status=403)
        await judged(at, role="reader", status=403)
        assert [one["unit"] for one in (await judged(at))["regions"] if one["significant"]] == ["b1"]
        assert (await judged(at, status=409))["code"] == "already_judged"
        await driver.run()
        assert await linked(exchange) == {}, "judged by one person, it waits for a second"
        (line,) = (await at.got("/v1/incidents", waiting=True))["items"]
        assert [(one["trigger"], one["why"]) for one in line["waiting"]] == [("c", "second_person")]
        for ruling in ("apply", "dismiss"):
            assert (await decide(at, ruling, 403, name="li"))["code"] == "same_person"
        for ruling, lost in (("apply", LOST), ("dismiss", {}), ("apply", LOST)):
            (answered,) = (await decide(at, ruling))["answered"]
            assert answered["ruling"] == ruling
            await driver.run()
            assert await linked(exchange) == lost
    async with exchange.reading() as tx:
        rows = await tx.execute(
            "SELECT new FROM entries WHERE indicator = 'bureau_linked' AND unit = 'b1' AND month = :m ORDER BY id",
            m=Month.parse("2198-02").ordinal,
        )
    assert [row.new for row in rows] == [10, 8, 10, 8], "each decision posts an entry"


async def test_who_judged_decides_on_a_rise_by_the_door_of_no_other_incident_of_its_object_either(
    scoring, door
):
    exchange, driver = await passed(scoring)
    other = finding("other", taxpayer="b1", first_year=2199, last_year=2199, time="2198-02-20")
    await accept(exchange, [other])
    await driver.run()
    async with door(exchange) as at:
        await judged(at)
        await driver.run()
        await decide(at, "dismiss")
        await driver.run()
        refused = await decide(at, "apply", 409, name="li", incident="b1~vat~2199")
        assert refused["code"] == "not_waiting"


async def test_only_who_stands_above_all_that_lose_by_a_rise_decides_on_it(scoring, door):
    exchange, driver = await passed(scoring)
    async with door(exchange) as at:
        await judged(at)
        await driver.run()
        await decide(at, status=403, unit="/hq/b1")
        await decide(at, status=404, unit="/hq/b2")
        await decide(at, unit="/hq")
        await driver.run()
        await decide(at, "dismiss", status=403, unit="/hq/b1")
        await decide(at, "dismiss")
        await driver.run()
        await decide(at, status=403, unit="/hq/b1")


async def test_what_is_received_at_t_or_later_is_not_judged_and_what_was_before_is(scoring, door):
    exchange, driver = await begun(scoring, document=looked_at())
    await calendar(exchange)
    on_time = acts("b1", "2198-02-20", [10])[0]
    await accept(exchange, FACTS)
    await accept(exchange, [on_time], "2198-03-09T15:59:59.999999Z")
    late = [*acts("b1", "2198-01-20", [1] * 9), retracted(FACTS[2]), corrected(FACTS[0], severity=1)]
    await accept(exchange, late, LATE)
    await tick(exchange)
    await driver.run()
    async with door(exchange) as at:
        now = await at.got("/v1/rises/mini/1/c/2198-02")
        assert (now["closes"], now["judged_by"]) == ("2198-03-09T16:00:00.000000Z", None)
        assert {(one["count"], one["before"]) for one in now["regions"]} == {(12, 11), (2, 2)}
        answer = await judged(at)
        again = await at.got("/v1/rises/mini/1/c/2198-02")
    one = next(one for one in answer["regions"] if one["unit"] == "b1")
    assert (one["count"], one["exposure"], one["before"], one["exposure_before"]) == (13, 130, 2, 200)
    assert again == answer, "what was judged is shown as it was"
    assert answer["judged_by"] == "li"


async def test_a_month_is_open_until_the_clock_of_every_shard_has_passed_t(scoring, door):
    exchange, driver = await begun(scoring, document=looked_at())
    await calendar(exchange)
    await accept(exchange, FACTS)
    await accept(exchange, acts("b2", "2198-03-20", [10]), "2198-04-01T00:00:00Z")
    await tick(exchange, shards=range(1, SHARDS))
    await tick(exchange, "2198-03-09T15:59:00Z", shards=[0])
    await driver.run()
    async with door(exchange) as at:
        refused = await judged(at, status=409)
        assert (refused["code"], LATE[:19] in refused["detail"]) == ("month_open", True)
        await tick(exchange, shards=[0])
        assert (await judged(at, status=409))["code"] == "month_open", "stage A has not come to it"
        await driver.run()
        await judged(at)


async def test_t_is_known_by_a_calendar_that_knows_all_days_of_grace(scoring, door):
    exchange, driver = await begun(scoring, document=looked_at())
    await accept(exchange, FACTS)
    await tick(exchange)
    await driver.run()
    async with door(exchange) as at:
        assert (await judged(at, status=409))["code"] == "calendar_unknown"
        await calendar(exchange, last="2198-03-08")
        await driver.run()
        assert (await judged(at, status=409))["code"] == "calendar_unknown"
        assert (await at.got("/v1/rises/mini/1/c/2198-02"))["closes"] is None


async def test_whatever_the_order_and_the_batches_and_whenever_it_is_judged_the_figures_are_the_same(
    scoring, door
):
    facts = [*FACTS, corrected(FACTS[0], severity=50), retracted(FACTS[1]), corrected(FACTS[3], unit="b2")]
    late = acts("b1", "2198-02-21", [3] * 4)
    found = []
    for seed in range(2):
        chance = random.Random(seed)
        exchange, driver = await begun(scoring, document=looked_at())
        await calendar(exchange)
        for one in chance.sample(facts, len(facts)):
            await accept(exchange, [one])
            if chance.random() < 0.3:
                await driver.run()
            if chance.random() < 0.2:
                driver = WithIncidents(exchange, driver.done)
        await tick(exchange)
        if seed:
            await driver.run()
            await accept(exchange, late, LATE)
        await driver.run()
        async with door(exchange) as at:
            found.append((await judged(at))["regions"])
    assert found[0]
    assert all(one == found[0] for one in found)


async def test_the_figures_of_a_rise_stand_in_its_history_and_beside_each_deduction(scoring, door):
    exchange, driver = await passed(scoring)
    async with door(exchange) as at:
        await judged(at)
        await driver.run()
        await decide(at)
        await driver.run()
        shown = await at.got(f"/v1/incidents/{INCIDENT}")
        assert {(one["unit"], one["role"], one["trigger"], one["state"]) for one in shown["deductions"]} == {
            ("b1", "bureau", "c", "counted"),
            ("d1", "department", "c", "counted"),
            ("i2", "inspectorate", "c", "counted"),
        }
        assert [one["says"] for one in shown["history"] if one["what"] == "finding"] == [FIGURES]
        for unit, indicator in (("b1", "bureau_linked"), ("d1", "department_linked")):
            told = await at.got(f"/v1/cells/2198-02/{unit}/{indicator}/explain", scheme="mini")
            (row,) = told["rows"]
            assert (row["columns"]["trigger"], row["columns"]["test"]) == ("c", FIGURES)
    async with exchange.reading() as tx:
        assert await rulers.of_cell(tx, "b1", "bureau_linked", Month.parse("2198-02").ordinal) == {
            "li",
            "zhao",
        }


class Silent:
    def begin(self, phase, total): ...
    def step(self, count): ...


async def proved(exchange, **scope):
    async with exchange.snapshot() as tx:
        asked = Scope(**scope, calendars=await store.calendars(tx))
        return [one async for one in proved_rises.judged(tx, asked, Silent())]


async def test_a_proof_tests_anew_what_was_judged_whatever_came_later_and_tells_of_another(scoring, door):
    exchange, driver = await passed(scoring)
    async with door(exchange) as at:
        await judged(at)
    one = await told(exchange)
    counts = {of.unit: Counted(of.count, of.exposure, of.before, of.exposure_before) for of in one.regions}
    again = rises(counts, minimum=one.minimum, alpha=Decimal(one.alpha))
    assert tuple(regions.tested(unit, rise) for unit, rise in again.items()) == one.regions
    assert [of.significant for of in one.regions] == [True, False]
    await accept(exchange, [retracted(FACTS[2]), *acts("b1", "2198-01-20", [1] * 9)], LATE)
    await adopt(exchange, looked_at(version=2, effective="2198-03"))
    await driver.run()
    assert await proved(exchange) == []
    swapped = "replace(convert_from(bodies, 'UTF8'), '\"severity\": 10,', '\"severity\": 90,')"
    async with exchange.begin(actor="test", action="damage") as tx:
        await tx.execute(f"UPDATE facts SET bodies = convert_to({swapped}, 'UTF8')")
    (found,) = await proved(exchange, unit="b1")
    assert (found.what, found.cells[0].unit, "exposure=1000 " in found.expected) == (Wrong.RISE, "b1", True)
    assert await proved(exchange, unit="b3") == await proved(exchange, period="2198-03") == []


async def test_a_newer_version_decides_anew_what_a_rise_costs_and_an_older_is_not_judged(scoring, door):
    exchange, driver = await passed(scoring)
    async with door(exchange) as at:
        await judged(at)
        await driver.run()
        await decide(at)
        await driver.run()
        newer = looked_at(version=2)
        newer["incidents"]["rises"] = [RISE | {"roles": RISE["roles"] | {"bureau": LESS}}]
        await adopt(exchange, newer)
        await driver.run()
        assert await linked(exchange, 2) == LOST | {("2198-02", "b1", "bureau_linked"): Decimal("0.7")}
        assert (await judged(at, status=409))["code"] == "not_in_force"
        again = await judged(at, "/v1/rises/mini/2/c/2198-02:judge", 409)
        assert again["code"] == "already_judged"


async def test_a_version_from_february_is_compared_with_january_under_the_version_before(scoring, door):
    exchange, driver = await passed(scoring)
    async with door(exchange) as at:
        whole = (await at.got("/v1/rises/mini/1/c/2198-02"))["regions"]
        await adopt(exchange, looked_at(version=2, effective="2198-02"))
        await driver.run()
        assert (await at.got("/v1/rises/mini/2/c/2198-02"))["regions"] == whole
        assert (await at.got("/v1/rises/mini/1/c/2198-02", 404))["code"] == "not_found"
        assert (await judged(at, "/v1/rises/mini/2/c/2198-02:judge"))["regions"] == whole


async def test_beside_a_higher_deduction_of_the_same_problem_a_rise_costs_the_bureau_nothing_more(
    scoring, door
):
    own = finding("f", "audit", points="3", time="2198-03-01", taxpayer="b1", first_year=2198, last_year=2198)
    exchange, driver = await passed(scoring, own)
    async with door(exchange) as at:
        await judged(at)
        await driver.run()
        await decide(at)
        await driver.run()
        assert await linked(exchange) == {
            **{at: points for at, points in LOST.items() if at[1] != "b1"},
            ("2198-03", "b1", "audit"): Decimal(3),
        }


async def test_while_one_month_is_tested_no_other_is(scoring, door):
    exchange, _ = await passed(scoring)
    async with door(exchange) as at:
        async with exchange.snapshot() as tx:
            await regions.ready(tx, ("mini", 1), "c", Month.parse("2198-02"))
            assert (await judged(at, status=409))["code"] == "judging"
        await judged(at)


async def test_a_calendar_that_comes_after_t_changes_nothing_that_is_judged_then(scoring, door):
    exchange, driver = await passed(scoring)
    async with exchange.begin(actor="test", action="date") as tx:
        await tx.execute("UPDATE calendars SET received = '2198-03-01T00:00:00.000000Z'")
    await calendar(exchange, version=2, rest=(), received="2198-03-08T15:00:00Z")
    await driver.run()
    async with door(exchange) as at:
        assert (await at.got("/v1/rises/mini/1/c/2198-02"))["closes"] == "2198-03-09T16:00:00.000000Z"


async def test_a_month_without_a_baseline_is_not_judged_and_not_spent(scoring, door):
    exchange, _ = await passed(scoring)
    async with door(exchange) as at:
        for _ in range(2):
            refused = await judged(at, "/v1/rises/mini/1/c/2198-01:judge", 409)
            assert refused["code"] == "nothing_tested"
