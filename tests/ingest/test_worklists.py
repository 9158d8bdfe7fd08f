"""Refusals and conflicts are work: open until a person has fixed, taken or left them, each with a reason."""

import asyncio

import pytest

from services.ingest import store, watching
from services.ingest.gateway import Gap
from services.ingest.outcomes import GONE
from services.ingest.taking import Taking
from tests.ingest.rig import TYPES, event, outcome, send, serving

SOURCES = {"desk": {"title": "Desk", "units": ["11*"]}, "other": {"title": "Other"}}
WHY = {"reason": "the paper says so"}


@pytest.fixture
async def rig(exchange, tmp_path):
    async with serving(exchange, tmp_path, {"types": TYPES, "sources": SOURCES}) as made:
        yield made


@pytest.fixture
async def desk(rig):
    return await rig.as_("desk", "integrator")


@pytest.fixture
async def olga(rig):
    return await rig.as_("olga", "operator")


async def items(client, query):
    return (await client.get(f"/v1/{query}")).json()["items"]


async def data_of(olga, source, event_id):
    return (await olga.get(f"/v1/events/{source}/{event_id}")).json()["event"]["data"]


async def test_the_retry_of_a_conflict_is_a_conflict_again_and_no_second_entry(desk, olga):
    await send(desk, event())
    for _ in range(3):
        assert await outcome(desk, event(amount="9.00")) == (409, "id_conflict")
    await send(desk, [event(amount="9.00"), event(amount="9.00"), event(amount="8.00")])
    first, second = await items(olga, "conflicts")
    assert (first["times"], second["times"], first["state"]) == (5, 1, "open")


async def test_a_conflict_that_is_dismissed_leaves_the_first_and_is_not_opened_again(desk, olga, rig):
    await send(desk, event())
    await send(desk, event(amount="9.00"))
    (told,) = await items(olga, "conflicts?state=open")
    assert (await olga.post(f"/v1/conflicts/{told['id']}:dismiss", json={"reason": ""})).status_code == 422
    done = (await olga.post(f"/v1/conflicts/{told['id']}:dismiss", json=WHY)).json()
    assert (done["state"], done["decided_by"], done["reason"]) == ("dismissed", "olga", WHY["reason"])
    assert await outcome(desk, event(amount="9.00")) == (409, "id_conflict")
    assert await items(olga, "conflicts?state=open") == []
    assert (await data_of(olga, "desk", "e1"))["amount"] == "1.50"
    again = await olga.post(f"/v1/conflicts/{told['id']}:replay", json=WHY)
    assert (again.status_code, again.json()["code"]) == (409, "already_decided")
    assert await rig.audit("dismiss conflicts") == [("olga", f"{told['id']}: the paper says so")]


async def test_a_conflict_that_is_taken_becomes_a_correction_with_the_next_revision(desk, olga, rig):
    await send(desk, event())
    await send(desk, event(id="c1", amount="2.00", correctssource="desk", correctsid="e1", revision=1))
    await send(desk, event(amount="9.00"))
    (told,) = await items(olga, "conflicts")
    beside = (await olga.get(f"/v1/conflicts/{told['id']}")).json()
    assert (beside["event"]["data"]["amount"], beside["accepted"]["data"]["amount"]) == ("9.00", "1.50")
    done = (await olga.post(f"/v1/conflicts/{told['id']}:replay", json=WHY)).json()
    assert (done["state"], done["became_source"]) == ("replayed", "desk")
    made = (await olga.get(f"/v1/events/desk/{done['became_id']}")).json()["event"]
    assert (made["correctsid"], made["revision"], made["data"]["amount"]) == ("e1", 2, "9.00")
    assert await outcome(desk, event(amount="9.00")) == (409, "id_conflict")
    assert await items(olga, "conflicts?state=open") == []
    assert await rig.audit("replay conflicts") == [("olga", f"{told['id']}: the paper says so")]


