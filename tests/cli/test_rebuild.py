"""Rebuilding from the command line, over the real door of a service's rebuilds."""

import asyncio
import json

import pytest

from dukao.exits import Exit
from services.ingest.contract import CLOSES, CONSUMER
from services.ingest.hearing import Hearing
from services.ingest.migrations.ingest_0001 import TABLES
from services.ingest.wiring import COMMANDED, OWN
from shared.messaging.desk import Desk
from shared.runtime.rebuilding import Fold, Rebuilds
from shared.web.app import create_app
from shared.web.rebuilds import rebuilds_router
from tests.cli.doors import Doors
from tests.ingest.closes import MARCH, QUARTER, closes, hear
from tests.rebuilds import Kept, begin

STAY = "differ and stay, as others told what is in them:"
WITHDRAWN_BY_NOBODY = """
    INSERT INTO conflicts (why, source, event_id, shard, number, body, content, times, withdrawn)
    VALUES ('id', 'desk', 'a', 0, 1, '{}', '', 1, true)"""
SWAP = ("rebuild", "ingest", "--swap", "--reason", "a disk lied")


@pytest.fixture
async def rebuilds(exchange, postgres_url):
    """The rebuilds of an ingest to which two periods are closed."""
    async with exchange.begin(actor="test", action="tables") as tx:
        for statement in TABLES:
            await tx.execute(statement)
        ((schema,),) = await tx.execute("SELECT current_schema()")
    kept = Kept()
    kept.records = closes(MARCH, QUARTER)
    await begin(exchange, CONSUMER, [CLOSES])
    await hear(exchange, kept.records)
    folds = [Fold(CONSUMER, Hearing, {CLOSES: kept})]
    made = Rebuilds("ingest", postgres_url, folds, COMMANDED, schema=schema, own=OWN)
    task = asyncio.ensure_future(made.run())
    yield made
    task.cancel()
    await asyncio.wait({task})


def door(doors, rebuilds):
    async def ready():
        return {}

    return create_app(
        title="ingest",
        service="ingest",
        routers=[rebuilds_router(rebuilds)],
        readiness=ready,
        tokens=doors.tokens("ingest"),
    )


async def test_what_is_swapped_is_one_document_and_what_is_not_confirmed_stays(rebuilds, exchange, tmp_path):
    doors = Doors(tmp_path)
    async with doors.served("ingest", door(doors, rebuilds)):
        found = await doors.run("rebuild", "ingest")
        assert (found.exit_code, "same" in found.stdout) == (Exit.OK, True)
        assert "no event makes them: catalogues, inbound, inbound_told, refusals" in found.stdout
        async with exchange.begin(actor="test", action="damage") as tx:
            await tx.execute(
                "UPDATE closed_periods SET cut = cut + interval '1 day' WHERE period = '2021-03'"
            )
        differs = await doors.run("rebuild", "ingest", "-o", "json")
        assert (differs.exit_code, json.loads(differs.stdout)["state"]) == (Exit.INVALID, "differs")

        await Desk(exchange, {CONSUMER: {}}).pause(CONSUMER, range(16), "rebuild", "olga")
        asked = await doors.run(*SWAP, "-o", "json")
        assert (asked.exit_code, asked.stdout.strip()) == (1, "")
        assert "closed_periods live: " in asked.stderr
        assert "Replace the live rows of closed_periods?" in asked.stderr

        done = await doors.run(*SWAP, "--yes", "-o", "json")
        assert done.exit_code == Exit.OK, done.output
        assert json.loads(done.stdout)["state"] == "swapped"
        found = await doors.run("rebuild", "ingest", "-o", "json")
        assert json.loads(found.stdout)["state"] == "same"


async def test_what_a_swap_leaves_is_named_and_ends_with_6_until_it_is_right(rebuilds, exchange, tmp_path):
    doors = Doors(tmp_path)
    async with doors.served("ingest", door(doors, rebuilds)):
        async with exchange.begin(actor="test", action="damage") as tx:
            await tx.execute(WITHDRAWN_BY_NOBODY)
        await Desk(exchange, {CONSUMER: {}}).pause(CONSUMER, range(16), "rebuild", "olga")
        refused = await doors.run(*SWAP)
        assert (refused.exit_code, refused.stdout) == (Exit.REFUSED, ""), "there is nothing to confirm"
        assert "conflicts live: " in refused.stderr
        assert "Others told what is in conflicts too" in refused.stderr

        async with exchange.begin(actor="test", action="damage") as tx:
            await tx.execute("DELETE FROM closed_periods WHERE period = '2021-03'")
        asked = await doors.run(*SWAP)
        assert "Replace the live rows of closed_periods?" in asked.stderr
        assert f"{STAY} conflicts" in asked.stderr

        done = await doors.run(*SWAP, "--yes", "-o", "json")
        found = json.loads(done.stdout)
        assert (done.exit_code, found["state"], found["left"]) == (Exit.INVALID, "swapped", ["conflicts"])
        assert "swapped: closed_periods; " in done.stderr
        assert f"{STAY} conflicts" in done.stderr
        shown = await doors.run("rebuild", "ingest")
        assert (shown.exit_code, f"{STAY} conflicts" in shown.stdout) == (Exit.INVALID, True)

        async with exchange.begin(actor="test", action="mended") as tx:
            await tx.execute("UPDATE conflicts SET withdrawn = false")
        assert (await doors.run("rebuild", "ingest")).exit_code == Exit.OK
