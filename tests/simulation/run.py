"""Runs one seed to its end and says what it found."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from structlog.testing import capture_logs

from tests.simulation.actors import Parts, Platform, scenario, turn_the_clock
from tests.simulation.answers import said
from tests.simulation.checks import findings, lagging
from tests.simulation.stages import CUT
from tests.simulation.world import VirtualLoop, World

FAULTY_S = 30.0
CALM_S = 120.0
LOOK_S = 0.5


@dataclass(frozen=True)
class Result:
    """What a seed came to; `digest` stands for every step of it."""

    seed: int
    findings: tuple[str, ...]
    last: tuple[str, ...]
    digest: str
    happened: Counter[str]
    answered: Counter[str]

    def __str__(self) -> str:
        return "\n".join([f"seed {self.seed}:", *self.findings, "last steps:", *self.last])


def simulate(seed: int, parts: Parts | None = None) -> Result:
    """Run a seed: faults for a while, then calm until all is applied, then the checks."""
    with capture_logs(), asyncio.Runner(loop_factory=VirtualLoop, debug=False) as runner:
        return runner.run(_run(seed, parts or Parts()))


async def _run(seed: int, parts: Parts) -> Result:
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    world = World(seed)
    platform = Platform(world, parts)
    processes = [asyncio.ensure_future(world.keep(name, main)) for name, main in platform.processes().items()]
    clock = asyncio.ensure_future(turn_the_clock(world))
    lanes = scenario(world)
    clients = [asyncio.ensure_future(platform.client(lane)) for lane in lanes]
    await asyncio.wait(clients, timeout=world.random.uniform(FAULTY_S / 3, FAULTY_S))
    world.restart_all()
    world.shift += max(timedelta(), CUT - world.clock())
    found = findings(platform, lanes, await _settled(platform, clients))
    answered = Counter(said(answer) for _, answer in platform.answers)
    result = Result(seed, tuple(found), tuple(world.last), world.digest, world.happened, answered)
    for task in (*processes, clock, *clients):
        task.cancel()
    return result


async def _settled(platform: Platform, clients: list[asyncio.Task[None]]) -> list[str]:
    """Wait until every client has its answer and every consumer is at the end after a tick past the cut."""
    loop = asyncio.get_running_loop()
    due = loop.time() + CALM_S
    await asyncio.wait(clients, timeout=CALM_S)
    ended = [ending for one in clients if (ending := _end_of(one))]
    while (behind := lagging(platform)) and loop.time() < due:
        await asyncio.sleep(LOOK_S)
    return [*ended, *behind]


def _end_of(client: asyncio.Task[None]) -> str:
    """Return what is wrong with how a client ended."""
    if not client.done():
        return "a client has no answer"
    error = client.exception()
    return "" if error is None else f"a client ended with {error!r}"
