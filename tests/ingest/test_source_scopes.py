"""At the door: who may send what for a source, and how late; each refusal is on record."""

from datetime import UTC, datetime, timedelta

import pytest

from services.ingest.domain.binding import Message
from services.ingest.taking import Taking
from tests.ingest.rig import TYPES, event, outcome, send, serving

SOURCES = {
    "desk": {
        "title": "Desk",
        "types": ["task.done.v1"],
        "units": ["11*"],
        "clients": ["desk-account"],
        "lateness_days": 30,
    },
    "open": {"title": "Open"},
}


@pytest.fixture
async def rig(exchange, tmp_path):
    async with serving(exchange, tmp_path, {"types": TYPES, "sources": SOURCES}) as made:
        yield made


def ago(**span):
    return (datetime.now(UTC) - timedelta(**span)).isoformat()


async def test_each_account_speaks_for_its_own_source_alone(rig):
    desk = await rig.as_("desk", "integrator", account="desk-account")
    other = await rig.as_("other", "integrator", account="other-account")
    fresh = ago(hours=1)
    assert await outcome(other, event(time=fresh)) == (403, "source_scope")
    assert await outcome(desk, event(time=fresh)) == (201, "created")
    assert await outcome(other, event(time=fresh, source="open", id="e2", number="n2")) == (201, "created")
    assert await outcome(desk, event(time=fresh, subject="2201", id="e3", number="n3")) == (
        403,
        "source_scope",
    )
    assert await outcome(desk, event(time=fresh, subject="11-no", id="e4", number="n4")) == (201, "created")
    wrong = event(time=fresh, type="task.begun.v1", id="e5", number="n5")
    assert await outcome(desk, wrong) == (403, "source_scope")
    operator = await rig.as_("olga", "operator")
    refused = (await operator.get("/v1/refusals")).json()["items"]
    assert [(row["code"], row["client"]) for row in refused] == [
        ("source_scope", "other-account"),
        ("source_scope", "desk-account"),
        ("source_scope", "desk-account"),
    ]


async def test_an_account_that_loses_its_source_is_refused_at_the_commit(rig):
    judged = await rig.admission.judge([event(time=ago(hours=1))])
    async with rig.exchange.reading() as tx:
        assert (await tx.many("SELECT count(*) AS n FROM catalogues"))[0]["n"] == 1
    await rig.adopt({"types": TYPES, "sources": SOURCES | {"desk": SOURCES["desk"] | {"units": ["22*"]}}})
    (answer,) = await rig.admission.commit(judged)
    assert (answer.problem.status, answer.problem.code) == (403, "source_scope")


async def test_what_is_too_late_for_its_source_needs_the_role_backfill_and_is_audited(rig):
    desk = await rig.as_("desk", "integrator", account="desk-account")
    old = [event(id=f"o{n}", number=f"o{n}", time=ago(days=31)) for n in range(3)]
    assert await outcome(desk, old[0]) == (403, "backfill")
    assert await outcome(desk, event(time=ago(days=29))) == (201, "created")
    trusted = await rig.as_("eve", "integrator", "backfill", account="desk-account")
    answer = await send(trusted, [*old, event(id="n", number="n", time=ago(days=1))])
    assert [one["status"] for one in answer.json()["results"]] == ["created"] * 4
    audited = [detail for _, detail in await rig.audit("admitted")]
    assert audited[-1] == "4 events; 3 of desk backfilled by eve"
    assert "backfilled" not in "".join(audited[:-1])
    assert await outcome(desk, old[1]) == (403, "backfill")


async def test_a_correction_of_an_old_event_is_no_backfill(rig):
    trusted = await rig.as_("eve", "integrator", "backfill", account="desk-account")
    desk = await rig.as_("desk", "integrator", account="desk-account")
    old = ago(days=300)
    assert await outcome(trusted, event(time=old)) == (201, "created")
    revised = event(id="c1", time=old, amount="2.00", correctssource="desk", correctsid="e1", revision=1)
    assert await outcome(desk, revised) == (201, "created")
    withdrawn = revised | {"id": "c2", "revision": 2}
    assert await outcome(desk, {name: withdrawn[name] for name in withdrawn if name != "data"}) == (
        201,
        "created",
    )
    audited = [detail for _, detail in await rig.audit("admitted")]
    assert audited == ["1 events; 1 of desk backfilled by eve", "1 events", "1 events"]


