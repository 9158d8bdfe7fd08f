"""Points and values that persons give: asked for by one, approved by another, posted and taken back as differences."""

from decimal import Decimal

import pytest

from services.scoring.api import suspense_router
from services.scoring.contract import POINTS
from shared.kernel.shards import shard_of
from tests.scoring.manual import begun, door, door_of, evidence, request, scheme, value
from tests.scoring.test_stages import accept, adopt, kept_cells, levy, scoring

__all__ = ["door", "scoring"]
MARCH = 2021 * 12 + 2
ID = "mini~b1~conduct~2021-03~1"


async def cell(exchange, indicator="conduct", unit="b1", version=1):
    async with exchange.reading() as tx:
        return (await kept_cells(tx, version)).get((MARCH, unit, indicator))


async def entries(exchange, indicator="conduct"):
    async with exchange.reading() as tx:
        return await tx.execute(
            "SELECT old, new, ranges FROM entries e JOIN causes c ON c.digest = e.cause "
            "WHERE indicator = :indicator AND unit = 'b1' AND month = :month AND old IS NOT NULL ORDER BY e.id",
            indicator=indicator,
            month=MARCH,
        )


async def test_nothing_counts_before_another_person_approves_and_then_it_is_posted(scoring, door):
    exchange, driver = await begun(scoring)
    async with door(exchange) as client:
        asked = await client.request(request("0.5"))
        await driver.run()
        assert (asked["id"], asked["state"], asked["counts"]) == (ID, "asked", False)
        assert await cell(exchange) == 4
        done = await client.step(ID, "approve")
        assert (done["state"], done["counts"], done["possible"]) == ("approved", True, ["withdraw"])
        await driver.run()
    assert await cell(exchange) == Decimal("3.5")
    (entry,) = await entries(exchange)
    assert (entry.old, entry.new) == (4, Decimal("3.5"))
    assert entry.ranges == [{"stream": POINTS, "shard": shard_of("b1"), "first": 1, "last": 1}]


async def test_nobody_gives_points_where_the_indicator_does_not_apply(scoring, door):
    document = scheme()
    document["indicators"][2]["not_applicable"] = [
        {"units": ["b1"], "until": "2021-03", "reason": "新设单位"}
    ]
    exchange, _ = await begun(scoring, document=document)
    async with door(exchange) as client:
        refused = await client.request(request("0.5"), 422)
        assert refused["code"] == "not_applicable"
        assert (await client.request(request("0.5", month="2021-04")))["state"] == "asked"
        assert (await client.request(request("0.5", unit="b2")))["state"] == "asked"


async def test_what_two_persons_withdraw_is_taken_back_by_a_difference(scoring, door):
    exchange, driver = await begun(scoring)
    async with door(exchange) as client:
        await client.give(request("0.5"))
        await driver.run()
        await client.step(ID, "withdraw", who="qian", reason="误报")
        await driver.run()
        assert await cell(exchange) == Decimal("3.5")
        gone = await client.step(ID, "approve", who="zhao")
        assert (gone["state"], gone["counts"], gone["possible"]) == ("withdrawn", False, [])
        await driver.run()
    assert [(one.old, one.new) for one in await entries(exchange)] == [
        (4, Decimal("3.5")),
        (Decimal("3.5"), 4),
    ]
    assert [(one["what"], one["person"]) for one in gone["history"]] == [
        ("ask", "zhao"),
        ("approve", "qian"),
        ("withdraw", "qian"),
        ("approve", "zhao"),
    ]


async def test_a_withdrawal_that_is_refused_leaves_it_counting_and_may_be_asked_again(scoring, door):
    exchange, driver = await begun(scoring)
    async with door(exchange) as client:
        await client.give(request("0.5"))
        await client.step(ID, "withdraw", who="zhao")
        kept = await client.step(ID, "refuse", who="qian", reason="依据仍在")
        assert (kept["state"], kept["counts"]) == ("approved", True)
        await client.take_back(ID)
        await driver.run()
    assert await cell(exchange) == 4


async def test_what_is_refused_never_counts(scoring, door):
    exchange, driver = await begun(scoring)
    async with door(exchange) as client:
        asked = await client.request(request())
        refused = await client.step(asked["id"], "refuse", reason="证据不足")
        assert (refused["state"], refused["possible"]) == ("refused", [])
        again = await client.request(request())
        assert again["id"].endswith("~2")
        await driver.run()
    assert await cell(exchange) == 4


