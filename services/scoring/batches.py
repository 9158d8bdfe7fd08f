"""What a batch told a shard of stage B, and which units of a group it touches in which versions."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from services.scoring.causes import Causes, Range
from services.scoring.domain.groups import GroupPlan
from services.scoring.domain.layout import Numbers
from services.scoring.domain.successions import Succession
from services.scoring.domain.sums import home_of
from services.scoring.held import Shard
from services.scoring.inputs import Input
from services.scoring.ledger import Dated, Fresh
from shared.contracts.partials import Changed
from shared.kernel.periods import Month

Place = tuple[str, int]


@dataclass(slots=True)
class Told:
    """What a batch told a shard: the newest rows, what brought them, and what moved by scheme and unit.

    `received` is the newest of what brought rows, `begun` that of a scheme that was adopted, `begins` the
    first instant of its months.
    """

    rows: dict[Input, Numbers] = field(default_factory=dict[Input, Numbers])
    causes: Causes = field(default_factory=Causes)
    moved: dict[str, dict[str, dict[Place, set[int]]]] = field(
        default_factory=dict[str, dict[str, dict[Place, set[int]]]]
    )
    received: str = ""
    begun: str = ""
    begins: str = ""

    @property
    def fresh(self) -> Fresh:
        """How fresh what was told is."""
        return Fresh(self.received, self.begun, self.begins)

    def add(self, changed: Changed) -> None:
        """Take in a message of stage A."""
        cause = Range(changed.stream, changed.shard, changed.first, changed.last)
        self.received = max(self.received, changed.received)
        for block in changed.blocks:
            for row in block.rows:
                month = Month.parse(row.month).ordinal
                self.rows[block.scheme, row.unit, block.over, month, changed.shard] = row.numbers
                self.causes.add(row.unit, month, cause)

    def merge(self, held: Shard) -> None:
        """Put the rows of units that are held in the place of those before."""
        for (scheme, unit, over, month, shard), numbers in self.rows.items():
            sums = held.sums.get((scheme, unit))
            if sums is not None:
                places = sums.take((over, month, shard), numbers)
                of_unit = self.moved.setdefault(scheme, {}).setdefault(unit, {})
                of_unit.setdefault((home_of(over), month), set()).update(places)


class Batch:
    """What a batch told of a group: the units it touches in each version, and those of what versions share.

    A version that was adopted touches all units of those of its year, whose months it takes. `dated` is when
    what was posted of it is known.
    """

    def __init__(
        self, line: Succession, told: Told, adopted: Mapping[str, Range], *, has_cuts: bool = False
    ) -> None:
        self.line = line
        self.has_cuts = has_cuts
        self.told = told
        self.adopted = {plan: adopted[plan.id] for plan in line.plans if plan.id in adopted}
        years = {plan.year: found for plan, found in self.adopted.items()}
        self.taken = {plan: years[plan.year] for plan in line.plans if plan.year in years}
        self.touched = {
            plan: sorted(plan.units) if plan in self.taken else _touched(plan, plan.units, told)
            for plan in line.plans
        }
        units = {unit for found in self.touched.values() for unit in found}
        if line.shared:
            units.update(*(_touched(plan, guests, told) for plan, guests in line.guests.items() if guests))
        self.shared: Collection[str] = sorted(units) if line.shared else ()
        self.dated: Dated | None = None

    def causes_of(self, plan: GroupPlan) -> Causes:
        """Return what moved each month of each unit in a version."""
        found = self.taken.get(plan)
        return Causes(() if found is None else (found,), self.told.causes.months)


def _touched(plan: GroupPlan, units: Collection[str], told: Told) -> list[str]:
    """Return which of these units have months that may move."""
    months = plan.months
    found = {
        unit
        for scheme, unit, _, month, _ in told.rows
        if scheme == plan.id and unit in units and months[0] <= month <= months[-1]
    }
    return sorted(found)
