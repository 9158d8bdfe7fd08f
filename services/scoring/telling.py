"""What is told of settled incidents: a decision by unit, whole and with its version; the line of a list."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from services.scoring.contract import (
    DEDUCTION_DECIDED,
    DEDUCTIONS,
    SOURCE,
    Cause,
    Deduction,
    DeductionDecided,
    DeductionState,
    IncidentName,
    ReportName,
    RoleOfUnit,
)
from services.scoring.domain.incidents.facts import Key, Name
from services.scoring.domain.incidents.problems import Why
from services.scoring.domain.incidents.settling import Incident, Settled, Told
from services.scoring.dossiers import Kept, Line, Unread
from shared.contracts import envelope
from shared.kernel.periods import Month
from shared.kernel.points import of_millionths, text
from shared.kernel.records import Draft
from shared.kernel.shards import shard_of
from shared.messaging.port import Answer

_ENCODER = msgspec.json.Encoder()
_STATES = {Why.SUPPRESSED: DeductionState.SUPPRESSED, Why.NOT_SCORED: DeductionState.NOT_SCORED}


@dataclass(frozen=True, slots=True)
class News:
    """A decision that is another than was told last."""

    kept: Kept
    incident: Key
    unit: str
    deductions: tuple[Deduction, ...]

    def message(self, received: str, cause: Sequence[Cause], newest: str) -> Answer:
        """Return the message that tells it; `newest` is the newest `received` of all that it stands on."""
        told = DeductionDecided(
            key=self.kept.key,
            version=self.kept.version,
            incident=name_of(self.incident),
            unit=self.unit,
            deductions=self.deductions,
            received=received,
            cause=tuple(cause),
            newest=newest if newest > received else None,
        )
        return DEDUCTIONS, Draft(
            shard_of(self.unit), envelope.encode(DEDUCTION_DECIDED, SOURCE, self.kept.key, told)
        )


def news(before: Mapping[str, Kept], decided: Mapping[tuple[Key, str], Sequence[Told]]) -> list[News]:
    """Return the decisions that are another, those of which nothing is left too."""
    now = {f"{key.id}~{unit}": (key, unit, found) for (key, unit), found in decided.items()}
    for key in before.keys() - now.keys():
        *incident, unit = key.split("~")
        now[key] = Key(incident[0], incident[1], int(incident[2])), unit, ()
    fresh: list[News] = []
    for key in sorted(now):
        incident, unit, found = now[key]
        deductions = tuple(deduction(one) for one in found)
        told = _ENCODER.encode([one.model_dump(mode="json") for one in deductions]).decode()
        known = before.get(key)
        if known is None or known.told != told:
            version = 1 if known is None else known.version + 1
            fresh.append(News(Kept(key, incident.object, version, told), incident, unit, deductions))
    return fresh


def deduction(told: Told) -> Deduction:
    """Write a deduction."""
    one = told.deduction
    counted = DeductionState.REVIVED if told.revived else DeductionState.COUNTED
    return Deduction(
        finding=report(one.finding),
        role=RoleOfUnit(one.role.value),
        indicator=one.indicator,
        month=str(Month.of_ordinal(one.month)),
        points=text(of_millionths(one.points)),
        scheme=one.scheme,
        state=counted if one.why is None else _STATES[one.why],
        suppressed_by=None if one.suppressed_by is None else report(one.suppressed_by),
        trigger=one.trigger,
        inspection=None if one.inspection is None else report(one.inspection),
        figures=one.figures,
    )


def line(incident: Incident, path_of: Callable[[str], str]) -> Line:
    """Return an incident as it is listed."""
    units = {one.finding.unit for one in incident.findings}
    units |= {one.deduction.unit for one in incident.deductions}
    told = {
        "problem": incident.problem.id,
        "findings": len(incident.findings),
        "sources": sorted({one.finding.finder for one in incident.findings}),
        "contradicted": any(one.contradicts for one in incident.findings),
        "corroborated_by": _finders(incident, contradicting=False),
        "contradicted_by": _finders(incident, contradicting=True),
        "lost": [
            {
                "unit": one.unit,
                "role": one.role.value,
                "points": text(of_millionths(one.points)),
                "path": path_of(one.unit),
            }
            for one in (told.deduction for told in incident.deductions)
            if one.counts
        ],
        "waiting": [
            {
                "finding": report(one.question.finding).model_dump(),
                "trigger": one.question.trigger,
                "inspection": report(one.question.inspection).model_dump(),
                "why": one.why.value,
            }
            for one in incident.waiting
        ],
    }
    return Line(
        id=incident.key.id,
        object=incident.key.object,
        content=incident.key.content,
        year=incident.key.year,
        stage=incident.stage.value,
        waiting=bool(incident.waiting),
        units=tuple(sorted(units)),
        paths=tuple(sorted({path_of(unit) for unit in units})),
        told=_ENCODER.encode(told).decode(),
    )


def _finders(incident: Incident, *, contradicting: bool) -> list[str]:
    """Return who says the same of an incident, or otherwise; what was withdrawn says nothing."""
    said = [one for one in incident.findings if not one.withdrawn and one.contradicts is contradicting]
    return sorted({one.finding.finder for one in said})


def unread(settled: Settled, named: Mapping[Name, frozenset[str]]) -> list[Unread]:
    """Return the reports that cannot be read, under the objects that they name."""
    return sorted(
        (name, *one.name, one.why.value)
        for one in settled.unread
        for name in named.get(one.name, frozenset())
    )


def name_of(key: Key) -> IncidentName:
    """Write the name of an incident."""
    return IncidentName(object=key.object, content=key.content, year=key.year)


def report(name: Name) -> ReportName:
    """Write the name of a report."""
    return ReportName(source=name[0], id=name[1])
