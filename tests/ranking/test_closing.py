"""Two persons close a period: what was known before T is frozen as bytes, and stays whatever comes later."""

import asyncio
import hashlib
import json
from decimal import Decimal

import pytest

from services.ranking.contract import CLOSES, PERIOD_CLOSED
from tests.ranking.closings import DAY, T, persons, with_grace
from tests.ranking.rig import MARCH, SHARD, adopted, figure, indicator, posted, scheme, service

__all__ = ["persons", "service"]
LATER = "2021-05-12T01:00:00Z"
LEFT_OUT = ("state", "as_of")


def code_of(answer):
    return answer.status_code, answer.json().get("code")


def facts_of(standing):
    return {name: value for name, value in standing.items() if name not in LEFT_OUT}


async def test_a_closed_period_is_answered_as_the_bytes_of_the_standing_that_was_known_before_t(persons):
    await persons.begin()
    before = await persons.standing()
    await persons.service.apply(posted(figure("b1", "9.7"), fresh_at=LATER))
    await persons.cut()
    known = await persons.standing(as_of=DAY)
    closed = await persons.close()
    answer = await persons.ask("GET", f"/v1/standings/mini/bureaus/{MARCH}")
    body = answer.json()
    assert facts_of(body) == facts_of(known)
    assert body["units"] == before["units"]
    assert (body["state"], body["known_on"], body["as_of"]) == ("closed", DAY, None)
    digest = hashlib.sha256(answer.content).hexdigest()
    assert answer.headers["etag"] == f'"{digest}"'
    shown = await persons.effect()
    assert [(one["group"], one["cut"], one["day"], one["digest"]) for one in shown["groups"]] == [
        ("bureaus", T, DAY, digest)
    ]
    assert (shown["state"], shown["digest"], shown["request"]) == ("closed", closed["digest"], closed)


async def test_what_is_closed_is_told_in_the_shard_of_the_group_with_its_bounds_and_both_persons(persons):
    await persons.begin()
    await persons.cut()
    closed = await persons.close()
    async with persons.service.exchange.reading() as tx:
        (record,) = await tx.read(CLOSES, SHARD, 0, 10)
    told = json.loads(record.body)
    group = (await persons.effect())["groups"][0]
    assert told["type"] == PERIOD_CLOSED
    assert told["data"] == {
        "scheme": "mini",
        "version": 1,
        "group": "bureaus",
        "period": MARCH,
        "begins": "2021-02-28T16:00:00.000000Z",
        "ends": "2021-03-31T16:00:00.000000Z",
        "cut": T,
        "day": DAY,
        "digest": group["digest"],
        "closed": closed["history"][-1]["at"],
        "requested_by": "ann",
        "approved_by": "bea",
    }


async def test_what_came_later_is_in_the_restated_standing_with_exact_differences_and_not_in_the_closed(
    persons,
):
    await persons.begin()
    await persons.cut()
    await persons.close()
    frozen = await persons.standing()
    await persons.service.apply(posted(figure("b1", "7.7049999"), figure("b3", None), fresh_at=LATER))
    assert await persons.standing() == frozen
    restated = await persons.standing(view="restated")
    assert restated["state"] == "restated"
    assert {one["unit"]: one["points"] for one in restated["units"]} == {
        "b1": "7.70",
        "b2": "8.00",
        "b3": None,
    }
    found = {one["unit"]: one for one in restated["differences"]}
    assert (found["b1"]["points"], found["b1"]["boards"]) == ("-2.20", {"work": "-2.20"})
    assert (found["b1"]["closed"]["rank"], found["b1"]["restated"]["rank"]) == (1, 2)
    assert (found["b2"]["points"], found["b2"]["restated"]["tier"]) == ("0.00", "first")
    assert found["b3"]["closed"] == {"points": "7.00", "range": None, "rank": 3, "tier": "second"}
    assert found["b3"]["restated"] == {"points": None, "range": ["0.00", "10.00"], "rank": None, "tier": None}
    assert found["b3"]["points"] is None
    by_unit = {one["unit"]: Decimal(one["points"]) for one in frozen["units"]}
    assert by_unit["b1"] + Decimal(found["b1"]["points"]) == Decimal("7.70")


