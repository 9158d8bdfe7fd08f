"""The simulation itself: days pass, units work, reports arrive."""

import heapq
from bisect import bisect
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from itertools import accumulate, count
from random import Random
from typing import Any

from dukao.simulator import season
from dukao.simulator.desk import Desk, Work
from dukao.simulator.linked import Problems
from dukao.simulator.nation import Habits, Nation, Unit, habits
from dukao.simulator.reports import Event, Reporter
from dukao.simulator.season import DAY_S
from dukao.simulator.truth import Truth
from dukao.simulator.work import routine, volume

BOGUS = 8  # pieces of work per mille that never happened and are withdrawn
LARGEST_RATE = 100_000  # events per unit and day


@dataclass(frozen=True, slots=True)
class Settings:
    """What is simulated: the first so many units, days from a day on, mean events per unit and day."""

    units: int
    days: int
    rate: int
    seed: int
    start: date = date(2021, 1, 1)

    def written(self) -> dict[str, Any]:
        """Return the settings as data."""
        return asdict(self) | {"start": self.start.isoformat()}


def problem(settings: Settings, nation: Nation) -> str | None:
    """Say what is wrong with the settings, and how to put it right."""
    head = nation.scheme.scheme
    last = settings.start + timedelta(days=settings.days - 1)
    if not 1 <= settings.units <= len(nation.units):
        return f"--units is 1 to {len(nation.units)}: the sample has that many units that work."
    if settings.days < 1 or not 1 <= settings.rate <= LARGEST_RATE:
        return f"--days is at least 1, --rate 1 to {LARGEST_RATE} events per unit and day."
    if not head.effective <= f"{settings.start:%Y-%m}" <= f"{last:%Y-%m}" <= head.until:
        return f"The days lie within the scheme, {head.effective} to {head.until}: change --start or --days."
    return None


def simulate(settings: Settings, nation: Nation, truth: Truth | None = None) -> Iterator[Event]:
    """Yield events in the order they arrive; once all have come, `truth` holds what really happened.

    The same arguments give the same events; memory holds what has happened and not arrived yet.
    """
    yield from _Simulation(settings, nation, Truth(nation.scheme) if truth is None else truth).events()


class _Simulation:
    def __init__(self, settings: Settings, nation: Nation, truth: Truth) -> None:
        self._settings = settings
        self._truth = truth
        self._problems = Problems(nation)
        self._rng = Random(settings.seed)
        self._nation = nation
        self._units = [(unit, habits(self._rng, unit.level)) for unit in nation.units[: settings.units]]
        self._sizes = list(accumulate(kept.size for _, kept in self._units))
        self._reporter = Reporter(self._rng, count(1), truth.kinds)
        self._numbers = count(1)
        self._order = count()
        self._begin = season.midnight(settings.start)
        self._planned = 0
        self._waiting: list[tuple[int, int, Event]] = []

    def events(self) -> Iterator[Event]:
        """Let the days pass; what arrived before a day is told before its work begins."""
        for day, quota in enumerate(_quotas(self._settings)):
            midnight = self._begin + day * DAY_S
            yield from self._arrived(midnight)
            self._work(midnight, day, quota)
        yield from self._arrived(None)
        for unit, month, points in self._problems.lost():
            self._truth.lose(unit, month, points)

    def _arrived(self, before: int | None) -> Iterator[Event]:
        while self._waiting and (before is None or self._waiting[0][0] < before):
            yield heapq.heappop(self._waiting)[2]

    def _work(self, midnight: int, day: int, quota: int) -> None:
        for place, (unit, kept) in enumerate(self._units):
            desk = self._desk(unit, kept, midnight)
            for work in routine(desk, day + place):
                self._take(desk, work)
        while self._planned < quota:
            desk = self._desk(*self._somebody(), midnight)
            self._take(desk, volume(desk))

    def _take(self, desk: Desk, work: Work) -> None:
        bogus = desk.chance(BOGUS)
        for fact in work.facts:
            for arrival in self._reporter.report(fact, desk.habits, bogus=bogus):
                heapq.heappush(self._waiting, (arrival.at, next(self._order), arrival.event))
                self._planned += 1
        if bogus:
            return
        self._problems.note(work.facts)
        for one in work.counts:
            self._truth.add(desk.unit, one)

    def _desk(self, unit: Unit, kept: Habits, midnight: int) -> Desk:
        end = self._begin + self._settings.days * DAY_S
        return Desk(self._rng, self._nation, unit, kept, midnight, end, self._numbers)

    def _somebody(self) -> tuple[Unit, Habits]:
        """Return a unit, large ones more often."""
        return self._units[bisect(self._sizes, self._rng.randrange(self._sizes[-1]))]


def _quotas(settings: Settings) -> Iterator[int]:
    """Yield how many events there are up to each day."""
    shares = list(accumulate(season.weights(settings.start, settings.days)))
    total = settings.units * settings.days * settings.rate
    return (total * share // shares[-1] for share in shares)
