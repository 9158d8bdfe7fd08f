"""Operators' orders: rest, retry, and skip by two persons; obeyed by every worker and after every restart."""

import asyncio

import pytest

from shared.kernel.digests import sha256_hex
from shared.kernel.errors import Refused, Unavailable
from shared.messaging.archive import TIMEOUT_S, OwnArchive
from shared.messaging.consumer import Limits
from shared.messaging.desk import Desk
from shared.messaging.lookout import Patience
from shared.messaging.relay import Relay
from tests.messaging.flow import (
    CONSUMER,
    STREAM,
    Tally,
    applied,
    consumer_of,
    everything,
    fill,
    publish,
    reaches,
    running,
)
from tests.messaging.test_faults import halts, rewrite
from tests.waiting import becomes

ALL = range(16)
LOOKS_SOON = Limits(patience=Patience(again_s=0.1))


class Stumbling(Tally):
    """Fails at the records named until it is mended."""

    def __init__(self, *fails):
        super().__init__()
        self.fails = set(fails)

    async def __call__(self, tx, batch):
        if self.fails & {(record.shard, record.number) for record in batch}:
            raise LookupError("a mistake of ours")
        return await super().__call__(tx, batch)


async def refused(awaited, status, code):
    with pytest.raises(Refused) as caught:
        await awaited
    assert (caught.value.problem.status, caught.value.problem.code) == (status, code)


async def states(desk):
    shards, _ = await desk.shards()
    return {one.shard: (one.applied, one.lag, one.state) for one in shards if one.newest}


async def shows(desk, expected):
    async def there():
        return await states(desk) == expected

    try:
        await becomes(there)
    except TimeoutError:
        assert await states(desk) == expected


async def heard(consumer):
    async def rests():
        return consumer._standing.paused == {1, 3}

    await becomes(rests)


async def closed(desk, order):
    async def there():
        return (await desk.orders(order - 1, 1))[0].closed is not None

    await becomes(there)


async def record_at(exchange, shard, number):
    (record,) = await OwnArchive(exchange).read(STREAM, shard, number - 1, 1)
    return {
        "consumer": CONSUMER,
        "stream": STREAM,
        "shard": shard,
        "number": number,
        "digest": sha256_hex(record.body),
    }


async def test_a_pause_is_obeyed_at_the_next_beat_and_after_a_restart_and_keeps_the_leases(
    exchange, broker, desk
):
    async with running(Relay(exchange, broker, [STREAM], "w1")):
        consumer = consumer_of(exchange, broker)
        async with running(consumer):
            await fill(exchange, 60)
            await reaches(exchange, 60)
            paused = await desk.pause(CONSUMER, [1, 3], "the disk is exchanged", "olga")
            assert [order.partition for order in paused] == [1, 3]
            await shows(desk, {s: (12, 0, "paused" if s in {1, 3} else "running") for s in range(5)})
            await heard(consumer)
            await fill(exchange, 80, start=60)
            await shows(desk, {s: (12, 4, "paused") if s in {1, 3} else (16, 0, "running") for s in range(5)})
        restarted = consumer_of(exchange, broker)
        async with running(restarted):
            await fill(exchange, 100, start=80)
            await shows(desk, {s: (12, 8, "paused") if s in {1, 3} else (20, 0, "running") for s in range(5)})
            assert len(restarted.leases.held) == 16
            await desk.resume(CONSUMER, ALL, "done", "otto")
            await reaches(exchange, 100)
    assert [(one.outcome, one.person, one.closer) for one in await desk.orders(0, 9)] == [
        ("resumed", "olga", "otto")
    ] * 2
    async with exchange.reading() as tx:
        audit = await tx.execute("SELECT actor, detail FROM audit WHERE action IN ('pause', 'resume')")
    assert [tuple(row) for row in audit] == [
        ("olga", "tally [1, 3]: the disk is exchanged"),
        ("otto", f"tally {list(ALL)}: done"),
    ]


async def test_what_is_no_order_is_refused(exchange, broker, desk):
    async with running(consumer_of(exchange, broker)):
        await refused(desk.resume(CONSUMER, ALL, "why", "olga"), 409, "not_paused")
        await desk.pause(CONSUMER, ALL, "why", "olga")
        await refused(desk.pause(CONSUMER, ALL, "why", "olga"), 409, "already_paused")
        await refused(desk.retry(CONSUMER, (None, None), "why", "olga"), 409, "not_halted")
        await refused(desk.pause("nobody", ALL, "why", "olga"), 404, "not_found")