async def test_nobody_approves_refuses_or_withdraws_alone(scoring, door):
    exchange, _ = await begun(scoring)
    async with door(exchange) as client:
        await client.request(request())
        for step in ("approve", "refuse"):
            assert (await client.step(ID, step, 403, who="zhao"))["code"] == "same_person"
        await client.step(ID, "approve", who="qian")
        await client.step(ID, "withdraw", who="qian")
        for step in ("approve", "refuse"):
            assert (await client.step(ID, step, 403, who="qian"))["code"] == "same_person"
        async with exchange.reading() as tx:
            assert len(await tx.read(POINTS, shard_of("b1"), 0, 10)) == 1


async def test_points_of_an_indicator_that_a_new_version_drops_wait_in_suspense(scoring, tmp_path):
    exchange, driver = await begun(scoring)
    async with door_of(tmp_path, suspense_router)(exchange) as client:
        await client.give(request("0.5"))
        await client.give(value("81"))
        await driver.run()
        for version, waiting in ((2, {("no_indicator", "conduct", "0")}), (3, set())):
            document = scheme(version=version)
            if version == 2:
                document["indicators"] = [
                    one | ({"points": "10"} if one["code"] == "marks" else {})
                    for one in document["indicators"]
                    if one["code"] != "conduct"
                ]
            await adopt(exchange, document)
            await driver.run()
            found = (await client.got("/v1/suspense", role="operator"))["items"]
            assert {(one["why"], one["what"], one["points"]) for one in found} == waiting
    assert await cell(exchange, version=3) == Decimal("3.5")


async def test_people_of_the_assessor_see_cells_of_their_indicator_and_no_others(scoring, door):
    exchange, _ = await begun(scoring)
    async with door(exchange) as client:
        for indicator, below, status in (
            ("conduct", "/hq/d1", 200),
            ("conduct", "/hq/b1", 200),
            ("conduct", "/hq/b2", 404),
            ("ontime", "/hq/d1", 404),
        ):
            for path in ("", "/explain"):
                asked = f"/v1/cells/2021-03/b1/{indicator}{path}"
                await client.got(asked, status, below=below, scheme="mini")


STATES = {
    "asked": ((), ["approve", "refuse"]),
    "approved": (("approve",), ["withdraw"]),
    "refused": (("refuse",), []),
    "withdrawal_asked": (("approve", "withdraw"), ["approve", "refuse"]),
    "withdrawn": (("approve", "withdraw", "approve"), []),
}


async def test_a_step_that_is_not_possible_is_refused_with_those_that_are(scoring, door):
    exchange, _ = await begun(scoring)
    async with door(exchange) as client:
        for state, (path, possible) in STATES.items():
            id_ = (await client.request(request(file=state)))["id"]
            for step in path:
                await client.step(id_, step, who="zhao" if step == "withdraw" else "qian")
            shown = await client.got(f"/v1/points-requests/{id_}")
            assert (shown["state"], shown["possible"]) == (state, possible)
            for step in {"approve", "refuse", "withdraw"} - set(possible):
                refused = await client.step(id_, step, 409, who="sun")
                assert refused["code"] == "illegal_step"
                assert (refused["state"], refused["possible"]) == (state, possible)


async def test_a_value_is_that_of_the_month_and_without_one_the_indicator_is_not_assessed(scoring, door):
    exchange, driver = await begun(scoring)
    async with door(exchange) as client:
        assert await cell(exchange, "marks") is None
        given = await client.give(value("81"))
        await driver.run()
        assert await cell(exchange, "marks") == Decimal("5.4")
        assert await cell(exchange, "praise") is None
        assert await cell(exchange, "marks", "b2") is None
        assert (await client.request(value("90", file="other"), 409))["code"] == "value_stands"
        await client.take_back(given["id"])
        await client.give(value("90", file="other"))
        await driver.run()
        assert await cell(exchange, "marks") == 6
        await client.give(value("60", month="2021-02"))
        await client.give(value("1", indicator="praise"))
        await driver.run()
        quarter = await client.got("/v1/cells/2021-Q1/b1/praise", scheme="mini")
        mean = await client.got("/v1/cells/2021-Q1/b1/marks", scheme="mini")
    assert quarter["figure"]["published"] == "3.00"
    assert mean["figure"]["published"] == "5.00"
    assert await cell(exchange, "marks") == 6


async def test_points_of_several_requests_are_added_up_to_the_floor(scoring, door):
    exchange, driver = await begun(scoring)
    async with door(exchange) as client:
        for points, file in (("1.25", "a"), ("2", "b")):
            await client.give(request(points, file=file))
        await driver.run()
        assert await cell(exchange) == Decimal("0.75")
        await client.give(request("3", file="c"))
        await driver.run()
    assert await cell(exchange) == 0


