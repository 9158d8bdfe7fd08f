"""Runs faults, prints what became of each, and writes a report: `python -m campaign --fault F8 --seed 7`.

It ends with 0 if every row passed, with 1 if one failed or was late, with 2 if one was not run.
"""

import argparse
import asyncio
import logging
import time
from collections.abc import Sequence
from pathlib import Path

from campaign import report
from campaign.faults import admission, closing, consuming, fines, kills, machine, relaying, servers, volumes
from campaign.platform import platform, say
from campaign.run import Fault, Result, carry_out, not_begun, open_client

FAULTS: tuple[Fault, ...] = (
    *admission.FAULTS,
    *relaying.FAULTS,
    *consuming.FAULTS,
    *closing.FAULTS,
    *servers.FAULTS,
    *volumes.FAULTS,
    *machine.FAULTS,
    *kills.FAULTS,
    fines.fault(),
)
BUILD = Path("build")
EVENTS = 4_000


async def campaign(faults: Sequence[Fault], *, seed: int, events: int, out: Path) -> list[Result]:
    """Run faults on shared platforms, a new one after a row that failed and for one that is alone."""
    results: list[Result] = []
    waiting = list(faults)
    while waiting:
        first = waiting[0]
        try:
            async with platform(first.prepare, first.clock) as running:
                client = open_client(running, out, f"client-{time.monotonic_ns()}")
                await first.adopt(client)
                while waiting and (waiting[0] is first or not waiting[0].alone):
                    fault = waiting.pop(0)
                    results.append(await carry_out(fault, running, client, seed=seed, events=events))
                    report.write(results, out)
                    if fault.alone or results[-1].outcome == "fail":
                        break
                await client.close()
        except Exception as error:  # noqa: BLE001 - what befalls one platform ends no campaign
            if waiting[:1] == [first]:
                results.append(not_begun(waiting.pop(0), error, seed=seed, events=events))
                report.write(results, out)
            else:
                say(f"a platform did not end well: {type(error).__name__} {error}")
    return results


def exit_code(results: Sequence[Result], *, allow_missing: bool) -> int:
    """Return 1 if a row failed or was late, 2 if one was not run and each is wanted, else 0."""
    outcomes = {result.outcome for result in results}
    if outcomes & {"fail", "late"}:
        return 1
    return 2 if "not run" in outcomes and not allow_missing else 0


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fault", action="append", help="a row, several if repeated; all if left out")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", type=int, default=EVENTS, help="events of each row")
    parser.add_argument("--out", type=Path, default=BUILD / "campaign")
    parser.add_argument(
        "--fines-until",
        type=int,
        default=fines.YEARS[-1],
        choices=fines.YEARS,
        metavar="YEAR",
        help="FINES only with the fines written up to the end of a year",
    )
    parser.add_argument(
        "--allow-missing", action="store_true", help="rows for which the machine lacks something are no fault"
    )
    given = parser.parse_args()
    known = {fault.code: fault for fault in FAULTS} | {fines.CODE: fines.fault(given.fines_until)}
    unknown = sorted(set(given.fault or ()) - known.keys())
    if unknown:
        parser.error(f"no such fault: {', '.join(unknown)}; there are {', '.join(known)}")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a broker that is away is no news here
    given.out.mkdir(parents=True, exist_ok=True)
    chosen = [known[code] for code in given.fault or known]
    results = asyncio.run(campaign(chosen, seed=given.seed, events=given.events, out=given.out))
    print(report.summary(results))
    say(f"the report is {given.out / report.MARKDOWN}")
    raise SystemExit(exit_code(results, allow_missing=given.allow_missing))


if __name__ == "__main__":
    main()
