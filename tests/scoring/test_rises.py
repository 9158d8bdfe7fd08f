"""The door of regional risk: counts against exposure and the own baseline, as they are known."""

from tests.scoring.incidents import accept, begun, finding, scheme
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
}
RISKS = {
    "over": "finding.petition.v1",
    "period_by": "time",
    "numerator": "count(*)",
    "denominator": "sum(severity)",
}


def looked_at():
    document = scheme()
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
