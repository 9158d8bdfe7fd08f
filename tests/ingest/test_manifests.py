"""A source's manifest of a day beside the archive: compared at once and again whenever more of the day comes."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.ingest.contract import ACCEPTED, MISMATCH_OPENED, MISMATCH_SETTLED
from services.ingest.domain.manifests import Manifest, compare
from services.ingest.domain.totals import IDS, Total
from shared.contracts.envelope import decode
from shared.kernel.shards import SHARDS
from tests.ingest.rig import TYPES, event, send, serving

COUNTING = {"zone": "Asia/Shanghai", "totals": {"task.done.v1": ["amount", "pages"]}}
DESK = {"title": "Desk", "clients": ["desk-account"], "manifest": COUNTING}
DOCUMENT = {"types": TYPES, "sources": {"desk": DESK, "other": {"title": "Other"}}}
DAY = "2021-03-31"


def digest_of(ids):
    """What an integrator writes: the sum of the SHA-256 of each id, modulo 2^256, in 64 hexadecimal digits."""
    total = sum(int(hashlib.sha256(one.encode()).hexdigest(), 16) for one in set(ids))
    return f"{total % 2**256:064x}"


def test_the_worked_example_of_the_documentation():
    digest = digest_of(["r-1", "r-2", "r-3"])
    assert digest == "83ed1b9527a135c16f409f965c9d5cd7d15a35c710544f760e9ac948670d26a2"
    assert digest in (Path(__file__).parents[2] / "docs" / "sources.md").read_text("utf-8")


@pytest.fixture
async def rig(exchange, tmp_path):
    async with serving(exchange, tmp_path, DOCUMENT) as made:
        yield made


@pytest.fixture
async def desk(rig):
    return await rig.as_("desk", "integrator", account="desk-account")


def done(name, *, at="2021-03-31T10:00:00+08:00", **changes):
    return event(**{"id": name, "number": name, "time": at} | changes)


async def put(client, day=DAY, source="desk", ids=(), **more):
    manifest = {"count": len(set(ids)), "digest": digest_of(ids)} | more
    return await client.put(f"/v1/manifests/{source}/{day}", json=manifest)


async def told(rig):
    """Return the mismatches that the shards were told of, which are the same in all of them."""
    found = []
    async with rig.exchange.reading() as tx:
        for shard in range(SHARDS):
            events = [decode(record.body) for record in await tx.read(ACCEPTED, shard, 0, 1000)]
            own = [e for e in events if e.type in {MISMATCH_OPENED, MISMATCH_SETTLED}]
            found.append([(e.type, json.loads(bytes(e.data))) for e in own])
    assert found == [found[0]] * SHARDS
    return found[0]


async def test_a_manifest_that_says_what_the_archive_holds_matches(rig, desk):
    await send(desk, [done("a"), done("b", amount="2.25"), done("c", at="2021-03-31T16:00:00Z")])
    await send(desk, done("a"))
    totals = {"task.done.v1": {"count": 2, "sums": {"amount": "3.75", "pages": "0"}}}
    answer = (await put(desk, ids=["b", "a"], totals=totals)).json()
    assert (answer["state"], answer["differing"], answer["revision"]) == ("matched", [], 1)
    assert answer["found"] == {"count": 2, "digest": digest_of(["a", "b"])}
    next_day = (await put(desk, "2021-04-01", ids=["c"])).json()
    assert next_day["state"] == "matched"
    assert await told(rig) == []


async def test_what_is_missing_opens_a_mismatch_that_a_late_event_settles_at_the_next_tick(rig, desk):
    await send(desk, done("a"))
    answer = (await put(desk, ids=["a", "b"])).json()
    assert (answer["state"], answer["differing"]) == ("missing", ["/count", "/digest"])
    ((kind, opened),) = await told(rig)
    assert (kind, opened["state"], opened["day"]) == (MISMATCH_OPENED, "missing", DAY)
    assert (opened["expected"]["count"], opened["found"]["count"]) == (2, 1)
    await send(desk, done("b"))
    assert len(await told(rig)) == 1
    await rig.admission.tick()
    assert [kind for kind, _ in await told(rig)] == [MISMATCH_OPENED, MISMATCH_SETTLED]
    (shown,) = (await desk.get("/v1/manifests?state=matched")).json()["items"]
    assert (shown["day"], shown["found"]["count"], shown["told_by"]) == (DAY, 2, "desk")


async def test_an_event_after_a_manifest_that_matched_is_a_surplus_until_a_new_manifest(rig, desk):
    await send(desk, done("a"))
    await put(desk, ids=["a"])
    await send(desk, done("x", correctssource="desk", correctsid="a", revision=1, number="a"))
    await rig.admission.tick()
    (shown,) = (await desk.get("/v1/manifests?source=desk&state=surplus")).json()["items"]
    assert shown["differing"] == ["/count", "/digest"]
    again = (await put(desk, ids=["a", "x"])).json()
    assert (again["state"], again["revision"]) == ("matched", 2)
    assert [kind for kind, _ in await told(rig)] == [MISMATCH_OPENED, MISMATCH_SETTLED]
    assert (await put(desk, ids=["a", "x"])).json()["revision"] == 2


async def test_other_ids_or_other_sums_are_different(rig, desk):
    await send(desk, [done("a", amount="1.50"), done("b")])
    assert (await put(desk, ids=["a", "c"])).json()["differing"] == ["/digest"]
    totals = {"task.done.v1": {"count": 2, "sums": {"amount": "3.01"}}}
    answer = (await put(desk, ids=["a", "b"], totals=totals)).json()
    assert (answer["state"], answer["differing"]) == ("different", ["/totals/task.done.v1/sums/amount"])
    assert len(await told(rig)) == 1


async def test_a_day_without_events_matches_an_empty_manifest(desk):
    assert (await put(desk)).json()["state"] == "matched"
    assert digest_of([]) == "0" * 64


REFUSED = {
    "no such day": ({"day": "2021-02-30"}, 422, "day"),
    "a day that is none": ({"day": "yesterday"}, 422, "day"),
    "a day without dashes": ({"day": "20210331"}, 422, "day"),
    "a day of a week": ({"day": "2021-W13-3"}, 422, "day"),
    "a day before 1900": ({"day": "1899-12-31"}, 422, "day"),
    "a day with other digits": ({"day": "２０２１-03-31"}, 422, "day"),
    "a day and a line end": ({"day": "2021-03-31%0A"}, 422, "day"),
    "tomorrow but one": ({"day": (datetime.now(UTC) + timedelta(days=3)).date().isoformat()}, 422, "time_in_future"),
    "a source without manifests": ({"source": "other"}, 404, "not_found"),
    "a source that is none": ({"source": "nobody"}, 404, "not_found"),
    "a number that is none": ({"count": -1}, 422, "manifest"),
    "a count as text": ({"count": "1"}, 422, "manifest"),
    "a digest that is none": ({"digest": "x"}, 422, "manifest"),
    "a member more": ({"score": 1}, 422, "manifest"),
    "a type that is not declared": ({"totals": {"task.begun.v1": {"count": 1}}}, 422, "manifest"),
    "a field that is not declared": (
        {"totals": {"task.done.v1": {"count": 1, "sums": {"number": "1"}}}},
        422,
        "manifest",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
async def test_a_manifest_that_cannot_be_is_refused(desk, case):
    changes, status, code = REFUSED[case]
    answer = await put(desk, **changes)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await desk.get("/v1/manifests")).json()["items"] == []


async def test_only_an_account_of_the_source_sends_its_manifest_and_no_manifest_is_not_found(rig, desk):
    stranger = await rig.as_("eve", "integrator", account="other-account")
    answer = await put(stranger)
    assert (answer.status_code, answer.json()["code"]) == (403, "source_scope")
    assert (await desk.get(f"/v1/manifests/desk/{DAY}")).status_code == 404
    await put(desk)
    assert (await desk.get(f"/v1/manifests/desk/{DAY}")).json()["state"] == "matched"
    assert [actor for actor, _ in await rig.audit("manifest")] == ["desk"]


async def test_what_a_source_begins_to_count_later_is_counted_from_the_next_day_on(rig, desk):
    await send(desk, done("a"))
    counting = COUNTING | {"totals": {}}
    await rig.adopt(DOCUMENT | {"sources": {"desk": DESK | {"manifest": counting}}})
    answer = await put(desk, ids=["a"])
    assert (answer.status_code, answer.json()["code"]) == (409, "not_counted")


async def test_a_day_that_has_a_manifest_takes_another_though_what_is_counted_has_changed(rig, desk):
    await send(desk, done("a"))
    await put(desk, ids=["a"])
    await rig.adopt(DOCUMENT | {"sources": {"desk": DESK | {"manifest": COUNTING | {"totals": {}}}}})
    await send(desk, done("b"))
    await rig.admission.tick()
    assert [kind for kind, _ in await told(rig)] == [MISMATCH_OPENED]
    again = await put(desk, ids=["a", "b"])
    assert (again.status_code, again.json()["state"], again.json()["revision"]) == (200, "matched", 2)
    assert [kind for kind, _ in await told(rig)] == [MISMATCH_OPENED, MISMATCH_SETTLED]
    assert (await put(desk, "2021-03-30")).json()["code"] == "not_counted"


async def test_manifests_are_listed_page_by_page(desk):
    for day in range(1, 4):
        await put(desk, f"2021-03-0{day}")
    first = (await desk.get("/v1/manifests?limit=2")).json()
    second = (await desk.get(f"/v1/manifests?limit=2&after={first['next']}")).json()
    assert [one["day"][-1] for one in first["items"] + second["items"]] == ["1", "2", "3"]
    assert second["next"] is None


def test_fewer_events_are_missing_whatever_else_differs():
    manifest = Manifest(count=2, digest="0" * 64)
    assert compare(manifest, {("t", IDS): Total(1)}).state == "missing"
    assert compare(manifest, {("t", IDS): Total(1), ("u", IDS): Total(2)}).state == "surplus"
    assert compare(manifest, {("t", IDS): Total(1), ("u", IDS): Total(1)}).state == "matched"
