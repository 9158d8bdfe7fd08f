"""What all reports of objects come to under every scheme: incidents as they are shown and told."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from services.scoring.domain.facts import Report, standing
from services.scoring.domain.incidents.deciding import Decision, Waiting, decide
from services.scoring.domain.incidents.facts import (
    Finding,
    Inspection,
    Join,
    Key,
    Name,
    Question,
    Ruling,
    Status,
)
from services.scoring.domain.incidents.problems import Deduction, Why
from services.scoring.domain.incidents.reading import Unread, object_of
from services.scoring.domain.incidents.revoked import before_revocation
from services.scoring.domain.incidents.rules import Rules

Schemes = Sequence[Sequence[Rules]]
_Named = TypeVar("_Named", Finding, Inspection)


class Stage(StrEnum):
    """How far an incident has come: as far as any of its sources says."""

    CONFIRMED = "confirmed"
    CHECKED = "checked"
    ALLEGED = "alleged"
    DROPPED = "dropped"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of objects that hang together: every report of them, and what persons ruled."""

    objects: frozenset[str]
    reports: Collection[Report]
    joins: frozenset[Join]
    rulings: Mapping[Question, Ruling]


@dataclass(frozen=True, slots=True)
class Seen:
    """A finding beside the others of its incident; one that is withdrawn is shown as it was."""

    finding: Finding
    withdrawn: bool
    contradicts: bool


@dataclass(frozen=True, slots=True)
class Told:
    """A deduction, and whether it counts because a finding that was revoked is out of its way."""

    deduction: Deduction
    revived: bool


@dataclass(frozen=True, slots=True)
class Incident:
    """One problem in one year: who says what of it, what it costs whom, and what a person is asked.

    `answered` is what persons ruled on it last; `at_stake` are the units that lose or would by what is asked.
    """

    key: Key
    problem: Key
    stage: Stage
    findings: tuple[Seen, ...]
    inspections: tuple[Inspection, ...]
    deductions: tuple[Told, ...]
    waiting: tuple[Waiting, ...]
    answered: tuple[tuple[Question, Ruling], ...]
    at_stake: frozenset[str]


@dataclass(frozen=True, slots=True)
class Settled:
    """The incidents of objects, in order; what cannot be read of their reports."""

    incidents: tuple[Incident, ...]
    unread: tuple[Unread, ...]

    def decided(self) -> dict[tuple[Key, str], list[Told]]:
        """Return the deductions of each unit by the first incident of their finding."""
        found: dict[tuple[Key, str], list[Told]] = {}
        for incident in self.incidents:
            for one in incident.deductions:
                if one.deduction.key == incident.key:
                    found.setdefault((incident.key, one.deduction.unit), []).append(one)
        return found


def settle(schemes: Schemes, facts: Facts) -> Settled:
    """Decide on all reports of objects, under the versions of each scheme."""
    now = [_decided(rules, facts, standing(facts.reports).facts) for rules in schemes]
    before = [_decided(rules, facts, before_revocation(rules, facts.reports).facts) for rules in schemes]
    told = [
        Told(one, revived=one.counts and _identity(one) in suppressed)
        for mine, earlier in zip(now, before, strict=True)
        for suppressed in [_suppressed(earlier)]
        for one in mine.deductions
        if one.key.object in facts.objects
    ]
    findings = _by_name(one.findings for one in now)
    read = {**_by_name(one.findings for one in before), **findings}
    return Settled(
        incidents=tuple(_incidents(now, facts, read, findings.keys(), told)),
        unread=tuple(
            sorted(
                {one for mine in now for one in mine.unread if one.name not in findings},
                key=lambda one: (one.name, one.why),
            )
        ),
    )


def _decided(rules: Sequence[Rules], facts: Facts, stands: Iterable[Report]) -> Decision:
    here = [one for one in stands if any(object_of(mine, one) in facts.objects for mine in rules)]
    return decide(rules, here, facts.joins, facts.rulings)


def _incidents(
    now: Sequence[Decision],
    facts: Facts,
    read: Mapping[Name, Finding],
    stands: Collection[Name],
    told: Sequence[Told],
) -> Iterable[Incident]:
    by_key: dict[Key, list[Finding]] = {}
    for name in sorted(read):
        for key in read[name].keys:
            if key.object in facts.objects:
                by_key.setdefault(key, []).append(read[name])
    problem_of = {key: root for mine in now for key, root in mine.problem_of.items()}
    inspections = _by_name(one.inspections for one in now).values()
    waiting = dict.fromkeys(one for mine in now for one in mine.waiting)
    answered = sorted(facts.rulings.items())
    for key in sorted(by_key):
        names = {one.name for one in by_key[key]}
        stage = _stage([one for one in by_key[key] if one.name in stands])
        yield Incident(
            key=key,
            problem=problem_of.get(key, key),
            stage=stage,
            findings=tuple(
                Seen(
                    one,
                    withdrawn=one.name not in stands,
                    contradicts=one.name in stands
                    and (one.status is Status.DROPPED) != (stage is Stage.DROPPED),
                )
                for one in by_key[key]
            ),
            inspections=tuple(one for one in inspections if _concerns(one, key)),
            deductions=tuple(one for one in told if one.deduction.finding in names),
            waiting=tuple(one for one in waiting if one.question.finding in names),
            answered=tuple(one for one in answered if one[0].finding in names),
            at_stake=frozenset[str]().union(
                *(units for mine in now for name, units in mine.at_stake.items() if name in names)
            ),
        )


def _stage(stands: Sequence[Finding]) -> Stage:
    order = (Status.CONFIRMED, Status.CHECKED, Status.ALLEGED, Status.DROPPED)
    found = {one.status for one in stands}
    return next((Stage(status.value) for status in order if status in found), Stage.WITHDRAWN)


def _concerns(inspection: Inspection, key: Key) -> bool:
    return inspection.object == key.object and inspection.content in {None, key.content}


def _suppressed(earlier: Decision) -> set[tuple[object, ...]]:
    return {_identity(one) for one in earlier.deductions if one.why is Why.SUPPRESSED}


def _identity(one: Deduction) -> tuple[object, ...]:
    return one.finding, one.scheme, one.unit, one.role, one.indicator, one.trigger, one.inspection


def _by_name(found: Iterable[Sequence[_Named]]) -> dict[Name, _Named]:
    return {one.name: one for group in found for one in group}
