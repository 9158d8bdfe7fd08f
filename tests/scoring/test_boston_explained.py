"""The real set through both stages: what is explained of a cell are the due cases of the oracle, each once."""

import csv
import gzip
import json
import os
from pathlib import Path

import pytest
import yaml

from services.scoring import handlers
from services.scoring.contract import ACCEPTED
from shared.contracts import envelope
from shared.contracts.ingest import TYPES_ADOPTED, TypesAdopted
from shared.kernel.codes import derive_code
from shared.kernel.records import Draft
from shared.kernel.shards import shard_of
from tests.scoring.test_explain import door, pages
from tests.scoring.test_stages import Driver, scoring
from tests.scoring_domain.test_boston import GROUPS, expected

__all__ = ["door", "scoring"]
SAMPLE = Path(__file__).parents[2] / "samples" / "boston311"
DATA = os.environ.get("DUKAO_DATA")
FOLDER = Path(DATA or ".") / "boston311_2011"
FIELDS = {
    "case.opened": ("deadline", "neighborhood", "category", "subcategory", "channel"),
    "case.closed": ("neighborhood",),
}
EVENTS_A_BATCH = 5_000
BUSIEST = 1

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(DATA is None, reason="DUKAO_DATA names no folder of real sets"),
]


def unit_rows():
    with (FOLDER / "units.csv").open() as file:
        return list(csv.DictReader(file))


def scheme():
    units = [
        {"code": derive_code(row["unit_id"]), "name": row["name"], "level": row["level"]}
        | ({"parent": derive_code(row["parent_id"])} if row["parent_id"] else {})
        for row in unit_rows()
    ]
    return yaml.safe_load((SAMPLE / "scheme-service.yaml").read_text()) | {"units": units}


def drafts():
    with gzip.open(FOLDER / "events_2011-07_10.ndjson.gz", "rt") as lines:
        for line in lines:
            row = json.loads(line)
            event = {
                "specversion": "1.0",
                "source": "boston311",
                "id": row["id"],
                "type": row["type"] + ".v1",
                "subject": derive_code(row["unit"]),
                "time": row["time"],
                "case": row["case"],
                "data": {name: row[name] for name in FIELDS[row["type"]] if row.get(name) is not None},
            }
            yield Draft(shard_of(row["case"]), json.dumps(event).encode(), own=False)


@pytest.fixture
async def boston(scoring):
    exchange = await scoring()
    types = TypesAdopted(version=1, document=yaml.safe_load((SAMPLE / "types.yaml").read_text()))
    waiting = list(drafts())
    async with exchange.begin(actor="test", action="accept") as tx:
        told = Draft(0, envelope.encode(TYPES_ADOPTED, "dukao/ingest", "shard-0", types))
        await tx.append(ACCEPTED, [told])
    driver = Driver(exchange)
    await driver.run()
    async with exchange.begin(actor="ada", action="draft") as tx:
        await handlers.draft_scheme(tx, scheme(), "ada")
    async with exchange.begin(actor="bob", action="adopt") as tx:
        await handlers.adopt_scheme(tx, "bostonservice", 1, "bob")
    await driver.run()
    for at in range(0, len(waiting), EVENTS_A_BATCH):
        async with exchange.begin(actor="test", action="accept") as tx:
            await tx.append(ACCEPTED, waiting[at : at + EVENTS_A_BATCH])
        await driver.run()
    return exchange


def busiest(level):
    """Return the oracle's rows of a level with the most due cases, and the unit's code of each."""
    codes = {
        row["name"].removeprefix("City of "): derive_code(row["unit_id"])
        for row in unit_rows()
        if row["level"] == level
    }
    with (FOLDER / "oracle" / f"by_{level}_month.csv").open() as file:
        rows = sorted(csv.DictReader(file), key=lambda row: -int(row["due"]))
    return [(codes[row["unit"]], row) for row in rows[:BUSIEST]]


async def test_the_rows_explained_are_the_due_cases_and_every_cell_is_what_the_oracle_comes_to(boston, door):
    async with door(boston) as client:
        for level in ("department", "queue", "neighborhood"):
            for unit, row in busiest(level):
                path = f"/v1/cells/{row['month']}/{unit}/ontime/explain"
                told = await pages(client, path, scheme="bostonservice", limit=200)
                counted = [one for one in told if one["counted"]]
                assert len(counted) == int(row["due"])
                assert sum(one["met"] for one in counted) == int(row["due_met"])
                assert len({one["case"] for one in told}) == len(told)
                assert {one["month"] for one in counted} == {row["month"]}
                assert {one["reason"] for one in told} <= {None, "no_date", "other_month"}
    async with boston.reading() as tx:
        rows = await tx.execute("SELECT unit, month, indicator, value FROM cells")
    kept = {(row.unit, row.month, row.indicator): row.value for row in rows}
    for level in GROUPS:
        due = expected(FOLDER, scheme()["units"], level)
        judged = {unit for unit, _, _ in due}
        assert {key: value for key, value in kept.items() if key[0] in judged} == due
