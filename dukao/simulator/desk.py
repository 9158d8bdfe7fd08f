"""A unit's desk: what happens on one day, by the habits of its people, as facts and as counts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from dukao.simulator import season
from dukao.simulator.nation import Habits, Nation, Unit
from dukao.simulator.season import DAY_S, HOUR_S
from services.scoring.domain.measures import ItemsSpec

Value = str | int | bool
ONE = 1_000_000
CENT = ONE // 100


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened; `key` is the field that names it across sources.

    `earlier` is what was rightly told before, as far as it had come then.
    """

    type: str
    source: str
    unit: str
    time: int
    data: Mapping[str, Value]
    case: str | None = None
    key: str | None = None
    earlier: tuple[Mapping[str, Value], ...] = ()


@dataclass(frozen=True, slots=True)
class Count:
    """What a piece of work adds to a measure in a month, in millionths; points lost have no region."""

    measure: str
    month: str
    numerator: int
    denominator: int = 0
    in_region: bool = True


@dataclass(frozen=True, slots=True)
class Work:
    """A piece of work: its facts, and what it counts for."""

    facts: tuple[Fact, ...]
    counts: tuple[Count, ...] = ()


@dataclass(frozen=True, slots=True)
class Desk:
    """A unit's desk on one day; what would happen at `end` or later has not happened yet."""

    rng: Random
    nation: Nation
    unit: Unit
    habits: Habits
    midnight: int
    end: int
    numbers: Iterator[int]

    def chance(self, per_mille: int) -> bool:
        """Tell whether something that happens so often happens now."""
        return self.rng.randrange(1000) < per_mille

    def one_of(self, *values: str) -> str:
        """Return one of some values, each as often as it stands there."""
        return values[self.rng.randrange(len(values))]

    def moment(self) -> int:
        """Return an instant of the day, mostly in office hours."""
        if self.chance(30):
            return self.midnight + self.rng.randrange(DAY_S)
        return self.midnight + 8 * HOUR_S + 1800 + self.rng.randrange(9 * HOUR_S)

    def number(self, kind: str) -> str:
        """Return a number that names one thing in the nation."""
        return f"{kind}-{self.unit.code}-{next(self.numbers):07d}"

    def data(self, **fields: Value) -> dict[str, Value]:
        """Return data with the region that every event of a bureau carries."""
        return fields if self.unit.region is None else {"region": self.unit.region} | fields

    def part(self, whole: int, missing_per_mille: int) -> int:
        """Return a part of a whole; about so much of it is missing."""
        return whole - whole * self.rng.randrange(2 * missing_per_mille + 1) // 1000

    def late(self, measure: str, deadline: int, done: int | None) -> Iterator[Count]:
        """Yield what each late working day of an item costs, in their order, until its cap is reached."""
        costs = self.nation.scheme.measures[measure]
        assert isinstance(costs, ItemsSpec)
        each, left = int(Decimal(costs.per_day) * ONE), int(Decimal(costs.cap) * ONE)
        for day in season.late_days(deadline, done):
            if left == 0:
                return
            lost = min(each, left)
            left -= lost
            yield Count(measure, season.month_of(day), lost, in_region=False)

    def done(self, begun: int, deadline: int) -> int | None:
        """Return when something is done that has a deadline, by the unit's habits; `None` if not yet."""
        if self.chance(self.habits.late):
            at = None if self.chance(150) else deadline + 1 + self.rng.randrange(12 * DAY_S)
        elif self.chance(10):
            at = deadline
        else:
            at = begun + HOUR_S + self.rng.randrange(max(1, deadline - begun - HOUR_S))
        return at if at is not None and at < self.end else None


def money(cents: int) -> str:
    """Write an amount."""
    return f"{cents // 100}.{cents % 100:02d}"