async def test_a_period_without_a_close_has_no_restated_standing(persons):
    await persons.begin()
    path = f"/v1/standings/mini/bureaus/{MARCH}"
    assert code_of(await persons.ask("GET", path, params={"view": "restated"})) == (409, "not_closed")
    both = {"view": "restated", "as_of": DAY}
    assert code_of(await persons.ask("GET", path, params=both)) == (422, "view")


async def test_a_period_is_not_closed_before_its_cut_nor_without_one(persons):
    await persons.begin()
    shown = await persons.effect()
    assert (shown["state"], shown["lacking"], shown["digest"]) == ("open", ["bureaus"], None)
    assert code_of(await persons.propose()) == (409, "cut_open")
    assert code_of(await persons.propose(period="2022-03", digest="f" * 64)) == (404, "not_found")


async def test_a_scheme_without_grace_has_no_cut_and_nothing_of_it_is_closed(persons):
    await persons.begin(documents=[scheme()])
    assert (await persons.effect())["state"] == "no_cut"
    assert code_of(await persons.propose()) == (409, "no_cut")


def with_desks(version=1):
    return with_grace(
        version,
        indicators=[indicator("ontime"), indicator("desk", groups=["desks"])],
        groups={
            "bureaus": {"level": "bureau", "title": "Bureaus"},
            "desks": {"level": "headquarters", "title": "Desks"},
        },
    )


async def test_a_group_that_was_added_after_t_was_not_assessed_before_it_and_is_left_out(persons):
    await persons.begin()
    await persons.cut()
    asked = (await persons.propose()).json()
    told = figure("hq", "9", indicator="desk")
    await persons.service.apply(
        adopted(with_desks(2)), posted(told, version=2, fresh_at=LATER, group="desks")
    )
    shown = await persons.effect()
    assert ([one["group"] for one in shown["groups"]], shown["digest"]) == (["bureaus"], asked["digest"])
    approved = await persons.step(asked["id"], "approve", digest=asked["digest"])
    assert approved.json()["state"] == "approved"
    desks = await persons.body(f"/v1/standings/mini/desks/{MARCH}")
    assert (desks["state"], desks["units"][0]["points"]) == ("live", "9.00")


async def test_a_cut_that_is_told_of_a_group_added_after_t_keeps_nothing_open(persons):
    """A version that was adopted before the cut was noted: its cut comes, and nothing of it was known at T."""
    await persons.begin()
    await persons.service.apply(adopted(with_desks(2)))
    await persons.cut(group="desks")
    assert (await persons.effect())["unknown"] == ["desks"]
    await persons.cut()
    shown = await persons.effect()
    assert (shown["state"], [one["group"] for one in shown["groups"]]) == ("ready", ["bureaus"])


async def test_a_group_that_was_dropped_before_the_quarter_ended_keeps_it_not_open(persons):
    await persons.begin(documents=[with_desks()])
    two = with_grace(2)
    two["scheme"]["effective"] = MARCH
    quarter = [figure(unit, "9", period="2021-Q1") for unit in ("b1", "b2", "b3")]
    desk = figure("hq", "9", indicator="desk", period="2021-Q1")
    await persons.service.apply(
        posted(desk, fresh_at="2021-04-06T01:00:00Z", group="desks"),
        adopted(two),
        posted(*quarter, version=2, fresh_at="2021-04-06T01:00:00Z"),
    )
    assert (await persons.effect("2021-Q1"))["lacking"] == ["bureaus", "desks"]
    await persons.cut("2021-Q1")
    shown = await persons.effect("2021-Q1")
    assert (shown["state"], [one["group"] for one in shown["groups"]]) == ("ready", ["bureaus"])


async def test_while_one_group_lacks_its_cut_none_is_closed_and_with_all_of_them_all_are(persons):
    await persons.begin(documents=[with_desks()])
    await persons.cut()
    assert code_of(await persons.propose()) == (409, "cut_open")
    await persons.cut(group="desks")
    shown = await persons.effect()
    assert (shown["state"], shown["unknown"], shown["digest"]) == ("unknown", ["desks"], None)
    assert code_of(await persons.propose()) == (409, "cut_unknown")
    told = figure("hq", None, indicator="desk")
    await persons.service.apply(posted(told, fresh_at="2021-04-07T01:00:00Z", group="desks"))
    await persons.close()
    desks = await persons.body(f"/v1/standings/mini/desks/{MARCH}")
    assert (desks["state"], desks["units"][0]["range"]) == ("closed", ["0.00", "10.00"])


