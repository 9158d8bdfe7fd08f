"""Items, counts, coverage and calendars as the door shows them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import Any

import msgspec

from services.supervision.answers import (
    CalendarDay,
    CalendarState,
    Cause,
    Coverage,
    Evidence,
    ExtensionAnswer,
    IndicatorCoverage,
    ItemAnswer,
    ItemLine,
    Possible,
    Uncovered,
)
from services.supervision.domain.calendar import Calendar
from services.supervision.domain.calendar_document import Noticed
from services.supervision.domain.items import Line, Request, possible_now
from services.supervision.domain.machine import Who
from services.supervision.domain.seen import see
from services.supervision.domain.worktime import approved_at
from services.supervision.facts import Found
from services.supervision.store import ItemRow
from services.supervision.telling import fields_of
from shared.kernel import instants
from shared.web.access import Role

ROLES: Mapping[Who, tuple[Role, ...]] = {
    Who.ISSUER: (Role.AUTHOR,),
    Who.UNIT: (Role.OPERATOR,),
    Who.CHECKER: (Role.APPROVER,),
}
_HUNDREDTH = Decimal("0.01")


def line(row: ItemRow) -> ItemLine:
    """Return an item as it was told last."""
    told = msgspec.json.decode(row.told)
    return ItemLine.model_validate(told | {"version": row.version, "facts": row.facts})


def item_answer(found: Found) -> ItemAnswer:
    """Return an item with its history and what is possible; a withdrawn one as it was told."""
    known = found.known
    version = 0 if known.row is None else known.row.version
    if known.item is None:
        assert known.row is not None
        empty: dict[str, Any] = {
            "calendar": None,
            "possible": [],
            "extensions": [],
            "history": [],
        }
        return ItemAnswer.model_validate(line(known.row).model_dump() | empty)
    item, now = known.item, max([found.now, *(one.taken.at for one in known.item.lines)])
    seen = see(known.calendar, item, now)
    possible = possible_now(known.calendar, item, now)
    return ItemAnswer.model_validate(
        fields_of(known.id, item, seen)
        | {
            "version": version,
            "facts": known.facts,
            "calendar": _named(known.calendar),
            "possible": [
                Possible(act=act, who=who, roles=[role.value for role in ROLES[who]]) for act, who in possible
            ],
            "extensions": [_extension(one, found) for one in item.requests],
            "history": [_history(one) for one in item.lines],
        }
    )


def coverage(
    document: Mapping[str, Any], counts: Mapping[tuple[str, str], int], visible: Collection[str]
) -> Coverage:
    """Return which individual indicators have an item for which of their units that are `visible`.

    `counts` are the items by indicator and unit.
    """
    lines = [
        _covered(indicator, units, document, counts)
        for indicator in document["indicators"]
        if (units := [unit for unit in indicator.get("units", ()) if unit in visible])
    ]
    pairs, covered = sum(len(one.units) for one in lines), sum(one.covered for one in lines)
    percent = (Decimal(100 * covered) / Decimal(pairs)).quantize(_HUNDREDTH, ROUND_DOWN) if pairs else None
    names = {unit["code"]: unit.get("name", unit["code"]) for unit in document["units"]}
    return Coverage(
        scheme=document["scheme"]["code"],
        version=document["scheme"]["version"],
        pairs=pairs,
        covered=covered,
        percent=None if percent is None else str(percent),
        missing=[
            Uncovered(indicator=one.indicator, name=one.name, unit=unit, unit_name=names.get(unit, unit))
            for one in lines
            for unit in one.missing
        ],
        indicators=lines,
    )


def _covered(
    indicator: Mapping[str, Any],
    units: Sequence[str],
    document: Mapping[str, Any],
    counts: Mapping[tuple[str, str], int],
) -> IndicatorCoverage:
    code = indicator["code"]
    rules = [name for name, rule in document.get("items", {}).items() if rule.get("indicator") == code]
    items = {unit: counts.get((code, unit), 0) for unit in units}
    missing = [unit for unit, count in items.items() if count == 0]
    return IndicatorCoverage(
        indicator=code,
        name=indicator.get("name", code),
        units=list(items),
        items=items,
        rules=rules,
        covered=len(items) - len(missing),
        missing=missing,
    )


def calendar_states(rows: Sequence[Mapping[str, Any]]) -> list[CalendarState]:
    """Return versions of calendars; of those adopted the newest is in force."""
    newest: dict[str, int] = {}
    for row in rows:
        if row["approver"] is not None:
            newest[row["zone"]] = max(row["version"], newest.get(row["zone"], 0))
    return [
        CalendarState.model_validate(
            {**row, "first": row["first"].isoformat(), "last": row["last"].isoformat()}
            | {"state": _calendar_state(row, newest.get(row["zone"], 0))}
        )
        for row in rows
    ]


def calendar_days(
    calendar: Calendar, named: Mapping[date, Noticed], days: Iterable[date]
) -> list[CalendarDay]:
    """Return what days are, and which notice says so."""
    return [_calendar_day(calendar, named.get(day), day) for day in days]


def _calendar_day(calendar: Calendar, noticed: Noticed | None, day: date) -> CalendarDay:
    worked = calendar.is_worked(day)
    return CalendarDay(
        day=day.isoformat(),
        weekday=day.isoweekday(),
        worked=worked,
        kind=noticed.day.kind if noticed is not None else "work" if worked else "rest",
        provisional=not calendar.knows(day),
        name="" if noticed is None else noticed.day.name,
        hours=[f"{span.opens:%H:%M}-{span.closes:%H:%M}" for span in calendar.spans(day)],
        notice=None if noticed is None else noticed.notice.title,
        source=None if noticed is None else noticed.notice.source,
        verified=None if noticed is None else noticed.notice.verified,
    )


def _calendar_state(row: Mapping[str, Any], in_force: int) -> str:
    if row["approver"] is None:
        return "draft"
    return "adopted" if row["version"] == in_force else "superseded"


def _named(calendar: Calendar) -> str | None:
    return None if calendar.version is None else f"{calendar.zone.key}@{calendar.version}"


def _extension(request: Request, found: Found) -> ExtensionAnswer:
    limit = request.extension.lapses
    approved = approved_at(request.extension)
    lapsed = approved is None and limit <= found.now
    return ExtensionAnswer(
        asked=instants.text(request.extension.asked),
        person=request.person,
        day=request.extension.day.isoformat(),
        approvers=list(request.approvers),
        approved_at=None if approved is None else instants.text(approved),
        lapses=instants.text(limit),
        state="approved" if approved is not None else "lapsed" if lapsed else "asked",
    )


def _history(one: Line) -> Cause:
    taken = one.taken
    return Cause(
        at=instants.text(taken.at),
        act=taken.act.value,
        person=taken.person,
        state=one.state.value,
        reason=taken.reason,
        refused=one.refused,
        unit=taken.unit,
        shares={unit: str(share) for unit, share in taken.shares.items()},
        day=None if taken.day is None else taken.day.isoformat(),
        due=None if taken.due is None else instants.text(taken.due),
        evidence=[Evidence(name=name, sha256=sha) for name, sha in taken.evidence if sha],
    )


def page(rows: Sequence[ItemRow], limit: int) -> dict[str, Any]:
    """Return a page of items."""
    return {
        "items": [line(row) for row in rows],
        "next": rows[-1].id if len(rows) == limit else None,
    }
