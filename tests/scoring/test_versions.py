"""Versions of a scheme beside each other: in other years, from the middle of a year, in the place of another."""

import copy
from decimal import Decimal
from pathlib import Path

import pytest

from dukao import yamls
from services.scoring import handlers
from services.scoring.domain.reading import read
from services.scoring.domain.versions import measures_keep_their_meaning
from shared.kernel.errors import Refused
from tests.scoring import surveys
from tests.scoring.test_stages import MARCH, SCHEME, Driver, accept, adopt, cells, levy, scoring, state, teach

__all__ = ["scoring"]
SAMPLES = Path(__file__).resolve().parents[2] / "samples"


def version(number, **head):
    document = copy.deepcopy(SCHEME)
    document["scheme"] |= {"version": number, **head}
    return document


NEXT_YEAR = version(2, effective="2022-01", until="2022-12")


async def test_next_years_version_leaves_this_years_events_where_they_are(scoring):
    """A late event of March 2021 still counts in version 1 after version 2 has come into force for 2022."""
    exchange, _ = await state(scoring, [levy(1)])
    driver = Driver(exchange)
    await adopt(exchange, NEXT_YEAR)
    await driver.run()
    await accept(exchange, [levy(2, ontime=False), levy(3, time="2022-01-05T08:00:00+08:00")])
    await driver.run()
    assert (await cells(exchange))[MARCH, "b1", "ontime"] == Decimal("5.102040816327")
    async with exchange.reading() as tx:
        rows = await tx.execute("SELECT month, value FROM cells WHERE version = 2 AND indicator = 'ontime'")
    assert [(row.month, row.value) for row in rows] == [(2022 * 12, 10)]


async def test_a_version_over_the_same_months_takes_the_place_of_the_older(scoring):
    exchange, _ = await state(scoring, [levy(1), levy(2, ontime=False)])
    driver = Driver(exchange)
    stricter = version(2)
    stricter["indicators"][0]["method"] = {"target": {"target": "1"}}
    await adopt(exchange, stricter)
    await driver.run()
    assert (await cells(exchange, 2))[MARCH, "b1", "ontime"] == 5
    await accept(exchange, [levy(3, ontime=False)])
    await driver.run()
    assert (await cells(exchange, 2))[MARCH, "b1", "ontime"] == Decimal("3.333333333333")
    assert (await cells(exchange))[MARCH, "b1", "ontime"] == Decimal("5.102040816327")


@pytest.mark.parametrize(
    ("first", "head", "wanted"),
    [
        ({}, {"until": "2021-06"}, [("/scheme/until", "overlap")]),
        ({}, {"effective": "2021-02", "until": "2021-11"}, [("/scheme/until", "overlap")]),
        ({"until": "2021-05"}, {"effective": "2021-07"}, [("/scheme/effective", "gap")]),
        ({}, {"effective": "2021-07", "zone": "UTC"}, [("/scheme/zone", "zone_of_versions")]),
    ],
)
async def test_a_version_that_does_not_follow_the_adopted_ones_is_refused(scoring, first, head, wanted):
    exchange = await scoring()
    driver = Driver(exchange)
    await teach(exchange)
    await driver.run()
    await adopt(exchange, version(1, **first))
    with pytest.raises(Refused) as refused:
        await adopt(exchange, version(2, **head))
    findings = refused.value.problem.extra["findings"]
    assert [(one["path"], one["code"]) for one in findings] == wanted


async def test_an_older_version_does_not_come_back(scoring):
    exchange, _ = await state(scoring, [])
    async with exchange.begin(actor="ada", action="draft") as tx:
        await handlers.draft_scheme(tx, version(3), "ada")
        await handlers.draft_scheme(tx, version(2), "ada")
    async with exchange.begin(actor="bob", action="adopt") as tx:
        await handlers.adopt_scheme(tx, "mini", 3, "bob")
    with pytest.raises(Refused):
        async with exchange.begin(actor="bob", action="adopt") as tx:
            await handlers.adopt_scheme(tx, "mini", 2, "bob")


async def test_a_measure_with_another_meaning_needs_a_version_of_its_own(scoring):
    exchange, _ = await state(scoring, [])
    changed = version(2)
    changed["measures"]["ontime"] |= {"denominator": "count(ontime)", "owner": "hq"}
    with pytest.raises(Refused) as refused:
        await adopt(exchange, changed)
    found = [(one["path"], one["code"]) for one in refused.value.problem.extra["findings"]]
    assert found == [("/measures/ontime/version", "measure_version")]
    changed["measures"]["ontime"]["version"] = 2
    await adopt(exchange, changed)


def test_a_view_with_another_column_gives_its_measures_another_meaning():
    before = yamls.read(SAMPLES / "national" / "scheme.yaml").value
    after = copy.deepcopy(before)
    view = next(name for name in before["views"] if any("first" in one for one in _columns(before, name)))
    for column in _columns(after, view):
        if "first" in column:
            column["last"] = column.pop("first")
    told = measures_keep_their_meaning(read(after), [read(before)])
    over = {name for name, one in before["measures"].items() if one.get("over") == view}
    assert {finding.path for finding in told} == {f"/measures/{name}/version" for name in over}
    assert over


def _columns(document, view):
    return document["views"][view]["columns"].values()


def test_a_view_with_a_column_more_and_a_number_written_otherwise_keep_the_meaning_of_measures():
    before = yamls.read(SAMPLES / "national" / "scheme.yaml").value
    after = copy.deepcopy(before)
    for view in after["views"].values():
        view["columns"]["reports"] = {"count": "*", "of": view["events"][0]}
    before["measures"]["late"] = {"items": "decision", "per_day": "0.2", "cap": "2"}
    after["measures"]["late"] = {"items": "decision", "per_day": "0.20", "cap": "2.0"}
    assert list(measures_keep_their_meaning(read(after), [read(before)])) == []
    after["measures"]["late"]["cap"] = "2.5"
    (found,) = measures_keep_their_meaning(read(after), [read(before)])
    assert found.path == "/measures/late/version"


def test_another_round_of_a_survey_is_no_other_meaning_of_its_measures():
    later = surveys.ROUND | {"opens": "2021-08-10", "closes": "2021-08-25", "remind": []}
    before, after = surveys.scheme(), surveys.scheme(rounds=(surveys.ROUND, later))
    assert list(measures_keep_their_meaning(read(after), [read(before)])) == []


def test_another_owner_of_a_measure_is_no_other_meaning():
    handed_on = version(2)
    handed_on["measures"]["ontime"] |= {"owner": "hq", "effective": "2021-01"}
    assert list(measures_keep_their_meaning(read(handed_on), [read(version(1))])) == []
