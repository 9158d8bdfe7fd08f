"""Reads findings and inspections out of reports, or says why one cannot be read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from services.scoring.domain.facts import Report
from services.scoring.domain.incident_section import FindingSpec, InspectionSpec, OwnSpec, YearsSpec
from services.scoring.domain.incidents.facts import ROSE, By, Finding, Inspection, Name, Own, Status
from services.scoring.domain.incidents.rules import Rules, covering
from shared.kernel import instants
from shared.kernel.codes import is_code
from shared.kernel.points import millionths

MOST_YEARS = 30


class Unreadable(StrEnum):
    """Why a report is no finding or inspection, so that a person must correct it or the scheme."""

    NO_SCHEME = "no_scheme"
    FIELDS = "fields"
    STATUS = "status"
    YEARS = "years"
    DAYS = "days"


@dataclass(frozen=True, slots=True)
class Unread:
    """A report that concerns incidents and says nothing that can be judged."""

    name: Name
    why: Unreadable


def object_of(rules: Rules, report: Report) -> str | None:
    """Return the object that a report is about, None where it concerns no incident or is withdrawn."""
    if report.type == ROSE:
        return report.subject
    spec = rules.findings.get(report.type) or rules.inspections.get(report.type)
    return None if spec is None or report.data is None else report.data.get(spec.object)


def finding_of(rules: Sequence[Rules], report: Report) -> tuple[Finding, Rules] | Unread | None:
    """Read a report as a finding, under the version in force when it occurred."""
    mine = covering(rules, report.time)
    if mine is None:
        known = any(report.type in one.findings for one in rules)
        return Unread(report.root, Unreadable.NO_SCHEME) if known else None
    if report.type == ROSE:
        return _rise(mine, report)
    spec, month = mine.findings.get(report.type), mine.month(report.time)
    if spec is None or month is None:
        return None
    read = _finding(spec, report, mine.zone, month)
    return (read, mine) if isinstance(read, Finding) else Unread(report.root, read)


def _rise(rules: Rules, report: Report) -> tuple[Finding, Rules] | None:
    """Read a region whose risk rose as a confirmed finding at its month's end; None of another scheme's."""
    told, month = report.data or {}, rules.month(report.time)
    spec = rules.rises.get(told.get("code", ""))
    if spec is None or month is None or told["scheme"] != rules.scheme.partition("@")[0]:
        return None
    ends = _day(report.time, rules.zone)
    return Finding(
        name=report.root,
        unit=report.subject,
        object=report.subject,
        content=spec.content,
        years=(ends.year, ends.year),
        occurred=report.time,
        month=month,
        type=ROSE,
        discovered=ends,
        status=Status.CONFIRMED,
        severity=0,
        finder=report.source,
        rise=spec.code,
        figures=told["figures"],
        judged_by=told["person"],
    ), rules


def inspection_of(rules: Rules, report: Report) -> Inspection | Unread | None:
    """Read a report as an inspection."""
    spec = rules.inspections.get(report.type)
    if spec is None:
        return None
    read = _inspection(spec, report, rules)
    return read if isinstance(read, Inspection) else Unread(report.root, read)


def _finding(spec: FindingSpec, report: Report, zone: ZoneInfo, month: int) -> Finding | Unreadable:
    data = _fields(report)
    if _lacks(data, spec.object, spec.content, *_of(spec.years), spec.discovered, spec.status, spec.severity):
        return Unreadable.FIELDS
    finder = data.get(spec.finder) if spec.finder else report.source
    if not finder:
        return Unreadable.FIELDS
    if not (is_code(data[spec.object]) and is_code(data[spec.content])):
        return Unreadable.FIELDS
    years = _years(spec.years, data)
    if years is None:
        return Unreadable.YEARS
    if data[spec.status] not in set(Status):
        return Unreadable.STATUS
    return Finding(
        name=report.root,
        unit=report.subject,
        object=data[spec.object],
        content=data[spec.content],
        years=years,
        occurred=report.time,
        month=month,
        type=report.type,
        discovered=_day(data[spec.discovered], zone),
        status=Status(data[spec.status]),
        severity=int(data[spec.severity]),
        finder=finder,
        own=None if spec.deducts is None else _own(spec.deducts, data),
    )


def _inspection(spec: InspectionSpec, report: Report, rules: Rules) -> Inspection | Unreadable:
    data, zone = _fields(report), rules.zone
    if _lacks(data, spec.object, *_of(spec.years), spec.started, spec.ended, spec.found):
        return Unreadable.FIELDS
    years = _years(spec.years, data)
    if years is None:
        return Unreadable.YEARS
    started, ended = _day(data[spec.started], zone), _day(data[spec.ended], zone)
    if ended < started:
        return Unreadable.DAYS
    inspector = data.get(spec.inspector) if spec.inspector else report.subject
    if not inspector:
        return Unreadable.FIELDS
    return Inspection(
        name=report.root,
        type=report.type,
        unit=report.subject,
        object=data[spec.object],
        content=data.get(spec.content) if spec.content else None,
        years=years,
        started=started,
        ended=ended,
        found=int(data[spec.found]),
        inspector=inspector,
        by=By.INSPECTORATE if rules.jurisdictions.names(inspector) else By.OTHER,
    )


def _fields(report: Report) -> Mapping[str, Any]:
    """Return data and the instant of the event, as expressions name it."""
    return {**(report.data or {}), "time": report.time}


def _lacks(data: Mapping[str, Any], *names: str) -> bool:
    """Tell whether a field that is needed has no value; a scheme is checked, but its types may have grown."""
    return any(data.get(name) is None for name in names)


def _of(spec: YearsSpec) -> tuple[str, str]:
    return spec.from_, spec.until


def _years(spec: YearsSpec, data: Mapping[str, Any]) -> tuple[int, int] | None:
    first, last = int(data[spec.from_]), int(data[spec.until])
    sound = instants.FIRST_YEAR <= first <= last <= instants.LAST_YEAR and last - first < MOST_YEARS
    return (first, last) if sound else None


def _own(spec: OwnSpec, data: Mapping[str, Any]) -> Own:
    if spec.points[0].isdigit():
        return Own(spec.indicator, millionths(Decimal(spec.points)))
    return Own(spec.indicator, millionths(data.get(spec.points) or 0))


def _day(micros: int, zone: ZoneInfo) -> date:
    return instants.of_micros(micros).astimezone(zone).date()
