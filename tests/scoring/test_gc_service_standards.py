"""The service standards of a government through scoring: what is recomputed of them is what was published."""

import csv
import os
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from dukao.feeds import Feed
from services.ingest.domain.mapping import compile_mapping
from services.ingest.domain.mapping_document import MappingDocument
from services.scoring import handlers
from tests.scoring.test_results import door
from tests.scoring.test_stages import Driver, accept, scoring, teach

__all__ = ["door", "scoring"]
DATA = os.environ.get("DUKAO_DATA")
FOLDER = Path(DATA or ".") / "gc_service_standards"
SAMPLE = Path(__file__).parents[2] / "samples" / "gc_service_standards"
YEAR = "2024-03"
MILLIONTH = Decimal("0.000001")

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(DATA is None, reason="DUKAO_DATA names no folder of real sets"),
]


def written(name):
    return yaml.safe_load((SAMPLE / name).read_text("utf-8"))


def table(name, delimiter=","):
    with (FOLDER / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def mapped(mapping, file):
    """Return the events of a file of the set, and the codes of the lines that are none."""
    document = MappingDocument.model_validate(written(mapping))
    rows = list(Feed(compile_mapping(document), document.format, document.encoding).rows(FOLDER / file, str))
    return [event for row in rows for event in row.events], [row.fault.code for row in rows if row.fault]


def files():
    """Return the standards as facts, and what was published of the departments."""
    return (
        mapped("mapping.yaml", "standards_2023_2024.csv.gz"),
        mapped("mapping-official.yaml", "original/maf_all_2025-03-01.csv"),
    )


def scheme():
    units = [
        {"code": row["unit_id"], "name": row["name"], "level": row["level"]}
        | ({"parent": row["parent_id"]} if row["parent_id"] else {})
        for row in table("units.csv")
    ]
    return written("scheme.yaml") | {"units": units}


@pytest.fixture
async def standards(scoring):
    """Scoring with every standard of the year, and what was published of the departments."""
    exchange = await scoring()
    driver = Driver(exchange)
    await teach(exchange, document=written("types.yaml"))
    await driver.run()
    async with exchange.begin(actor="ada", action="draft") as tx:
        await handlers.draft_scheme(tx, scheme(), "ada")
    async with exchange.begin(actor="bob", action="adopt") as tx:
        await handlers.adopt_scheme(tx, "gcservice", 2024, "bob")
    (facts, none), (published, timestamp) = files()
    assert (len(facts), none, len(published), timestamp) == (2336, [], 61, ["columns"])
    await accept(exchange, facts + published)
    await driver.run()
    return exchange


async def reconciled(client, **more):
    query = {"scheme": "gcservice", "period": YEAR, "limit": 200} | more
    answer = await client.get("/v1/reconciliations", params=query)
    assert answer.status_code == 200, answer.text
    return {(one["unit"], one["result"]): one for one in answer.json()["items"]}


async def test_the_counts_of_78_departments_are_those_that_were_published(standards, door):
    async with door(standards) as client:
        found = await reconciled(client)
        assert await reconciled(client, differing="true") == {}
    oracle = table("oracle/maf2_recompute_2023_2024.csv")
    assert len(oracle) == 78
    for row in oracle:
        for name, column in (("met", "service_standard_met"), ("assessed", "service_standard_count")):
            one = found[f"org:{row['org_id']}", name]
            expected = Decimal(row[column]) if row[column] else None
            assert (number(one["official"]), number(one["ours"])) == (expected, expected)
            assert one["state"] == ("neither" if expected is None else "equal")
    revenue = found["org:46", "score"]
    assert (revenue["ours"]["numerator"], revenue["ours"]["denominator"]) == ("18", "32")


def number(side):
    return None if side is None else Decimal(side["numerator"])


async def test_the_score_of_each_department_is_the_official_one(standards, door):
    rows = table("original/maf_all_2025-03-01.csv", ";")
    official = {row["org_id"]: row["maf2_score"] for row in rows if row["fiscal_yr"] == "2023-2024"}
    assert len(official) == 78
    async with door(standards) as client:
        for org, score in official.items():
            answer = await client.get(f"/v1/cells/{YEAR}/org:{org}/standards", params={"scheme": "gcservice"})
            published = answer.json()["figure"]["published"]
            expected = Decimal(score).quantize(MILLIONTH) if score else None
            assert (None if published is None else Decimal(published)) == expected, org
