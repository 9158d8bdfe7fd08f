"""The benchmark measures something; how much is not for a test to say."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.drain import Drained
from benchmarks.feeding import Receipt, Sent
from benchmarks.flooder import CONNECTIONS, count_answers, sent_by
from benchmarks.latency import Came, came_through
from benchmarks.positions import Snapshot
from benchmarks.streams.expected import ANSWERED, DUE, FOUND, MET, cells
from benchmarks.streams.job import Reference, find_compiler
from benchmarks.summary import Wanted, summary
from benchmarks.workload import TYPES, repeated, scheme, workload
from deploy.embedded.files import MissingError
from services.ingest.domain.catalogue import compile_catalogue, parse
from services.ingest.domain.envelope import candidate
from services.scoring.domain.check import findings
from services.scoring.domain.document import SchemeDocument
from shared.kernel.strict_json import decode

ROOT = Path(__file__).parents[2]
LIMIT_S = 600
WANTED_KEYS = {
    "drain_kafka_events_per_s",
    "drain_http_events_per_s",
    "scoring_stage_events_per_s",
    "kafka_streams_events_per_s",
    "ratio_to_kafka_streams",
    "explain_first_page_p50_ms",
    "proof_facts_per_s",
    "p50_ms_at_5000",
    "p99_ms_at_5000",
    "cpu_s_per_100k_events",
    "rss_mib",
}


def vector(first):
    return (first, *[0] * 63)


def seen(at, *, a, a_out, b, b_out, ranking):
    found = Snapshot(
        vector(9), vector(9), vector(a), vector(a_out), vector(b), vector(b_out), vector(ranking)
    )
    return at, found


def test_the_scheme_has_forty_measures_and_is_in_order():
    document = SchemeDocument.model_validate(scheme())
    assert len(document.measures) == 40
    assert findings(document, TYPES) == []


def test_every_event_is_admitted_and_the_seed_decides_all():
    catalogue = compile_catalogue(parse(TYPES))
    load = workload(400, 100, seed=7)
    assert load.measured == 400
    assert len({candidate(decode(event), catalogue).key for event in load.events}) == 500
    assert load == workload(400, 100, seed=7)


def test_an_event_has_come_through_when_ranking_stands_past_what_followed_from_it():
    history = [
        seen(1.0, a=0, a_out=0, b=0, b_out=0, ranking=0),
        seen(2.0, a=5, a_out=1, b=0, b_out=0, ranking=0),
        seen(3.0, a=7, a_out=2, b=1, b_out=1, ranking=0),
        seen(4.0, a=7, a_out=2, b=2, b_out=2, ranking=1),
        seen(5.0, a=7, a_out=2, b=2, b_out=2, ranking=2),
    ]
    sent = [Sent(0.5, 0.75, (Receipt(0, 5), Receipt(0, 6)))]
    assert came_through(history, sent) == [Came(0.25, 2.5, 3.5), Came(0.25, 3.5, 4.5)]


def test_every_hundredth_event_comes_a_second_time():
    events = workload(9_000, 1_000, seed=7).events
    given = list(repeated(events))
    assert len(given) == 10_100
    assert set(given) == set(events)


def test_events_of_another_seed_are_the_same_under_other_ids():
    load = workload(400, 100, seed=7)
    renamed = [json.loads(event) for event in load.renamed(7, 8).events]
    for before, after in zip(map(json.loads, load.events), renamed, strict=True):
        assert (before["data"], before["time"]) == (after["data"], after["time"])
        assert after["id"] == before["id"].replace("7-", "8-", 1)


def risk(kind, at, data):
    event = {"id": f"{kind}-{at}", "source": "s", "type": f"risk.{kind}.v1", "subject": "b01", "case": "c"}
    return json.dumps(event | {"time": at, "data": data}).encode()


def test_connections_of_one_flood_take_turns_and_send_together_what_is_due():
    for passed_s in (0.0, 0.004, 0.005, 0.32, 1.0, 20.0):
        each = [sent_by(200, place, passed_s) for place in range(CONNECTIONS)]
        assert sum(each) == int(200 * passed_s)
        assert each == sorted(each, reverse=True)
        assert each[0] - each[-1] <= 1


async def test_what_a_flood_is_answered_is_counted_once_wherever_a_read_ends():
    told = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 2\r\nretry-after: 1\r\n\r\n{}"
    other = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
    for size in range(1, len(told) + 1):
        reader, answers = asyncio.StreamReader(), Counter[str]()
        async with asyncio.TaskGroup() as group:
            group.create_task(count_answers(reader, answers))
            for start in range(0, len(all_of := told + other + told), size):
                reader.feed_data(all_of[start : start + size])
                await asyncio.sleep(0)
            reader.feed_eof()
        assert answers == {"429": 2, "200": 1, "retry-after": 2}, size


def test_the_reference_counts_a_case_in_the_month_of_its_deadline_in_shanghai():
    found = risk(
        "found", "2025-01-31T15:59:59.000Z", {"deadline": "2025-01-31T16:00:00.000Z", "level": "high"}
    )
    answered = risk("answered", "2025-01-31T16:00:00.000Z", {"amount": "3.05"})
    cells_found = cells([answered, found])
    january, february = cells_found["b01|2025-01"], cells_found["b01|2025-02"]
    assert {slot: value for slot, value in enumerate(january) if value} == {FOUND: 1, FOUND + 1: 1}
    wanted = {ANSWERED: 1, ANSWERED + 1: 305, DUE: 1, DUE + 1: 1, MET: 1, MET + 1: 1}
    assert {slot: value for slot, value in enumerate(february) if value} == wanted


def test_figures_are_medians_with_their_spread_and_what_was_not_measured_is_null():
    runs = [
        {
            "scoring": Drained(rate, {"scoring": 2.0, "all": 2.5}, 1.0),
            "streams": [Reference(interval, 10.0, {"streams": 1.0, "all": 2.0}) for interval in (100, 500)],
            "rss_mib": {"scoring": 100.0},
        }
        for rate in (10.0, 30.0, 20.0)
    ]
    found = summary(runs, Wanted(3, 100, 10, ("scoring", "streams"), 5_000, 60, 10))
    assert found.keys() >= WANTED_KEYS
    assert found["scoring_stage_events_per_s"] == 20.0
    assert found["spread"]["scoring_stage_events_per_s"] == [10.0, 30.0]
    assert found["ratio_to_kafka_streams"] == 2.0
    assert found["drain_kafka_events_per_s"] is None
    assert found["kafka_streams_by_interval_ms"] == {"100": 10.0, "500": 10.0}


@pytest.mark.system
@pytest.mark.kafka
@pytest.mark.long
def test_a_short_run_prints_every_figure():
    try:
        find_compiler()
    except MissingError as error:
        pytest.skip(str(error))
    words = ["--runs", "1", "--events", "24000", "--rate", "500", "--seconds", "5"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *words],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    for name in {key.replace("5000", "500") for key in WANTED_KEYS} - {"cpu_s_per_100k_events", "rss_mib"}:
        assert found[name] > 0, name
    parts = {"ingest", "scoring", "ranking", "kafka", "postgres"}
    assert parts <= found["cpu_s_per_100k_events"].keys()
    assert parts <= found["rss_mib"].keys()
    assert found["cores"] > 0
    assert found["kafka_streams_by_interval_ms"].keys() == {"100", "500", "2000"}
