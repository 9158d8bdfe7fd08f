"""`python -m benchmarks`: runs on a platform of its own; the last line of stdout is one JSON object."""

import argparse
import asyncio
import json
import signal
import sys
from typing import Any

from benchmarks import drain, flood, latency, meter, proof, steady
from benchmarks.platform import Platform, platform, say
from benchmarks.streams.job import find_compiler, reference
from benchmarks.summary import Found, Wanted, summary
from benchmarks.workload import Workload, workload
from deploy.embedded.files import MissingError

USUAL = ("kafka", "http", "scoring", "latency", "explain", "proof", "streams")
PARTS = ("kafka", "http", "scoring", "latency", "explain", "proof", "memory", "outage", "flood", "streams")
MOST_EVENTS = 5_000_000
MOST_RUNS = 20
MOST_SECONDS = 600
MOST_MINUTES = 60
WARM_PART = 6
WARM_S = 10
STEADY_EVENTS = 300_000
FLOOD_EVENTS = 20_000


def main() -> None:
    """Measure and print."""
    wanted = _wanted()
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    if "streams" in wanted.only:
        _check_compiler()
    runs: list[Found] = []
    for number in range(wanted.runs):
        say(f"run {number + 1} of {wanted.runs}")
        with platform() as running:
            runs.append(asyncio.run(_run(running, wanted, number)))
    print(json.dumps(summary(runs, wanted) | meter.machine()))


def _check_compiler() -> None:
    try:
        find_compiler()
    except MissingError as error:
        raise SystemExit(f"{error} Or leave the reference out: --only {' '.join(USUAL[:-1])}.") from error


async def _run(running: Platform, wanted: Wanted, number: int) -> Found:
    """Measure every part once, one after another on the same platform; the reference job comes last."""
    owner = await running.owner()
    found: Found = {}
    first = 100 * number
    load = workload(wanted.events - wanted.warm, wanted.warm, seed=first)
    try:
        for place, part in enumerate(PARTS, start=1):
            if part in wanted.only:
                if part == "streams":
                    found["rss_mib"] = meter.rss_mib(running.processes)
                say(f"measuring {part}")
                found[part] = await _part(running, owner, part, load, first + place, wanted)
    finally:
        await owner.close()
    found.setdefault("rss_mib", meter.rss_mib(running.processes))
    return found


async def _part(
    running: Platform, owner: Any, part: str, load: Workload, seed: int, wanted: Wanted
) -> object:
    found: object
    match part:
        case "latency":
            paced = workload(wanted.rate * wanted.seconds, wanted.rate * WARM_S, seed=seed)
            found = await latency.at_rate(running, owner, paced, wanted.rate)
        case "memory" | "outage":
            measure = steady.memory if part == "memory" else steady.outage
            count = min(wanted.events, STEADY_EVENTS)
            some = workload(count, count // WARM_PART, seed=seed)
            found = await measure(running, owner, some, seed, wanted.minutes)
        case "flood":
            found = await flood.flooded(running, workload(FLOOD_EVENTS, 0, seed=seed))
        case "explain":
            found = await proof.explained(running, owner, seed)
        case "proof":
            found = await proof.proved(running)
        case "streams":
            with running.frozen(running.services):
                found = await reference(running.bootstrap, running.processes["kafka"], load)
        case _:
            found = await DRAINS[part](running, owner, load.renamed(seed - seed % 100, seed))
    return found


DRAINS = {"http": drain.from_http, "kafka": drain.from_kafka, "scoring": drain.through_scoring}


def _wanted() -> Wanted:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--runs", type=_bounded(MOST_RUNS), default=3, help="each on a platform of its own")
    parser.add_argument("--events", type=_bounded(MOST_EVENTS), default=1_200_000, help="events of a drain")
    parser.add_argument(
        "--warm", type=_bounded(MOST_EVENTS), help="how many of them come first and do not count; a sixth"
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=USUAL)
    parser.add_argument("--rate", type=_bounded(100_000), default=5_000, help="events/s of the latency part")
    parser.add_argument("--seconds", type=_bounded(MOST_SECONDS), default=60, help="of the latency part")
    parser.add_argument(
        "--minutes", type=_bounded(MOST_MINUTES), default=10, help="of the memory and outage parts"
    )
    given = parser.parse_args()
    warm = given.warm or given.events // WARM_PART
    if not 0 < warm < given.events:
        parser.error("--warm leaves no event that counts")
    return Wanted(given.runs, given.events, warm, tuple(given.only), given.rate, given.seconds, given.minutes)


def _bounded(most: int) -> Any:
    def read(text: str) -> int:
        value = int(text)
        if not 1 <= value <= most:
            raise argparse.ArgumentTypeError(f"from 1 to {most}")
        return value

    return read


if __name__ == "__main__":
    main()
