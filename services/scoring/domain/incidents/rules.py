"""What a version of a scheme says of incidents, made ready: fields, owners, jurisdictions, who is scored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from services.scoring.domain.absences import absences
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.incident_section import FindingSpec, IncidentsSpec, InspectionSpec, RiseSpec
from services.scoring.domain.incidents.triggers import Jurisdictions, Trigger, jurisdictions, trigger_of
from services.scoring.domain.plan import month_ordinal, scheme_id
from shared.kernel.periods import Month
from shared.kernel.reigns import Months


@dataclass(frozen=True, slots=True)
class Rules:
    """The incidents of a scheme in the months that a version rules.

    `scored` are units by indicator, `absent` the months in which an indicator does not apply to a unit,
    `within` the only months of an indicator of an overlay.
    """

    scheme: str
    first: int
    last: int
    zone: ZoneInfo
    spec: IncidentsSpec
    findings: Mapping[str, FindingSpec]
    inspections: Mapping[str, InspectionSpec]
    triggers: tuple[Trigger, ...]
    rises: Mapping[str, RiseSpec]
    jurisdictions: Jurisdictions
    scored: Mapping[str, frozenset[str]]
    absent: Mapping[tuple[str, str], frozenset[int]]
    within: Mapping[str, Months]

    def month(self, time: int) -> int | None:
        """Return the month of an instant, None where the version does not cover it."""
        month = month_ordinal(time, self.zone)
        return month if self.first <= month <= self.last else None

    def scores(self, unit: str, indicator: str, month: int) -> bool:
        """Tell whether an indicator is one of a unit and applies to it in a month."""
        own, absent = self.within.get(indicator), self.absent.get((unit, indicator), frozenset())
        applies = (own is None or own[0] <= month <= own[1]) and month not in absent
        return applies and unit in self.scored.get(indicator, frozenset())


def rules_of(document: SchemeDocument, months: Months | None = None) -> Rules | None:
    """Return what a version says of incidents in the months that it rules, None where it says nothing."""
    spec = document.incidents
    if spec is None:
        return None
    first, last = months or (
        Month.parse(document.scheme.effective).ordinal,
        Month.parse(document.scheme.until).ordinal,
    )
    return Rules(
        scheme=scheme_id(document),
        first=first,
        last=last,
        zone=ZoneInfo(document.scheme.zone),
        spec=spec,
        findings={one.type: one for one in spec.findings},
        inspections={one.type: one for one in spec.inspections},
        triggers=tuple(map(trigger_of, spec.triggers)),
        rises={one.code: one for one in spec.rises},
        jurisdictions=jurisdictions(spec.jurisdictions),
        scored=scored(document),
        absent={
            (unit, one.code): absence.months
            for one in document.indicators
            for unit, absence in absences(document, one).items()
        },
        within={one.code: own for one in document.indicators if (own := document.months_of(one)) is not None},
    )


def scored(document: SchemeDocument) -> dict[str, frozenset[str]]:
    """Return the units that each indicator is for."""
    by_level: dict[str, set[str]] = {}
    for unit in document.units:
        by_level.setdefault(unit.level, set()).add(unit.code)
    return {
        one.code: frozenset(
            unit
            for name in one.groups
            if name in document.groups
            for unit in by_level.get(document.groups[name].level, ())
            if one.is_for(unit)
        )
        for one in document.indicators
    }


def covering(rules: Sequence[Rules], time: int) -> Rules | None:
    """Return the version in force at an instant."""
    return next((one for one in rules if one.month(time) is not None), None)
