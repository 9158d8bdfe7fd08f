"""Commands of manual points: one person asks, another approves, and what is approved becomes a fact."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from services.scoring import requests, traces
from services.scoring.asking import Schemes
from services.scoring.contract import (
    POINTS,
    POINTS_GIVEN,
    SOURCE,
    Evidence,
    GivenState,
    PointsGiven,
)
from services.scoring.domain.measures import ManualPointsSpec, ManualValueSpec
from services.scoring.domain.requests import GONE, STANDING, Rule, State, Step, possible, rule_of
from services.scoring.questions import Question
from services.scoring.request_answers import NewRequest
from services.scoring.requests import Request, Taken
from shared.contracts import envelope
from shared.kernel.errors import Problem, Refused, refuse
from shared.kernel.periods import Month, month_of
from shared.kernel.records import Draft
from shared.kernel.shards import shard_of
from shared.storage.transaction import PostgresTransaction
from shared.web.access import Subject, covers

ASK = "ask"
ASKS = frozenset({ASK, Step.WITHDRAW.value})


@dataclass(frozen=True, slots=True)
class Found:
    """A request with its steps."""

    request: Request
    steps: tuple[Taken, ...]

    @property
    def asker(self) -> str:
        """Who asked for what is to be approved now."""
        return next(one.person for one in reversed(self.steps) if one.what in ASKS)


class Desk:
    """Where persons ask for points and approve what others asked for; in a `replay` time is of the feed."""

    def __init__(self, *, replay: bool) -> None:
        self._schemes = Schemes()
        self._replay = replay

    async def ask(self, tx: PostgresTransaction, asked: NewRequest, subject: Subject) -> Found:
        """Keep a request; the same one of the same person again answers with the first."""
        cell = asked.month, asked.unit, asked.indicator
        question = await self._schemes.question(tx, (asked.scheme, None), cell)
        assessor = _assessor_of(question)
        _check_assessor(subject, assessor)
        _check_amount(question, asked)
        await tx.lock(POINTS, [shard_of(asked.unit)])
        _check_month(question, await traces.now(tx, replay=self._replay))
        if question.unit in question.absent or not question.is_within:
            raise refuse(422, "not_applicable", "The indicator does not apply to the unit in this month.")
        month = question.period.first.ordinal
        others = await requests.of_cell(tx, asked.scheme, asked.unit, asked.indicator, month)
        told = asked.model_dump(mode="json")
        for other in others:
            if other.state not in GONE and other.sha256 == asked.evidence.sha256:
                found = await _with_steps(tx, other)
                if other.asked == told and found.steps[0].person == subject.name:
                    return found
                raise refuse(409, "same_evidence", f"{other.id} rests on it already.", pointer="/evidence")
        _check_one_value(asked, others)
        one = Request(
            id=f"{asked.scheme}~{asked.unit}~{asked.indicator}~{asked.month}~{len(others) + 1}",
            scheme=asked.scheme,
            unit=asked.unit,
            indicator=asked.indicator,
            month=month,
            sha256=asked.evidence.sha256,
            paths=(question.unit_path, assessor),
            state=State.ASKED,
            asked=told,
        )
        await requests.add(tx, one)
        await requests.note(tx, one.id, 1, Taken(tx.now, ASK, subject.name, asked.reason))
        return await self.find(tx, one.id)

    async def find(self, tx: PostgresTransaction, request: str) -> Found:
        """Return a request, or refuse with 404."""
        one = await requests.find(tx, request)
        if one is None:
            raise refuse(404, "not_found", "There is no such request.")
        return await _with_steps(tx, one)

    async def take(
        self, tx: PostgresTransaction, request: str, step: Step, reason: str, subject: Subject
    ) -> Found:
        """Take a step if it is possible now and this person may; refuse it with what is possible."""
        unit = (await self.find(tx, request)).request.unit
        await tx.lock(POINTS, [shard_of(unit)])
        found = await self.find(tx, request)
        rule = rule_of(found.request.state, step)
        _check_assessor(subject, found.request.paths[-1])
        if rule is None:
            raise _not_possible(found.request.state, step)
        if rule.second and found.asker == subject.name:
            raise refuse(403, "same_person", "Nobody approves or refuses what they asked for themselves.")
        taken = Taken(tx.now, step.value, subject.name, reason)
        if rule.tells:
            await tx.append(POINTS, [_draft(found, rule, taken)])
        await requests.move(tx, request, rule.leads)
        await requests.note(tx, request, len(found.steps) + 1, taken)
        return await self.find(tx, request)


async def _with_steps(tx: PostgresTransaction, one: Request) -> Found:
    return Found(one, tuple(await requests.steps(tx, one.id)))


def _assessor_of(question: Question) -> str:
    """Return the path of who assesses the indicator, or refuse where persons give nothing."""
    if not isinstance(question.spec, ManualPointsSpec | ManualValueSpec):
        reason = "The indicator takes nothing of persons; its measure is of events, items or incidents."
        raise refuse(409, "not_manual", reason, pointer="/indicator")
    return question.paths[-1]


def _check_assessor(subject: Subject, assessor: str) -> None:
    if not covers(subject.unit, assessor):
        raise refuse(403, "not_assessor", "Only the people of the indicator's assessor give and approve.")


def _check_amount(question: Question, asked: NewRequest) -> None:
    """An indicator takes points or a value; points are a magnitude above 0."""
    wanted = "points" if isinstance(question.spec, ManualPointsSpec) else "value"
    other = "value" if wanted == "points" else "points"
    if getattr(asked, wanted) is None or getattr(asked, other) is not None:
        raise refuse(422, "points_or_value", f"This indicator takes `{wanted}` alone.", pointer=f"/{wanted}")
    if asked.points is not None and Decimal(asked.points) == 0:
        raise refuse(422, "zero_points", "A deduction is above 0.", pointer="/points")


def _check_month(question: Question, now: datetime) -> None:
    zone = ZoneInfo(question.scheme.document.scheme.zone)
    if question.period.first > month_of(now, zone):
        raise refuse(422, "time_in_future", "The month has not begun.", pointer="/month")


def _check_one_value(asked: NewRequest, others: list[Request]) -> None:
    """A cell has one value at a time; another is asked for when the first is withdrawn or refused."""
    first = next((one for one in others if one.state not in GONE), None)
    if asked.value is not None and first is not None:
        what = "stands" if first.state in STANDING else "is asked for"
        raise refuse(409, "value_stands", f"A value {what}: {first.id}.", pointer="/value")


def _not_possible(state: State, step: Step) -> Refused:
    detail = f"{step.value} is not possible: the request is {state.value}."
    extra = {"state": state.value, "possible": [one.value for one in possible(state)]}
    return Refused(Problem(409, "illegal_step", detail, extra=extra))


def _draft(found: Found, rule: Rule, taken: Taken) -> Draft:
    """Write what counts from here on, or no longer does."""
    one = found.request
    asking = next(step for step in reversed(found.steps) if step.what in ASKS)
    told = PointsGiven(
        key=one.id,
        version=1 if rule.leads is State.APPROVED else 2,
        state=GivenState.APPROVED if rule.leads is State.APPROVED else GivenState.WITHDRAWN,
        scheme=one.scheme,
        unit=one.unit,
        indicator=one.indicator,
        month=str(Month.of_ordinal(one.month)),
        points=one.asked["points"],
        value=one.asked["value"],
        evidence=Evidence.model_validate(one.asked["evidence"]),
        asked_by=asking.person,
        reason=asking.reason,
        approved_by=taken.person,
        remark=taken.reason,
    )
    return Draft(shard_of(one.unit), envelope.encode(POINTS_GIVEN, SOURCE, one.unit, told))