async def test_a_halted_shard_is_tried_again_after_a_fix_and_halts_again_without_one(exchange, broker, desk):
    handler = Stumbling((2, 4))
    consumer = consumer_of(exchange, broker, handler=handler)
    await publish(exchange, broker, 60)
    async with running(consumer):
        await halts(consumer, (2, "failed: LookupError"))
        await shows(desk, {s: (3, 9, "halted") if s == 2 else (12, 0, "running") for s in range(5)})
        for fixed in (False, True):
            if fixed:
                handler.fails.clear()
            (order,) = await desk.retry(CONSUMER, (None, None), "deployed 1.2", "olga")
            assert (order.shard, order.number) == (2, 4)
            await closed(desk, order.id)
            await shows(
                desk,
                {s: (3, 9, "halted") if s == 2 and not fixed else (12, 0, "running") for s in range(5)},
            )
        assert list(consumer.halts) == []
    assert await applied(exchange) == everything(60)
    async with exchange.reading() as tx:
        audit = await tx.execute(
            "SELECT action, detail FROM audit WHERE action IN ('halts', 'retried') ORDER BY id"
        )
    shown = [tuple(row) for row in audit]
    tried = [at for at, (action, _) in enumerate(shown) if action == "retried"]
    assert [shown[at - 1] for at in tried] == [("halts", "tally 0 shards")] * 2


async def test_a_rewritten_record_is_never_skipped_and_is_refilled_from_the_archive(
    exchange, broker, desk, skips
):
    await publish(exchange, broker, 60)
    rewrite(broker, 2, at=3)
    consumer = consumer_of(exchange, broker)
    async with running(consumer):
        await halts(consumer, (2, "rewritten"))
        await shows(desk, {s: (3, 9, "halted") if s == 2 else (12, 0, "running") for s in range(5)})
        target = await record_at(exchange, 2, 4)
        await refused(skips.ask(target, "why", "olga"), 409, "not_skippable")
        await desk.retry(CONSUMER, (STREAM, 2), "the topic was tampered with", "olga")
        await reaches(exchange, 60)
    restarted = consumer_of(exchange, broker)
    async with running(restarted):
        await shows(desk, dict.fromkeys(range(5), (12, 0, "running")))
        assert list(restarted.halts) == []


async def test_two_persons_skip_exactly_one_record_and_it_is_shown_for_good(exchange, broker, desk, skips):
    await publish(exchange, broker, 60)
    consumer = consumer_of(exchange, broker, handler=Stumbling((2, 4)))
    async with running(consumer):
        await shows(desk, {s: (3, 9, "halted") if s == 2 else (12, 0, "running") for s in range(5)})
        (halted,) = [one for one in (await desk.shards())[0] if one.state == "halted"]
        target = await record_at(exchange, 2, 4)
        assert (halted.halted_at, halted.digest) == (4, target["digest"])
        await refused(skips.ask(target | {"number": 99}, "why", "olga"), 404, "not_found")
        await refused(skips.ask(target | {"number": 5}, "why", "olga"), 409, "digest_changed")
        await refused(skips.ask(await record_at(exchange, 2, 5), "why", "olga"), 409, "not_halted")
        order = await skips.ask(target, "its unit was dissolved", "olga")
        await refused(skips.ask(target, "again", "otto"), 409, "already_asked")
        await refused(skips.approve(order.id, target["digest"], "olga"), 403, "same_person")
        await refused(skips.approve(order.id, "0" * 64, "otto"), 409, "digest_changed")
        await refused(skips.approve(order.id + 1, target["digest"], "otto"), 404, "not_found")
        approved = await skips.approve(order.id, target["digest"], "otto")
        assert (approved.person, approved.approver) == ("olga", "otto")
        await refused(skips.approve(order.id, target["digest"], "otto"), 409, "already_approved")
        await refused(skips.withdraw(order.id, "olga"), 409, "already_approved")
        await shows(desk, dict.fromkeys(range(5), (12, 0, "running")))
    assert await applied(exchange) == [place for place in everything(60) if place != (2, 4)]
    async with running(consumer_of(exchange, broker)):
        await fill(exchange, 65, start=60)
        async with running(Relay(exchange, broker, [STREAM], "w1")):
            await shows(desk, dict.fromkeys(range(5), (13, 0, "running")))
    (kept,) = await desk.orders(0, 9)
    assert (kept.number, kept.digest, kept.outcome) == (4, target["digest"], "skipped")
    async with exchange.reading() as tx:
        audit = await tx.execute("SELECT actor FROM audit WHERE action LIKE 'skip%' ORDER BY id")
        chains = await tx.execute(
            "SELECT count(*) FROM positions p JOIN stream_shards s USING (stream, shard, number, chain) "
            "WHERE consumer = 'tally' AND p.number > 0"
        )
    assert [row.actor for row in audit] == ["olga", "otto"]
    assert chains[0][0] == 5


async def test_an_order_to_skip_ends_unless_it_is_approved_in_time(exchange, broker, desk, skips):
    await publish(exchange, broker, 60)
    consumer = consumer_of(exchange, broker, handler=Stumbling((2, 4)))
    async with running(consumer):
        await shows(desk, {s: (3, 9, "halted") if s == 2 else (12, 0, "running") for s in range(5)})
        target = await record_at(exchange, 2, 4)
        first = await skips.ask(target, "why", "olga")
        async with exchange.begin(actor="test", action="later") as tx:
            await tx.execute("UPDATE orders SET at = at - interval '25 hours'")
        await refused(skips.approve(first.id, target["digest"], "otto"), 410, "expired")
        second = await skips.ask(target, "why", "olga")
        await refused(skips.approve(first.id, target["digest"], "otto"), 410, "expired")
        await skips.withdraw(second.id, "olga")
        await refused(skips.approve(second.id, target["digest"], "otto"), 409, "closed")
        assert await applied(exchange) == [p for p in everything(60) if p[0] != 2 or p[1] < 4]