@pytest.mark.parametrize(
    ("before", "after"),
    [([], range(1, 1_101)), ([], [20210401]), ([], [5, 20210401, 20210402, 7]), ([20210402, 3], [4])],
    ids=["many", "by date", "in no order", "before the original"],
)
async def test_the_next_revision_is_above_all_there_are_however_a_source_counts(desk, olga, before, after):
    def revised(revision):
        named = {"correctssource": "desk", "correctsid": "e1", "revision": revision}
        return event(id=f"c{revision}", amount="2.00", **named)

    other = {"correctssource": "desk", "correctsid": "e2", "revision": 30210401}
    sent = [*map(revised, before), event(), *map(revised, after), event(id="o1", case="c1", **other)]
    for start in range(0, len(sent), 500):
        answer = await send(desk, sent[start : start + 500])
        assert {one["status"] for one in answer.json()["results"]} == {"created"}
    await send(desk, event(amount="9.00"))
    (told,) = await items(olga, "conflicts")
    done = (await olga.post(f"/v1/conflicts/{told['id']}:replay", json=WHY)).json()
    made = (await olga.get(f"/v1/events/desk/{done['became_id']}")).json()["event"]
    assert made["revision"] == max(*before, *after, 0) + 1


async def test_a_conflict_over_a_business_key_corrects_the_first_report_and_one_over_a_revision_its_original(
    desk, olga
):
    await send(desk, event())
    assert await outcome(desk, event(source="other", amount="3.00")) == (409, "business_key_conflict")
    revised = {"correctssource": "desk", "correctsid": "e1", "revision": 1}
    await send(desk, event(id="c1", amount="2.00", **revised))
    assert await outcome(desk, event(id="c2", amount="2.50", **revised)) == (409, "revision_conflict")
    made = []
    for told in await items(olga, "conflicts"):
        done = (await olga.post(f"/v1/conflicts/{told['id']}:replay", json=WHY)).json()
        name = f"{done['became_source']}/{done['became_id']}"
        made.append((await olga.get(f"/v1/events/{name}")).json()["event"])
    assert [(one["source"], one["correctssource"], one["correctsid"], one["revision"]) for one in made] == [
        ("other", "desk", "e1", 2),
        ("desk", "desk", "e1", 3),
    ]


async def test_a_conflict_with_another_unit_cannot_be_taken_as_a_correction(desk, olga):
    await send(desk, event())
    await send(desk, event(subject="1102"))
    (told,) = await items(olga, "conflicts")
    answer = await olga.post(f"/v1/conflicts/{told['id']}:replay", json=WHY)
    assert (answer.status_code, answer.json()["code"]) == (422, "correction_moves")
    assert len(await items(olga, "conflicts?state=open")) == 1


async def test_a_revision_that_is_named_is_taken_and_one_that_is_held_is_a_conflict(desk, olga):
    await send(desk, event())
    await send(desk, event(id="c1", amount="2.00", correctssource="desk", correctsid="e1", revision=5))
    await send(desk, event(amount="9.00"))
    (told,) = await items(olga, "conflicts")
    path = f"/v1/conflicts/{told['id']}:replay"
    assert (await olga.post(path, json=WHY | {"revision": 5})).json()["code"] == "revision_conflict"
    done = (await olga.post(path, json=WHY | {"revision": 2021})).json()
    assert (await olga.get(f"/v1/events/desk/{done['became_id']}")).json()["event"]["revision"] == 2021


async def test_an_event_that_was_accepted_beside_a_correction_that_disagrees_is_only_dismissed(desk, olga):
    await send(desk, event(id="c1", subject="1102", correctssource="desk", correctsid="e1", revision=1))
    await send(desk, event())
    (told,) = await items(olga, "conflicts?code=correction_moves")
    path = f"/v1/conflicts/{told['id']}"
    assert (await olga.post(f"{path}:replay", json=WHY)).json()["code"] == "not_replayable"
    assert (await olga.post(f"{path}:dismiss", json=WHY)).json()["state"] == "dismissed"


async def test_when_the_report_that_counted_is_withdrawn_its_conflict_goes_to_the_top(desk, olga):
    for n in range(3):
        await send(desk, event(id=f"e{n}", number=f"n{n}"))
        await send(desk, event(id=f"e{n}", number=f"n{n}", amount="9.00"))
    await send(desk, event(id="r", data=..., correctssource="desk", correctsid="e2", revision=1))
    pages = [(await olga.get("/v1/conflicts?limit=2")).json()]
    pages.append((await olga.get(f"/v1/conflicts?limit=2&after={pages[0]['next']}")).json())
    listed = [(one["event_id"], one["withdrawn"]) for page in pages for one in page["items"]]
    assert listed == [("e2", True), ("e0", False), ("e1", False)]
    assert pages[1]["next"] is None


