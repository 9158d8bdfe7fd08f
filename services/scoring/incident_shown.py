"""Incidents as the door shows them; of other units' deductions nothing is said."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from services.scoring import telling
from services.scoring.domain.incidents.facts import ROSE, Inspection, Name, Question, Ruling
from services.scoring.domain.incidents.settling import Incident, Seen
from services.scoring.dossiers import Line, Ruled
from services.scoring.incident_answers import (
    Answered,
    DeductionShown,
    FindingShown,
    HistoryLine,
    IncidentAnswer,
    IncidentLine,
    InspectionShown,
    RisesAnswer,
)
from services.scoring.rises import Looked
from services.scoring.ruling import Found
from services.scoring.settling import key_of
from shared.contracts.envelope import AcceptedEvent
from shared.kernel import instants

_DATA = msgspec.json.Decoder(dict[str, Any] | None)

Visible = Callable[[str], bool]


def line(one: Line, visible: Visible) -> IncidentLine:
    """Return an incident as it is listed; `visible` tells whether a unit path may be read of."""
    told = msgspec.json.decode(one.told)
    lost = [lost for lost in told["lost"] if visible(lost["path"])]
    return IncidentLine.model_validate(
        told
        | {
            "id": one.id,
            "object": one.object,
            "content": one.content,
            "year": one.year,
            "stage": one.stage,
            "units": list(one.units),
            "lost": lost,
        }
    )


def answer(found: Found, visible: Visible) -> IncidentAnswer:
    """Return an incident whole."""
    incident, dossier = found.incident, found.dossier
    listed = line(telling.line(incident, dossier.path_of), visible)
    together = [one.key.id for one in dossier.settled.incidents if one.problem == incident.problem]
    return IncidentAnswer(
        **listed.model_dump(),
        together=together,
        reports=[_finding(one) for one in incident.findings],
        inspections=[_inspection(one) for one in incident.inspections],
        deductions=[
            DeductionShown(unit=told.deduction.unit, **telling.deduction(told).model_dump())
            for told in incident.deductions
            if visible(dossier.path_of(told.deduction.unit))
        ],
        answered=[_answered(*one) for one in incident.answered],
        history=_history(found),
    )


def looked(found: Looked, visible: Visible) -> RisesAnswer:
    """Return the regions that may be read of, the most significant first."""
    asked, judged, paths = found.asked, found.judged, found.asked.paths
    order = sorted(found.regions, key=lambda one: (Decimal(one.adjusted), Decimal(one.p), one.unit))
    closes = None if asked.closes is None else instants.text(asked.closes)
    return RisesAnswer(
        scheme=asked.scheme[0],
        version=asked.scheme[1] if judged is None else judged.version,
        code=asked.spec.code,
        title=asked.spec.title,
        measure=asked.spec.measure if judged is None else judged.measure,
        month=str(asked.month),
        closes=closes if judged is None else judged.closes,
        judged_by=None if judged is None else judged.person,
        baseline=asked.before if judged is None else list(judged.baseline),
        minimum=asked.spec.minimum if judged is None else judged.minimum,
        alpha=asked.spec.alpha if judged is None else judged.alpha,
        tested=len(found.regions),
        regions=[one for one in order if visible(paths.get(one.unit, f"/{one.unit}"))],
    )


def _answered(question: Question, ruling: Ruling) -> Answered:
    return Answered(
        finding=telling.report(question.finding),
        trigger=question.trigger,
        inspection=telling.report(question.inspection),
        ruling="apply" if ruling is Ruling.APPLIES else "dismiss",
    )


def _finding(seen: Seen) -> FindingShown:
    one = seen.finding
    stance = "withdrawn" if seen.withdrawn else "contradicts" if seen.contradicts else "corroborates"
    return FindingShown(
        source=one.name[0],
        id=one.name[1],
        unit=one.unit,
        finder=one.finder,
        status=one.status,
        stance=stance,
        severity=one.severity,
        occurred=instants.text(instants.of_micros(one.occurred)),
        discovered=one.discovered.isoformat(),
        years=one.years,
    )


def _inspection(one: Inspection) -> InspectionShown:
    return InspectionShown(
        source=one.name[0],
        id=one.name[1],
        unit=one.unit,
        inspector=one.inspector,
        content=one.content,
        years=one.years,
        started=one.started.isoformat(),
        ended=one.ended.isoformat(),
        found=one.found,
    )


def _history(found: Found) -> list[HistoryLine]:
    """Return what came of an incident and what persons ruled, in the order in which it was received."""
    kinds: dict[Name, str] = {one.finding.name: "finding" for one in found.incident.findings}
    kinds |= {one.name: "inspection" for one in found.incident.inspections}
    statuses = _status_fields(found)
    lines = [
        _reported(event, kinds[_root(event)], statuses)
        for event in found.dossier.reports
        if _root(event) in kinds
    ]
    lines += [_ruled(one) for one in found.dossier.rulings if _concerns(one, found.incident)]
    return sorted(lines, key=lambda one: (instants.parse(one.at), one.what, one.by, one.id))


def _status_fields(found: Found) -> Mapping[str, str]:
    """Return the field of each event type that says how far a finding has come, or how much was found."""
    fields = {ROSE: "figures"}
    for scheme in found.dossier.schemes:
        if scheme.incidents is not None:
            fields |= {name: spec.status for name, spec in scheme.incidents.findings.items()}
            fields |= {name: spec.found for name, spec in scheme.incidents.inspections.items()}
    return fields


def _reported(event: AcceptedEvent, kind: str, statuses: Mapping[str, str]) -> HistoryLine:
    data = _DATA.decode(event.data) if event.has_data else None
    if data is None:
        says = "withdrawn"
    else:
        says = str(data.get(statuses.get(event.type, ""), ""))
        says = f"found {says}" if kind == "inspection" else says
    if event.revision is not None:
        says += f" (revision {event.revision})"
    return HistoryLine.model_validate(
        {"at": event.received, "what": kind, "by": event.source, "id": event.id, "says": says}
    )


def _ruled(one: Ruled) -> HistoryLine:
    act = one.act
    if act.other is not None:
        says = f"{key_of(act.incident).id} and {key_of(act.other).id}"
    else:
        assert act.finding is not None
        assert act.inspection is not None
        rose = act.finding == act.inspection
        after = "rose" if rose else f"finding {act.finding.id} after inspection {act.inspection.id}"
        says = f"trigger {act.trigger}: {after}"
    return HistoryLine.model_validate(
        {
            "at": one.received,
            "what": act.act.value,
            "by": act.person,
            "id": str(one.number),
            "says": says,
            "reason": act.reason,
        }
    )


def _concerns(one: Ruled, incident: Incident) -> bool:
    act = one.act
    named = {key_of(act.incident), *([key_of(act.other)] if act.other else [])}
    names = {seen.finding.name for seen in incident.findings}
    about = act.finding is not None and (act.finding.source, act.finding.id) in names
    return incident.key in named or about


def _root(event: AcceptedEvent) -> Name:
    if event.correctssource is not None and event.correctsid is not None:
        return event.correctssource, event.correctsid
    return event.source, event.id
