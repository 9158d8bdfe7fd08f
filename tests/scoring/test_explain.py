"""Why a cell stands where it stands: the formula, and every case behind it."""

import pytest
from msgspec import structs

from services.scoring.api import cells_router, entries_router, measures_router, suspense_router
from services.scoring.contract import ACCEPTED
from shared.contracts import envelope
from shared.contracts.ingest import TYPES_ADOPTED, TypesAdopted
from shared.kernel.instants import parse
from shared.kernel.records import Draft
from shared.kernel.shards import SHARDS, shard_of
from tests.scoring.doors import Served
from tests.scoring.test_stages import EVENTS as OF_MARCH
from tests.scoring.test_stages import (
    MARCH,
    SCHEME,
    TYPES,
    Driver,
    accept,
    adopt,
    begun,
    drafts_of,
    levy,
    missed,
    scoring,
    state,
    teach,
)

__all__ = ["scoring"]
EVENTS = [*OF_MARCH, levy(8, time="2021-04-02T08:00:00+08:00")]


@pytest.fixture
def door(tmp_path):
    served = Served(tmp_path, cells_router, entries_router, measures_router, suspense_router)

    def opened(exchange, *, unit="/"):
        return served.client(exchange, served.mint("ada", ["reader", "operator"], unit))

    return opened


async def got(client, path, status=200, **query):
    scheme = {"scheme": "mini"} if "/cells/" in path else {}
    answer = await client.get(path, params=scheme | query)
    assert answer.status_code == status, answer.text
    return answer.json()


async def pages(client, path, **query):
    rows, after = [], None
    while True:
        page = await got(client, path, **query, **({"after": after} if after else {}))
        rows += page["rows"]
        after = page["next"]
        if after is None:
            return rows


def ids(row):
    return [report["id"] for report in row["reports"]]


async def test_a_cell_shows_its_figure_and_the_entries_that_made_it(scoring, door):
    exchange, _ = await state(scoring, EVENTS)
    async with door(exchange) as client:
        cell = await got(client, "/v1/cells/2021-03/b1/missed")
    assert cell["figure"] == {
        "points": "10",
        "value": "9.500000000000",
        "published": "9.50",
        "state": "scored",
        "stale": False,
    }
    assert [(e["old"], e["new"]) for e in cell["entries"]] == [
        (None, "10.000000000000"),
        ("10.000000000000", "9.500000000000"),
    ]
    begun, moved = ({one["stream"] for one in entry["cause"]} for entry in cell["entries"])
    assert "scoring.schemes" in begun
    assert moved == {"ingest.accepted"}
    assert cell["state"] == "live"
    assert len(cell["as_of"]) == 64
    assert cell["fresh_at"] is not None


async def test_of_very_many_entries_the_newest_are_shown_and_how_the_others_are_read(scoring, door):
    exchange, _ = await state(scoring, EVENTS)
    async with exchange.begin(actor="test", action="move very often") as tx:
        await tx.execute(
            "INSERT INTO entries (scheme, version, grp, month, unit, indicator, old, new, cause, at) "
            "SELECT scheme, version, grp, month, unit, indicator, old, new, cause, at FROM entries "
            "CROSS JOIN generate_series(1, 60) WHERE unit = 'b1' AND indicator = 'missed' AND month = :month",
            month=MARCH,
        )
    async with door(exchange) as client:
        cell = await got(client, "/v1/cells/2021-03/b1/missed")
        found, first = cell["entries"], cell["entries"][0]["id"]
        assert (len(found), cell["truncated"]) == (100, True)
        rest = await got(client, "/v1/cells/2021-03/b1/missed", as_of=str(first - 1))
    assert (len(rest["entries"]), rest["truncated"]) == (22, False)
    assert {one["id"] for one in rest["entries"]}.isdisjoint(one["id"] for one in found)


async def test_a_target_is_explained_with_numbers_and_the_events_that_met_it_or_did_not(scoring, door):
    exchange, _ = await state(scoring, EVENTS)
    async with door(exchange) as client:
        told = await got(client, "/v1/cells/2021-03/b1/ontime/explain")
    assert told["formula"]["with_numbers"] == "10 · min(1, (0/2) / 0.98) = 0.00"
    assert told["inputs"] == {"numerator": "0", "denominator": "2", "months": ["2021-03"]}
    by_event = {ids(row)[0]: row for row in told["rows"]}
    assert {name: (row["counted"], row["met"]) for name, row in by_event.items()} == {
        "l2": (True, False),
        "l5": (True, False),
    }
    assert [(r["id"], r["left_out"]) for r in by_event["l5"]["reports"]] == [("l5", None), ("l1", "revised")]
    assert by_event["l2"]["columns"]["time"] == "2021-03-10T00:00:00.000000Z"
    assert by_event["l2"]["columns"]["ontime"] is False


