"""Feeds go stale and fresh at ticks, by what was received; every shard is told once per change."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from services.ingest.contract import ACCEPTED, FEED_FRESH, FEED_STALE
from services.ingest.domain.feeds import FeedState, at_tick, due_after, works
from services.ingest.domain.sources import FeedSpec, WorkingHours
from services.ingest.wiring import _tick
from shared.contracts.envelope import decode
from shared.kernel.shards import SHARDS
from tests.ingest.rig import TYPES, event, serving

OFFICE = WorkingHours(zone="Asia/Shanghai", opens="08:30", closes="17:30")


def local(text):
    return datetime.fromisoformat(f"{text}+08:00")


def due(base, minutes, **hours):
    spec = FeedSpec(within_minutes=minutes, hours=OFFICE.model_copy(update=hours))
    return due_after(spec, local(base)).astimezone(local(base).tzinfo).isoformat(timespec="minutes")[:16]


def test_only_working_minutes_count_where_there_are_working_hours():
    assert due("2021-03-05T10:00", 60) == "2021-03-05T11:00"
    assert due("2021-03-05T17:00", 60) == "2021-03-08T09:00"
    assert due("2021-03-05T17:30", 60) == "2021-03-08T09:30"
    assert due("2021-03-06T12:00", 60) == "2021-03-08T09:30"
    assert due("2021-03-05T07:00", 9 * 60) == "2021-03-05T17:30"
    closed = tuple(datetime(2021, 5, day, tzinfo=UTC).date() for day in (3, 4, 5))
    assert due("2021-04-30T17:00", 60, closed=closed) == "2021-05-06T09:00"
    worked = (datetime(2021, 5, 8, tzinfo=UTC).date(),)
    assert due("2021-05-07T17:00", 60, worked=worked) == "2021-05-08T09:00"
    assert due_after(FeedSpec(within_minutes=60), local("2021-03-05T17:00")) == local("2021-03-05T18:00")


def test_a_day_until_24_00_ends_at_midnight_and_a_short_day_is_as_long_as_it_is():
    round_the_clock = WorkingHours(zone="America/New_York", days=("sun", "mon"))
    spec = FeedSpec(within_minutes=24 * 60, hours=round_the_clock)
    begin = datetime(2021, 3, 14, 5, tzinfo=UTC)  # midnight of the day that has 23 hours
    assert due_after(spec, begin) == begin + timedelta(hours=24)


@given(
    st.integers(0, 60 * 24 * 400),
    st.integers(1, 31 * 24 * 60),
    st.sets(st.sampled_from(["mon", "wed", "sat"]), min_size=1),
)
def test_what_is_due_is_due_within_working_hours_and_later_for_later_events(minute, within, days):
    hours = OFFICE.model_copy(update={"days": tuple(sorted(days))})
    spec = FeedSpec(within_minutes=within, hours=hours)
    base = local("2021-01-01T00:00") + timedelta(minutes=minute)
    reached = due_after(spec, base)
    assert reached >= base + timedelta(minutes=within)
    at = reached.astimezone(local("2021-01-01T00:00").tzinfo)
    assert works(hours, at.date())
    assert "08:30" < at.strftime("%H:%M") <= "17:30"
    assert due_after(spec, base + timedelta(minutes=7)) >= reached


def test_a_feed_waits_from_the_first_tick_that_knows_of_it():
    spec, begin = FeedSpec(within_minutes=10), local("2021-03-05T10:00")
    state = FeedState()
    seen = []
    for minute in range(0, 31, 5):
        if minute == 15:
            state = FeedState(state.since, begin + timedelta(minutes=14), state.due, state.stale)
        state = at_tick(spec, state, begin + timedelta(minutes=minute))
        seen.append(state.stale)
    assert seen == [False, False, True, False, False, True, True]


FEEDS = {
    "done": {"title": "Done", "types": ["task.done.v1"], "within_minutes": 60},
    "all": {"within_minutes": 120},
}
DOCUMENT = {"types": TYPES, "sources": {"desk": {"title": "Desk", "feeds": FEEDS}, "other": {"title": "O"}}}
BEGIN = datetime(2021, 3, 1, 8, tzinfo=UTC)


@pytest.fixture
async def replaying(exchange, tmp_path):
    async with serving(exchange, tmp_path, DOCUMENT, replay=True) as made:
        yield made


async def bring(rig, number, *, source="desk", type_="task.done.v1", **after):
    at = (BEGIN + timedelta(**after)).isoformat()
    made = event(id=f"e{number}", number=f"n{number}", source=source, type=type_, time=at)
    (answer,) = await rig.admission.commit(await rig.admission.judge([made]))
    assert answer.problem is None


async def told(rig):
    """Return what the shards were told of feeds, which is the same in all of them."""
    found = []
    async with rig.exchange.reading() as tx:
        for shard in range(SHARDS):
            events = [decode(record.body) for record in await tx.read(ACCEPTED, shard, 0, 1000)]
            data = [(e.type, bytes(e.data)) for e in events if e.type in {FEED_STALE, FEED_FRESH}]
            found.append(data)
            assert [e.received for e in events] == sorted(e.received for e in events)
    assert found == [found[0]] * SHARDS
    return [(kind, data.split(b'"feed":"')[1].split(b'"')[0].decode()) for kind, data in found[0]]


async def test_under_the_replay_clock_feeds_follow_the_feed(replaying):
    await bring(replaying, 1)
    await bring(replaying, 2, source="other", minutes=59)
    assert await told(replaying) == []
    await bring(replaying, 3, source="other", minutes=60)
    await bring(replaying, 4, source="other", minutes=90)
    assert await told(replaying) == [(FEED_STALE, "done")]
    await bring(replaying, 5, type_="task.begun.v1", minutes=100)
    await bring(replaying, 6, minutes=101)
    assert await told(replaying) == [(FEED_STALE, "done"), (FEED_FRESH, "done")]
    await bring(replaying, 7, source="other", days=2)
    assert sorted((await told(replaying))[2:]) == [(FEED_STALE, "all"), (FEED_STALE, "done")]
    reader = await replaying.as_("rita", "reader")
    feeds = (await reader.get("/v1/feeds")).json()["items"]
    assert [(one["feed"], one["state"], one["last"]) for one in feeds] == [
        ("all", "stale", "2021-03-01T09:41:00.000000Z"),
        ("done", "stale", "2021-03-01T09:41:00.000000Z"),
    ]
    assert feeds[1]["due"] == "2021-03-01T10:41:00.000000Z"
    assert (await reader.get("/v1/feeds?source=other")).json() == {"items": []}


async def test_a_feed_that_a_newer_catalogue_leaves_out_has_no_state(replaying):
    await bring(replaying, 1)
    await bring(replaying, 2, source="other", days=1)
    await replaying.adopt(DOCUMENT | {"sources": DOCUMENT["sources"] | {"desk": {"title": "Desk"}}})
    await bring(replaying, 3, days=2)
    assert len(await told(replaying)) == 2
    await replaying.adopt(DOCUMENT)
    await bring(replaying, 4, source="other", days=3)
    assert len(await told(replaying)) == 2
    reader = await replaying.as_("rita", "reader")
    assert {one["state"] for one in (await reader.get("/v1/feeds")).json()["items"]} == {"fresh"}


async def test_live_feeds_are_judged_by_the_ticks_of_the_database(exchange, tmp_path):
    async with serving(exchange, tmp_path, DOCUMENT) as rig:
        reader = await rig.as_("rita", "reader")
        assert {one["state"] for one in (await reader.get("/v1/feeds")).json()["items"]} == {"waiting"}
        await bring(rig, 1)
        await rig.admission.tick()
        feeds = (await reader.get("/v1/feeds")).json()["items"]
        assert {one["state"] for one in feeds} == {"fresh"}
        last = datetime.fromisoformat(feeds[1]["last"])
        assert datetime.fromisoformat(feeds[1]["due"]) == last + timedelta(hours=1)
        assert await told(rig) == []


async def test_how_many_feeds_are_silent_is_a_gauge_after_each_look_at_the_clock(exchange, tmp_path):
    async with serving(exchange, tmp_path, DOCUMENT) as live:
        await _tick(live.admission)
        assert REGISTRY.get_sample_value("dukao_feeds_stale") == 0
        async with exchange.begin(actor="test", action="later") as tx:
            await tx.execute("UPDATE feeds SET stale = feed = 'done'")
        await _tick(live.admission)
        assert REGISTRY.get_sample_value("dukao_feeds_stale") == 1