async def test_a_unit_of_which_nothing_had_been_told_before_t_keeps_the_period_open(persons):
    await persons.begin(figure("b1", "9.9"), figure("b2", None))
    await persons.service.apply(posted(figure("b3", "7"), fresh_at=LATER))
    await persons.cut()
    assert (await persons.effect())["unknown"] == ["bureaus/b3"]
    assert code_of(await persons.propose()) == (409, "cut_unknown")


async def test_a_version_whose_figures_came_before_it_was_heard_of_keeps_the_period_open(persons):
    await persons.begin()
    told = [figure(unit, "5") for unit in ("b1", "b2", "b3")]
    await persons.service.apply(posted(*told, version=2, fresh_at="2021-04-07T01:00:00Z"))
    await persons.cut()
    assert code_of(await persons.propose()) == (409, "cut_open")
    await persons.service.apply(adopted(with_grace(2)))
    assert (await persons.close())["state"] == "approved"
    assert (await persons.standing())["version"] == 2


async def test_what_was_told_over_what_is_late_keeps_the_period_open(persons):
    await persons.begin()
    late = posted(figure("b1", "5"), fresh_at="2021-04-09T01:00:00Z")
    of_before = {"day": "2021-04-09", "brought": DAY, "behind": {"b1": (MARCH,)}}
    await persons.service.apply(late, posted(figure("b1", "6"), fresh_at="2021-04-09T02:00:00Z", **of_before))
    await persons.cut()
    shown = await persons.effect()
    assert (shown["state"], shown["mixed"], shown["digest"]) == ("mixed", ["bureaus"], None)
    assert code_of(await persons.propose()) == (409, "cut_mixed")


async def test_of_two_who_ask_at_once_one_is_heard_and_of_two_who_approve_at_once_one(persons):
    await persons.begin()
    await persons.cut()
    digest = (await persons.effect())["digest"]
    asked = await asyncio.gather(*(persons.propose(person, digest=digest) for person in ("ann", "cai")))
    assert sorted(one.status_code for one in asked) == [201, 409]
    first = next(one.json() for one in asked if one.status_code == 201)
    assert next(code_of(one) for one in asked if one.status_code == 409) == (409, "close_asked")
    done = await asyncio.gather(
        *(persons.step(first["id"], "approve", person, digest=digest) for person in ("bea", "dan"))
    )
    assert sorted(map(code_of, done), key=str) == [(200, None), (409, "already_closed")]


async def test_a_retry_answers_with_the_first_request_and_a_closed_period_is_not_closed_again(persons):
    await persons.begin()
    await persons.cut()
    first, second = await persons.propose(), await persons.propose()
    assert (first.status_code, first.json()) == (201, second.json())
    digest = first.json()["digest"]
    assert (await persons.step(first.json()["id"], "approve", digest=digest)).status_code == 200
    assert code_of(await persons.propose(digest=digest)) == (409, "already_closed")
    again = await persons.step(first.json()["id"], "approve", "dan", digest=digest)
    assert code_of(again) == (409, "already_closed")
    assert code_of(await persons.step(first.json()["id"], "withdraw", "ann")) == (409, "illegal_step")


async def test_a_retry_of_an_approval_answers_with_what_was_approved_and_closes_nothing_again(persons):
    await persons.begin()
    await persons.cut()
    closed = await persons.close()
    again = await persons.step(closed["id"], "approve", digest=closed["digest"])
    assert (again.status_code, again.json()) == (200, closed)
    for other in ({"person": "dan"}, {"reason": "再核对"}, {"digest": "f" * 64}):
        answer = await persons.step(closed["id"], "approve", **{"digest": closed["digest"], **other})
        assert code_of(answer) == (409, "already_closed")
    async with persons.service.exchange.reading() as tx:
        assert len(await tx.read(CLOSES, SHARD, 0, 10)) == 1


async def test_nobody_approves_their_own_request_nor_withdraws_that_of_another(persons):
    await persons.begin()
    await persons.cut()
    asked = (await persons.propose()).json()
    own = await persons.step(asked["id"], "approve", "ann", digest=asked["digest"])
    assert code_of(own) == (403, "same_person")
    assert code_of(await persons.step(asked["id"], "refuse", "ann")) == (403, "same_person")
    assert code_of(await persons.step(asked["id"], "withdraw", "bea")) == (403, "not_asker")
    assert (await persons.step(asked["id"], "withdraw", "ann")).json()["state"] == "withdrawn"
    again = (await persons.propose("bea")).json()
    assert again["id"] == f"mini~{MARCH}~2"
    assert (await persons.step(again["id"], "refuse", "ann")).json()["state"] == "refused"
    assert (await persons.effect())["state"] == "ready"


