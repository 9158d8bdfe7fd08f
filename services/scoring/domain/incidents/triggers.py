"""When a finding costs others too: an inspection of the same object found nothing, and then somebody did."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.scoring.domain.incident_section import JurisdictionSpec, TriggerSpec
from services.scoring.domain.incidents.facts import Finding, Inspection


class Answer(StrEnum):
    """What a trigger says of a finding and an inspection."""

    FIRES = "fires"
    SAME_DAY = "same_day"
    NO = "no"


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


def answer(trigger: TriggerSpec, finding: Finding, inspection: Inspection) -> Answer:
    """Tell whether a trigger fires; on the day on which the inspection ended, a person tells."""
    concerns = finding.counts and finding.severity >= trigger.gate and inspection.found == 0
    if not concerns or not _overlaps(trigger, finding, inspection):
        return Answer.NO
    if trigger.another_finder and finding.finder == inspection.inspector:
        return Answer.NO
    if finding.discovered == inspection.ended:
        return Answer.SAME_DAY
    return Answer.FIRES if finding.discovered > inspection.ended else Answer.NO


def _overlaps(trigger: TriggerSpec, finding: Finding, inspection: Inspection) -> bool:
    if finding.object != inspection.object:
        return False
    if "content" in trigger.overlap and inspection.content not in {None, finding.content}:
        return False
    first, last = max(finding.years[0], inspection.years[0]), min(finding.years[1], inspection.years[1])
    return "years" not in trigger.overlap or first <= last
