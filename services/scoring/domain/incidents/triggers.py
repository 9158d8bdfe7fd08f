"""When a finding costs others too: conditions of the scheme on it and an inspection; who was responsible."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from services.scoring.domain.incident_section import JurisdictionSpec, RolesSpec, TriggerSpec
from services.scoring.domain.incidents.conditions import Answer, Test, test_of
from services.scoring.domain.incidents.facts import Finding, Inspection


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger of a scheme made ready: its severity gate, its conditions, what each role loses."""

    code: str
    gate: int
    tests: tuple[Test, ...]
    roles: RolesSpec


@dataclass(frozen=True, slots=True)
class Jurisdictions:
    """Who is responsible for which unit, from a day and until a day."""

    spans: tuple[tuple[str, frozenset[str], date, date], ...]

    def names(self, unit: str) -> bool:
        """Tell whether a unit is an inspectorate: whether it ever has a jurisdiction."""
        return any(who == unit for who, *_ in self.spans)

    def responsible(self, unit: str, day: date) -> str | None:
        """Return the inspectorate that is responsible for a unit on a day; one at most is."""
        return next(
            (who for who, units, first, last in self.spans if unit in units and first <= day <= last), None
        )


def jurisdictions(specs: Sequence[JurisdictionSpec]) -> Jurisdictions:
    """Make the jurisdictions of a scheme ready."""
    return Jurisdictions(
        tuple(
            (
                spec.inspectorate,
                frozenset(spec.units),
                date.fromisoformat(spec.from_),
                date.max if spec.until is None else date.fromisoformat(spec.until),
            )
            for spec in specs
        )
    )


def trigger_of(spec: TriggerSpec) -> Trigger:
    """Make a trigger ready."""
    return Trigger(spec.code, spec.gate, tuple(map(test_of, spec.when)), spec.roles)


def answer(trigger: Trigger, finding: Finding, inspection: Inspection) -> Answer:
    """Tell whether a trigger fires: no condition says no; a person tells where one leaves it to a person."""
    if not finding.counts or finding.severity < trigger.gate:
        return Answer.NO
    found = Answer.FIRES
    for test in trigger.tests:
        said = test(finding, inspection)
        if said is Answer.NO:
            return Answer.NO
        if said is Answer.SAME_DAY:
            found = said
    return found
