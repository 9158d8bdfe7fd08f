"""The campaign's slice in CI: thirty kills over 100,000 events, judged by a checker that sees each tampering."""

from dataclasses import replace
from pathlib import Path

import pytest

from campaign.checker import checks, journal
from campaign.checker.journal import Journal
from campaign.faults.kills import FAULTS
from campaign.platform import Platform, platform
from campaign.run import carry_out, open_client

SEED = 7
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
    "DELETE FROM ingest.keys WHERE key = (SELECT min(key) FROM ingest.keys)": "C1",
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
        told = journal.read(client.journal.path)
        assert len(told.digests) == fault.events
        await every_tampering_is_seen(running, told)


async def every_tampering_is_seen(running: Platform, told: Journal) -> None:
    database = await running.database()
    try:
        for tampering, seen in TAMPERED.items():
            transaction = database.transaction(isolation="repeatable_read")
            await transaction.start()
            await database.execute("SET LOCAL session_replication_role = replica")
            assert await database.execute(tampering) not in {"UPDATE 0", "DELETE 0"}, tampering
            found = await checks.everything(database, running.kafka, told, only={seen})
            await transaction.rollback()
            assert found.keys() == {seen}, (tampering, found)
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
