"""A proof of the ledger on a live platform under load finds nothing; what a hand changes in the database it names."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from typer.testing import CliRunner

from dukao.cli import app
from dukao.exits import Exit
from tests.scoring.test_stages import TYPES
from tests.system.rig import Rig, platform
from tests.system.test_kills import feed
from tests.thread.test_event_to_standing import TIERED

pytestmark = [pytest.mark.system, pytest.mark.kafka, pytest.mark.long]
PROOFS_UNDER_LOAD = 3
CELL = "unit = 'b1' AND indicator = 'ontime'"


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with platform() as running:
        await running.adopt_types(TYPES)
        await running.adopt_scheme(TIERED)
        yield running


def verified(rig: Rig) -> tuple[int, dict[str, object]]:
    """Prove the scores by the command."""
    words = ["--state", str(rig.state.folder), "verify", "scores", "--output", "json"]
    done = CliRunner().invoke(app, words)
    return done.exit_code, json.loads(done.stdout)


async def test_a_live_platform_under_load_is_proved_and_a_hand_in_its_database_is_named(rig: Rig) -> None:
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(rig.send(feed()))
        for _ in range(PROOFS_UNDER_LOAD):
            code, found = await asyncio.to_thread(verified, rig)
            assert (code, found["findings"]) == (Exit.OK, [])
        await sending
        await rig.drained()
    code, found = await asyncio.to_thread(verified, rig)
    assert (code, found["state"], found["findings"]) == (Exit.OK, "proved", [])
    database = await rig.database()
    await database.execute(f"UPDATE scoring.cells SET value = value + 0.000000000001 WHERE {CELL}")
    code, found = await asyncio.to_thread(verified, rig)
    await database.close()
    assert (code, found["state"]) == (Exit.INVALID, "broken")
    named = {cell["indicator"] for one in found["findings"] for cell in one["cells"]}
    units = {cell["unit"] for one in found["findings"] for cell in one["cells"]}
    assert (named, units) == ({"ontime"}, {"b1"})
