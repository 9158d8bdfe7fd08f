"""Late working days through the running platform: §10's item, taken back by an extension while scoring is killed.

What supervision publishes is put into its outbox, so that the days are exactly those of the worked case; the
checker sees that supervision did not tell them.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from campaign.checker.derived import derived
from deploy.table import OWNER, database_url
from shared.contracts import envelope
from shared.contracts.supervision import ITEM_CHANGED, ITEMS, ItemChanged
from shared.kernel.records import Draft
from shared.kernel.shards import shard_of
from shared.storage.database import open_engine
from shared.storage.exchange import Exchange
from tests.scoring.test_derived import item
from tests.scoring.test_stages import TYPES, levy, missed
from tests.scoring_domain.test_late_days import scheme
from tests.system.rig import Event, Rig, platform, until

pytestmark = [pytest.mark.system, pytest.mark.kafka, pytest.mark.long]

REBUILDS = "/v1/operations/rebuilds"
EXTENDED = ("2021-05-08", "2021-05-10")
EVENTS: list[Event] = [levy(1), levy(2, unit="b2"), missed(1, "2021-05-06T08:00:00+08:00")]
NOT_BY_SUPERVISION = {
    "C2 items": [
        "item i1: versions [1, 2, 1] were told",
        "item i1: supervision keeps None, told last was 2",
    ]
}
DAMAGE = (
    "UPDATE scoring.derived SET body = convert_to(replace(convert_from(body, 'UTF8'), '05-10', '05-11'), 'UTF8')",
    "DELETE FROM scoring.derived_places WHERE month = 24256",
    "UPDATE scoring.partials SET numbers = replace(numbers, '[4', '[5') WHERE over = 'items:decision'",
)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with platform() as running:
        await running.adopt_types(TYPES)
        await running.adopt_scheme(scheme())
        yield running


async def test_an_item_costs_2_0_and_extended_in_time_2_6_whatever_dies(rig: Rig) -> None:
    await rig.send(EVENTS)
    await publish(rig, item(case="matter-7"))
    await worth(rig, "2021", "2.000000000000")
    assert await figures(rig) == {"2021-04": "2.80", "2021-05": "2.20", "2021-Q2": "2.00"}
    await rig.kill(["scoring"])
    await publish(rig, item(case="matter-7", version=2, days=EXTENDED), item(case="matter-7"))
    await worth(rig, "2021", "2.600000000000")
    assert await figures(rig) == {"2021-04": "3.00", "2021-05": "2.60", "2021-Q2": "2.60"}
    assert await rig.faults(EVENTS) == NOT_BY_SUPERVISION
    await every_damage_is_seen(rig)
    printed = await command(rig, "explain", "mini", "b1", "late", "2021-05")
    assert "max(0, 3 − 0.4) = 2.60" in printed
    assert [
        printed.count(day) for day in ("逾期日 2021-05-07", "逾期日 2021-05-08", "逾期日 2021-05-10")
    ] == [0, 1, 1]
    assert "督考事项 i1" in printed
    assert await rebuilt(rig) == ("same", [])


async def publish(rig: Rig, *items: ItemChanged) -> None:
    """Put versions of items into the outbox of supervision."""
    drafts = [
        Draft(
            shard_of(one.case or one.unit), envelope.encode(ITEM_CHANGED, "dukao/supervision", one.item, one)
        )
        for one in items
    ]
    password = (rig.state.folder / "postgres-password").read_text("ascii")
    port = rig.record.part("postgres").port
    engine = open_engine(database_url(OWNER, password, "127.0.0.1", port), "supervision")
    async with Exchange(engine, "supervision").begin(actor="test", action="tell") as tx:
        await tx.append(ITEMS, drafts)
    await engine.dispose()


async def worth(rig: Rig, period: str, value: str) -> None:
    async def there() -> bool:
        cell = await rig.get("scoring", f"/v1/cells/{period}/b1/late", scheme="mini")
        return cell["figure"]["value"] == value

    await until(there)


async def figures(rig: Rig) -> dict[str, str]:
    return {
        period: (await rig.get("scoring", f"/v1/cells/{period}/b1/late", scheme="mini"))["figure"][
            "published"
        ]
        for period in ("2021-04", "2021-05", "2021-Q2")
    }


async def every_damage_is_seen(rig: Rig) -> None:
    """Alter what is kept in a transaction that is rolled back; the checker tells of each."""
    database = await rig.database()
    try:
        assert await derived(database) == []
        for damage in DAMAGE:
            transaction = database.transaction()
            await transaction.start()
            assert not (await database.execute(damage)).endswith(" 0")
            assert await derived(database) != [], damage
            await transaction.rollback()
    finally:
        await database.close()


async def command(rig: Rig, *arguments: str) -> str:
    """Run the command line and return what it prints."""
    program = Path(sys.executable).with_name("dukao")
    process = await asyncio.create_subprocess_exec(
        program,
        "--state",
        rig.state.folder,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        env={"COLUMNS": "200"},
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return printed.decode()


async def rebuilt(rig: Rig) -> tuple[str, list[Any]]:
    """Fold scoring's archives anew and return how that ended and which tables differ."""
    run = await rig.post("scoring", REBUILDS, "operator")

    async def ended() -> bool:
        nonlocal run
        run = (await rig.ask("GET", "scoring", f"{REBUILDS}/{run['id']}", "operator")).json()
        return run["state"] not in {"waiting", "folding", "comparing"}

    await until(ended)
    return run["state"], [one for one in run["tables"] if one["only_live"] or one["only_shadow"]]
