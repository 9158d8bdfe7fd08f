"""What hangs together is one problem: of its deductions only the highest counts, for each unit."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from services.scoring.domain.incidents.facts import Finding, Join, Key, Name


class Role(StrEnum):
    """As what a unit loses points: as the one that a finding is about, or by a trigger."""

    OWN = "own"
    DEPARTMENT = "department"
    BUREAU = "bureau"
    INSPECTORATE = "inspectorate"


class Why(StrEnum):
    """Why a deduction does not count."""

    SUPPRESSED = "suppressed"
    NOT_SCORED = "not_scored"


@dataclass(frozen=True, slots=True)
class Deduction:
    """Nominal points (millionths) that a finding would cost a unit in the period of the finding.

    `key` is the finding's first incident; `suppressed_by` the finding whose deduction counts instead.
    """

    key: Key
    finding: Name
    occurred: int
    scheme: str
    month: int
    unit: str
    role: Role
    indicator: str
    points: int
    trigger: str | None = None
    inspection: Name | None = None
    why: Why | None = None
    suppressed_by: Name | None = None
    figures: str = ""

    @property
    def counts(self) -> bool:
        """Whether the unit loses these points."""
        return self.why is None

    @property
    def rank(self) -> tuple[int, str, int, Name, str, str, Name]:
        """Its place among those that hang together; the first counts."""
        tie = self.trigger or "", self.role.value, self.inspection or ("", "")
        return -self.points, self.indicator, self.occurred, self.finding, *tie


def problems(findings: Iterable[Finding], joins: Collection[Join]) -> dict[Key, Key]:
    """Return for each incident the lowest of those that it hangs together with.

    A confirmed finding holds its years together, and so does what persons joined; nothing else does.
    """
    parents: dict[Key, Key] = {}

    def root(key: Key) -> Key:
        while parents.setdefault(key, key) != key:
            key = parents[key]
        return key

    def unite(one: Key, other: Key) -> None:
        low, high = sorted((root(one), root(other)))
        parents[high] = low

    for finding in findings:
        first, *others = finding.keys
        root(first)
        for key in others:
            unite(first, key) if finding.counts else root(key)
    for join in joins:
        unite(join.one, join.other)
    return {key: root(key) for key in list(parents)}


def settled(deductions: Iterable[Deduction], problem_of: Mapping[Key, Key]) -> list[Deduction]:
    """Let the highest deduction of each problem and unit count, and tell of the others why they do not."""
    rivals: dict[tuple[Key, str], list[Deduction]] = {}
    found: list[Deduction] = []
    for one in deductions:
        if one.why is None:
            rivals.setdefault((problem_of[one.key], one.unit), []).append(one)
        else:
            found.append(one)
    for group in rivals.values():
        found += _highest_first(group)
    return sorted(found, key=lambda one: (one.key, one.unit, one.rank))


def _highest_first(group: Sequence[Deduction]) -> list[Deduction]:
    first, *others = sorted(group, key=lambda one: one.rank)
    return [
        first,
        *(replace(one, why=Why.SUPPRESSED, suppressed_by=first.finding) for one in others),
    ]
