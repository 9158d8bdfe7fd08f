"""`python -m benchmarks`: runs on a platform of its own; the last line of stdout is one JSON object."""

import argparse
import asyncio
import dataclasses
import json
import signal
import statistics
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks import drain, latency, meter
from benchmarks.platform import Platform, platform, say
from benchmarks.workload import workload

PARTS = ("http", "kafka", "scoring", "latency")
MOST_EVENTS = 5_000_000
MOST_RUNS = 20
MOST_SECONDS = 600
WARM_PART = 5
WARM_S = 5


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """What is measured and how much of it."""

    runs: int
    events: int
    only: tuple[str, ...]
    rate: int
    seconds: int


def main() -> None:
    """Measure and print."""
    wanted = _wanted()
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    runs: list[dict[str, Any]] = []
    for number in range(wanted.runs):
        say(f"run {number + 1} of {wanted.runs}")
        with platform() as running:
            runs.append(asyncio.run(_run(running, wanted, number)))
    print(json.dumps(summary(runs, wanted)))


async def _run(running: Platform, wanted: Wanted, number: int) -> dict[str, Any]:
    """Measure every part once, one after another on the same platform."""
    owner = await running.owner()
    found: dict[str, Any] = {}
    try:
        for place, part in enumerate(PARTS):
            if part not in wanted.only:
                continue
            seed = 100 * number + place
            if part == "latency":
                load = workload(wanted.rate * wanted.seconds, wanted.rate * WARM_S, seed=seed)
                found[part] = await latency.at_rate(running, owner, load, wanted.rate)
            else:
                load = workload(wanted.events, wanted.events // WARM_PART, seed=seed)
                found[part] = await DRAINS[part](running, owner, load)
        found["rss_mib"] = meter.rss_mib(running.processes)
    finally:
        await owner.close()
    return found


DRAINS = {"http": drain.from_http, "kafka": drain.from_kafka, "scoring": drain.through_scoring}


def summary(runs: Sequence[Mapping[str, Any]], wanted: Wanted) -> dict[str, Any]:
    """Return the medians under the names that are kept, and the spread of each over the runs."""
    figures = {
        "drain_kafka_events_per_s": _figures(runs, "kafka", "events_per_s"),
        "drain_http_events_per_s": _figures(runs, "http", "events_per_s"),
        "scoring_stage_events_per_s": _figures(runs, "scoring", "events_per_s"),
        f"p50_ms_at_{wanted.rate}": _figures(runs, "latency", "p50_ms"),
        f"p99_ms_at_{wanted.rate}": _figures(runs, "latency", "p99_ms"),
    }
    cpu_of = next((part for part in ("kafka", "http") if part in wanted.only), None)
    cpu = [run[cpu_of].cpu_s_per_100k for run in runs] if cpu_of else []
    return {
        **{name: statistics.median(values) if values else None for name, values in figures.items()},
        "cpu_s_per_100k_events": _medians(cpu),
        "cpu_of": cpu_of,
        "rss_mib": _medians([run["rss_mib"] for run in runs]),
        "spread": {name: [min(values), max(values)] for name, values in figures.items() if values},
        "runs": wanted.runs,
        "events": wanted.events,
        **meter.machine(),
    }


def _figures(runs: Sequence[Mapping[str, Any]], part: str, name: str) -> list[float]:
    return [getattr(run[part], name) for run in runs if part in run]


def _medians(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = sorted({name for row in rows for name in row})
    return {name: statistics.median(row[name] for row in rows if name in row) for name in names}


def _wanted() -> Wanted:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--runs", type=_bounded(MOST_RUNS), default=3)
    parser.add_argument(
        "--events", type=_bounded(MOST_EVENTS), default=200_000, help="events that count in a drain"
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--rate", type=_bounded(100_000), default=2_000, help="events/s of the latency part")
    parser.add_argument("--seconds", type=_bounded(MOST_SECONDS), default=30, help="of the latency part")
    given = parser.parse_args()
    return Wanted(given.runs, given.events, tuple(given.only), given.rate, given.seconds)


def _bounded(most: int) -> Any:
    def read(text: str) -> int:
        value = int(text)
        if not 1 <= value <= most:
            raise argparse.ArgumentTypeError(f"from 1 to {most}")
        return value

    return read


if __name__ == "__main__":
    main()