async def test_explain_shows_who_gave_what_on_which_evidence_and_what_was_withdrawn(scoring, door):
    exchange, driver = await begun(scoring)
    async with door(exchange) as client:
        await client.give(request("0.5"))
        gone = await client.give(request("1", file="mistake.pdf"))
        await client.take_back(gone["id"])
        await client.give(value("81"))
        await driver.run()
        told = await client.got("/v1/cells/2021-03/b1/conduct/explain", scheme="mini")
        marks = await client.got("/v1/cells/2021-03/b1/marks/explain", scheme="mini")
        other = await client.got("/v1/cells/2021-03/b2/conduct/explain", scheme="mini")
        only = await client.got("/v1/cells/2021-03/b1/conduct/explain", scheme="mini", counted=True)
    assert told["formula"]["with_numbers"] == "max(0, 4 − 0.5) = 3.50"
    first, second = told["rows"]
    assert (first["counted"], first["numerator"]) == (True, "0.5")
    assert first["columns"] == {
        "request": ID,
        "state": "approved",
        "points": "0.5",
        "asked_by": "zhao",
        "reason": "未按要求整改",
        "approved_by": "qian",
        "evidence": "notice.pdf",
        "sha256": evidence()["sha256"],
    }
    assert (second["counted"], second["reason"], second["numerator"]) == (False, "withdrawn", "0")
    assert [one["columns"]["request"] for one in only["rows"]] == [ID]
    assert other["rows"] == []
    assert marks["formula"]["with_numbers"] == "6 · min(1, (81/1) / 90) = 5.40"
    assert [(one["numerator"], one["columns"]["value"]) for one in marks["rows"]] == [("81", "81")]


async def test_a_retry_answers_with_the_first_and_the_same_evidence_costs_once(scoring, door):
    exchange, _ = await begun(scoring)
    async with door(exchange) as client:
        first = await client.request(request())
        assert await client.request(request()) == first
        for other in (request("1"), request() | {"reason": "another"}):
            assert (await client.request(other, 409))["code"] == "same_evidence"
        assert (await client.request(request(), 409, who="li"))["code"] == "same_evidence"
        assert (await client.request(request(unit="b2")))["id"] == "mini~b2~conduct~2021-03~1"


REFUSED = {
    "another department": (request(), {"unit": "/hq/d2"}, 403, "not_assessor"),
    "the assessed unit": (request(), {"unit": "/hq/b1"}, 403, "not_assessor"),
    "a reader": (request(), {"role": "reader"}, 403, "forbidden"),
    "machine": (request(indicator="ontime"), {}, 409, "not_manual"),
    "no indicator": (request(indicator="none"), {}, 404, "not_found"),
    "no unit": (request(unit="b9"), {}, 404, "not_found"),
    "no scheme": (request(scheme="none"), {}, 404, "not_found"),
    "not scored": (request(unit="hq"), {}, 404, "not_scored"),
    "no month": (request(month="2020-12"), {}, 404, "not_found"),
    "points for a value": (request("1", indicator="marks"), {}, 422, "points_or_value"),
    "a value for points": (request(None, value="1"), {}, 422, "points_or_value"),
    "both": (request("1", value="1"), {}, 422, "points_or_value"),
    "neither": (request(None), {}, 422, "points_or_value"),
    "nothing": (request("0.000"), {}, 422, "zero_points"),
    "a bonus": (request("-1"), {}, 422, "invalid"),
    "too fine": (request("0.0000001"), {}, 422, "invalid"),
    "no reason": (request(reason=""), {}, 422, "invalid"),
    "no hash": (request(evidence={"name": "x", "sha256": "abc"}), {}, 422, "invalid"),
    "no evidence": (request(evidence=None), {}, 422, "missing_field"),
    "a control character": (request(reason="a\x00b"), {}, 422, "invalid"),
}
HALF_A_PAIR = '{"scheme":"mini","unit":"b1","indicator":"conduct","month":"2021-03","reason":"\\ud800"}'


async def test_what_cannot_be_asked_is_refused_with_its_code(scoring, door):
    exchange, _ = await begun(scoring)
    async with door(exchange) as client:
        for case, (body, who, status, code) in REFUSED.items():
            assert (await client.request(body, status, **who))["code"] == code, case
        headers = {"content-type": "application/json"}
        headers |= {"authorization": f"Bearer {client._mint('zhao', 'author', '/hq/d1')}"}
        answer = await client.client.post("/v1/points-requests", content=HALF_A_PAIR, headers=headers)
        assert answer.status_code in {400, 422}


