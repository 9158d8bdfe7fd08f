"""SIGKILL of every service, of the broker and of PostgreSQL in the middle of a feed: nothing lost, nothing doubled."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest

from campaign.checker.checks import everything
from deploy.state import SERVERS
from deploy.table import SERVICES
from shared.kernel.periods import JANUARY
from tests.scoring.test_stages import TYPES, levy, missed
from tests.system.rig import BATCH_EVENTS, Event, Rig, keys_of, note, platform, until
from tests.thread.test_event_to_standing import TIERED

pytestmark = [pytest.mark.system, pytest.mark.kafka, pytest.mark.long]

EVERYTHING = ("postgres", "kafka", "ingest", "scoring", "supervision", "ranking", "notify")
VICTIMS = (*((part,) for part in EVERYTHING), ("scoring", "ranking"), EVERYTHING)
LEVIES = 24_000
CORRECTED_EVERY = 40
RETRACTED_EVERY = 90
MISSES = 30
PERIODS = (*(f"2021-{month:02d}" for month in range(1, 13)), "2021-Q1", "2021-Q4", "2021-H1", "2021")


TAMPERED = {
    "DELETE FROM ingest.outbox WHERE (stream, shard, first) = "
    "(SELECT stream, shard, first FROM ingest.outbox WHERE last > first + 1 ORDER BY shard LIMIT 1)": {
        "C1",
        "C2 ingest",
        "C4",
    },
    "INSERT INTO ingest.keys VALUES ('\\x00', 0, 1000000, '\\x00')": {"C1"},
    "UPDATE ingest.outbox SET bodies = overlay(bodies PLACING '9' FROM 14 FOR 1) "
    "WHERE shard = 0 AND first = 1": {"C2 ingest", "C4"},
    "UPDATE scoring.cells SET value = value - 0.000000000001 WHERE unit = 'b1' AND indicator = 'ontime'": {
        "C5 ledger",
        "C5 handed on",
    },
    "DELETE FROM scoring.entries WHERE id = (SELECT min(id) FROM scoring.entries)": {"C5 ledger"},
    "UPDATE scoring.inputs SET numbers = replace(numbers, '[', '[1') WHERE unit = 'b2'": {"C5 handed on"},
    "UPDATE ranking.positions SET number = number - 1 WHERE consumer = 'ranking' AND number > 0": {
        "positions"
    },
}


def unit_of(i: int) -> str:
    return "b1" if i % 3 else "b2"


def month_of(i: int) -> int:
    return 1 + i // 3 % 12


def is_late(i: int) -> bool:
    """Every fiftieth levy is late, in b2 every fifteenth; a correction of a levy makes it late, too."""
    return i % (50 if i % 3 else 15) == 0 or i % CORRECTED_EVERY == 7


def is_retracted(i: int) -> bool:
    return i % RETRACTED_EVERY == 11


def levied(i: int) -> list[Event]:
    """Return the reports of one levy: the first, perhaps its correction, perhaps its retraction."""
    when = {"unit": unit_of(i), "time": f"2021-{month_of(i):02d}-{1 + i % 28:02d}T08:00:00+08:00"}
    later = {"correctssource": "s", "correctsid": f"l{i}"}
    voucher = f"v{i}"
    reports = [levy(i, ontime=not is_late(i) or i % CORRECTED_EVERY == 7, voucher=voucher, **when)]
    if i % CORRECTED_EVERY == 7:
        reports.append(levy(f"{i}-c", ontime=False, voucher=voucher, revision=1, **later, **when))
    if is_retracted(i):
        reports.append(levy(f"{i}-r", data=None, revision=2, **later, **when))
    return reports


def feed() -> list[Event]:
    """Return the whole feed, shuffled, with every thirtieth event sent twice."""
    events = [event for i in range(LEVIES) for event in levied(i)]
    events += [missed(i, f"2021-{1 + i % 12:02d}-05T08:00:00+08:00", unit="b2") for i in range(MISSES)]
    events += events[::30]
    return random.Random(7).sample(events, len(events))


def expected(period: str) -> dict[str, tuple[str, str, int]]:
    """Return points, numerator and denominator by unit, by plain counting."""
    within = {month.month for month in JANUARY.parse(period).months()}
    found: dict[str, tuple[str, str, int]] = {}
    for unit in ("b1", "b2"):
        counted = [
            i for i in range(LEVIES) if unit_of(i) == unit and month_of(i) in within and not is_retracted(i)
        ]
        met = sum(not is_late(i) for i in counted)
        lost = sum(1 + i % 12 in within for i in range(MISSES)) if unit == "b2" else 0
        ontime = 10 * min(Fraction(1), Fraction(met, len(counted)) / Fraction("0.98"))
        points = ontime + max(Fraction(0), 10 - lost * Fraction(1, 2))
        found[unit] = two_places(points), str(met), len(counted)
    return found


def two_places(points: Fraction) -> str:
    exact = Decimal(points.numerator) / Decimal(points.denominator)
    return str(exact.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with platform() as running:
        await running.adopt_types(TYPES)
        await running.adopt_scheme(TIERED)
        yield running


async def test_whatever_is_killed_the_state_is_that_of_the_facts(rig: Rig) -> None:
    events = feed()
    size = -(-len(events) // len(VICTIMS))
    for turn, victims in enumerate(VICTIMS):
        await send_and_kill(rig, events[turn * size : (turn + 1) * size], victims)
    started = time.monotonic()
    await rig.drained()
    note(f"drained in {time.monotonic() - started:.1f} s; asked again: {rig.log.retried}")

    assert set(rig.log.statuses) == {"created", "duplicate"}
    assert {part.name: part.restarts for part in rig.record.parts if part.name not in SERVERS} == {
        service.name: sum(service.name in victims for victims in VICTIMS) for service in SERVICES
    }, "a service ended because another part was away"
    assert await answered(rig) == {period: expected(period) for period in PERIODS}
    assert rig.log.receipts.keys() == keys_of(events)
    assert await rig.faults(events) == {}

    assert await rig.send(events) == {"duplicate": len(events)}
    await rig.drained()
    assert await answered(rig) == {period: expected(period) for period in PERIODS}
    assert rig.log.receipts.keys() == keys_of(events)
    assert await rig.faults(events) == {}
    for tampering, seen in TAMPERED.items():
        await assert_seen(rig, events, tampering, seen)


async def send_and_kill(rig: Rig, events: Sequence[Event], victims: Sequence[str]) -> None:
    """Kill parts when a third of the events is acknowledged, and go on sending."""
    before = sum(rig.log.statuses.values())
    started = time.monotonic()

    async def kill() -> None:
        async def under_way() -> bool:
            return sum(rig.log.statuses.values()) - before >= max(len(events) // 3, BATCH_EVENTS)

        await until(under_way)
        await rig.kill(victims)

    async with asyncio.TaskGroup() as group:
        group.create_task(kill())
        group.create_task(rig.send(events))
    sent = time.monotonic() - started
    await rig.ready()
    ready = time.monotonic() - started
    note(f"{' '.join(victims)}: {len(events)} events in {sent:.1f} s, all ready after {ready:.1f} s")


async def answered(rig: Rig) -> dict[str, dict[str, tuple[str, str, int]]]:
    """Return points and the counts behind them as the doors answer, by period and unit."""
    found: dict[str, dict[str, tuple[str, str, int]]] = {}
    for period in PERIODS:
        lines = (await rig.get("ranking", f"/v1/standings/mini/bureaus/{period}"))["units"]
        found[period] = {}
        for line in lines:
            measured = await rig.get("scoring", f"/v1/measures/mini/1/{period}/{line['unit']}")
            ontime = measured["measures"]["ontime"]
            found[period][line["unit"]] = line["points"], ontime["numerator"], int(ontime["denominator"])
    return found


async def assert_seen(rig: Rig, events: Sequence[Event], tampering: str, seen: set[str]) -> None:
    """Tamper with the databases, see which checks find it, and undo it."""
    database = await rig.database()
    transaction = database.transaction(isolation="repeatable_read")
    await transaction.start()
    try:
        await database.execute("SET LOCAL session_replication_role = replica")
        assert await database.execute(tampering) not in {"UPDATE 0", "DELETE 0"}
        found = await everything(database, rig.kafka, rig.log.journal(events), scored=False)
        assert found.keys() | {"positions"} == seen | {"positions"}, (tampering, found)
        assert seen <= found.keys(), tampering
    finally:
        await transaction.rollback()
        await database.close()
