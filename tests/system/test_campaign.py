"""The campaign's slice in CI: thirty kills over 100,000 events, judged by a checker that sees each tampering."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from campaign.checker import checks, journal
from campaign.checker.journal import Journal
from campaign.faults.kills import FAULTS
from campaign.platform import Platform, platform
from campaign.run import Fault, Run, carry_out, open_client

SEED = 7
TAMPERED_EVENTS = 3_000
pytestmark = [
    pytest.mark.system,
    pytest.mark.kafka,
    pytest.mark.long,
    # Clients of a broker that is killed leave connections behind, and a supervisor outlives who started it.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

TAMPERED = {
    "DELETE FROM ingest.outbox WHERE (stream, shard, first) = "
    "(SELECT stream, shard, first FROM ingest.outbox WHERE last > first + 1 ORDER BY shard LIMIT 1)": "C2 ingest",
    "INSERT INTO ingest.keys VALUES ('\\x00', 0, 1000000, '\\x00')": "C1",
    # All keys of an event, of which a correction has three; those of ticks lead to shard 0.
    "DELETE FROM ingest.keys WHERE (shard, number) = "
    "(SELECT shard, max(number) FROM ingest.keys WHERE shard > 0 GROUP BY shard ORDER BY shard LIMIT 1)": "C1",
    "UPDATE ingest.outbox SET bodies = overlay(bodies PLACING '9' FROM 14 FOR 1) "
    "WHERE shard = 0 AND first = 1": "C4",
    "UPDATE ingest.outbox SET chains = overlay(chains PLACING '\\x00'::bytea FROM 1 FOR 1) "
    "WHERE shard = 1 AND first = 1": "C2 ingest",
    "UPDATE ingest.stream_shards SET number = number + 1 WHERE shard = 2 AND number > 0": "C2 ingest",
    "UPDATE scoring.partials SET numbers = overlay(numbers PLACING '9' FROM 2 FOR 1) WHERE unit = 'u1'": "C5 sums",
    "DELETE FROM scoring.cells WHERE unit = 'u2' AND month = 24303": "C5 cells",
    "UPDATE scoring.cells SET value = value - 0.000000000001 WHERE unit = 'u1' AND indicator = 'ontime'": (
        "C5 ledger"
    ),
    "UPDATE scoring.cells SET value = value + 1 WHERE unit = 'u3' AND indicator = 'levied'": "C5 cells",
    "DELETE FROM scoring.entries WHERE id = (SELECT min(id) FROM scoring.entries)": "C5 ledger",
    "UPDATE scoring.inputs SET numbers = replace(numbers, '[', '[1') WHERE unit = 'u2'": "C5 handed on",
    "UPDATE ranking.figures SET worth = replace(worth, ':', ':1') WHERE period = '2025-03'": "C5 handed on",
    "UPDATE ranking.places SET points = points + 0.01 WHERE period = '2025-Q2' AND unit = 'u4'": "C6",
    "UPDATE ranking.places SET tier = 'third' WHERE period = '2025' AND rank = 1": "C6",
    "UPDATE ranking.positions SET number = number - 1 WHERE consumer = 'ranking' AND number > 0": "positions",
}


async def test_thirty_kills_over_100_000_events_lose_double_and_alter_nothing(tmp_path: Path) -> None:
    (fault,) = FAULTS
    async with platform() as running:
        client = open_client(running, tmp_path, "client")
        await client.adopt()
        result = await carry_out(fault, running, client, seed=SEED, events=0)
        await client.close()
        assert result.outcome in {"pass", "late"}, (SEED, result.why, result.checks, result.seen)
        assert len(journal.read(client.journal.path).digests) == fault.events


async def test_every_tampering_is_seen(tmp_path: Path) -> None:
    untouched = Fault("none", "nothing", "all checks pass", _fed)
    async with platform() as running:
        client = open_client(running, tmp_path, "client")
        await client.adopt()
        result = await carry_out(untouched, running, client, seed=SEED, events=TAMPERED_EVENTS)
        await client.close()
        assert result.outcome == "pass", (SEED, result.why, result.checks)
        told = journal.read(client.journal.path)
        missed = [(tampering, found) async for tampering, found in _not_seen(running, told)]
        assert missed == []


async def _fed(run: Run) -> None:
    async with run.load():
        pass


async def _not_seen(running: Platform, told: Journal) -> AsyncIterator[tuple[str, object]]:
    """Yield each tampering that its check does not see, with what was found instead."""
    database = await running.database()
    try:
        for tampering, seen in TAMPERED.items():
            transaction = database.transaction(isolation="repeatable_read")
            await transaction.start()
            try:
                await database.execute("SET LOCAL session_replication_role = replica")
                done = await database.execute(tampering)
                found = await checks.everything(database, running.kafka, told, only={seen})
            except (asyncpg.PostgresError, ArithmeticError, ValueError, LookupError) as error:
                done, found = "", {type(error).__name__: [str(error)]}
            finally:
                await transaction.rollback()
            if done in {"UPDATE 0", "DELETE 0"} or found.keys() != {seen}:
                yield tampering, (done, found)
    finally:
        await database.close()


def test_a_clients_log_that_contradicts_itself_is_seen(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        '{"at":1,"send":1,"via":"http","events":[["s","a","d"],["s","b","e"]]}\n'
        '{"at":2,"answer":1,"results":[["created",1,5],["created",1,6]]}\n'
        '{"at":3,"send":2,"via":"http","events":[["s","c","f"],["s","a","d"]]}\n'
        '{"at":4,"answer":2,"results":[["created",1,4],["duplicate",1,7]]}\n'
        '{"at":5,"send":3,"via":"http","events":[["s","d'
    )
    told = journal.read(log)
    assert len(told.contradictions) == 1
    assert "two receipts" in told.contradictions[0]
    assert len(checks.in_time_order(told)) == 1
    kept = checks.Kept()
    for name, number in (("a", 5), ("b", 6), ("c", 4)):
        kept.places["s", name].append((1, number))
        kept.digests["s", name] = {"a": "d", "b": "e", "c": "f"}[name]
    honest = replace(told, contradictions=[])
    assert checks.kept_once(kept, honest) == []
    kept.digests["s", "b"] = "altered"
    kept.places["s", "c"].append((1, 9))
    told.promised.add(("s", "gone"))
    assert len(checks.kept_once(kept, honest)) == 3
