"""Manual points through the running platform while scoring is killed: given, withdrawn, reviewed, rebuilt."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from campaign.checker.manual import manual
from tests.scoring.manual import scheme
from tests.scoring.test_stages import TYPES, levy
from tests.system.rig import Rig, command, platform, rebuilt, until

pytestmark = [pytest.mark.system, pytest.mark.kafka, pytest.mark.long]

ID = "mini~b1~conduct~2021-03~{}"
DAMAGE = (
    "UPDATE scoring.derived SET body = convert_to(replace(convert_from(body, 'UTF8'), '\"1.5\"', '\"0.5\"'), 'UTF8')",
    "DELETE FROM scoring.derived_places WHERE over = 'manual:points'",
    "UPDATE scoring.partials SET numbers = replace(numbers, '15', '25') WHERE over = 'manual:points'",
    "UPDATE scoring.partials SET numbers = replace(numbers, '81', '91') WHERE over = 'manual:values'",
    "UPDATE scoring.partials SET numbers = replace(numbers, '-5', '-6') WHERE over = 'reviewed:manual:points'",
    "UPDATE scoring.reviews SET state = 'upheld'",
    "UPDATE scoring.requests SET state = 'withdrawn' WHERE state = 'approved'",
    "DELETE FROM scoring.requests",
)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with platform() as running:
        await running.adopt_types(TYPES)
        await running.adopt_scheme(scheme())
        yield running


async def test_what_persons_give_and_take_back_stands_whatever_dies(rig: Rig, tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("notice", "mistake", "marks")}
    for name, file in files.items():
        file.write_text(name)
    sent = [levy(1), levy(2, unit="b2")]
    await rig.send(sent)
    await asked(rig, "conduct", "--points", "1.5", files["notice"])
    await asked(rig, "conduct", "--points", "2", files["mistake"])
    await command(rig, "points", "approve", ID.format(1), "--reason", "属实", "--as", "qian")
    await killed(rig)
    await command(rig, "points", "approve", ID.format(2), "--reason", "属实", "--as", "qian")
    await worth(rig, "conduct", "0.50")
    await command(rig, "points", "withdraw", ID.format(2), "--reason", "误报", "--as", "zhao")
    await killed(rig)
    await command(rig, "points", "approve", ID.format(2), "--reason", "误报", "--as", "qian")
    await worth(rig, "conduct", "2.50")
    await asked(rig, "marks", "--value", "81", files["marks"])
    await command(rig, "points", "approve", "mini~b1~marks~2021-03~1", "--reason", "复核无误", "--as", "qian")
    await worth(rig, "marks", "5.40")
    await reviewed(rig)
    assert await rig.faults(sent) == {}
    await every_damage_is_seen(rig)
    explained = await command(rig, "explain", "mini", "b1", "conduct", "2021-03")
    assert "max(0, 4 − 1) = 3.00" in explained
    assert "approved_by qian" in explained
    assert all(said in explained for said in ("变更 points 0.5", "已全部整改", "zhao: 已转交核实"))
    assert "误报" in await command(rig, "points", "show", ID.format(2))
    assert await rebuilt(rig) == ("same", [])


async def killed(rig: Rig) -> None:
    """Kill scoring and wait until it answers again."""
    await rig.kill(["scoring"])
    await rig.ready()


async def reviewed(rig: Rig) -> None:
    """A unit asks about the first entry that took points, of which half a one is given back; a reply is answered."""
    told = await rig.get("scoring", "/v1/cells/2021-03/b1/conduct", scheme="mini")
    entry = next(one["id"] for one in told["entries"] if one["old"] is not None)
    asked = await command(rig, "reviews", "ask", str(entry), "--reason", "已按时报送", "--as", "wang")
    assert "待复核" in asked
    given = ("--points", "0.5", "--reason", "经复核属实", "--as", "sun")
    await command(rig, "reviews", "change", f"{entry}-1", *given)
    await worth(rig, "conduct", "3.00")
    await command(rig, "replies", "send", str(entry), "--says", "已全部整改", "--as", "wang")
    await command(rig, "replies", "answer", "1", "--says", "已转交核实", "--as", "zhao")


async def asked(rig: Rig, indicator: str, kind: str, amount: str, file: Path) -> None:
    given = ("mini", "b1", indicator, "2021-03", kind, amount, "--evidence", str(file))
    told = await command(rig, "points", "request", *given, "--reason", "未按要求整改", "--as", "zhao")
    assert "待审核" in told


async def worth(rig: Rig, indicator: str, published: str) -> None:
    async def there() -> bool:
        found = await rig.get("scoring", f"/v1/cells/2021-03/b1/{indicator}", scheme="mini")
        return found["figure"]["published"] == published

    await until(there)


async def every_damage_is_seen(rig: Rig) -> None:
    """Alter what is kept in a transaction that is rolled back; the checker tells of each."""
    database = await rig.database()
    try:
        assert await manual(database) == []
        for damage in DAMAGE:
            transaction = database.transaction()
            await transaction.start()
            assert not (await database.execute(damage)).endswith(" 0"), damage
            assert await manual(database) != [], damage
            await transaction.rollback()
    finally:
        await database.close()
