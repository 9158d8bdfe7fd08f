"""Why a cell of a trial would stand where it stands: as its adoption would explain it, to whom that would."""

import pytest

from services.scoring.trial_api import trial_cells_router
from shared.kernel.instants import text
from shared.kernel.shards import SHARDS, shard_of
from tests.scoring.manual import door_of
from tests.scoring.test_stages import adopt
from tests.scoring.trial_years import drove, with_cities
from tests.scoring.trials import NOON, end, fresh, start

__all__ = ["fresh"]
TRIAL = "/v1/trials/mini/strict/cells"
SAME = ("version", "unit_name", "figure", "measure", "formula", "inputs", "parts", "titles", "fresh_at")


@pytest.fixture
def door(tmp_path):
    return door_of(tmp_path, trial_cells_router)


def stands(row):
    """Return a row without the places of its reports, which two platforms give."""
    return {name: value for name, value in row.items() if name != "reports"}


async def test_cells_of_a_trial_from_july_are_explained_as_after_the_adoption_of_its_draft(fresh, door):
    adopted, trying = await drove(fresh, 1, adopt), await drove(fresh, 1, start)
    async with door(adopted) as real, door(trying) as tried:
        for period, unit, code in (
            ("2021-07", "b1", "late"),
            ("2021-08", "b3", "rank"),
            ("2021", "b1", "late"),
            ("2021", "b2", "ontime"),
            ("2021-H2", "b4", "missed"),
        ):
            cell = f"{period}/{unit}/{code}/explain"
            ours = await real.got(f"/v1/cells/{cell}", scheme="mini", limit="200")
            theirs = await tried.got(f"{TRIAL}/{cell}", limit="200")
            assert {name: theirs[name] for name in SAME} == {name: ours[name] for name in SAME}, cell
            assert sorted(map(str, map(stands, theirs["rows"]))) == sorted(
                map(str, map(stands, ours["rows"]))
            )
            assert theirs["rows"], cell
            assert theirs["fresh_at"] >= text(NOON), cell
            assert (theirs["mark"], theirs["scheme"], theirs["trial"]) == ("试考评", "mini", "strict")
            assert (theirs["folded"], theirs["shards"]) == (SHARDS, SHARDS)
        year = await tried.got(f"{TRIAL}/2021/b2/ontime/explain", limit="1")
        assert [part["versions"] for part in year["parts"]] == [[1], [2]]
        rows = await paged(tried, f"{TRIAL}/2021/b2/ontime/explain", limit="1")
        whole = await tried.got(f"{TRIAL}/2021/b2/ontime/explain", limit="200")
        assert rows == whole["rows"]
        assert len(rows) > 5
        counted = await tried.got(f"{TRIAL}/2021/b2/ontime/explain", limit="200", counted="false")
        assert counted["rows"] == [row for row in rows if not row["counted"]]
        for outside in ("2021-03", "2021-H1", "2022"):
            refused = await tried.got(f"{TRIAL}/{outside}/b1/late/explain", 422)
            assert refused["code"] == "outside_trial"


async def test_a_cell_of_a_trial_is_shown_to_whom_that_in_force_is_and_of_one_that_ended_to_nobody(
    fresh, door
):
    exchange = await drove(fresh, 1, start)
    cell = f"{TRIAL}/2021-07/b1/late/explain"
    async with door(exchange) as client:
        for unit, status in (("/hq/b1", 200), ("/hq", 200), ("/", 200), ("/hq/b2", 404), ("/b1", 404)):
            await client.got(cell, status, below=unit)
        assert (await client.got(f"{TRIAL}/2021-07/b1/none/explain", 404))["code"] == "not_found"
        await client.got(cell.replace("strict", "other"), 404)
        await end(exchange)
        assert (await client.got(cell, 404))["code"] == "not_found"


async def test_who_a_draft_names_sees_no_more_of_a_cell_than_of_that_in_force(fresh, door):
    def moved(document):
        document["measures"]["other"] = document["measures"]["ontime"]
        other = {"code": "other", "name": "Other", "points": "1", "measure": "other"}
        document["indicators"].append(document["indicators"][0] | other)
        for one in document["indicators"]:
            one["assessor"] = "b4"
        document["scheme"]["total"] = document["boards"][0]["points"] = "64"
        document["units"].append({"code": "new", "parent": "b2", "name": "New", "level": "bureau"})
        next(one for one in document["units"] if one["code"] == "b1")["parent"] = "b3"
        return document

    exchange = await drove(fresh, 1, lambda exchange, draft: start(exchange, moved(draft)))
    async with door(exchange) as client:
        for cell, seeing in (
            ("b1/late", {"/", "/hq", "/hq/b1"}),
            ("b1/other", {"/", "/hq", "/hq/b1"}),
            ("new/late", {"/"}),
        ):
            for unit in ("/", "/hq", "/hq/b1", "/hq/b2", "/hq/b3", "/hq/b4"):
                status = 200 if unit in seeing else 404
                await client.got(f"{TRIAL}/2021-07/{cell}/explain", status, below=unit)


async def test_of_a_unit_that_a_draft_moves_the_shards_of_its_new_group_are_counted(fresh, door):
    exchange = await drove(fresh, 1, lambda exchange, draft: start(exchange, with_cities(draft, "b1")))
    async with exchange.begin(actor="test", action="not told yet") as tx:
        left = shard_of("mini~strict/bureaus")
        await tx.many("DELETE FROM trial_shards WHERE shard = $1", left)
    async with door(exchange) as client:
        for unit, folded in (("b1", SHARDS), ("b2", 0)):
            year = await client.got(f"{TRIAL}/2021/{unit}/ontime/explain")
            assert (year["folded"], year["shards"]) == (folded, SHARDS), unit


async def paged(client, path, **query):
    rows, after = [], {}
    while True:
        page = await client.got(path, **query, **after)
        rows += page["rows"]
        if page["next"] is None:
            return rows
        after = {"after": page["next"]}