async def test_a_month_that_has_not_begun_takes_nothing(scoring, door):
    exchange, _ = await begun(scoring, document=scheme(effective="2199-01", until="2199-12"))
    async with door(exchange) as client:
        refused = await client.request(request(month="2199-03"), 422)
    assert refused["code"] == "time_in_future"


async def test_in_a_replay_a_month_begins_by_the_feed(scoring, tmp_path):
    exchange, driver = await begun(scoring)
    await accept(exchange, [levy(1)])
    await driver.run()
    async with exchange.begin(actor="test", action="date") as tx:
        await tx.execute("UPDATE freshness SET fresh_at = '2021-02-28T15:59:59.999999Z'")
    async with door_of(tmp_path, replay=True)(exchange) as client:
        assert (await client.request(request(), 422))["code"] == "time_in_future"
        await client.request(request(month="2021-02"))


async def test_who_reads_sees_what_concerns_own_units_and_only_the_assessors_people_act(scoring, door):
    exchange, _ = await begun(scoring)
    path = f"/v1/points-requests/{ID}"
    async with door(exchange) as client:
        await client.request(request())
        await client.request(request(unit="b2"))
        assert (await client.got(path, below="/hq/b1"))["possible"] == ["approve", "refuse"]
        assert (await client.got(path, 404, below="/hq/b2"))["code"] == "not_found"
        listed = await client.got("/v1/points-requests", below="/hq/b1")
        assert [one["id"] for one in listed["items"]] == [ID]
        assert len((await client.got("/v1/points-requests", below="/hq/d1"))["items"]) == 2
        await client.step(ID, "approve", 404, unit="/hq/b2")
        assert (await client.step(ID, "approve", 403, unit="/hq/b1"))["code"] == "not_assessor"
        assert (await client.step(ID, "approve", 403, role="author"))["code"] == "forbidden"
        await client.step("mini~b1~conduct~2021-03~9", "approve", 404)
        await client.step("what", "approve", 422)
        await client.step(ID, "approve", unit="/")


async def test_requests_are_filtered_and_paged(scoring, door):
    exchange, _ = await begun(scoring)
    async with door(exchange) as client:
        for number in range(5):
            await client.request(request(file=f"f{number}"))
        await client.step(ID, "refuse")
        await client.request(request(unit="b2"))
        page = await client.got("/v1/points-requests", limit=4)
        rest = await client.got("/v1/points-requests", limit=4, after=page["next"])
        assert len({one["id"] for one in (*page["items"], *rest["items"])}) == 6
        assert rest["next"] is None
        for query, count in (
            ({"state": "refused"}, 1),
            ({"unit": "b2"}, 1),
            ({"month": "2021-04"}, 0),
            ({"indicator": "conduct", "scheme": "mini"}, 6),
            ({"scheme": "other"}, 0),
        ):
            assert len((await client.got("/v1/points-requests", **query))["items"]) == count
        await client.got("/v1/points-requests", 422, after=page["next"], unit="b1")


async def test_what_was_given_before_a_version_was_adopted_counts_under_it(scoring, door):
    exchange, driver = await begun(scoring)
    async with door(exchange) as client:
        await client.give(request("0.5"))
        await driver.run()
        newer = scheme(version=2)
        newer["measures"]["conduct"] = {"manual": "points", "version": 2}
        await adopt(exchange, newer)
        await driver.run()
        assert await cell(exchange, version=2) == Decimal("3.5")
        await client.give(request("1", file="b"))
        await driver.run()
    assert await cell(exchange, version=2) == Decimal("2.5")


@pytest.mark.long
async def test_facts_of_persons_in_any_batches_leave_one_state(scoring, door):
    found = set()
    for cuts in ((False,) * 3, (True,) * 3, (False, True, False)):
        exchange, driver = await begun(scoring)
        async with door(exchange) as client:
            steps = [
                lambda client=client: client.give(request("0.5")),
                lambda client=client: client.give(value("81")),
                lambda client=client: client.take_back(ID),
                lambda client=client: client.give(request("1", file="b")),
            ]
            for step, cut in zip(steps, (*cuts, True), strict=True):
                await step()
                if cut:
                    await driver.run()
        async with exchange.reading() as tx:
            found.add(tuple(sorted((await kept_cells(tx)).items())))
    assert len(found) == 1
