"""One fault under load: what is done, what is seen, and what the checks say afterwards."""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from campaign import workload
from campaign.checker import checks, journal
from campaign.checker.checks import Allowed
from campaign.client import Client, Journal, Load
from campaign.platform import NotHereError, Platform, say
from deploy.state import Clock, State

SERVICE_BACK_S = 10.0
POSTGRES_BACK_S = 10.0
BROKER_BACK_S = 60.0
BACK_S = {"postgres": POSTGRES_BACK_S, "kafka": BROKER_BACK_S}
KAFKA_SHARE = 0.25
LOOKED_AGAIN = 2
OF_EVERY_ROW = ("entries", "partials", "totals")
OF_OWN_EVENTS = ("cells", "measures", "places")

Outcome = Literal["pass", "late", "fail", "not run"]


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that was expected, whether it was so, and its figure; `timed` is a limit of time."""

    what: str
    held: bool
    detail: str = ""
    timed: bool = False


@dataclass(slots=True)
class Result:
    """What became of one fault: `late` says that all is right but for a limit of time."""

    fault: str
    how: str
    expected: str
    seed: int
    events: int
    outcome: Outcome = "fail"
    why: str = ""
    seen: list[Seen] = field(default_factory=list)
    checks: dict[str, list[str]] = field(default_factory=dict)
    compared: dict[str, int] = field(default_factory=dict)
    back_s: dict[str, float] = field(default_factory=dict)
    drained_s: float | None = None
    took_s: float = 0.0
    at: str = ""
    acknowledged: int = 0
    asked_again: dict[str, int] = field(default_factory=dict)
    load: float = 0.0


class Run:
    """What a fault works with: a platform, a client, seeded events, and a place for what is seen."""

    def __init__(self, platform: Platform, client: Client, result: Result) -> None:
        self.platform = platform
        self.client = client
        self.result = result
        self.draw = random.Random(f"{result.fault} {result.seed}")
        self.allowed = Allowed()
        self.drain_but: tuple[str, ...] = ()
        self.scored = True
        self._made = 0

    def see(self, what: str, held: object, detail: object = "", *, timed: bool = False) -> None:
        """Write down what was expected and whether it was so."""
        self.result.seen.append(Seen(what, bool(held), str(detail), timed))
        say(f"  {'ok  ' if held else 'NOT '} {what} {detail}")

    def events(self, count: int | None = None) -> list[workload.Event]:
        """Make events that nobody made before."""
        self._made += 1
        name = f"{self.result.fault}.{self.result.seed}.{self._made}.{time.monotonic_ns():x}"
        return workload.events(count or self.result.events, seed=self.result.seed, run=name)

    @asynccontextmanager
    async def load(self, count: int | None = None, *, rate: float = 0.0) -> AsyncGenerator[Load]:
        """Send events, a quarter of them through Kafka; at the end of the `with` all are answered."""
        made = self.events(count)
        cut = int(len(made) * KAFKA_SHARE)
        load = Load(self.client, made[cut:], rate=rate)
        async with asyncio.TaskGroup() as group:
            group.create_task(load.run())
            group.create_task(self.client.produce(made[:cut]))
            yield load

    async def kill(self, part: str) -> None:
        """SIGKILL a part and see it back in time."""
        await self.comes_back(part, self.platform.signal(part, signal.SIGKILL))

    async def comes_back(self, part: str, old: int | None = None) -> None:
        """See a part that ends serve again in time, in another process than an old one if that ended."""
        waits_s = self.platform.supervisor_waits_s(part)
        took_s = await self.platform.back(part, old)
        self.result.back_s[part] = max(round(took_s, 1), self.result.back_s.get(part, 0.0))
        limit_s = BACK_S.get(part, SERVICE_BACK_S)
        waited = f", {waits_s:.1f} s of them waited as it ended often" if waits_s else ""
        in_time = took_s - waits_s <= limit_s
        self.see(f"{part} is back in {limit_s:.0f} s", in_time, f"{took_s:.1f} s{waited}", timed=True)

    def lost(self, since: float) -> list[str]:
        """Return what the client lost since a moment."""
        return [why for at, why in self.client.lost if at >= since]


@dataclass(frozen=True, slots=True)
class Fault:
    """A row of the campaign: `alone` ones have a platform of their own, made as `prepare` says.

    `adopt` puts in force what the row scores by, before it begins; one by the replay `clock` is alone.
    `refused` are the statuses besides 503 that the fault itself leads to, each with the reason; any other
    refusal is a finding. `compares` are kinds of what the checks compare of which its load leads to some,
    besides those of every row.
    """

    code: str
    how: str
    expected: str
    act: Callable[[Run], Awaitable[None]]
    alone: bool = False
    events: int | None = None
    prepare: Callable[[State], None] = lambda _state: None
    adopt: Callable[[Client], Awaitable[None]] = Client.adopt
    clock: Clock = "live"
    refused: Mapping[str, str] = field(default_factory=dict)
    compares: frozenset[str] = frozenset()


async def carry_out(fault: Fault, platform: Platform, client: Client, *, seed: int, events: int) -> Result:
    """Inject a fault, bring all back, wait until drained, check."""
    result = Result(fault.code, fault.how, fault.expected, seed, fault.events or events)
    run = Run(platform, client, result)
    say(f"{fault.code} {fault.how} (seed {seed}, {result.events} events)")
    platform.mark()
    result.at = now()
    started, answered, lost = time.monotonic(), client.answered, len(client.lost)
    unready = client.unready_without_retry
    try:
        await fault.act(run)
        _only_503(run, fault.refused, [why for _, why in client.lost[lost:]], unready)
        await _settle(run)
        _compared(run, fault.compares)
    except NotHereError as missing:
        result.outcome, result.why = "not run", str(missing)
    except Exception as error:  # noqa: BLE001 - a row that breaks is a row that failed
        result.why = _said(error)
    else:
        result.outcome = _judged(result)
    platform.disarm()
    result.took_s = round(time.monotonic() - started, 1)
    result.load = round(os.getloadavg()[0], 1)
    result.acknowledged = client.answered - answered
    for _, why in client.lost[lost:]:
        result.asked_again[why] = result.asked_again.get(why, 0) + 1
    say(f"{fault.code} {result.outcome} in {result.took_s} s {result.why} {result.checks or ''}")
    return result


def _only_503(run: Run, refused: Mapping[str, str], lost: list[str], unready: int) -> None:
    """See that what was not taken was answered by 503, and when to come back, or as the row itself means."""
    wrong = unmeant(lost, refused)
    meant = [f"{lost.count(one)} times {one}: {why}" for one, why in refused.items()]
    told = "; ".join([f"{lost.count('503')} times 503", *meant])
    run.see("no other refusal than 503", not wrong, wrong or told)
    bare = run.client.unready_without_retry - unready
    run.see("each 503 says when to come back", not bare, bare or "")


def _compared(run: Run, of_fault: Collection[str]) -> None:
    """See that the checks had something to compare of every kind that the load of the row leads to."""
    counts = run.result.compared
    wanted = {*OF_EVERY_ROW, *(OF_OWN_EVENTS if run.scored else ()), *of_fault}
    told = ", ".join(f"{counts.get(kind, 0)} {kind}" for kind in sorted(wanted | counts.keys()))
    run.see("the checks compared some of each kind", not without(counts, wanted), told)


def without(counts: Mapping[str, int], wanted: Collection[str]) -> list[str]:
    """Return the kinds of which nothing was compared and something should have been."""
    return sorted(kind for kind in wanted if not counts.get(kind))


def unmeant(lost: Sequence[str], refused: Mapping[str, str]) -> list[str]:
    """Return the statuses that are neither 503 nor what the row means."""
    return sorted({why for why in lost if why.isdecimal()} - {"503", *refused})


def not_begun(fault: Fault, error: Exception, *, seed: int, events: int) -> Result:
    """Return what is told of a fault whose platform did not come up; what the machine lacks is no failure."""
    outcome: Outcome = "not run" if isinstance(error, NotHereError) else "fail"
    why = str(error) if isinstance(error, NotHereError) else _said(error)
    say(f"{fault.code} {outcome}: {why}")
    result = Result(fault.code, fault.how, fault.expected, seed, fault.events or events, outcome, why)
    result.at = now()
    return result


async def _settle(run: Run) -> None:
    """Wait until all is ready and drained, and run the checks; a tick on its way is waited for."""
    await run.platform.ready()
    run.result.drained_s = round(await run.platform.drained(but=run.drain_but), 1)
    run.result.checks, run.result.compared = await judged(
        run.platform, run.client.journal.path, run.allowed, run.drain_but, scored=run.scored
    )


async def judged(
    platform: Platform, log: Path, allowed: Allowed, but: tuple[str, ...] = (), *, scored: bool = True
) -> tuple[dict[str, list[str]], dict[str, int]]:
    """Return what the checks find wrong with a platform and a client's log, and how much they compared."""
    database = await platform.database()
    try:
        told = await asyncio.to_thread(journal.read, log)

        compared = Counter[str]()

        async def look() -> dict[str, list[str]]:
            compared.clear()
            found = await checks.everything(
                database, platform.kafka, told, allowed, scored=scored, compared=compared
            )
            found["positions"] = [line for line in found.pop("positions", []) if not line.startswith(but)]
            return {name: wrong for name, wrong in found.items() if wrong}

        found = await look()
        for _ in range(LOOKED_AGAIN):
            if "positions" in found:
                await platform.drained(but=but)
                found = await look()
        return found, dict(compared)
    finally:
        await database.close()


def _judged(result: Result) -> Outcome:
    missed = [one for one in result.seen if not one.held]
    if result.checks or any(not one.timed for one in missed):
        return "fail"
    return "late" if missed else "pass"


def now() -> str:
    """Return the minute for a report."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _said(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


def open_client(platform: Platform, folder: Path, name: str) -> Client:
    """Return a client whose log lies in the folder."""
    return Client(platform, Journal(folder / f"{name}.ndjson"))
