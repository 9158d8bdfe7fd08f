"""Closing while ranking is behind, away or without its database: it is said, nothing is closed, and it goes on."""

import json
from contextlib import AsyncExitStack

from dukao.exits import Exit
from services.ranking.hearing import Notices
from services.scoring.cut_api import cuts_router
from shared.messaging.archive import OwnArchive
from shared.storage.database import open_engine
from shared.storage.exchange import Exchange
from shared.web.app import create_app
from tests.cli.doors import Doors
from tests.ranking.closings import Persons, app_of
from tests.ranking.rig import service
from tests.scoring.cuts import begun
from tests.scoring.test_stages import scoring

__all__ = ["scoring", "service"]

PROPOSED = ("close", "propose", "mini", "2021-03", "--reason", "季度关账")
NOBODY = "postgresql+asyncpg://nobody@127.0.0.1:9/none"


def of_scoring(doors, exchange):
    async def ready():
        return {}

    return create_app(
        title="scoring",
        service="scoring",
        routers=[cuts_router(exchange)],
        readiness=ready,
        tokens=doors.tokens("scoring"),
    )


def of_ranking(doors, exchange):
    return app_of(exchange, Notices(exchange, OwnArchive(exchange), 1), doors.tokens("ranking"))


async def closed(exchange):
    async with exchange.reading() as tx:
        return [tuple(row) for row in await tx.execute("SELECT period, state FROM close_requests")]


async def test_a_close_that_is_asked_for_while_ranking_is_behind_or_away_is_made_when_it_is_back(
    service, scoring, tmp_path
):
    doors = Doors(tmp_path)
    exchange, _ = await begun(scoring)
    persons = Persons(service, None, doors.issuer)
    await persons.begin()
    engine = open_engine(NOBODY, "ranking")
    ways = {
        "behind": (of_ranking(doors, service.exchange), Exit.REFUSED, "cut_open"),
        "away": (None, Exit.NOT_RUNNING, "ranking does not answer"),
        "without its database": (of_ranking(doors, Exchange(engine, "ranking")), Exit.REFUSED, "storage"),
    }
    async with doors.served("scoring", of_scoring(doors, exchange)):
        for way, (app, ends, said) in ways.items():
            async with AsyncExitStack() as open_doors:
                if app is not None:
                    await open_doors.enter_async_context(doors.served("ranking", app))
                done = await doors.run(*PROPOSED)
                assert (done.exit_code, said in done.stderr) == (ends, True), (way, done.output)
                waits = await doors.run("close", "waits", "mini", "-o", "json")
                assert waits.exit_code == Exit.OK, (way, waits.output)
                assert [one["period"] for one in json.loads(waits.stdout)["cuts"]] == ["2100-01"]
                assert ("days that differ is not shown" in waits.stderr) == (way != "behind"), way
            assert await closed(service.exchange) == []
        await persons.cut()
        async with doors.served("ranking", of_ranking(doors, service.exchange)):
            asked = await doors.run(*PROPOSED, "-o", "json")
            assert asked.exit_code == Exit.OK, asked.output
            request = json.loads(asked.stdout)["id"]
            done = await doors.run("close", "approve", request, "--reason", "核对无误")
            assert done.exit_code == Exit.OK, done.output
        assert await closed(service.exchange) == [("2021-03", "approved")]
    await engine.dispose()
