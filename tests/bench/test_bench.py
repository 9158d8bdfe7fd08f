"""The benchmark measures something; how much is not for a test to say."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.feeding import Receipt, Sent
from benchmarks.latency import came_through
from benchmarks.positions import Snapshot
from benchmarks.workload import TYPES, scheme, workload
from services.ingest.domain.catalogue import compile_catalogue, parse
from services.ingest.domain.envelope import candidate
from services.scoring.domain.check import findings
from services.scoring.domain.document import SchemeDocument
from shared.kernel.strict_json import decode

ROOT = Path(__file__).parents[2]
LIMIT_S = 600


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
    sent = [Sent(0.5, (Receipt(0, 5), Receipt(0, 6)))]
    assert came_through(history, sent) == [3.5, 4.5]


@pytest.mark.system
@pytest.mark.kafka
@pytest.mark.long
def test_a_short_run_prints_every_figure():
    words = ["--runs", "1", "--events", "20000", "--rate", "500", "--seconds", "5"]
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
    for name in (
        "drain_kafka_events_per_s",
        "drain_http_events_per_s",
        "scoring_stage_events_per_s",
        "p50_ms_at_500",
        "p99_ms_at_500",
        "cores",
    ):
        assert found[name] > 0, name
    parts = {"ingest", "scoring", "ranking", "kafka", "postgres"}
    assert parts <= found["cpu_s_per_100k_events"].keys()
    assert parts <= found["rss_mib"].keys()