async def test_an_order_for_another_content_is_not_obeyed(exchange, broker, desk, skips):
    await publish(exchange, broker, 60)
    consumer = consumer_of(exchange, broker, handler=Stumbling((2, 4)))
    async with running(consumer):
        await halts(consumer, (2, "failed: LookupError"))
        await shows(desk, {s: (3, 9, "halted") if s == 2 else (12, 0, "running") for s in range(5)})
        target = await record_at(exchange, 2, 4)
        order = await skips.ask(target, "why", "olga")
        async with exchange.begin(actor="test", action="tamper") as tx:
            await tx.execute("UPDATE orders SET digest = sha256('other')")
            await tx.execute("UPDATE orders SET approver = 'otto'")
        await refused(skips.approve(order.id, target["digest"], "otto"), 409, "already_approved")
        await fill(exchange, 65, start=60)
        async with running(Relay(exchange, broker, [STREAM], "w1")):
            await shows(desk, {s: (3, 10, "halted") if s == 2 else (13, 0, "running") for s in range(5)})
    assert (2, 4) not in await applied(exchange)


async def test_a_shards_last_record_lost_by_the_broker_is_noticed(exchange, broker, desk):
    await publish(exchange, broker, 60)
    async with running(Relay(exchange, broker, [STREAM], "w1")):
        await shows_published(exchange, 12)
    for records in broker.records.values():
        del records[-1]
    async with running(consumer_of(exchange, broker, limits=LOOKS_SOON)):
        await reaches(exchange, 60)


class Busy:
    """A subscription that never brings nothing: it repeats what it brought first."""

    def __init__(self, subscription):
        self._subscription = subscription
        self._first = []

    async def assign(self, offsets):
        await self._subscription.assign(offsets)

    async def poll(self, limit):
        found = await self._subscription.poll(limit)
        self._first = self._first or found[:1]
        return found or self._first

    async def close(self):
        await self._subscription.close()


async def test_a_shards_last_record_lost_by_the_broker_is_noticed_while_others_come(exchange, broker):
    await publish(exchange, broker, 60)
    async with running(Relay(exchange, broker, [STREAM], "w1")):
        await shows_published(exchange, 12)
    for records in broker.records.values():
        del records[-1]
    consumer = consumer_of(exchange, broker, limits=Limits(patience=Patience(every_s=0.1, still_s=0.2)))
    consumer._subscription = Busy(consumer._subscription)
    async with running(consumer):
        await reaches(exchange, 60)


class Hanging(Busy):
    """A subscription that brings nothing until it is assigned anew."""

    assigned = 0

    async def assign(self, offsets):
        self.assigned += 1
        await super().assign(offsets)

    async def poll(self, limit):
        return await self._subscription.poll(limit) if self.assigned > 1 else []


class Leaving(OwnArchive):
    """An archive of which nothing is read once it is away."""

    is_away = False

    async def read(self, stream, shard, after, limit):
        if self.is_away:
            raise Unavailable("away")
        return await super().read(stream, shard, after, limit)


async def test_a_client_that_brings_nothing_of_what_was_sent_is_read_anew(exchange, broker):
    await publish(exchange, broker, 60)
    archive = Leaving(exchange)
    consumer = consumer_of(exchange, broker, archive=archive, limits=LOOKS_SOON)
    consumer._subscription = Hanging(consumer._subscription)
    async with running(Relay(exchange, broker, [STREAM], "w1"), consumer):
        await reaches(exchange, 60)

        async def anew():
            return consumer._subscription.assigned > 1

        await becomes(anew)
        archive.is_away = True
        await fill(exchange, 80, start=60)
        await reaches(exchange, 80)


async def shows_published(exchange, number):
    async def there():
        reached = await OwnArchive(exchange).reached(STREAM)
        return {at.published for at in reached.values()} == {number}

    await becomes(there)


async def test_what_the_relay_has_not_sent_is_not_missing(exchange, broker):
    await fill(exchange, 60)
    consumer = consumer_of(exchange, broker, limits=LOOKS_SOON)
    await consumer._beat()
    await consumer._work_until_next_beat()
    assert await applied(exchange) == []


class Together:
    """An archive that answers as soon as all are asked, and like one that hangs if they are not."""

    def __init__(self, asked, all_asked):
        self._asked, self._all_asked = asked, all_asked

    async def reached(self, stream):
        self._asked.discard(stream)
        if not self._asked:
            self._all_asked.set()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await self._all_asked.wait()
        except TimeoutError:
            raise Unavailable("hangs") from None
        return {}


async def test_the_desk_waits_for_archives_that_hang_no_longer_than_for_one(exchange):
    streams = [f"scoring.s{n}" for n in range(3)]
    together = Together(set(streams), asyncio.Event())
    _, silent = await Desk(exchange, {CONSUMER: dict.fromkeys(streams, together)}).shards()
    assert silent == []
