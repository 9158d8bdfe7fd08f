"""The decision on incidents: a pure function of the set of facts, in whatever order they came."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from services.scoring.domain.facts import Report
from services.scoring.domain.incident_section import RolesSpec
from services.scoring.domain.incidents.conditions import Answer
from services.scoring.domain.incidents.facts import Finding, Inspection, Join, Key, Name, Question, Ruling
from services.scoring.domain.incidents.problems import Deduction, Role, Why, problems, settled
from services.scoring.domain.incidents.reading import Unread, finding_of, inspection_of
from services.scoring.domain.incidents.rules import Rules
from services.scoring.domain.incidents.triggers import Trigger, answer
from shared.kernel.points import millionths


class Doubt(StrEnum):
    """Why a person is asked; until then nobody loses anything by it."""

    SAME_DAY = "same_day"
    NO_DEPARTMENT = "no_department"
    NO_INSPECTORATE = "no_inspectorate"
    NOT_SCORED = "not_scored"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A trigger that waits for a person, of which incident."""

    key: Key
    question: Question
    why: Doubt


@dataclass(frozen=True, slots=True)
class Decision:
    """What facts come to: findings, the problem of each incident, deductions, what waits, what is unread."""

    findings: tuple[Finding, ...]
    inspections: tuple[Inspection, ...]
    problem_of: Mapping[Key, Key]
    deductions: tuple[Deduction, ...]
    waiting: tuple[Waiting, ...]
    unread: tuple[Unread, ...]


def decide(
    rules: Sequence[Rules],
    reports: Collection[Report],
    joins: Collection[Join] = (),
    rulings: Mapping[Question, Ruling] | None = None,
) -> Decision:
    """Decide on standing reports of objects that hang together; each problem and unit loses once."""
    read = [(report, finding_of(rules, report)) for report in reports]
    found = sorted((one for _, one in read if isinstance(one, tuple)), key=lambda one: one[0].name)
    unread = {one for _, one in read if isinstance(one, Unread)}
    told: dict[Name, Inspection] = {}
    deductions: list[Deduction] = []
    waiting: list[Waiting] = []
    inspections = {one.scheme: _inspections(one, reports) for one in rules}
    for mine in rules:
        seen, dull = inspections[mine.scheme]
        told = {one.name: one for one in seen} | told
        unread |= dull
    for finding, mine in found:
        if not finding.counts:
            continue
        deductions += _own(mine, finding)
        if finding.rise is not None:
            question = Question(finding.name, finding.rise, finding.name)
            outcome = _risen(mine, finding, finding.rise, (rulings or {}).get(question))
            if isinstance(outcome, Doubt):
                waiting.append(Waiting(finding.keys[0], question, outcome))
            else:
                deductions += outcome
            continue
        for asked in _asked(mine, finding, inspections[mine.scheme][0]):
            outcome = _outcome(mine, finding, asked, (rulings or {}).get(asked.question))
            if isinstance(outcome, Doubt):
                waiting.append(Waiting(finding.keys[0], asked.question, outcome))
            else:
                deductions += outcome
    findings = tuple(finding for finding, _ in found)
    problem_of = problems(findings, joins)
    return Decision(
        findings=findings,
        inspections=tuple(told[name] for name in sorted(told)),
        problem_of=problem_of,
        deductions=tuple(settled(deductions, problem_of)),
        waiting=tuple(sorted(waiting, key=lambda one: (one.key, one.question))),
        unread=tuple(sorted(unread, key=lambda one: (one.name, one.why))),
    )


def _inspections(rules: Rules, reports: Collection[Report]) -> tuple[list[Inspection], set[Unread]]:
    read = [inspection_of(rules, report) for report in reports]
    seen = [one for one in read if isinstance(one, Inspection)]
    return sorted(seen, key=lambda one: one.name), {one for one in read if isinstance(one, Unread)}


def _own(rules: Rules, finding: Finding) -> Iterator[Deduction]:
    """Yield what the finding costs its unit; it does not depend on triggers."""
    if finding.own is not None and finding.own.points > 0:
        scored = rules.scores(finding.unit, finding.own.indicator, finding.month)
        yield _deduction(rules, finding, Role.OWN, finding.unit, finding.own, scored=scored)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A trigger that fires, or that a person is asked about."""

    trigger: Trigger
    inspection: Inspection
    question: Question
    answer: Answer


def _asked(rules: Rules, finding: Finding, inspections: Sequence[Inspection]) -> Iterator[_Asked]:
    """Yield the triggers whose conditions hold of a finding and an inspection."""
    for trigger in rules.triggers:
        for inspection in inspections:
            said = answer(trigger, finding, inspection)
            if said is not Answer.NO:
                question = Question(finding.name, trigger.code, inspection.name)
                yield _Asked(trigger, inspection, question, said)


def _outcome(rules: Rules, finding: Finding, asked: _Asked, ruling: Ruling | None) -> list[Deduction] | Doubt:
    """Return what all roles of a trigger lose, or why nobody does yet."""
    if ruling is Ruling.DISMISSED:
        return []
    if ruling is None and asked.answer is Answer.SAME_DAY:
        return Doubt.SAME_DAY
    by = asked.trigger.code, asked.inspection.name
    return _linked(rules, finding, asked.trigger.roles, by, asked.inspection.started)


def _risen(rules: Rules, finding: Finding, rise: str, ruling: Ruling | None) -> list[Deduction] | Doubt:
    """Return what all roles lose by a region whose risk rose; responsible is who was at the month's end."""
    if ruling is Ruling.DISMISSED:
        return []
    return _linked(rules, finding, rules.rises[rise].roles, (rise, None), finding.discovered)


def _linked(
    rules: Rules, finding: Finding, roles: RolesSpec, by: tuple[str, Name | None], day: date
) -> list[Deduction] | Doubt:
    department = rules.spec.contents.get(finding.content)
    if department is None:
        return Doubt.NO_DEPARTMENT
    inspectorate = rules.jurisdictions.responsible(finding.unit, day)
    if inspectorate is None:
        return Doubt.NO_INSPECTORATE
    lost = (
        (Role.DEPARTMENT, department, roles.department),
        (Role.BUREAU, finding.unit, roles.bureau),
        (Role.INSPECTORATE, inspectorate, roles.inspectorate),
    )
    if not all(rules.scores(unit, loss.indicator, finding.month) for _, unit, loss in lost):
        return Doubt.NOT_SCORED
    return [
        _deduction(
            rules,
            finding,
            role,
            unit,
            (loss.indicator, millionths(Decimal(loss.points))),
            by=by,
        )
        for role, unit, loss in lost
    ]


def _deduction(
    rules: Rules,
    finding: Finding,
    role: Role,
    unit: str,
    loss: tuple[str, int],
    *,
    by: tuple[str | None, Name | None] = (None, None),
    scored: bool = True,
) -> Deduction:
    return Deduction(
        key=finding.keys[0],
        finding=finding.name,
        occurred=finding.occurred,
        scheme=rules.scheme,
        month=finding.month,
        unit=unit,
        role=role,
        indicator=loss[0],
        points=loss[1],
        trigger=by[0],
        inspection=by[1],
        why=None if scored else Why.NOT_SCORED,
        figures=finding.figures,
    )