async def test_what_was_left_out_is_listed_with_its_reason(scoring, door):
    exchange, _ = await state(scoring, EVENTS)
    async with door(exchange) as client:
        rows = await pages(client, "/v1/cells/2021-03/b2/ontime/explain", limit=1)
        uncounted = await pages(client, "/v1/cells/2021-03/b2/ontime/explain", counted="false")
        counted = await pages(client, "/v1/cells/2021-03/b2/ontime/explain", counted="true")
    assert {tuple(ids(row)): row["reason"] for row in rows} == {
        ("l3",): None,
        ("l4",): "same_fact",
        ("l6", "l7"): "withdrawn",
    }
    assert [ids(row) for row in counted] == [["l3"]]
    assert sorted(map(ids, uncounted)) == [["l4"], ["l6", "l7"]]


async def test_a_deduction_names_the_event_that_cost_the_point(scoring, door):
    exchange, _ = await state(scoring, EVENTS)
    async with door(exchange) as client:
        told = await got(client, "/v1/cells/2021-03/b1/missed/explain", counted="true")
        quarter = await got(client, "/v1/cells/2021-Q1/b1/missed/explain")
    assert told["formula"]["with_numbers"] == "max(0, 10 − 0.5 · 1) = 9.50"
    assert [ids(row) for row in told["rows"]] == [["m1"]]
    assert told["rows"][0]["met"] is None
    assert quarter["inputs"]["months"] == ["2021-01", "2021-02", "2021-03"]


def of_matters():
    """Return the scheme with a count of cases of which something was missed after they were done."""
    columns = {
        "unit": {"first": "subject", "of": "levy.done.v1"},
        "done": {"first": "time", "of": "levy.done.v1"},
        "missed_after": {"first": "time", "of": "risk.missed.v1", "where": "time >= matter.done"},
    }
    view = {"events": ["levy.done.v1", "risk.missed.v1"], "columns": columns}
    late = {"over": "matter", "period_by": "done", "numerator": "count(missed_after)"}
    return SCHEME | {"views": {"matter": view}, "measures": SCHEME["measures"] | {"missed": late}}


async def test_a_case_tells_which_event_a_filtered_column_took_and_is_folded_anew_when_another_comes(
    scoring, door
):
    exchange, driver = await begun(scoring, of_matters())
    before, after = (
        missed(number, f"2021-03-{day}T08:00:00+08:00") | {"case": "c1"}
        for number, day in ((1, "05"), (2, 20))
    )
    moved = levy(4, day=25, case="c1", revision=1, correctssource="s", correctsid="l3")
    found = []
    async with door(exchange) as client:
        for events in ([after, before], [levy(3, case="c1")], [moved]):
            await accept(exchange, events)
            await driver.run()
            told = await got(client, "/v1/cells/2021-03/b1/missed/explain")
            found.append((told["inputs"]["numerator"], told["rows"]))
    assert [(numerator, len(rows)) for numerator, rows in found] == [("0", 0), ("1", 1), ("0", 1)]
    (taken,), (gone,) = found[1][1], found[2][1]
    assert taken["columns"]["missed_after"] == "2021-03-20T00:00:00.000000Z"
    assert {one["id"]: one["taken_by"] for one in taken["reports"]} == {
        "m1": [],
        "l3": ["done", "unit"],
        "m2": ["missed_after"],
    }
    assert (gone["reason"], gone["columns"]["missed_after"]) == ("filter_not_met", None)
    assert {one["id"]: one["taken_by"] for one in gone["reports"]} == {
        "m1": [],
        "m2": [],
        "l4": ["done", "unit"],
        "l3": [],
    }


async def test_ten_thousand_cases_are_paged_without_loss_or_double(scoring, door):
    exchange = await scoring()
    driver = Driver(exchange)
    await teach(exchange)
    await driver.run()
    await adopt(exchange)
    await accept(exchange, [levy(i, ontime=i >= 298) for i in range(10_000)])
    for _ in range(12):
        await driver.run()
    async with door(exchange) as client:
        rows = await pages(client, "/v1/cells/2021-03/b1/ontime/explain", limit=200)
    assert len(rows) == 10_000
    assert len({row["reports"][0]["id"] for row in rows}) == 10_000
    assert sum(row["met"] for row in rows) == 9_702


