"""What stands still is not overlooked: status and lag fail and say what is next, until it was tried again."""

import json

from dukao.exits import Exit
from shared.messaging.archive import OwnArchive
from shared.messaging.broker import MemoryBroker
from shared.messaging.consumer import Consumer
from shared.messaging.desk import Desk, Outgoing
from shared.web.app import create_app
from shared.web.operations import operations_router, relay_router
from tests.cli.doors import Doors
from tests.messaging.flow import STREAM, publish, reaches, running
from tests.messaging.test_orders import Stumbling
from tests.waiting import becomes

CONSUMER = "scoring-a"
HALTED = "scoring-a: 1 shards halted (failed: LookupError)"
NEXT = "dukao consumers retry scoring-a --reason WHY"


def door(doors, exchange, desk):
    async def ready():
        return {}

    return create_app(
        title="scoring",
        service="scoring",
        routers=[relay_router(Outgoing(exchange, [STREAM])), operations_router(desk)],
        readiness=ready,
        tokens=doors.tokens("scoring"),
    )


async def test_a_halted_shard_fails_status_and_lag_until_it_was_tried_again(exchange, tmp_path):
    doors, broker, handler = Doors(tmp_path), MemoryBroker(), Stumbling((2, 4))
    archives = {STREAM: OwnArchive(exchange)}
    desk = Desk(exchange, {CONSUMER: archives})
    consumer = Consumer(
        CONSUMER,
        inputs=[STREAM],
        handler=handler,
        exchange=exchange,
        subscription=broker.subscribe(),
        archives=archives,
        worker="w1",
    )

    async def halted():
        return [one.shard for one in (await desk.shards())[0] if one.state == "halted"]

    async def none_is():
        return await halted() == []

    await publish(exchange, broker, 60)
    async with doors.served("scoring", door(doors, exchange, desk)), running(consumer):
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
        done = await doors.run("status")
        assert done.exit_code == Exit.OK, done.output
        silent = [line.rpartition(": ")[2] for line in done.stderr.splitlines() if "does not answer" in line]
        assert silent == ["ingest", "notify", "ranking", "supervision"]
        assert (await doors.run("lag", CONSUMER)).exit_code == Exit.OK
