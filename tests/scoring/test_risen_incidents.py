"""What a rise costs: nothing until a second person applies it, and no more than the problem itself."""

from decimal import Decimal

from services.scoring import rulers
from shared.kernel.periods import Month
from tests.scoring.incidents import adopt, finding
from tests.scoring.rises import INCIDENT, LESS, LOST, RISE, accept, decide, judged, linked, looked_at, passed
from tests.scoring.test_incidents_door import door
from tests.scoring.test_stages import scoring

__all__ = ["door", "scoring"]

FIGURES = (
    "risks 2198-02: 12/120; 2198-01–2198-01: 2/200; p=0.000301364219; Holm 0.000602728438 ≤ 0.01; 12 ≥ 5"
)


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
