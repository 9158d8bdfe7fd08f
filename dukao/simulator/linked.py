"""What incidents cost: an inspection found nothing and then another did; one problem, once for each unit."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import product

from dukao.simulator import season
from dukao.simulator.desk import ONE, Fact
from dukao.simulator.nation import INSPECTORATE, Nation
from services.scoring.domain.incident_section import ConditionSpec, FactName, IncidentsSpec, TriggerSpec

FINDING, INSPECTION = "finding.reported.v1", "inspection.ended.v1"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a unit would lose by a finding; of one problem the most counts, of equals what occurred first."""

    unit: str
    points: int
    occurred: int

    @property
    def order(self) -> tuple[int, int]:
        """The first of one problem and unit counts."""
        return -self.points, self.occurred


class Problems:
    """The findings that were confirmed and the inspections of inspectorates that found nothing."""

    def __init__(self, nation: Nation) -> None:
        self._nation = nation
        self._findings: list[Fact] = []
        self._looked: dict[str, list[Fact]] = defaultdict(list)
        self._inspectorates = {seat.code for seat in nation.of(INSPECTORATE)}

    def note(self, facts: Iterable[Fact]) -> None:
        """Take in what happened, as it was in the end."""
        for fact in facts:
            if fact.type == FINDING and fact.data["status"] == "confirmed":
                self._findings.append(fact)
            elif fact.type == INSPECTION and fact.data["found"] == 0 and fact.unit in self._inspectorates:
                self._looked[str(fact.data["object"])].append(fact)

    def lost(self) -> Iterator[tuple[str, str, int]]:
        """Yield who loses how much (millionths) in which month."""
        spec = self._nation.scheme.incidents
        if spec is None:
            return
        for findings in _hanging_together(self._findings):
            most: dict[str, Cost] = {}
            for cost in (cost for finding in findings for cost in self._costs(spec, finding)):
                known = most.get(cost.unit, cost)
                most[cost.unit] = min(known, cost, key=lambda one: one.order)
            for unit, cost in most.items():
                yield unit, season.month_of(cost.occurred), cost.points

    def _costs(self, spec: IncidentsSpec, finding: Fact) -> Iterator[Cost]:
        looked = self._looked[str(finding.data["object"])]
        for trigger, inspection in product(spec.triggers, looked):
            if not _fires(trigger, finding, inspection):
                continue
            started = datetime.fromisoformat(str(inspection.data["started"]))
            roles = (
                (spec.contents[str(finding.data["content"])], trigger.roles.department),
                (finding.unit, trigger.roles.bureau),
                (self._responsible(finding.unit, int(started.timestamp())), trigger.roles.inspectorate),
            )
            for unit, loss in roles:
                yield Cost(unit, int(Decimal(loss.points) * ONE), finding.time)

    def _responsible(self, bureau: str, at: int) -> str:
        day = season.day_of(at)
        return next(
            seat.code
            for seat in self._nation.of(INSPECTORATE)
            if bureau in self._nation.under(seat.code, day)
        )


def _fires(trigger: TriggerSpec, finding: Fact, inspection: Fact) -> bool:
    """Tell whether all holds that a trigger asks; on the day of a tie a person would tell."""
    told = _facts(finding, inspection)
    return int(finding.data["weight"]) >= trigger.gate and all(_holds(one, told) for one in trigger.when)


def _facts(finding: Fact, inspection: Fact) -> Mapping[FactName, object]:
    """Return what conditions ask for; every inspection here is one of an inspectorate."""
    told, looked = finding.data, inspection.data
    return {
        "finding.object": told["object"],
        "finding.content": told["content"],
        "finding.years": set(_years(finding)),
        "finding.finder": told["finder"],
        "finding.discovered": season.day_of(finding.time),
        "inspection.object": looked["object"],
        "inspection.content": looked["content"],
        "inspection.years": set(_years(inspection)),
        "inspection.inspector": inspection.unit,
        "inspection.ended": season.day_of(inspection.time),
        "inspection.found": looked["found"],
        "inspection.by": "inspectorate",
    }


def _holds(condition: ConditionSpec, told: Mapping[FactName, object]) -> bool:
    fact = told[condition.fact]
    if condition.before is not None:
        return str(fact) < str(told[condition.before])
    if condition.is_ is not None:
        return str(fact) in condition.is_
    other = told[condition.meets or condition.differs or condition.fact]
    meet = bool(fact & other) if isinstance(fact, set) and isinstance(other, set) else fact == other
    return meet if condition.differs is None else not meet


def _hanging_together(findings: Sequence[Fact]) -> list[list[Fact]]:
    """Return findings of one object and content whose years touch, directly or by others."""
    about: dict[tuple[str, str], list[Fact]] = defaultdict(list)
    for finding in sorted(findings, key=_years):
        about[str(finding.data["object"]), str(finding.data["content"])].append(finding)
    found: list[list[Fact]] = []
    for same in about.values():
        until = -1
        for finding in same:
            first, last = _years(finding)[0], _years(finding)[-1]
            if first > until:
                found.append([])
            found[-1].append(finding)
            until = max(until, last)
    return found


def _years(fact: Fact) -> tuple[int, ...]:
    return tuple(range(int(fact.data["first_year"]), int(fact.data["last_year"]) + 1))
