"""The door of regional risk: counts against exposure and the own baseline, as they are known."""

from decimal import Decimal

from services.scoring import rises as regions
from services.scoring.contract import INCIDENTS_SHARD, RULINGS, RisesJudged
from services.scoring.domain.incidents.rises import Counted, rises
from shared.contracts import envelope
from shared.kernel.periods import Month
from tests.scoring.incidents import accept, adopt, begun, finding, scheme
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


def looked_at(**more):
    document = scheme(**more)
    document["measures"]["risks"] = RISKS
    document["indicators"].append(
        document["indicators"][0]
        | {"code": "risk", "measure": "risks", "method": {"target": {"target": "1"}}}
    )
    document["indicators"][0]["points"] = "5"
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
    *acts("b1", "2021-01-12", [100, 100]),
    *acts("b1", "2021-02-12", [10] * 12),
    *acts("b2", "2021-01-12", [100, 100]),
    *acts("b2", "2021-02-12", [100, 100]),
]


async def test_a_region_whose_rate_rose_is_named_with_every_figure_behind_it(scoring, door):
    exchange, driver = await begun(scoring, document=looked_at())
    await accept(exchange, FACTS)
    await driver.run()
    async with door(exchange) as at:
        found = await at.got("/v1/rises/mini/1/c/2021-02")
        one, two = found.pop("regions")
        assert found == {
            "scheme": "mini",
            "version": 1,
            "code": "c",
            "title": "区域执法风险",
            "measure": "risks",
            "month": "2021-02",
            "baseline": ["2021-01"],
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
        own = await at.got("/v1/rises/mini/1/c/2021-02", below="/hq/b2", role="reader")
        assert (own["tested"], own["regions"]) == (2, [two])
        assert (await at.got("/v1/rises/mini/1/c/2021-01"))["regions"] == [], "it has no baseline"
        for path in ("mini/1/d/2021-02", "mini/1/c/2022-02", "mini/2/c/2021-02"):
            await at.got(f"/v1/rises/{path}", 404)


LOST = {
    ("2021-02", "d1", "department_linked"): Decimal(1),
    ("2021-02", "b1", "bureau_linked"): Decimal(2),
    ("2021-02", "i1", "inspectorate_linked"): Decimal("0.5"),
}
JUDGE = "/v1/rises/mini/1/c/2021-02:judge"
T = acts("b2", "2021-03-06", [10])[0]  # received after T, the end of 5 March
FULL = {"bureau_linked": 10, "department_linked": 40, "inspectorate_linked": 40, "audit": 5}


LESS = {"indicator": "bureau_linked", "points": "0.7"}


FIGURES = (
    "risks 2021-02: 12/120; 2021-01–2021-01: 2/200; p=0.000301364219; Holm 0.000602728438 ≤ 0.01; 12 ≥ 5"
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


async def test_a_region_that_rose_costs_department_bureau_and_inspectorate_once_after_t(scoring, door):
    exchange, driver = await begun(scoring, document=looked_at())
    await accept(exchange, [*FACTS, T])
    await driver.run()
    async with door(exchange) as at:
        assert await linked(exchange) == {}
        await judged(at, unit="/hq/b1", status=403)
        await judged(at, role="reader", status=403)
        assert [one["unit"] for one in (await judged(at))["regions"] if one["significant"]] == ["b1"]
        assert (await judged(at, status=409))["code"] == "already_judged"
        await driver.run()
        assert await linked(exchange) == LOST
        late = acts("b1", "2021-01-20", [1] * 9)
        await accept(exchange, late)
        await driver.run()
        now = await at.got("/v1/rises/mini/1/c/2021-02")
        assert now["regions"][0]["significant"] is False, "by what is known now it did not rise"
        assert await linked(exchange) == LOST, "what was judged stands"
        shown = await at.got("/v1/incidents/b1~vat~2021")
        assert {(one["unit"], one["role"], one["trigger"], one["state"]) for one in shown["deductions"]} == {
            ("b1", "bureau", "c", "counted"),
            ("d1", "department", "c", "counted"),
            ("i1", "inspectorate", "c", "counted"),
        }
        assert [one["says"] for one in shown["history"]] == [FIGURES]
        for unit, indicator in (("b1", "bureau_linked"), ("d1", "department_linked")):
            told = await at.got(f"/v1/cells/2021-02/{unit}/{indicator}/explain", scheme="mini")
            (row,) = told["rows"]
            assert (row["columns"]["trigger"], row["columns"]["test"]) == ("c", FIGURES)


async def test_what_was_judged_is_the_same_when_it_is_computed_anew_from_its_figures(scoring, door):
    exchange, driver = await begun(scoring, document=looked_at())
    await accept(exchange, [*FACTS, T])
    await driver.run()
    async with door(exchange) as at:
        await judged(at)
    async with exchange.reading() as tx:
        (record,) = await tx.read(RULINGS, INCIDENTS_SHARD, 0, 10)
    told = envelope.decode_data(envelope.decode(record.body), RisesJudged)
    counts = {
        one.unit: Counted(one.count, one.exposure, one.before, one.exposure_before) for one in told.regions
    }
    again = rises(counts, minimum=told.minimum, alpha=Decimal(told.alpha))
    assert tuple(regions.tested(unit, one) for unit, one in again.items()) == told.regions
    assert [one.significant for one in told.regions] == [True, False]


async def test_a_month_is_not_judged_before_its_t(scoring, door):
    exchange, driver = await begun(scoring, document=looked_at(effective="2199-01", until="2199-12"))
    await accept(exchange, [*acts("b1", "2199-01-12", [100]), *acts("b1", "2199-02-12", [10] * 12)])
    await driver.run()
    async with door(exchange) as at:
        path = "/v1/rises/mini/1/c/2199-02"
        assert [one["count"] for one in (await at.got(path))["regions"]] == [12]
        refused = await judged(at, f"{path}:judge", 409)
        assert (refused["code"], "2199-03-05T16:00:00" in refused["detail"]) == ("month_open", True)


async def test_a_newer_version_decides_anew_what_a_rise_costs_and_an_older_is_not_judged(scoring, door):
    exchange, driver = await begun(scoring, document=looked_at())
    await accept(exchange, [*FACTS, T])
    await driver.run()
    async with door(exchange) as at:
        await judged(at)
        await driver.run()
        newer = looked_at(version=2)
        newer["incidents"]["rises"] = [RISE | {"roles": RISE["roles"] | {"bureau": LESS}}]
        await adopt(exchange, newer)
        await driver.run()
        assert await linked(exchange, 2) == LOST | {("2021-02", "b1", "bureau_linked"): Decimal("0.7")}
        assert (await judged(at, status=409))["code"] == "not_in_force"
        again = await judged(at, "/v1/rises/mini/2/c/2021-02:judge", 409)
        assert again["code"] == "already_judged"


async def test_a_version_from_february_is_compared_with_january_under_the_version_before(scoring, door):
    exchange, driver = await begun(scoring, document=looked_at())
    await accept(exchange, [*FACTS, T])
    await driver.run()
    async with door(exchange) as at:
        whole = (await at.got("/v1/rises/mini/1/c/2021-02"))["regions"]
        await adopt(exchange, looked_at(version=2, effective="2021-02"))
        await driver.run()
        assert (await at.got("/v1/rises/mini/2/c/2021-02"))["regions"] == whole
        assert (await at.got("/v1/rises/mini/1/c/2021-02", 404))["code"] == "not_found"


async def test_beside_a_higher_deduction_of_the_same_problem_a_rise_costs_the_bureau_nothing_more(
    scoring, door
):
    exchange, driver = await begun(scoring, document=looked_at())
    own = finding("f", "audit", points="3", taxpayer="b1", first_year=2021, last_year=2021)
    await accept(exchange, [*FACTS, T, own])
    await driver.run()
    async with door(exchange) as at:
        await judged(at)
        await driver.run()
        assert await linked(exchange) == {
            **{at: points for at, points in LOST.items() if at[1] != "b1"},
            ("2021-03", "b1", "audit"): Decimal(3),
        }


async def test_a_month_without_a_baseline_is_not_judged_and_not_spent(scoring, door):
    exchange, driver = await begun(scoring, document=looked_at())
    await accept(exchange, [*FACTS, T])
    await driver.run()
    async with door(exchange) as at:
        for _ in range(2):
            refused = await judged(at, "/v1/rises/mini/1/c/2021-01:judge", 409)
            assert refused["code"] == "nothing_tested"