REFUSED = [
    ("2021-13/b1/ontime", {}, 422, "period"),
    ("2021-03/b1/ontime", {"scheme": "none"}, 404, "not_found"),
    ("2022-03/b1/ontime", {}, 404, "not_found"),
    ("2021-03/bx/ontime", {}, 404, "not_found"),
    ("2021-03/b1/nothing", {}, 404, "not_found"),
    ("2021-03/hq/ontime", {}, 404, "not_scored"),
    ("2021-03/b1/ontime", {"fields": "*"}, 422, "unknown_field"),
    ("2021-03/b1/ontime", {"version": "1e9"}, 422, "invalid"),
    ("2021-03/b1/ontime/explain", {"limit": "201"}, 422, "invalid"),
    ("2021-03/b1/ontime/explain", {"after": "%%%"}, 422, "cursor"),
    ("2021-03/b1/ontime/explain", {"after": "WzFd"}, 422, "cursor"),
]


async def test_a_cell_that_is_not_there_is_a_problem(scoring, door):
    exchange, _ = await state(scoring, [levy(1)])
    async with door(exchange) as client:
        for path, query, status, code in REFUSED:
            assert (await got(client, f"/v1/cells/{path}", status, **query))["code"] == code


async def test_a_cursor_of_another_question_is_refused(scoring, door):
    exchange, _ = await state(scoring, [levy(1), levy(2)])
    async with door(exchange) as client:
        first = await got(client, "/v1/cells/2021-03/b1/ontime/explain", limit=1)
        query = {"after": first["next"], "limit": 1}
        assert len((await got(client, "/v1/cells/2021-03/b1/ontime/explain", **query))["rows"]) == 1
        assert (await got(client, "/v1/cells/2021-04/b1/ontime/explain", 422, **query))["code"] == "cursor"


@pytest.mark.parametrize(
    "path",
    ["/v1/cells/2021-03/b1/ontime", "/v1/cells/2021-03/b1/ontime/explain", "/v1/measures/mini/1/2021-03/b1"],
)
async def test_what_is_of_a_unit_is_there_for_it_and_those_above_it_and_for_nobody_else(scoring, door, path):
    exchange, _ = await state(scoring, [levy(1)])
    for unit in ("/", "/hq", "/hq/b1"):
        async with door(exchange, unit=unit) as client:
            await got(client, path)
    for unit in ("/hq/b2", "/hq/b1/c1", "/b1"):
        async with door(exchange, unit=unit) as client:
            assert (await got(client, path, 404))["code"] == "not_found"


async def test_what_could_not_be_scored_is_listed_to_the_whole_alone(scoring, door):
    exchange, _ = await state(scoring, [levy(1)])
    async with door(exchange, unit="/hq/b1") as client:
        assert (await got(client, "/v1/suspense", 403))["code"] == "forbidden"
    async with door(exchange) as client:
        assert (await got(client, "/v1/suspense"))["items"] == []


async def come(exchange, at, events):
    """Accept events as the replay clock does, at an instant."""
    async with exchange.begin(actor="test", action="accept") as tx:
        shards = sorted({shard_of(event["subject"]) for event in events})
        heads = {shard: head.number for shard, head in (await tx.lock(ACCEPTED, shards)).items()}
        drafts = drafts_of(events, [], heads)
        await tx.append(ACCEPTED, [structs.replace(draft, received=parse(at)) for draft in drafts])


async def arrive(exchange, driver, at, events):
    """Accept events at an instant and take them in."""
    await come(exchange, at, events)
    for _ in range(12):
        await driver.run()


async def march(scoring):
    """Return the case of domain §10: 9.90 in April, 9.70 after the corrections of 12 May."""
    exchange = await scoring()
    driver = Driver(exchange)
    body = envelope.encode(TYPES_ADOPTED, "dukao/ingest", "shard", TypesAdopted(version=1, document=TYPES))
    async with exchange.begin(actor="test", action="types") as tx:
        began = parse("2021-01-01T00:00:00Z")
        await tx.append(ACCEPTED, [Draft(shard, body, received=began) for shard in range(SHARDS)])
    await driver.run()
    await adopt(exchange)
    await driver.run()
    whole = [levy(i, ontime=i >= 298) for i in range(10_000)]
    await arrive(exchange, driver, "2021-04-01T09:00:00+08:00", whole)
    fixed = [
        levy(f"c{i}", ontime=False, voucher=f"v{i}", revision=1, correctssource="s", correctsid=f"l{i}")
        | {"correctsnumber": str(i + 2)}
        for i in range(298, 494)
    ]
    await arrive(exchange, driver, "2021-05-12T09:00:00+08:00", fixed)
    return exchange


