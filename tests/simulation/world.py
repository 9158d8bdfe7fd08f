"""One seeded run: a clock that waits for nobody, faults drawn from one generator, a trace of every step."""

import asyncio
import hashlib
import random
import selectors
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 1, tzinfo=UTC)
LAST_STEPS = 60
STEP_S = 0.02
IDLE_S, STALL_S = 2.0, 9.0
LIFE_S = 6.0
HIGHEST = {
    "crash": 0.02,
    "stall": 0.006,
    "storage fails": 0.01,
    "answer lost": 0.2,
    "send fails": 0.15,
    "lost": 0.05,
    "doubled": 0.08,
    "swapped": 0.08,
    "away": 0.05,
    "archive away": 0.8,
    "skipped": 0.05,
    "again": 0.1,
    "shuffled": 0.1,
    "altered": 0.03,
    "stopped": 0.3,
    "replaced": 0.5,
    "clock": 0.3,
}


class Crashed(BaseException):
    """The process ends here; nothing it would have done next happens."""


class Life:
    """One run of a process."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.dead = False
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def end(self) -> None:
        self.dead = True
        if not self.over.done():
            self.over.set_result(None)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in which waiting takes no time."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_Jump(self))

    def time(self) -> float:
        return self._now

    def jump(self, seconds: float) -> None:
        self._now += seconds


class _Jump(selectors.SelectSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "everybody waits and nobody for a time"
        self._loop.jump(max(timeout, 0.0))
        return []


class World:
    """What all processes of a run share; each seed has its own mix of faults, some of them left out."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.calm = False
        self.shift = timedelta()
        self.lives: list[Life] = []
        self.surprises: list[str] = []
        self.happened: Counter[str] = Counter()
        self.last: deque[str] = deque(maxlen=LAST_STEPS)
        self._rates = {fault: most * self.random.choice((0, 0.1, 0.4, 1)) for fault, most in HIGHEST.items()}
        self._trace = hashlib.sha256()
        self._owned: set[asyncio.Task[None]] = set()

    @property
    def digest(self) -> str:
        """The digest of every step so far: the same seed gives the same one."""
        return self._trace.hexdigest()

    def clock(self) -> datetime:
        """The wall clock, which steps now and then."""
        return START + self.shift + timedelta(seconds=round(asyncio.get_running_loop().time(), 6))

    def happens(self, fault: str) -> bool:
        found = not self.calm and self.random.random() < self._rates[fault]
        self.happened[fault] += found
        return found

    def note(self, who: str, what: str) -> None:
        line = f"{asyncio.get_running_loop().time():8.3f} {who}: {what}"
        self._trace.update(line.encode())
        self.last.append(line)

    async def step(self, life: Life, what: str, most_s: float = STEP_S) -> None:
        """Let time pass for a process, which may stand still or end here."""
        self.note(life.name, what)
        stalled = self.happens("stall")
        await asyncio.sleep(
            self.random.uniform(IDLE_S, STALL_S) if stalled else self.random.random() * most_s
        )
        if life.dead or self.happens("crash"):
            self.note(life.name, f"ends at: {what}")
            life.end()
            raise Crashed(what)

    async def keep(self, name: str, main: Callable[[Life], Awaitable[None]]) -> None:
        """Run a process for ever: started again when it crashed, was stopped, or was only thought dead."""
        while True:
            life = Life(name)
            self.lives.append(life)
            task = asyncio.ensure_future(main(life))
            self._owned.add(task)
            await asyncio.wait({task, life.over}, timeout=self.random.uniform(1, LIFE_S))
            if not task.done() and not life.dead:
                if self.happens("replaced"):
                    self.note(name, "is replaced and goes on")
                    asyncio.get_running_loop().call_later(self.random.uniform(0, STALL_S), life.end)
                    continue
                if not self.happens("stopped"):
                    await asyncio.wait({task, life.over}, timeout=None if self.calm else LIFE_S)
            await self._ended(task, life)
            await asyncio.sleep(self.random.random())

    async def _ended(self, task: asyncio.Task[None], life: Life) -> None:
        self.note(life.name, "stops")
        task.cancel()
        await asyncio.wait({task})
        error = None if task.cancelled() else task.exception()
        if error is not None and not life.dead:
            self.surprises.append(f"{life.name} failed: {error!r}")
        life.end()

    def restart_all(self) -> None:
        """End every fault and every process; each comes back fresh."""
        self.calm = True
        for life in self.lives:
            life.end()
