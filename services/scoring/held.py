"""What stage B keeps in memory of the units of leased partitions: what the tables hold, written through.

It is dropped with a lease and after a transaction that failed, so it never holds what was not committed.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from services.scoring import inputs
from services.scoring.domain.changes import Standing
from services.scoring.domain.comparing import compared_figures
from services.scoring.domain.groups import GroupPlan
from services.scoring.domain.parted import Figure, parted_figures
from services.scoring.domain.parts import Key
from services.scoring.domain.posting import posted
from services.scoring.domain.successions import Succession
from services.scoring.domain.sums import UnitSums
from services.scoring.ledger import Group
from shared.kernel.shards import partition_of
from shared.storage.transaction import PostgresTransaction

ROWS_KEPT = 100_000

Unit = tuple[str, str]
Cells = dict[str, dict[tuple[int, str], int]]
CellsOf = Callable[[PostgresTransaction, Group, Sequence[str]], Awaitable[Cells]]


@dataclass(slots=True)
class Shard:
    """The sums of units by (scheme, unit), and how they stand by group and unit.

    Where versions share periods of a group, `parted` are the figures made of parts by unit, and `clocks` the
    months up to which months have come.
    """

    sums: dict[Unit, UnitSums] = field(default_factory=dict[Unit, UnitSums])
    standings: dict[tuple[Group, str], Standing] = field(default_factory=dict[tuple[Group, str], Standing])
    parted: dict[Succession, dict[str, dict[Key, Figure]]] = field(
        default_factory=dict[Succession, dict[str, dict[Key, Figure]]]
    )
    clocks: dict[Succession, int] = field(default_factory=dict[Succession, int])

    @property
    def rows(self) -> int:
        """How many rows of numbers are held; a shard that holds none counts as one."""
        return 1 + sum(len(one.known) for one in self.sums.values())


class Held:
    """The shards that are held, the longest unused first."""

    def __init__(self) -> None:
        self._shards: dict[int, Shard] = {}

    def of(self, shard: int) -> Shard:
        """Return what is held of a shard."""
        held = self._shards.pop(shard, None) or Shard()
        self._shards[shard] = held
        return held

    def forget(self, partitions: Collection[int]) -> None:
        """Drop what belongs to partitions."""
        self._shards = {s: held for s, held in self._shards.items() if partition_of(s) not in partitions}

    def shrink(self) -> None:
        """Drop the shards that were not used for longest, until no more rows are held than may be."""
        kept = sum(held.rows for held in self._shards.values())
        while kept > ROWS_KEPT:
            kept -= self._shards.pop(next(iter(self._shards))).rows


async def sums_of(
    tx: PostgresTransaction, shard: int, held: Shard, plan: GroupPlan, units: Iterable[str]
) -> None:
    """Hold the sums of units under a version."""
    missing = sorted({unit for unit in units if (plan.id, unit) not in held.sums})
    loaded = await inputs.load(tx, shard, plan.id, missing, plan.calendar)
    held.sums |= {(plan.id, unit): sums for unit, sums in loaded.items()}


async def standings_of(
    tx: PostgresTransaction, held: Shard, plan: GroupPlan, units: Iterable[str], cells_of: CellsOf | None
) -> None:
    """Hold how units of a group stand by the sums that are held; of a new scheme there are no cells yet.

    Where the group is compared, the sums of all its units are held.
    """
    group = plan.scheme, plan.version, plan.name
    missing = sorted({unit for unit in units if (group, unit) not in held.standings})
    cells = await cells_of(tx, group, missing) if missing and cells_of else {}
    for unit in missing:
        standing = posted(plan, unit, held.sums[plan.id, unit], cells[unit]) if cells_of else Standing()
        held.standings[group, unit] = standing
    if missing and cells_of and plan.compared:
        figures = compared_figures(plan, {unit: held.sums[plan.id, unit] for unit in plan.units})
        for unit in missing:
            held.standings[group, unit].figures |= figures[unit]


def parted_of(held: Shard, line: Succession) -> None:
    """Hold the figures made of parts that units had when the sums that are held were told."""
    if line not in held.parted:
        held.clocks[line] = line.clock(held.sums)
        held.parted[line] = parted_figures(line, line.units, held.sums, held.clocks[line])
