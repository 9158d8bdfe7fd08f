"""A scheme as supervision reads it: which events open and complete items, and on which terms."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.supervision.domain.items import APPROVAL_DAYS, Kind, Terms
from services.supervision.domain.worktime import (
    LONGEST_DAYS,
    Budget,
    NamedDate,
    NamedInstant,
    OfficeHours,
    WorkingDays,
)
from shared.kernel import instants
from shared.kernel.facts import Report
from shared.kernel.periods import Month
from shared.kernel.trees import paths_of

Budgeting = Callable[[Report], Budget | None]


@dataclass(frozen=True, slots=True)
class Matching:
    """Events of a type whose fields have one of the values that are named for them."""

    type: str
    when: Mapping[str, frozenset[str]]

    def takes(self, fact: Report) -> bool:
        """Tell whether a standing fact is one of them."""
        if fact.type != self.type:
            return False
        data = fact.data or {}
        return all(written(data.get(name)) in values for name, values in self.when.items())


@dataclass(frozen=True, slots=True)
class Rule:
    """What the scheme says of one kind of item; `unit` and `title` are fields, `named` is a title.

    `units` are those that its indicator is for, if it is not for all.
    """

    name: str
    kind: Kind
    named: str
    opens: Matching
    unit: str
    title: str | None
    budget: Budgeting
    completes: Matching | None
    indicator: str | None
    units: frozenset[str]
    terms: Terms

    @property
    def types(self) -> set[str]:
        """The event types that it reads."""
        return {self.opens.type} | ({self.completes.type} if self.completes is not None else set())


@dataclass(frozen=True, slots=True)
class Plan:
    """A version of a scheme; `first` and `last` are the months that it covers, `paths` lead to its units.

    `assessors` are the units that assess its indicators; `has_cuts` says that its periods have a cut.
    """

    code: str
    version: int
    first: int
    last: int
    zone: ZoneInfo
    rules: Mapping[str, Rule]
    paths: Mapping[str, str]
    assessors: Mapping[str, str]
    has_cuts: bool = False

    @property
    def types(self) -> set[str]:
        """The event types that its items read."""
        return set[str]().union(*(rule.types for rule in self.rules.values()))


def plan_of(document: Mapping[str, Any]) -> Plan:
    """Compile an adopted document."""
    head = document["scheme"]
    zone = ZoneInfo(head["zone"])
    indicators = document.get("indicators", ())
    own = {one["code"]: frozenset(one.get("units") or ()) for one in indicators}
    return Plan(
        code=head["code"],
        version=head["version"],
        first=Month.parse(head["effective"]).ordinal,
        last=Month.parse(head["until"]).ordinal,
        zone=zone,
        rules={name: _rule(name, spec, zone, own) for name, spec in document.get("items", {}).items()},
        paths=paths_of(document["units"]),
        assessors={one["code"]: one["assessor"] for one in indicators if one.get("assessor")},
        has_cuts=head.get("grace_days") is not None,
    )


def covers(new: Plan, old: Plan) -> bool:
    """Tell whether a version leaves nothing of another to do."""
    return new.code == old.code and new.first <= old.first and new.last >= old.last


def in_force_at(plans: Sequence[Plan], month: int) -> list[Plan]:
    """Return of every scheme the newest version that covers a month."""
    newest: dict[str, Plan] = {}
    for plan in sorted(plans, key=lambda one: (one.code, one.version)):
        if plan.first <= month <= plan.last:
            newest[plan.code] = plan
    return list(newest.values())


def written(value: object) -> str:
    """Return a field's value as a scheme writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _rule(name: str, spec: Mapping[str, Any], zone: ZoneInfo, own: Mapping[str, frozenset[str]]) -> Rule:
    opens, completes = spec["opens"], spec.get("completes")
    return Rule(
        name=name,
        kind=Kind(spec["kind"]),
        named=spec["title"],
        opens=_matching(opens),
        unit=opens.get("unit", "subject"),
        title=opens.get("title"),
        budget=_budgeting(spec["due"], zone),
        completes=None if completes is None else _matching(completes),
        indicator=spec.get("indicator"),
        units=own.get(spec.get("indicator") or "", frozenset()),
        terms=Terms(
            accept=spec.get("accept", False),
            sign_days=spec.get("sign_days"),
            yellow_days=spec.get("yellow_days", 1),
            approval_days=spec.get("approval_days", APPROVAL_DAYS),
        ),
    )


def _matching(spec: Mapping[str, Any]) -> Matching:
    return Matching(spec["type"], {name: frozenset(values) for name, values in spec.get("when", {}).items()})


def _budgeting(spec: Mapping[str, Any], zone: ZoneInfo) -> Budgeting:
    """Return how an opening event says for how long an item is given; `None` where it has no deadline."""
    if (days := spec.get("working_days")) is not None:
        return lambda _fact: WorkingDays(days)
    if (field := spec.get("working_days_of")) is not None:
        return lambda fact: _working_days(fact, field)
    if (minutes := spec.get("office_minutes")) is not None:
        return lambda _fact: OfficeHours(minutes)
    if (at := spec.get("at")) is not None:
        return lambda fact: _named(fact, at, NamedInstant)
    return lambda fact: _named(
        fact, spec["day_of"], lambda instant: NamedDate(instant.astimezone(zone).date())
    )


def _working_days(fact: Report, name: str) -> WorkingDays | None:
    """Return the budget that a field holds; none where it is not one."""
    value = (fact.data or {}).get(name)
    return WorkingDays(value) if isinstance(value, int) and 1 <= value <= LONGEST_DAYS else None


def _named(fact: Report, name: str, made: Callable[[datetime], Budget]) -> Budget | None:
    value = (fact.data or {}).get(name)
    return None if value is None else made(instants.parse(str(value)))
