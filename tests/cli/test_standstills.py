"""What stands still is not overlooked: status and lag fail and say what is next, until it was tried again."""

import asyncio
import json
import socket
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import replace

from deploy.state import Part
from deploy.table import SERVICES
from dukao import lags
from dukao.exits import Exit
from services.ingest.api.inbound import inbound_router
from shared.messaging.archive import OwnArchive
from shared.messaging.broker import MemoryBroker
from shared.messaging.consumer import Consumer
from shared.messaging.desk import Desk, Outgoing
from shared.web.app import create_app
from shared.web.operations import operations_router, relay_router
from shared.web.tokens import KeyFile, TokenCheck, audience_of
from tests.cli.doors import Doors
from tests.messaging.flow import STREAM, publish, reaches, running
from tests.messaging.test_orders import Stumbling
from tests.waiting import becomes

CONSUMER = "scoring-a"
HALTED = "scoring-a: 1 shards halted (failed: LookupError)"
NEXT = "dukao consumers retry scoring-a --reason WHY"


NAMES = [service.name for service in SERVICES]


class NoTopics:
    """Ingest's desk where no source is in force."""

    async def partitions(self):
        return [], []


def door(doors, exchange, name="scoring", desk=None, *, tokens=None):
    """A service's door."""

    async def ready():
        return {}

    streams, desk = ([STREAM], desk) if desk else ([], Desk(exchange, {}))
    inbound = [inbound_router(NoTopics())] if name == "ingest" else []
    return create_app(
        title=name,
        service=name,
        routers=[relay_router(Outgoing(exchange, streams)), operations_router(desk), *inbound],
        readiness=ready,
        tokens=tokens or doors.tokens(name),
    )


def consumer_of(exchange, broker, handler):
    return Consumer(
        CONSUMER,
        inputs=[STREAM],
        handler=handler,
        exchange=exchange,
        subscription=broker.subscribe(),
        archives={STREAM: OwnArchive(exchange)},
        worker="w1",
    )


@asynccontextmanager
async def others(doors, exchange, *but):
    """Let the other services be there, of which nothing stands still."""
    async with AsyncExitStack() as held:
        for name in NAMES:
            if name not in but:
                await held.enter_async_context(doors.served(name, door(doors, exchange, name)))
        yield


@contextmanager
def hanging(doors, *names):
    """Let services be there that take requests and never answer."""
    with ExitStack() as held:
        for name in names:
            listening = held.enter_context(socket.create_server(("127.0.0.1", 0)))
            doors.tell(Part(name, listening.getsockname()[1], state="ready"))
        yield


async def test_a_halted_shard_fails_status_and_lag_until_it_was_tried_again(exchange, tmp_path):
    doors, broker, handler = Doors(tmp_path), MemoryBroker(), Stumbling((2, 4))
    desk = Desk(exchange, {CONSUMER: {STREAM: OwnArchive(exchange)}})
    consumer = consumer_of(exchange, broker, handler)

    async def halted():
        return [one.shard for one in (await desk.shards())[0] if one.state == "halted"]

    async def none_is():
        return await halted() == []

    await publish(exchange, broker, 60)
    async with (
        others(doors, exchange, "scoring"),
        doors.served("scoring", door(doors, exchange, desk=desk)),
        running(consumer),
    ):
        assert await becomes(halted) == [2]
        for words in (["status"], ["lag"], ["lag", CONSUMER], ["status", "-o", "json"]):
            done = await doors.run(*words)
            assert done.exit_code == Exit.FAILED, done.output
            assert HALTED in done.stderr
            assert NEXT in done.stderr
        assert json.loads(done.stdout)["stands_still"] == [
            {"consumer": CONSUMER, "state": "halted", "count": 1, "reason": "failed: LookupError"}
        ]
        handler.fails.clear()
        assert (await doors.run("consumers", "retry", CONSUMER, "-r", "mended")).exit_code == Exit.OK
        await becomes(none_is)
        await reaches(exchange, 60)
        for words in (["status"], ["lag", CONSUMER]):
            assert (await doors.run(*words)).exit_code == Exit.OK


async def test_what_stands_still_is_told_though_a_part_is_not_ready(exchange, tmp_path):
    doors, broker, handler = Doors(tmp_path), MemoryBroker(), Stumbling((2, 4))
    desk = Desk(exchange, {CONSUMER: {STREAM: OwnArchive(exchange)}})
    consumer = consumer_of(exchange, broker, handler)

    async def halted():
        return [one.shard for one in (await desk.shards())[0] if one.state == "halted"]

    await publish(exchange, broker, 60)
    async with (
        others(doors, exchange, "scoring", "ranking"),
        doors.served("scoring", door(doors, exchange, desk=desk)),
        running(consumer),
    ):
        assert await becomes(halted) == [2]
        for part in (Part("ranking", state="starting"), Part("ranking", state="ready")):
            doors.tell(part)
            for form in ("table", "json"):
                done = await doors.run("status", "-o", form)
                assert done.exit_code == Exit.NOT_RUNNING, done.output
                assert "postgres" in done.stdout
                assert HALTED in done.stderr
                assert NEXT in done.stderr


async def test_a_service_that_refuses_is_silent_and_the_parts_are_shown(exchange, tmp_path):
    doors = Doors(tmp_path)
    keys, audience = KeyFile(doors.issuer.jwks_file), audience_of("ranking")
    elsewhere = TokenCheck(issuer="https://elsewhere.example", audience=audience, keys=keys)
    refusing = door(doors, exchange, "ranking", tokens=elsewhere)
    async with others(doors, exchange, "ranking"), doors.served("ranking", refusing):
        done = await doors.run("status", "-o", "json")
        assert done.exit_code == Exit.NOT_RUNNING, done.output
        assert json.loads(done.stdout)["silent"] == ["ranking"]
        assert "ranking" in done.stderr
        assert "supervision" in (await doors.run("status")).stdout


async def test_services_are_asked_at_once_and_only_those_that_are_ready(exchange, tmp_path):
    doors, asked, both = Doors(tmp_path), set(), asyncio.Event()
    waiting = [door(doors, exchange, name) for name in ("ranking", "notify")]
    for app in waiting:

        @app.middleware("http")
        async def waits(request, answer):
            asked.add(request.app.title)
            if len(asked) == len(waiting):
                both.set()
            await both.wait()
            return await answer(request)

    async with (
        others(doors, exchange, "ranking", "notify", "supervision"),
        doors.served("ranking", waiting[0]),
        doors.served("notify", waiting[1]),
    ):
        with hanging(doors, "supervision"):
            doors.tell(replace(doors.state.read().part("supervision"), state="starting"))
            done = await doors.run("status", "-o", "json")
        assert json.loads(done.stdout)["silent"] == []
        assert done.exit_code == Exit.NOT_RUNNING, done.output


async def test_a_service_that_hangs_is_not_waited_for_long(exchange, tmp_path):
    doors = Doors(tmp_path)
    async with others(doors, exchange, "ranking", "notify"):
        with hanging(doors, "ranking", "notify"):
            done = await doors.run("status", "-o", "json")
    assert done.exit_code == Exit.NOT_RUNNING, done.output
    assert json.loads(done.stdout)["silent"] == ["notify", "ranking"]


def test_where_the_platform_ended_meanwhile_nothing_is_found(tmp_path):
    state = Doors(tmp_path).state
    state.write(replace(state.read(), phase="stopped"))
    found = lags.look(state, NAMES)
    assert (found.found, set(found.silent)) == ([], set(NAMES))