@pytest.mark.parametrize("early", [False, True])
async def test_a_conflict_with_what_was_withdrawn_before_goes_to_the_top(desk, olga, early):
    sent = [event(), event(id="r", data=..., correctssource="desk", correctsid="e1", revision=1)]
    await send(desk, event(id="e0", number="n0"))
    await send(desk, event(id="e0", number="n0", amount="9.00"))
    for one in reversed(sent) if early else sent:
        await send(desk, one)
    await send(desk, event(amount="9.00"))
    listed = [(one["event_id"], one["withdrawn"]) for one in await items(olga, "conflicts")]
    assert listed == [("e1", True), ("e0", False)]


async def test_a_refused_event_that_is_sent_again_is_counted_until_a_person_has_dealt_with_it(desk, olga):
    other = event(type="task.gone.v1")
    for _ in range(3):
        assert await outcome(desk, event(type="task.lost.v1")) == (422, "unknown_type")
    await send(desk, [event(type="task.lost.v1"), other, event(type="task.lost.v1")])
    first, second = await items(olga, "refusals")
    assert (first["times"], second["times"]) == (5, 1)
    assert first["last_at"] > first["at"]
    await olga.post(f"/v1/refusals/{first['id']}:dismiss", json=WHY)
    await send(desk, other)
    await send(desk, event(type="task.lost.v1"))
    listed = [(one["times"], one["state"]) for one in await items(olga, "refusals")]
    assert listed == [(5, "dismissed"), (2, "open"), (1, "open")]


async def test_two_who_decide_at_once_have_one_answer(desk, olga, rig):
    await send(desk, event())
    await send(desk, event(amount="9.00"))
    (told,) = await items(olga, "conflicts")
    pia = await rig.as_("pia", "operator")
    path = f"/v1/conflicts/{told['id']}"
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(olga.post(f"{path}:replay", json=WHY)),
            group.create_task(pia.post(f"{path}:dismiss", json=WHY)),
            group.create_task(pia.post(f"{path}:replay", json=WHY)),
        ]
    assert sorted(task.result().status_code for task in tasks) == [200, 409, 409]
    (shown,) = await items(olga, "conflicts")
    taken = await olga.get(f"/v1/events/desk/dukao-conflict-{told['id']}")
    assert (taken.status_code == 200) == (shown["state"] == "replayed")


async def test_a_refusal_is_fixed_by_a_corrected_event_and_linked_to_it(desk, olga, rig):
    await send(desk, event(amount="1.555"))
    (told,) = await items(olga, "refusals?state=open&source=desk&code=field")
    path = f"/v1/refusals/{told['id']}"
    still = await desk.post(f"{path}:fix", json={"event": event(amount="1.5555")})
    assert (still.status_code, still.json()["code"]) == (422, "field")
    assert (await olga.get(path)).json()["state"] == "open"
    done = (await desk.post(f"{path}:fix", json={"event": event(amount="1.55"), **WHY})).json()
    assert (done["state"], done["became_source"], done["became_id"]) == ("fixed", "desk", "e1")
    assert (await data_of(olga, "desk", "e1"))["amount"] == "1.55"
    assert (await desk.post(f"{path}:fix", json={"event": event()})).json()["code"] == "already_decided"
    assert await rig.audit("fix refusals") == [("desk", f"{told['id']}: the paper says so")]


async def test_a_refusal_whose_event_came_right_in_the_meantime_is_linked_to_that(desk, olga):
    await send(desk, event(amount="1.555"))
    await send(desk, event(amount="1.55"))
    (told,) = await items(olga, "refusals")
    done = await desk.post(f"/v1/refusals/{told['id']}:fix", json={"event": event(amount="1.55")})
    assert (done.status_code, done.json()["state"]) == (200, "fixed")


async def test_a_refusal_is_fixed_by_an_event_of_its_own_source_alone(desk, olga):
    await send(desk, event(amount="1.555"))
    (told,) = await items(olga, "refusals")
    path = f"/v1/refusals/{told['id']}:fix"
    await send(desk, event(source="other", id="o1", number="n2"))
    for stranger in (event(source="other", id="o1", number="n2"), event(source="other", number="n3")):
        answer = await desk.post(path, json={"event": stranger})
        assert (answer.status_code, answer.json()["code"]) == (409, "other_source")
    assert (await desk.get("/v1/events/other/e1")).status_code == 404
    assert (await desk.post(path, json={"event": event()})).json()["state"] == "fixed"