async def test_a_correction_that_moves_a_fact_far_back_is_a_backfill(rig):
    trusted = await rig.as_("eve", "integrator", "backfill", account="desk-account")
    desk = await rig.as_("desk", "integrator", account="desk-account")
    assert await outcome(desk, event(time=ago(hours=1))) == (201, "created")

    def moved(name, revision, time):
        return event(id=name, time=time, correctssource="desk", correctsid="e1", revision=revision)

    years_back, later = ago(days=5 * 365), ago(days=4 * 365)
    assert await outcome(desk, moved("c1", 1, years_back)) == (403, "backfill")
    assert await outcome(desk, moved("c1", 1, ago(days=2))) == (201, "created")
    assert await outcome(trusted, moved("c2", 2, years_back)) == (201, "created")
    assert await outcome(desk, moved("c3", 3, later)) == (403, "backfill")
    assert await outcome(desk, moved("c3", 3, years_back) | {"data": {"number": "n1"}}) == (201, "created")
    audited = [detail for _, detail in await rig.audit("admitted")]
    assert [detail for detail in audited if "backfilled" in detail] == [
        "1 events; 1 of desk backfilled by eve"
    ]


async def test_a_correction_before_its_original_is_judged_by_its_own_time(rig):
    desk = await rig.as_("desk", "integrator", account="desk-account")
    early = {"correctssource": "desk", "correctsid": "e1", "revision": 1}
    assert await outcome(desk, event(id="c1", time=ago(days=300), **early)) == (403, "backfill")
    assert await outcome(desk, event(id="c1", time=ago(days=3), **early)) == (201, "created")


async def test_an_accepted_event_is_shown_to_its_source_and_to_who_has_all_units(rig):
    desk = await rig.as_("desk", "integrator", account="desk-account", unit="/nation/b1")
    assert await outcome(desk, event(time=ago(hours=1))) == (201, "created")
    shown = (await desk.get("/v1/events/desk/e1")).json()
    for role in ("reader", "operator", "integrator"):
        everyone = await rig.as_("all", role, account="other-account")
        assert (await everyone.get("/v1/events/desk/e1")).json() == shown
        below = await rig.as_("some", role, account="other-account", unit="/nation/b1")
        answer = await below.get("/v1/events/desk/e1")
        assert (answer.status_code, answer.json()) == (404, (await below.get("/v1/events/desk/e9")).json())
    reading = await rig.as_("desk", "reader", account="desk-account", unit="/nation/b1")
    assert (await reading.get("/v1/events/desk/e1")).status_code == 404


async def test_what_is_refused_from_a_topic_is_seen_by_whom_may_fix_it(rig):
    await rig.admission.newest()
    await Taking(rig.admission).take([Message("desk", "in.desk", 0, 0, b"{")])
    desk = await rig.as_("desk", "integrator", account="desk-account")
    other = await rig.as_("other", "integrator", account="other-account")
    assert await outcome(other, event(time=ago(hours=1))) == (403, "source_scope")
    (seen,) = (await desk.get("/v1/refusals?source=desk")).json()["items"]
    assert (seen["code"], seen["place"]) == ("json", "in.desk/0/0")
    path = f"/v1/refusals/{seen['id']}"
    assert (await desk.get(path)).json() == seen
    assert (await desk.get(f"/v1/refusals/{seen['id'] + 1}")).status_code == 404
    (own,) = (await other.get("/v1/refusals")).json()["items"]
    assert (own["client"], own["place"]) == ("other-account", None)
    assert (await other.get(path)).status_code == 404
    mended = {"event": event(time=ago(hours=1)), "reason": "mended"}
    assert (await other.post(f"{path}:fix", json=mended)).status_code == 404
    assert (await desk.post(f"{path}:fix", json=mended)).json()["state"] == "fixed"


async def test_the_role_backfill_alone_sends_nothing(rig):
    assert await outcome(await rig.as_("eve", "backfill"), event()) == (403, "forbidden")
