"""Puts the runs together: medians under the names that are kept, and the spread of each."""

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

Found = dict[str, Any]
COUNTED_INTERVAL_MS = 500
NAMES = {
    "drain_kafka_events_per_s": ("kafka", "events_per_s"),
    "drain_http_events_per_s": ("http", "events_per_s"),
    "scoring_stage_events_per_s": ("scoring", "events_per_s"),
    "ingest_rss_slope_mib_per_min": ("memory", "rss_slope_mib_per_min"),
    "outage_away_s": ("outage", "away_s"),
    "outage_catch_up_s": ("outage", "catch_up_s"),
    "outage_server_errors": ("outage", "server_errors"),
    "others_p99_ms_alone": ("flood", "alone_p99_ms"),
    "others_p99_ms_beside_permitted": ("flood", "permitted_p99_ms"),
    "others_p99_ms_beside_10000_per_s": ("flood", "client_p99_ms"),
    "others_p99_ms_beside_10000_per_s_at_a_wall": ("flood", "client_at_wall_p99_ms"),
    "others_p99_ms_beside_strangers": ("flood", "strangers_p99_ms"),
    "others_p99_ms_beside_strangers_at_a_wall": ("flood", "strangers_at_wall_p99_ms"),
    "explain_first_page_p50_ms": ("explain", "first_p50_ms"),
    "explain_first_page_max_ms": ("explain", "first_max_ms"),
    "explain_last_page_p50_ms": ("explain", "last_p50_ms"),
    "explain_total_p50_ms": ("explain", "total_p50_ms"),
    "proof_facts": ("proof", "facts"),
    "proof_s": ("proof", "seconds"),
    "proof_facts_per_s": ("proof", "facts_per_s"),
    "observer_share_of_a_core": ("latency", "observer_share"),
}
LATENCIES = {
    "p50_ms": "p50_ms",
    "p99_ms": "p99_ms",
    "entry_p50_ms": "entry_p50_ms",
    "entry_p99_ms": "entry_p99_ms",
    "answer_p50_ms": "answer_p50_ms",
    "answer_p99_ms": "answer_p99_ms",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """What is measured and how much of it; `warm` of the `events` of a drain come first and do not count."""

    runs: int
    events: int
    warm: int
    only: tuple[str, ...]
    rate: int
    seconds: int
    minutes: int


def summary(runs: Sequence[Found], wanted: Wanted) -> dict[str, Any]:
    """Return every figure; one whose part was not asked for is null."""
    names = NAMES | {f"{name}_at_{wanted.rate}": ("latency", at) for name, at in LATENCIES.items()}
    figures = {name: _figures(runs, *at) for name, at in names.items()}
    figures["kafka_streams_events_per_s"] = _streams(runs, COUNTED_INTERVAL_MS)
    figures["ratio_to_kafka_streams"] = [
        round(run["scoring"].events_per_s / streams, 3)
        for run, streams in zip(runs, figures["kafka_streams_events_per_s"], strict=False)
        if "scoring" in run
    ]
    cpu = _cpu(runs)
    cpu_of = next((part for part in ("kafka", "http") if part in cpu), None)
    return {
        **{name: statistics.median(values) if values else None for name, values in figures.items()},
        "kafka_streams_by_interval_ms": _by_interval(runs),
        "cpu_s_per_100k_events": cpu[cpu_of] if cpu_of else {},
        "cpu_of": cpu_of,
        "cpu_s_per_100k_by_part": cpu,
        "rss_mib": _medians([run["rss_mib"] for run in runs]),
        "spread": {name: [min(values), max(values)] for name, values in figures.items() if values},
        "outages": [dataclasses.asdict(run["outage"]) for run in runs if "outage" in run],
        "floods": [dataclasses.asdict(run["flood"]) for run in runs if "flood" in run],
        **dataclasses.asdict(wanted),
    }


def _figures(runs: Sequence[Found], part: str, name: str) -> list[float]:
    return [getattr(run[part], name) for run in runs if part in run]


def _streams(runs: Sequence[Found], interval_ms: int) -> list[float]:
    return [
        one.events_per_s for run in runs for one in run.get("streams", ()) if one.interval_ms == interval_ms
    ]


def _by_interval(runs: Sequence[Found]) -> dict[str, float]:
    intervals = sorted({one.interval_ms for run in runs for one in run.get("streams", ())})
    return {str(interval): statistics.median(_streams(runs, interval)) for interval in intervals}


def _cpu(runs: Sequence[Found]) -> dict[str, dict[str, float]]:
    """Return CPU seconds per 100,000 events by part and process."""
    parts = [part for part in ("kafka", "http", "scoring", "latency") if any(part in run for run in runs)]
    found = {part: _medians([run[part].cpu_s_per_100k for run in runs]) for part in parts}
    counted = [
        one.cpu_s_per_100k
        for run in runs
        for one in run.get("streams", ())
        if one.interval_ms == COUNTED_INTERVAL_MS
    ]
    return found | ({"streams": _medians(counted)} if counted else {})


def _medians(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = sorted({name for row in rows for name in row})
    return {name: statistics.median(row[name] for row in rows if name in row) for name in names}