async def test_what_could_not_be_read_is_fixed_by_the_account_that_sent_it_or_an_operator(desk, olga, rig):
    for body in (b"{", b"["):
        kind = {"content-type": "application/cloudevents+json"}
        assert (await desk.post("/v1/events", content=body, headers=kind)).status_code == 400
    first, second = [f"/v1/refusals/{told['id']}:fix" for told in await items(olga, "refusals")]
    other = await rig.as_("eve", "integrator", account="another")
    answer = await other.post(first, json={"event": event()})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await desk.post(first, json={"event": event()})).json()["state"] == "fixed"
    operating = await rig.as_("olga", "integrator", "operator", account="another")
    assert (await operating.post(second, json={"event": event()})).json()["state"] == "fixed"


async def test_who_may_decide(desk, olga):
    await send(desk, event(amount="1.555"))
    (told,) = await items(olga, "refusals")
    path = f"/v1/refusals/{told['id']}"
    assert (await olga.post(f"{path}:fix", json={"event": event()})).status_code == 403
    assert (await desk.post(f"{path}:dismiss", json=WHY)).status_code == 403
    assert (await desk.get("/v1/conflicts")).status_code == 403
    assert (await olga.post(f"{path}:dismiss", json=WHY)).json()["state"] == "dismissed"
    assert [row["state"] for row in await items(olga, "refusals?state=dismissed")] == ["dismissed"]


async def test_an_account_sees_what_was_refused_of_its_own_and_an_operator_of_the_whole_sees_all(
    desk, olga, rig
):
    await send(desk, event(amount="1.555"))
    (told,) = await items(olga, "refusals")
    other = await rig.as_("other", "integrator", account="other")
    below = await rig.as_("olga", "operator", account="other", unit="/nation")
    for stranger in (other, below):
        assert await items(stranger, "refusals") == []
        assert (await stranger.get(f"/v1/refusals/{told['id']}")).json()["code"] == "not_found"
    assert await items(desk, "refusals") == [told]
    assert (await desk.get(f"/v1/refusals/{told['id']}")).json() == told


WRONG = {
    "no entry": ("/v1/refusals/99:dismiss", WHY, 404),
    "no number": ("/v1/refusals/x:dismiss", WHY, 422),
    "no conflict": ("/v1/conflicts/99:replay", WHY, 404),
    "too large a number": (f"/v1/conflicts/{1 << 70}:replay", WHY, 422),
    "no reason": ("/v1/conflicts/1:dismiss", {}, 422),
    "a member more": ("/v1/conflicts/1:dismiss", WHY | {"approved_by": "bob"}, 422),
    "a reason that is none": ("/v1/conflicts/1:dismiss", {"reason": 1}, 422),
    "a list": ("/v1/conflicts/1:dismiss", [], 422),
}


@pytest.mark.parametrize("case", WRONG)
async def test_what_cannot_be_decided_is_refused(olga, case):
    path, body, status = WRONG[case]
    answer = await olga.post(path, json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_who_tells_of_refusals_waits_for_who_tells_of_conflicts_before_it_holds_what_was_told(rig):
    """Two processes take notices and then the rows of what was told, in this order, so that none has to fail."""
    topic, code = "in.desk", GONE.code
    async with rig.exchange.begin(actor="other", action="admitted inbound") as tx:
        await watching.hold_notices(tx)
        (mine,) = await tx.execute("SELECT pg_backend_pid() AS pid")
        beside = asyncio.create_task(Taking(rig.admission).note_gaps([Gap(topic, 0, 0, 5)]))
        waiting = ()
        while not waiting:
            waiting = await tx.execute(
                "SELECT 1 FROM pg_locks WHERE :pid = ANY(pg_blocking_pids(pid))", pid=mine.pid
            )
        told = await store.untold(tx, [store.Refusal(GONE, "0" * 64, topic, f"{topic}/0/0")])
    await beside
    assert [one.problem.code for one in told] == [code]
    async with rig.exchange.reading() as tx:
        assert len(await tx.execute("SELECT 1 FROM refusals WHERE code = :code", code=code)) == 1
        numbers = "SELECT number FROM stream_shards WHERE stream = 'ingest.notices' AND number > 0"
        assert await tx.many(numbers) == []
