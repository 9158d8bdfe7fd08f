"""A scheme whose years begin in April, on a real PostgreSQL: its periods, a version within the year, standings."""

import pytest

from services.scoring.contract import ENTRIES
from services.scoring.domain.proof import Scope
from shared.kernel.errors import Refused
from shared.kernel.shards import shard_of
from tests.ranking.rig import adopted, ask, service
from tests.scoring.test_explain import door, got
from tests.scoring.test_mid_year import begun, lived, made, version
from tests.scoring.test_stages import adopt, missed, scoring
from tests.scoring.test_verify import proof
from tests.scoring.trials import start_drafted

__all__ = ["ask", "door", "scoring", "service"]
APRIL = {"first_month": 4, "until": "2022-03"}
FIRST = version(1, "20", "0.90", effective="2021-04", **APRIL)
SECOND = version(2, "30", "0.95", effective="2021-10", **APRIL)
NEXT_YEAR = version(3, "40", "0.95", effective="2022-04", until="2023-03", first_month=4)
IN_MARCH = made(5, 3, 5, 10, unit="b2") | {"time": "2022-03-31T23:59:59+08:00"}
IN_APRIL = made(6, 3, 1, 10, unit="b2") | {"time": "2022-04-01T00:00:00+08:00"}
EVENTS = [
    made(1, 6, 441, 500),
    made(2, 9, 441, 500),
    made(3, 12, 931),
    made(4, 5, 9, 10, unit="b2"),
    IN_MARCH,
    IN_APRIL,
    missed(1, "2021-03-31T15:59:59Z"),
    missed(2, "2021-09-30T15:59:59Z"),
    missed(3, "2021-09-30T16:00:00Z"),
    missed(4, "2022-02-01T08:00:00+08:00"),
]


async def figures(client, indicator, unit, periods):
    found = {}
    for period in periods:
        shown = (await got(client, f"/v1/cells/{period}/{unit}/{indicator}"))["figure"]
        found[period] = shown["published"], shown["points"]
    return found


async def test_a_year_from_april_has_its_quarters_halves_and_version_within_it(scoring, door, service, ask):
    exchange = await lived(scoring, [FIRST, SECOND, NEXT_YEAR, *EVENTS])
    async with door(exchange) as client:
        ontime = await figures(
            client, "ontime", "b1", ("2021-06", "2021-Q1", "2021-Q3", "2021-H1", "2021-H2", "2021")
        )
        lost = await figures(client, "missed", "b1", ("2021-Q2", "2021-Q3", "2021-Q4", "2021-H2", "2021"))
        other = await figures(client, "ontime", "b2", ("2022-03", "2021-Q4", "2022-Q1", "2022"))
        why = await got(client, "/v1/cells/2021/b1/ontime/explain")
        deducted = await got(client, "/v1/cells/2021/b1/missed/explain")
        before = await client.get("/v1/cells/2021-03/b1/ontime", params={"scheme": "mini"})
    halves = {"2021-H1": ("19.60", "20"), "2021-H2": ("29.40", "30")}
    quarters = {"2021-06": ("19.60", "20"), "2021-Q1": ("19.60", "20"), "2021-Q3": ("29.40", "30")}
    assert ontime == quarters | halves | {"2021": ("24.50", "25")}
    assert lost == {
        "2021-Q2": ("9.50", "10"),
        "2021-Q3": ("9.50", "10"),
        "2021-Q4": ("9.50", "10"),
        "2021-H2": ("9.00", "10"),
        "2021": ("8.50", "10"),
    }
    in_march, in_april = ("15.79", "30"), ("4.21", "40")
    assert other == {"2022-03": in_march, "2021-Q4": in_march, "2022-Q1": in_april, "2022": in_april}
    assert why["formula"]["with_numbers"] == "(6 · 19.6 + 6 · 29.4) / 12 = 24.50"
    assert [row["month"] for row in why["rows"]] == ["2021-06", "2021-09", "2021-12"]
    assert [row["month"] for row in deducted["rows"]] == ["2021-09", "2021-10", "2022-02"]
    assert (before.status_code, before.json()["code"]) == (404, "not_found")
    assert await standings(exchange, service, ask, ("2021", "2021-H1", "2021-Q3", "2022-02")) == {
        "2021": (2, "33.00", "35.00"),
        "2021-H1": (1, "29.10", "30.00"),
        "2021-Q3": (2, "38.90", "40.00"),
        "2022-02": (2, None, "40.00"),
    }
    assert (await ask("/v1/standings/mini/bureaus/2021-03")).status_code == 404
    assert await proof(exchange) == []
    async with exchange.begin(actor="mallory", action="tamper") as tx:
        await tx.many("UPDATE cells SET value = 1 WHERE month = 2022 * 12 + 1 AND indicator = 'missed'")
    for period, there in (("2021-Q4", True), ("2021-Q1", False)):
        assert bool(await proof(exchange, Scope(period=period))) is there


async def standings(exchange, service, ask, periods):
    """Let ranking hear of everything; return version, points and what they cover of a unit."""
    async with exchange.reading() as tx:
        records = await tx.read(ENTRIES, shard_of("mini/bureaus"), 0, 10_000)
    await service.apply(*(adopted(one) for one in (FIRST, SECOND, NEXT_YEAR)))
    await service.apply(*((ENTRIES, record.body) for record in records))
    lines = {}
    for period in periods:
        shown = (await ask(f"/v1/standings/mini/bureaus/{period}")).json()
        (line,) = [one for one in shown["units"] if one["unit"] == "b1"]
        lines[period] = shown["version"], line["points"], line["covered"]
    return lines


async def test_another_first_month_than_before_or_above_is_refused_in_trials_too(scoring):
    exchange, _ = await begun(scoring)
    await adopt(exchange, FIRST)
    child = version(1, "20", "0.90") | {"parent": {"scheme": "mini", "version": 1, "unit": "b1"}}
    child["scheme"]["code"] = "child"
    other = version(2, "30", "0.95", effective="2023-01", until="2023-12")
    for acting in (adopt(exchange, other), start_drafted(exchange), adopt(exchange, child)):
        with pytest.raises(Refused) as found:
            await acting
        findings = found.value.problem.extra["findings"]
        assert [(one["path"], one["code"]) for one in findings] == [("/scheme/first_month", "first_month")]
    child["scheme"] |= {"effective": "2021-04", **APRIL}
    await adopt(exchange, child)


async def test_a_scheme_above_that_comes_after_those_below_begins_its_years_as_they_do(scoring):
    exchange, _ = await begun(scoring)
    child = version(1, "20", "0.90") | {"parent": {"scheme": "mini", "version": 1, "unit": "b1"}}
    child["scheme"]["code"] = "child"
    await adopt(exchange, child)
    with pytest.raises(Refused) as found:
        await adopt(exchange, FIRST)
    (finding,) = found.value.problem.extra["findings"]
    assert (finding["path"], finding["code"]) == ("/scheme/first_month", "first_month")
    assert "Years of child begin in month 1" in finding["reason"]
