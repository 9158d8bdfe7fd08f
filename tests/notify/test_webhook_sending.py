"""The worker that sends, on a real PostgreSQL and real TLS: claims, retries, ends, and what is told of them."""

import asyncio
import json
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from services.notify import deliveries, endpoints
from services.notify.contract import DELIVERIES
from services.notify.deliveries import NewDelivery, Wanted
from services.notify.domain.retries import MOST_ATTEMPTS, Kind, Standing
from services.notify.gateway import Gateway
from services.notify.sending import AT_ONCE, AT_ONCE_TO_ONE, Sender
from shared.kernel.shards import SHARDS
from shared.telemetry.fail_points import FAIL_POINTS, InjectedError
from shared.web.development_issuer import ISSUER
from tests.notify.receivers import LOOPBACK, NAME, Scripted, answer, receiving
from tests.waiting import becomes

CREATED = datetime(2021, 3, 1, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEWER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


class Desk:
    """The tables of a service, its workers, and the clock moved by hand."""

    def __init__(self, exchange, authority):
        self.exchange = exchange
        self.resolve = Scripted(["127.0.0.1"])
        self.gateway = Gateway(self.resolve, LOOPBACK, authority.trust())
        self.sender = self.worker("1")

    def worker(self, name):
        return Sender(self.exchange, self.gateway, name)

    async def endpoint(self, code, url, state="on"):
        async with self.exchange.begin(actor="test", action="test") as tx:
            assert await endpoints.add_endpoint(tx, code, url, "", "olga")
            await endpoints.add_secret(tx, code, SECRET, keep_old_hours=0)
            await endpoints.set_state(tx, code, state, "")

    async def deliver(self, *ids, endpoint="oa", kind=Kind.NOTICE):
        new = [NewDelivery(one, endpoint, json.dumps({"id": one}).encode(), CREATED) for one in ids]
        async with self.exchange.begin(actor="test", action="test") as tx:
            await deliveries.add(tx, new, kind)

    async def send(self, sender=None):
        """Send what is due, one after the other; return how each attempt went."""
        sender = sender or self.sender
        replies = []
        while jobs := await sender.take():
            replies += [(await sender.send(job)).outcome.value for job in jobs]
        return replies

    async def run(self, statement, *values):
        async with self.exchange.begin(actor="test", action="test") as tx:
            return [tuple(row) for row in await tx.many(statement, *values)]

    async def due(self):
        """Let the time come at which everything that waits is due."""
        await self.run("UPDATE deliveries SET due = 'epoch' WHERE state = 'waiting'")

    async def states(self):
        return dict(await self.run("SELECT id, state FROM deliveries ORDER BY id"))

    async def attempts(self, delivery):
        async with self.exchange.reading() as tx:
            found = await deliveries.attempts(tx, delivery=delivery, before=1 << 62, limit=100)
        return [(one.number, one.outcome, one.status) for one in reversed(found)]

    async def told(self):
        """Return what was published of deliveries, without the envelope."""
        found = []
        async with self.exchange.reading() as tx:
            for shard in range(SHARDS):
                found += [json.loads(record.body) for record in await tx.read(DELIVERIES, shard, 0, 100)]
        return sorted(
            (one["type"].split(".")[1], one["data"]["delivery"], one["data"]["attempts"]) for one in found
        )


@pytest.fixture
async def desk(service, authority):
    return Desk(service.exchange, authority)


async def test_a_delivery_arrives_once_is_signed_and_is_told(desk, receiver):
    await desk.endpoint("oa", receiver.url)
    await desk.deliver("d1")
    assert await desk.send() == ["delivered"]
    ((_, headers, body),) = receiver.came
    assert headers["webhook-id"] == "d1"
    assert Webhook(SECRET).verify(body, headers) == {"id": "d1"}
    assert await desk.states() == {"d1": "delivered"}
    assert await desk.attempts("d1") == [(1, "delivered", 204)]
    assert await desk.told() == [("delivered", "d1", 1)]
    assert await desk.send() == []


async def test_the_same_delivery_written_again_is_not_sent_again(desk, receiver):
    await desk.endpoint("oa", receiver.url)
    await desk.deliver("d1", "d2")
    await desk.send()
    await desk.deliver("d1", "d2")
    assert await desk.send() == []
    assert sorted(receiver.ids()) == ["d1", "d2"]


async def test_a_failure_waits_and_is_sent_again_with_the_same_id(desk, receiver):
    receiver.answers = [answer(500), answer(503, "retry-after: 600"), answer(200)]
    await desk.endpoint("oa", receiver.url)
    await desk.deliver("d1")
    assert await desk.send() == ["refused"]
    ((wait, failures),) = await desk.run(
        "SELECT extract(epoch FROM due - now())::int, failures FROM deliveries"
    )
    assert (3 <= wait <= 6, failures) == (True, 1)
    assert await desk.send() == [], "not before it is due"
    await desk.due()
    assert await desk.send() == ["refused"]
    ((wait,),) = await desk.run("SELECT extract(epoch FROM due - now())::int FROM deliveries")
    assert 590 <= wait <= 600
    await desk.due()
    assert await desk.send() == ["delivered"]
    assert receiver.ids() == ["d1", "d1", "d1"]
    assert {body for _, _, body in receiver.came} == {b'{"id": "d1"}'}
    assert await desk.attempts("d1") == [(1, "refused", 500), (2, "refused", 503), (3, "delivered", 200)]
    assert await desk.told() == [("delivered", "d1", 3)]


async def test_after_the_last_attempt_it_is_dead_and_a_person_sends_it_again_with_the_same_id(desk, receiver):
    receiver.answers = [answer(500)]
    await desk.endpoint("oa", receiver.url)
    await desk.deliver("d1")
    for _ in range(MOST_ATTEMPTS):
        assert await desk.send() == ["refused"]
        await desk.due()
    assert await desk.send() == []
    assert await desk.states() == {"d1": "dead"}
    assert await desk.told() == [("gave-up", "d1", 10)]
    async with desk.exchange.reading() as tx:
        assert [one.id for one in await deliveries.listed(tx, Wanted("oa", Standing.DEAD), 0, 10)] == ["d1"]
    receiver.answers = [answer(500), answer(200)]
    async with desk.exchange.begin(actor="olga", action="resend") as tx:
        assert await deliveries.resend(tx, "d1")
    assert await desk.send() == ["refused"]
    assert await desk.states() == {"d1": "waiting"}, "the schedule begins anew"
    await desk.due()
    assert await desk.send() == ["delivered"]
    assert set(receiver.ids()) == {"d1"}
    assert await desk.told() == [("delivered", "d1", 12), ("gave-up", "d1", 10)]


async def test_a_receiver_that_is_gone_disables_its_endpoint_and_the_others_wait(desk, receiver):
    receiver.answers = [answer(410)]
    await desk.endpoint("oa", receiver.url)
    await desk.deliver("d1")
    assert await desk.send() == ["refused"]
    await desk.deliver("d2")
    assert await desk.send() == []
    assert await desk.states() == {"d1": "dead", "d2": "waiting"}
    assert await desk.run("SELECT state, reason FROM webhooks") == [
        ("disabled", "The receiver answered 410 Gone.")
    ]
    assert await desk.told() == [("gave-up", "d1", 1)]
    receiver.answers = [answer(204)]
    await desk.run("UPDATE webhooks SET state = 'on'")
    assert await desk.send() == ["delivered"]


async def test_what_a_person_paused_waits_and_stays_paused(desk, receiver):
    await desk.endpoint("oa", receiver.url, state="paused")
    await desk.deliver("d1")
    assert await desk.send() == []
    async with desk.exchange.begin(actor="test", action="test") as tx:
        await endpoints.disable(tx, "oa", "gone")
    assert await desk.run("SELECT state FROM webhooks") == [("paused",)]


async def test_a_name_that_leads_astray_leaves_a_blocked_attempt_and_no_connection(desk, receiver):
    desk.resolve.answers = [["10.0.0.5"], ["127.0.0.1"]]
    await desk.endpoint("oa", receiver.url)
    await desk.deliver("d1")
    assert await desk.send() == ["blocked"]
    assert receiver.connections == 0
    assert await desk.run("SELECT outcome, status, error FROM attempts") == [
        ("blocked", None, "blocked: 10.0.0.5 is private")
    ]
    await desk.due()
    assert await desk.send() == ["delivered"]


async def test_a_worker_that_ended_between_posting_and_settling_is_followed_by_another_attempt(
    desk, receiver, tmp_path
):
    await desk.endpoint("oa", receiver.url)
    await desk.deliver("d1")
    FAIL_POINTS.look_in(tmp_path, issuer=ISSUER)
    try:
        (tmp_path / "notify.after_send").write_text("raise")
        with pytest.raises(InjectedError):
            await desk.send()
    finally:
        FAIL_POINTS.look_in(None, issuer=ISSUER)
    assert await desk.attempts("d1") == [(1, None, None)]
    assert await desk.send(desk.worker("2")) == [], "its claim lasts for a while"
    await desk.run("UPDATE deliveries SET due = now() - interval '1 second'")
    assert await desk.send(desk.worker("2")) == ["delivered"]
    assert receiver.ids() == ["d1", "d1"]
    assert await desk.attempts("d1") == [(1, None, None), (2, "delivered", 204)]
    assert await desk.told() == [("delivered", "d1", 2)]


async def test_an_attempt_that_ends_after_its_lease_counts_only_if_it_arrived(desk, receiver):
    await desk.endpoint("oa", receiver.url)
    await desk.deliver("d1", "d2")
    receiver.answers = [answer(500), answer(200), answer(200)]
    slow, other = desk.worker("slow"), desk.worker("other")
    jobs = {job.delivery.id: job for job in await slow.take()}
    await desk.due()
    again = {job.delivery.id: job for job in await other.take()}
    await slow.send(jobs["d1"])
    assert await desk.states() == {"d1": "waiting", "d2": "waiting"}
    assert await desk.run("SELECT failures FROM deliveries WHERE id = 'd1'") == [(0,)]
    await slow.send(jobs["d2"])
    await other.send(again["d1"])
    receiver.answers = [answer(500)]
    await other.send(again["d2"])
    assert await desk.states() == {"d1": "delivered", "d2": "delivered"}
    assert await desk.attempts("d2") == [(1, "delivered", 200), (2, "refused", 500)]
    assert await desk.told() == [("delivered", "d1", 2), ("delivered", "d2", 1)]


async def test_what_our_own_code_fails_on_is_a_failed_attempt_and_stops_no_other(desk, receiver):
    await desk.endpoint("odd", receiver.url)
    await desk.endpoint("oa", receiver.url)
    await desk.run("UPDATE webhook_secrets SET secret = 'whsec_' WHERE endpoint = 'odd'")
    await desk.deliver("d1", endpoint="odd")
    await desk.deliver("d2")
    assert sorted(await desk.send()) == ["delivered", "failed"]
    assert await desk.run("SELECT error FROM attempts WHERE delivery = 'd1'") == [
        ("internal: EmptyWebhookSecretError",)
    ]
    assert receiver.ids() == ["d2"]


async def test_several_workers_share_what_is_due_and_nothing_is_sent_twice(desk, receiver):
    await desk.endpoint("oa", receiver.url)
    await desk.endpoint("archive", receiver.url)
    ids = [f"d{number:03d}" for number in range(120)]
    await desk.deliver(*ids[:60])
    await desk.deliver(*ids[60:], endpoint="archive")
    workers = [desk.worker(str(number)) for number in range(4)]
    async with asyncio.TaskGroup() as group:
        for worker in workers:
            group.create_task(desk.send(worker))
    assert sorted(receiver.ids()) == ids
    shares = dict(await desk.run("SELECT worker, count(*) FROM attempts GROUP BY worker"))
    assert sum(shares.values()) == 120
    assert len(shares) > 1


async def test_what_came_first_is_claimed_first(desk, receiver):
    await desk.endpoint("oa", receiver.url)
    for number in range(2 * AT_ONCE_TO_ONE):
        await desk.deliver(f"d{number}")
    first = await desk.sender.take()
    assert sorted(job.delivery.id for job in first) == [f"d{number}" for number in range(AT_ONCE_TO_ONE)]


async def test_an_endpoint_that_hangs_leaves_room_for_the_others(desk, authority, receiver):
    async with receiving(authority.serving(NAME)) as hanging:
        hanging.answers = [None]
        await desk.endpoint("slow", hanging.url)
        await desk.endpoint("oa", receiver.url)
        await desk.deliver(*(f"s{number}" for number in range(AT_ONCE)), endpoint="slow")
        await desk.deliver(*(f"d{number}" for number in range(20)))
        running = asyncio.ensure_future(desk.sender.run())
        await becomes(lambda: len(receiver.came) >= 20, 10)
        assert hanging.connections == AT_ONCE_TO_ONE
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


async def test_what_waits_for_an_endpoint_that_is_not_there_is_dead_and_told(desk, receiver):
    await desk.deliver("d1", endpoint="nowhere")
    await desk.deliver("ping-1", endpoint="nowhere", kind=Kind.PING)
    assert await desk.send() == []
    assert await desk.sender.sweep() == 2
    assert await desk.states() == {"d1": "dead", "ping-1": "dead"}
    assert await desk.told() == [("gave-up", "d1", 0)]
    assert await desk.sender.sweep() == 0


async def test_a_ping_is_tried_once_and_nobody_is_told(desk, receiver):
    receiver.answers = [answer(500)]
    await desk.endpoint("oa", receiver.url)
    await desk.deliver("ping-1", kind=Kind.PING)
    assert await desk.send() == ["refused"]
    assert await desk.states() == {"ping-1": "dead"}
    assert await desk.told() == []


async def test_while_secrets_are_rotated_both_sign_and_later_the_new_one_alone(desk, receiver):
    await desk.endpoint("oa", receiver.url)
    async with desk.exchange.begin(actor="olga", action="rotate") as tx:
        await endpoints.add_secret(tx, "oa", NEWER, keep_old_hours=24)
    await desk.deliver("d1")
    await desk.send()
    await desk.run("UPDATE webhook_secrets SET until = now() - interval '1 second' WHERE until IS NOT NULL")
    await desk.deliver("d2")
    await desk.send()
    assert [len(headers["webhook-signature"].split(" ")) for _, headers, _ in receiver.came] == [2, 1]
    for (_, headers, body), secrets in zip(receiver.came, [(SECRET, NEWER), (NEWER,)], strict=True):
        assert all(Webhook(secret).verify(body, headers) for secret in secrets)


async def test_a_secret_that_was_to_end_sooner_is_not_kept_longer_by_another_rotation(desk, receiver):
    await desk.endpoint("oa", receiver.url)
    for hours in (1, 24):
        async with desk.exchange.begin(actor="olga", action="rotate") as tx:
            await endpoints.add_secret(tx, "oa", NEWER, keep_old_hours=hours)
    async with desk.exchange.reading() as tx:
        seen = await endpoints.secrets_seen(tx, "oa")
    assert [one.number for one in seen] == [3, 2, 1]
    left = [(one.until - one.created).total_seconds() / 3600 if one.until else None for one in seen]
    assert left[0] is None
    assert (round(left[1] or 0), round(left[2] or 0)) == (24, 1)