async def test_march_is_known_to_be_9_90_as_of_10_april_and_9_70_as_of_12_may(scoring, door):
    exchange = await march(scoring)
    path = "/v1/cells/2021-03/b1/ontime"
    found = {}
    async with door(exchange) as client:
        for asked in (
            "2021-03-31",
            "2021-04-10",
            "2021-05-12",
            "2021-05-12T00:59:59Z",
            "2021-05-12T01:00:00Z",
        ):
            told = await got(client, path, as_of=asked)
            found[asked] = told["figure"]["published"]
            assert told["state"] == "as_of"
            assert told["known"]["asked"] == asked
        quarter = await got(client, "/v1/cells/2021-Q1/b1/ontime", as_of="2021-04-10")
        now = await got(client, path)
        first = await got(client, path, as_of=str(now["entries"][0]["id"]))
    assert found == {
        "2021-03-31": None,
        "2021-04-10": "9.90",
        "2021-05-12": "9.70",
        "2021-05-12T00:59:59Z": "9.90",
        "2021-05-12T01:00:00Z": "9.70",
    }
    assert (quarter["figure"]["published"], quarter["known"]["said_by"][:16]) == ("9.90", "scoring.entries/")
    assert (now["figure"]["published"], now["state"], now["known"]) == ("9.70", "live", None)
    assert first["figure"]["value"] == now["entries"][0]["new"]
    assert first["known"]["said_by"] == f"entry {now['entries'][0]['id']}"


async def test_what_is_no_time_and_no_entry_is_refused(scoring, door):
    exchange, _ = await state(scoring, [levy(1)])
    async with door(exchange) as client:
        for asked, code in (
            ("yesterday", "time_format"),
            ("2021-02-30", "as_of"),
            ("2021-W13-3", "as_of"),
            ("9999-12-31", "as_of"),
            ("2199-12-31", "as_of_future"),
            ("2199-12-31T00:00:00Z", "as_of_future"),
            ("2021-04-10T00:00:00", "time_format"),
        ):
            assert (await got(client, "/v1/cells/2021-03/b1/ontime", 422, as_of=asked))["code"] == code
        merged = await got(client, "/v1/cells/2021-Q1/b1/ontime", 422, as_of="1")
    assert merged["code"] == "as_of_merged"


async def test_an_entry_is_explained_by_the_events_that_moved_it_and_no_others(scoring, door):
    exchange, _ = await state(scoring, EVENTS)
    async with door(exchange) as client:
        cell = await got(client, "/v1/cells/2021-03/b1/ontime")
        began, *moved = cell["entries"]
        told = [await got(client, f"/v1/entries/{one['id']}/explain") for one in (began, *moved)]
        paged = await got(client, f"/v1/entries/{moved[-1]['id']}/explain", limit=1)
        assert (await got(client, "/v1/entries/999999/explain", 404))["code"] == "not_found"
    assert [sorted(name for row in one["rows"] for name in ids(row)) for one in told] == [
        ["l1", "l5"],
        ["l2"],
        ["l1", "l5"],
    ]
    assert [one["change"] for one in told] == [None, "-4.897959183673", "-5.102040816327"]
    assert told[0]["entry"]["new"] == "10.000000000000"
    assert paged["entry"]["old"] == "5.102040816327"
    async with door(exchange, unit="/hq/b2") as client:
        assert (await got(client, f"/v1/entries/{began['id']}/explain", 404))["code"] == "not_found"


async def test_an_entry_is_never_dated_before_one_of_its_group_that_it_follows(scoring):
    """A shard that was behind brings what was received earlier: the cells contain the later event too."""
    exchange, driver = await begun(scoring)
    await accept(exchange, [levy(1)])
    await accept(exchange, [levy(2, unit="b2")])
    await driver.run_stage("a", only=shard_of("b2"))
    await driver.run_stage("b")
    await driver.run()
    async with exchange.reading() as tx:
        rows = await tx.execute("SELECT unit, at FROM entries WHERE old IS NULL OR new > 0 ORDER BY id")
    dates = [row.at for row in rows]
    assert [row.unit for row in rows][-1] == "b1"
    assert dates == sorted(dates)
