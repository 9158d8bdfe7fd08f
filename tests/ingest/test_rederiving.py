"""A rebuild makes anew what ingest derives from its archive, and finds each row that is not what it comes to."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dukao.simulator.nation import load
from dukao.simulator.stream import Settings, simulate
from services.ingest import clock
from services.ingest.contract import CLOSES, CONSUMER, FEED_TURNED, NOTICES
from services.ingest.hearing import Hearing
from services.ingest.wiring import COMMANDED, OWN
from shared.contracts import envelope
from shared.contracts.ingest import FeedTurned
from shared.kernel.errors import Refused
from shared.kernel.shards import SHARDS
from shared.messaging.desk import Desk
from shared.runtime.rebuilding import Fold, Rebuilds
from shared.storage.database import open_engine
from shared.storage.exchange import Exchange
from tests.ingest.closes import MARCH, closes, hear
from tests.ingest.rig import TYPES, event, send, serving
from tests.ingest.test_manifests import COUNTING, digest_of
from tests.rebuilds import Kept, begin, rebuilt
from tests.waiting import becomes

FEEDS = {"done": {"types": ["task.done.v1"], "within_minutes": 60}, "all": {"within_minutes": 120}}
DESK = {"title": "Desk", "clients": ["desk-account"], "units": ["11*"], "manifest": COUNTING, "feeds": FEEDS}
FIRST = {"types": TYPES, "sources": {"desk": DESK, "other": {"title": "Other"}}}
SECOND = {"types": TYPES, "sources": {"desk": DESK | {"feeds": {"all": FEEDS["all"]}}}}
THIRD = {
    "types": TYPES,
    "sources": {"desk": DESK, "other": {"title": "Other", "manifest": {"zone": "Europe/Paris"}}},
}
MONTH = Settings(units=98, days=30, rate=1, seed=5)
BEGIN = datetime(2021, 3, 1, 8, tzinfo=UTC)
DAY = "2021-03-01"
DERIVED = {"closed_periods", "conflicts", "countings", "feeds", "keys", "manifests", "moved_days"} | {
    "totals",
    "withdrawn",
}
DAMAGE = {
    "closed_periods": "UPDATE closed_periods SET cut = cut + interval '1 day'",
    "conflicts": "UPDATE conflicts SET withdrawn = NOT withdrawn WHERE id = 1",
    "countings": "UPDATE countings SET since = '2020-01-01' WHERE source = 'other'",
    "feeds": "UPDATE feeds SET since = since - interval '1 day' WHERE feed = 'all'",
    "keys": "DELETE FROM keys WHERE key = (SELECT key FROM keys ORDER BY key LIMIT 1)",
    "manifests": "UPDATE manifests SET state = 'matched' WHERE day = '2021-03-01'",
    "moved_days": "DELETE FROM moved_days",
    "totals": "UPDATE totals SET sum = sum + 1 WHERE field = 'amount' AND day = '2021-03-02'",
    "withdrawn": "DELETE FROM withdrawn",
}
UNTICKED = {"moved_days": 60 * 25}  # the next tick would judge no day by it
SWAPPED = DAMAGE.keys() - {"conflicts", "manifests"}
RESTING = """
    CREATE FUNCTION resting() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
        IF to_regnamespace('{schema}_shadow') IS NOT NULL THEN
            DROP EVENT TRIGGER resting;
            PERFORM set_config('lock_timeout', '0', true);
            PERFORM pg_advisory_xact_lock_shared(1);
        END IF;
    END $$"""
RESTS = "CREATE EVENT TRIGGER resting ON ddl_command_end EXECUTE FUNCTION resting()"
WAITING = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND NOT granted"


def at(minutes):
    return (BEGIN + timedelta(minutes=minutes)).isoformat()


def done(name, minutes, **changes):
    return event(**{"id": name, "number": name, "time": at(minutes)} | changes)


def revised(name, of, revision, minutes, **changes):
    named = {"correctssource": "desk", "correctsid": of, "revision": revision, "number": of}
    return done(name, minutes, **named | changes)


@pytest.fixture(params=[False, True], ids=["live", "replay"])
async def rig(exchange, tmp_path, request):
    """An ingest with two adoptions behind it, feeds, days, corrections, conflicts, and a day that moved."""
    async with serving(exchange, tmp_path, FIRST, replay=request.param) as made:
        await begin(exchange, CONSUMER, [CLOSES])
        await lived(made, live=not request.param)
        yield made


async def lived(rig, *, live):
    desk = await rig.as_("desk", "integrator", account="desk-account")

    async def ticked(minutes):
        """Let the minutes of the database pass; under the replay clock those of the feed do."""
        if live:
            async with rig.exchange.begin(actor="test", action="tick") as tx:
                tx.replay_at(datetime.now(UTC) + timedelta(minutes=minutes))
                assert await clock.tick(tx, rig.admission.catalogue)

    async def bring(*events):
        answer = await send(desk, list(events))
        assert answer.status_code == 200, answer.text
        return [one["status"] for one in answer.json()["results"]]

    async def manifest(day, *ids):
        told = {"count": len(ids), "digest": digest_of(ids)}
        assert (await desk.put(f"/v1/manifests/desk/{day}", json=told)).status_code in {200, 201}

    assert (
        await bring(revised("c0", "late", 20210301, 1), done("a", 2), done("b", 3, subject="1102"))
        == ["created"] * 3
    )
    await manifest(DAY, "a", "b", "c0")
    await ticked(0)
    await ticked(90)
    assert await bring(done("a", 2), done("a", 2, amount="9.00"), done("late", 70)) == [
        "duplicate",
        "conflict",
        "created",
    ]
    await rig.adopt(SECOND)
    assert await bring(done("d", 60 * 24, case="c1"), revised("w", "a", 1, 2, data=...)) == ["created"] * 2
    await manifest("2021-03-02", "d", "nothing")
    await rig.adopt(THIRD)
    assert (
        await bring(done("a", 2, amount="8.00"), done("b", 3, subject="1102", amount="7.00"))
        == ["conflict"] * 2
    )
    olga = await rig.as_("olga", "operator")
    assert (
        await olga.post("/v1/conflicts/3:replay", json={"reason": "the paper says so"})
    ).status_code == 200
    await ticked(300)
    for name in ("t", "e"):
        assert await bring(done(name, 60 * 25, subject="1103")) == ["created"]


async def rebuilds_of(exchange, url, own=OWN):
    async with exchange.reading() as tx:
        ((schema,),) = await tx.execute("SELECT current_schema()")
    kept = Kept()
    kept.records = closes(MARCH)
    return Rebuilds(
        "ingest", url, [Fold(CONSUMER, Hearing, {CLOSES: kept})], COMMANDED, schema=schema, own=own
    )


async def test_all_that_ingest_derives_is_made_anew_and_is_the_same(rig, exchange, postgres_url):
    await hear(exchange, closes(MARCH))
    run = await rebuilt(await rebuilds_of(exchange, postgres_url))
    assert (run.state, run.different, run.chains) == ("same", [], [])
    assert {one.table for one in run.tables} == DERIVED
    assert {one.table for one in run.tables if not one.rows} <= {"moved_days"}
    assert run.applied == run.total > 64
    assert run.copied == list(COMMANDED.tables)


@pytest.mark.parametrize("table", sorted(DAMAGE))
async def test_a_row_that_is_not_what_the_archive_comes_to_is_found_and_replaced(
    rig, exchange, postgres_url, table
):
    await hear(exchange, closes(MARCH))
    rebuilds = await rebuilds_of(exchange, postgres_url)
    async with exchange.begin(actor="test", action="damage") as tx:
        assert await tx.many(f"{DAMAGE[table]} RETURNING 1")
    run = await rebuilt(rebuilds)
    assert (run.state, [one.table for one in run.different]) == ("differs", [table])
    desk = await rig.as_("desk", "integrator", account="desk-account")
    late = done("g", UNTICKED.get(table, 60 * 48), subject="1104")
    assert (await send(desk, late)).status_code == 201
    await Desk(exchange, {CONSUMER: {}}).pause(CONSUMER, range(16), "rebuild", "olga")
    if table not in SWAPPED:
        with pytest.raises(Refused) as refused:
            await rebuilds.swap(run.id, "a disk lied", "olga")
        assert (refused.value.problem.status, refused.value.problem.code) == (409, "nothing_to_swap")
        assert table in refused.value.problem.detail
        return
    assert (await rebuilds.swap(run.id, "a disk lied", "olga")).state == "swapped"
    assert (await rebuilt(rebuilds)).state == "same", "what came since the rebuild is there too"
    assert (await send(desk, late)).json()["status"] == "duplicate"


async def test_a_swap_names_what_it_replaced_and_what_it_left_for_persons_to_mend(
    rig, exchange, postgres_url
):
    await hear(exchange, closes(MARCH))
    rebuilds = await rebuilds_of(exchange, postgres_url)
    async with exchange.begin(actor="test", action="damage") as tx:
        for table in ("keys", "conflicts", "manifests"):
            assert await tx.many(f"{DAMAGE[table]} RETURNING 1")
    run = await rebuilt(rebuilds)
    assert run.left == ["conflicts", "manifests"]
    await Desk(exchange, {CONSUMER: {}}).pause(CONSUMER, range(16), "rebuild", "olga")
    done = await rebuilds.swap(run.id, "a disk lied", "olga")
    assert (done.state, done.left) == ("swapped", ["conflicts", "manifests"])
    assert await rig.audit("rebuilt") == [("olga", "keys: a disk lied")]
    other = await (await rebuilds_of(exchange, postgres_url)).find(run.id)
    assert other.left == done.left, "every worker knows of it"
    assert [one.table for one in (await rebuilt(rebuilds)).different] == done.left

    desk = await rig.as_("desk", "integrator", account="desk-account")
    ids = ("a", "b", "c0")
    told = {"count": len(ids), "digest": digest_of(ids)}
    assert (await desk.put(f"/v1/manifests/desk/{DAY}", json=told)).status_code == 200
    olga = await rig.as_("olga", "operator")
    decided = await olga.post("/v1/conflicts/1:dismiss", json={"reason": "the first is right"})
    assert decided.status_code == 200, decided.text
    assert (await rebuilt(rebuilds)).state == "same"


async def turned(exchange):
    async with exchange.reading() as tx:
        found = [one for shard in range(SHARDS) for one in await tx.read(NOTICES, shard, 0, 1_000)]
    events = [envelope.decode(one.body) for one in found]
    return [one for one in events if one.type == FEED_TURNED and b'"all"' in bytes(one.data)]


async def test_a_feed_that_a_swap_finds_otherwise_than_was_told_is_told_at_the_next_tick(
    rig, exchange, postgres_url
):
    await hear(exchange, closes(MARCH))
    rebuilds = await rebuilds_of(exchange, postgres_url)
    begun = BEGIN + timedelta(hours=25) if rig.admission.replay else datetime.now(UTC) + timedelta(hours=5)

    async def ticked(minutes):
        async with exchange.begin(actor="test", action="tick") as tx:
            tx.replay_at(begun + timedelta(minutes=minutes))
            assert await clock.tick(tx, rig.admission.catalogue)

    async with exchange.begin(actor="test", action="damage") as tx:
        assert await tx.many("UPDATE feeds SET last = '2020-01-01' WHERE feed = 'all' RETURNING 1")
    await ticked(2)
    run = await rebuilt(rebuilds)
    assert [one.table for one in run.different] == ["feeds"]
    await Desk(exchange, {CONSUMER: {}}).pause(CONSUMER, range(16), "rebuild", "olga")
    assert (await rebuilds.swap(run.id, "a disk lied", "olga")).state == "swapped"
    before = await turned(exchange)
    await ticked(4)
    told = (await turned(exchange))[len(before) :]
    assert [envelope.decode_data(one, FeedTurned).state for one in told] == ["fresh"]
    assert (await rebuilt(rebuilds)).state == "same"


async def test_most_of_a_swap_is_folded_while_events_are_still_accepted(rig, exchange, postgres_url):
    await hear(exchange, closes(MARCH))
    desk = await rig.as_("desk", "integrator", account="desk-account")
    folded = []

    async def refold(live, shadow):
        folded.append(0)
        if len(folded) == 2:
            assert (await send(desk, done("i", 60 * 48, subject="1104"))).status_code == 201
        async for count in OWN.refold(live, shadow):
            folded[-1] += count
            yield count

    rebuilds = await rebuilds_of(exchange, postgres_url, replace(OWN, refold=refold))
    async with exchange.begin(actor="test", action="damage") as tx:
        assert await tx.many(f"{DAMAGE['totals']} RETURNING 1")
    run = await rebuilt(rebuilds)
    late = [done(f"i{at}", 60 * 48, subject="1104") for at in range(20)]
    assert (await send(desk, late)).status_code == 200
    await Desk(exchange, {CONSUMER: {}}).pause(CONSUMER, range(16), "rebuild", "olga")
    assert (await rebuilds.swap(run.id, "a disk lied", "olga")).state == "swapped"
    assert folded[1] >= 20 > folded[2]
    assert (await rebuilt(await rebuilds_of(exchange, postgres_url))).state == "same"


@asynccontextmanager
async def rebuilding(exchange, url, rebuilds):
    """Let a rebuild rest while it makes its shadow, past the moment that it compares with; then let it end."""
    async with exchange.begin(actor="test", action="rest") as tx:
        ((schema,),) = await tx.execute("SELECT current_schema()")
        await tx.many(RESTING.format(schema=schema))
        await tx.execute(RESTS)
    engine = open_engine(url, schema, idle_timeout_ms=0)
    async with Exchange(engine, schema).reading() as held:
        await held.many("SELECT pg_advisory_xact_lock(1)")
        ending = asyncio.ensure_future(rebuilt(rebuilds))
        await becomes(lambda: held.many(WAITING))
        yield ending
    await ending
    await engine.dispose()


async def test_what_arrives_while_the_shadow_is_made_is_no_difference(rig, exchange, postgres_url):
    await hear(exchange, closes(MARCH))
    rebuilds = await rebuilds_of(exchange, postgres_url)
    desk = await rig.as_("desk", "integrator", account="desk-account")
    async with rebuilding(exchange, postgres_url, rebuilds) as ending:
        other = await send(desk, [done("b", 3, subject="1102", amount="6.00")])
        assert other.json()["results"][0]["status"] == "conflict"
        told = {"count": 1, "digest": digest_of(["a"])}
        assert (await desk.put(f"/v1/manifests/desk/{DAY}", json=told)).status_code == 200
    run = ending.result()
    assert (run.state, run.different) == ("same", [])


async def test_what_comes_before_a_swap_is_judged_by_what_was_in_force(rig, exchange, postgres_url):
    await hear(exchange, closes(MARCH))
    rebuilds = await rebuilds_of(exchange, postgres_url)
    other = await rig.as_("other", "integrator", account="other-account")
    async with exchange.begin(actor="test", action="damage") as tx:
        assert await tx.many(f"{DAMAGE['totals']} RETURNING 1")
    async with rebuilding(exchange, postgres_url, rebuilds) as ending:
        sent = await send(other, done("o", 60 * 48, source="other", subject="1105"))
        assert sent.status_code == 201, sent.text
        await rig.adopt(FIRST)
    assert [one.table for one in ending.result().different] == ["totals"]
    await Desk(exchange, {CONSUMER: {}}).pause(CONSUMER, range(16), "rebuild", "olga")
    assert (await rebuilds.swap(ending.result().id, "a disk lied", "olga")).state == "swapped"
    assert (await rebuilt(rebuilds)).state == "same"


async def test_an_archive_whose_digests_part_is_no_ground_to_rebuild_on(rig, exchange, postgres_url):
    rebuilds = await rebuilds_of(exchange, postgres_url)
    async with exchange.begin(actor="test", action="damage") as tx:
        await tx.many(
            "UPDATE stream_shards SET chain = sha256('') WHERE stream = 'ingest.accepted' AND shard = 5"
        )
    run = await rebuilds.start("olga")
    task = asyncio.ensure_future(rebuilds.run())
    await becomes(lambda: run.state == "failed")
    task.cancel()
    await asyncio.wait({task})
    assert "ingest.accepted/5" in run.detail


@pytest.mark.parametrize("replay", [False, True], ids=["live", "replay"])
async def test_what_a_simulated_administration_sends_is_made_anew(exchange, tmp_path, postgres_url, replay):
    nation = load()
    promised = {"manifest": {"zone": "Asia/Shanghai"}, "feeds": {"all": FEEDS["all"]}}
    sources = {name: spec | promised for name, spec in nation.types["sources"].items()}
    events = list(simulate(MONTH, nation))
    async with serving(exchange, tmp_path, nation.types | {"sources": sources}, replay=replay) as rig:
        await begin(exchange, CONSUMER, [CLOSES])
        integrator = await rig.as_("all", "integrator")
        statuses = set()
        for start in range(0, len(events), 500):
            answer = await send(integrator, events[start : start + 500])
            statuses |= {one["status"] for one in answer.json()["results"]}
        assert statuses >= {"created", "duplicate"}
        await hear(exchange, closes(MARCH))
        run = await rebuilt(await rebuilds_of(exchange, postgres_url))
    assert (run.state, run.different) == ("same", [])
    assert {one.table for one in run.tables if one.rows} >= {"keys", "withdrawn", "totals", "feeds"}
