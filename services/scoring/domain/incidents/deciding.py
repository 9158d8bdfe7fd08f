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
from services.scoring.domain.incidents.triggers import answer
from shared.kernel.points import millionths


class Doubt(StrEnum):
    """Why a person is asked; until then nobody loses anything by it."""

    SAME_DAY = "same_day"
    SECOND_PERSON = "second_person"
    NO_DEPARTMENT = "no_department"
    NO_INSPECTORATE = "no_inspectorate"
    NOT_SCORED = "not_scored"


TO_SAY = frozenset({Doubt.SAME_DAY, Doubt.SECOND_PERSON})  # the others are mended in the scheme


@dataclass(frozen=True, slots=True)
class Waiting:
    """A trigger that waits for a person, of which incident."""

    key: Key
    question: Question
    why: Doubt


@dataclass(frozen=True, slots=True)
class Decision:
    """What facts come to: findings, the problem of each incident, deductions, what waits, what is unread.

    `at_stake` are the units that lose or would, by the findings of which a person is asked or has ruled.
    """

    findings: tuple[Finding, ...]
    inspections: tuple[Inspection, ...]
    problem_of: Mapping[Key, Key]
    deductions: tuple[Deduction, ...]
    waiting: tuple[Waiting, ...]
    unread: tuple[Unread, ...]
    at_stake: Mapping[Name, frozenset[str]]


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
    at_stake: dict[Name, frozenset[str]] = {}
    inspections = {one.scheme: _inspections(one, reports) for one in rules}
    for mine in rules:
        seen, dull = inspections[mine.scheme]
        told = {one.name: one for one in seen} | told
        unread |= dull
    for finding, mine in found:
        if not finding.counts:
            continue
        deductions += _own(mine, finding)
        for asked in _asked(mine, finding, inspections[mine.scheme][0]):
            ruling = (rulings or {}).get(asked.question)
            outcome = _outcome(mine, finding, asked, ruling)
            if isinstance(outcome, Doubt):
                waiting.append(Waiting(finding.keys[0], asked.question, outcome))
            else:
                deductions += outcome
            if isinstance(outcome, Doubt) or ruling is not None:
                known = at_stake.get(finding.name, frozenset())
                at_stake[finding.name] = known | _losers(mine, finding, asked.day)
    findings = tuple(finding for finding, _ in found)
    problem_of = problems(findings, joins)
    return Decision(
        findings=findings,
        inspections=tuple(told[name] for name in sorted(told)),
        problem_of=problem_of,
        deductions=tuple(settled(deductions, problem_of)),
        waiting=tuple(sorted(waiting, key=lambda one: (one.key, one.question))),
        unread=tuple(sorted(unread, key=lambda one: (one.name, one.why))),
        at_stake=at_stake,
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
    """What fires, or what a person is asked about: a trigger after an inspection, or a rise after itself.

    Responsible is who was on the `day`: the first of the inspection, the last of the month of a rise.
    """

    question: Question
    roles: RolesSpec
    inspection: Name | None
    day: date
    doubt: Doubt | None


def _asked(rules: Rules, finding: Finding, inspections: Sequence[Inspection]) -> Iterator[_Asked]:
    """Yield what a finding may cost others by: its own rise, or the triggers whose conditions hold."""
    if finding.rise is not None:
        question = Question(finding.name, finding.rise, finding.name)
        roles = rules.rises[finding.rise].roles
        yield _Asked(question, roles, None, finding.discovered, Doubt.SECOND_PERSON)
        return
    for trigger in rules.triggers:
        for inspection in inspections:
            said = answer(trigger, finding, inspection)
            if said is not Answer.NO:
                question = Question(finding.name, trigger.code, inspection.name)
                doubt = Doubt.SAME_DAY if said is Answer.SAME_DAY else None
                yield _Asked(question, trigger.roles, inspection.name, inspection.started, doubt)


def _outcome(rules: Rules, finding: Finding, asked: _Asked, ruling: Ruling | None) -> list[Deduction] | Doubt:
    """Return what all roles lose, or why nobody does yet; what a role lacks is told before a person is."""
    if ruling is Ruling.DISMISSED:
        return []
    linked = _linked(rules, finding, asked)
    if isinstance(linked, Doubt) or asked.doubt is None or ruling is Ruling.APPLIES:
        return linked
    return asked.doubt


def _losers(rules: Rules, finding: Finding, day: date) -> frozenset[str]:
    """Return the units that have a role, as far as the scheme says who has."""
    others = rules.spec.contents.get(finding.content), rules.jurisdictions.responsible(finding.unit, day)
    return frozenset({finding.unit, *(unit for unit in others if unit is not None)})


def _linked(rules: Rules, finding: Finding, asked: _Asked) -> list[Deduction] | Doubt:
    department = rules.spec.contents.get(finding.content)
    if department is None:
        return Doubt.NO_DEPARTMENT
    inspectorate = rules.jurisdictions.responsible(finding.unit, asked.day)
    if inspectorate is None:
        return Doubt.NO_INSPECTORATE
    lost = (
        (Role.DEPARTMENT, department, asked.roles.department),
        (Role.BUREAU, finding.unit, asked.roles.bureau),
        (Role.INSPECTORATE, inspectorate, asked.roles.inspectorate),
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
            by=(asked.question.trigger, asked.inspection),
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