@pytest.mark.parametrize("role", ["author", "approver", "operator", "integrator"])
async def test_who_gives_approves_or_decides_does_not_close(persons, role):
    await persons.begin()
    await persons.cut()
    both = await persons.propose(roles=("closer", role))
    assert code_of(both) == (403, "closer_alone")
    assert code_of(await persons.propose(roles=(role,))) == (403, "forbidden")
    assert code_of(await persons.propose(unit="/b1")) == (403, "forbidden")
    asked = (await persons.propose(roles=("closer", "reader"))).json()
    approved = await persons.step(asked["id"], "approve", digest=asked["digest"], roles=("closer", role))
    assert code_of(approved) == (403, "closer_alone")


async def test_what_is_asked_for_and_approved_is_what_was_read(persons):
    await persons.begin()
    await persons.cut()
    assert code_of(await persons.propose(digest="f" * 64)) == (409, "stale")
    asked = (await persons.propose()).json()
    other = await persons.step(asked["id"], "approve", digest="f" * 64)
    assert code_of(other) == (409, "stale")
    assert code_of(await persons.step("mini~2021-04~1", "approve", digest="f" * 64)) == (404, "not_found")


async def test_an_effect_that_changed_since_it_was_asked_for_is_not_approved(persons):
    await persons.begin()
    await persons.cut()
    asked = (await persons.propose()).json()
    await persons.service.apply(posted(figure("b1", "9.8"), fresh_at="2021-04-07T01:00:00Z"))
    approved = await persons.step(asked["id"], "approve", digest=asked["digest"])
    assert code_of(approved) == (409, "stale")


async def test_nothing_reopens_and_no_row_of_a_close_changes(persons):
    await persons.begin()
    await persons.cut()
    await persons.close()
    for method in ("PUT", "DELETE", "PATCH"):
        for path in (f"/v1/closes/mini/{MARCH}", "/v1/closes", f"/v1/standings/mini/bureaus/{MARCH}"):
            assert code_of(await persons.ask(method, path)) == (405, "method_not_allowed")
    for statement in (
        "UPDATE closes SET day = '2021-04-09'",
        "DELETE FROM closes",
        "DELETE FROM close_steps",
    ):
        with pytest.raises(Exception, match="insert-only"):
            async with persons.service.exchange.begin(actor="test", action="tamper") as tx:
                await tx.execute(statement)


async def test_a_quarter_and_a_year_close_like_a_month_and_the_list_tells_which_are_closed(persons):
    periods = (MARCH, "2021-Q1", "2021")
    await persons.begin(*(figure(unit, "9", period=one) for unit in ("b1", "b2", "b3") for one in periods))
    for period in ("2021-Q1", "2021"):
        await persons.cut(period)
        await persons.close(period)
        assert (await persons.standing(period))["state"] == "closed"
    listed = await persons.body("/v1/standings")
    assert {one["period"]: one["state"] for one in listed["items"]} == {
        "2021": "closed",
        MARCH: "live",
        "2021-Q1": "closed",
    }
    requests = await persons.body("/v1/closes", state="approved", limit=1)
    assert (requests["items"][0]["id"], requests["next"]) == ("mini~2021-Q1~1", "mini~2021-Q1~1")
    rest = await persons.body("/v1/closes", state="approved", after=requests["next"])
    assert ([one["id"] for one in rest["items"]], rest["next"]) == (["mini~2021~1"], None)


async def test_every_act_leaves_a_row_in_the_audit(persons):
    await persons.begin()
    await persons.cut()
    closed = await persons.close()
    async with persons.service.exchange.reading() as tx:
        rows = await tx.many("SELECT actor, action, detail FROM audit WHERE action LIKE '%close' ORDER BY id")
    assert [tuple(row.values()) for row in rows] == [
        ("ann", "ask close", f"mini {MARCH} {closed['digest']}"),
        ("bea", "approve close", closed["id"]),
    ]
