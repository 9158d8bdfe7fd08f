"""Commands of reviews: a unit asks about an entry; who stands above it and its assessor decides."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from services.scoring import parting, requests, reviews, rulers, traces
from services.scoring.asking import Schemes
from services.scoring.contract import POINTS, REVIEW_DECIDED, SOURCE, ReviewDecided
from services.scoring.domain.keyed import keyed
from services.scoring.domain.measures import MeasureSpec, PointsSpec, SurveyedSpec
from services.scoring.domain.reviews import State, Step, Who, last_day, possible, rule_of
from services.scoring.parting import Part
from services.scoring.questions import Question
from services.scoring.requests import Taken
from services.scoring.review_answers import Change, NewReview
from services.scoring.reviews import Entry, Review
from shared.contracts import envelope
from shared.kernel import instants
from shared.kernel.errors import Problem, Refused, hidden, refuse
from shared.kernel.periods import Month
from shared.kernel.points import text
from shared.kernel.records import Draft
from shared.kernel.shards import SHARDS, shard_of
from shared.storage.transaction import PostgresTransaction
from shared.web.access import Subject, covers

ASK = "ask"


@dataclass(frozen=True, slots=True)
class Found:
    """A review with its steps, and the last days on which it could be asked for and is decided in time."""

    review: Review
    steps: tuple[Taken, ...]
    ask_until: date
    decide_until: date
    late: bool


class Desk:
    """Where units ask for reviews and others decide; `replay` takes the time from the feed."""

    def __init__(self, *, replay: bool) -> None:
        self._schemes = Schemes()
        self._replay = replay

    async def ask(self, tx: PostgresTransaction, asked: NewReview, subject: Subject) -> Found:
        """Keep a review of an entry within its thirty days; the same one again answers with the first."""
        entry = await reviews.entry(tx, asked.entry)
        if entry is None:
            raise refuse(404, "not_found", "There is no such entry.", pointer="/entry")
        question = await self._question(tx, (entry.scheme, entry.version), entry)
        if not covers(subject.unit, question.unit_path):
            raise hidden("There is no such entry.", pointer="/entry", what=f"entry {entry.id}")
        await tx.lock(POINTS, [shard_of(entry.unit)])
        others = await reviews.of_entry(tx, entry.id)
        told = _written(entry, asked)
        for other in others:
            if other.state is not State.DROPPED:
                return await self._again(tx, other, told)
        if await parting.is_of_review(tx, entry, question):
            reason = (
                "A review posted this entry, and what it decided is for good; reply to the entry instead."
            )
            raise refuse(409, "posted_by_review", reason)
        now = await traces.now(tx, replay=self._replay)
        until = await self._last_day(tx, question, instants.parse(entry.at, "/entry"))
        if _day(question, now) > until:
            raise refuse(409, "review_too_late", f"The last day to ask for a review was {until}.")
        one = Review(
            id=f"{entry.id}-{len(others) + 1}",
            entry=entry.id,
            scheme=entry.scheme,
            unit=entry.unit,
            indicator=entry.indicator,
            month=entry.month,
            paths=question.paths,
            state=State.ASKED,
            asked=told,
        )
        await reviews.add(tx, one)
        await reviews.note(tx, one.id, 1, Taken(now, ASK, subject.name, asked.reason))
        return await self.find(tx, one.id)

    async def find(self, tx: PostgresTransaction, review: str) -> Found:
        """Return a review, or refuse with 404."""
        one = await reviews.find(tx, review)
        if one is None:
            raise refuse(404, "not_found", "There is no such review.")
        steps = tuple(await reviews.steps(tx, one.id))
        question = await self._question(tx, (one.scheme, one.asked["version"]), one)
        decide_until = await self._last_day(tx, question, steps[0].at)
        ended = await traces.now(tx, replay=self._replay) if one.state is State.ASKED else steps[-1].at
        return Found(
            one,
            steps,
            await self._last_day(tx, question, instants.parse(one.asked["at"], "/entry")),
            decide_until,
            late=_day(question, ended) > decide_until,
        )

    async def take(
        self, tx: PostgresTransaction, review: str, step: Step, asked: Change, subject: Subject
    ) -> Found:
        """Take a step if it is possible now and this person may; refuse it with what is possible."""
        unit = (await self.find(tx, review)).review.unit
        await tx.lock(POINTS, range(SHARDS) if step is Step.CHANGE else [shard_of(unit)])
        found = await self.find(tx, review)
        one = found.review
        rule = rule_of(one.state, step)
        if rule is None:
            raise _not_possible(one.state, step)
        if rule.who is Who.ABOVE:
            await _check_decider(tx, found, subject)
        decided, told = None, [_draft(found, {}, asked.reason, subject)] if rule.who is Who.ABOVE else []
        if step is Step.CHANGE:
            question = await self._ruling(tx, one)
            decided = _difference(question, asked)
            parts = await parting.parted(tx, one, question, decided)
            told = [_draft(found, decided, asked.reason, subject, part) for part in parts]
        await tx.append(POINTS, told)
        await reviews.move(tx, review, rule.leads, decided)
        taken = Taken(await traces.now(tx, replay=self._replay), step.value, subject.name, asked.reason)
        await reviews.note(tx, review, len(found.steps) + 1, taken)
        return await self.find(tx, review)

    async def _ruling(self, tx: PostgresTransaction, one: Review) -> Question:
        """Ask the version of the entry, or the one that rules its month since."""
        question = await self._question(tx, (one.scheme, one.asked["version"]), one)
        return await self._question(tx, (one.scheme, None), one) if question.ended else question

    async def _again(self, tx: PostgresTransaction, other: Review, told: dict[str, Any]) -> Found:
        """Answer a retry with the first, and refuse a second review of an entry."""
        if other.state is not State.ASKED:
            raise refuse(409, "review_decided", f"{other.id} was decided.", pointer="/entry")
        if other.asked != told:
            raise refuse(409, "review_asked", f"{other.id} waits for its decision.", pointer="/entry")
        return await self.find(tx, other.id)

    async def _question(
        self, tx: PostgresTransaction, scheme: tuple[str, int | None], of: Entry | Review
    ) -> Question:
        return await self._schemes.question(
            tx, scheme, (str(Month.of_ordinal(of.month)), of.unit, of.indicator)
        )

    async def _last_day(self, tx: PostgresTransaction, question: Question, at: datetime) -> date:
        zone = question.scheme.document.scheme.zone
        return last_day(_day(question, at), await reviews.worked(tx, zone))


def _written(entry: Entry, asked: NewReview) -> dict[str, Any]:
    old, new = (None if value is None else text(value) for value in (entry.old, entry.new))
    return {"reason": asked.reason, "version": entry.version, "at": entry.at, "old": old, "new": new}


def _day(question: Question, at: datetime) -> date:
    return at.astimezone(ZoneInfo(question.scheme.document.scheme.zone)).date()


async def _check_decider(tx: PostgresTransaction, found: Found, subject: Subject) -> None:
    """Nobody of the unit or its assessor decides, nor who asked, assessed or decided on the cell before."""
    one = found.review
    own = subject.unit.rstrip("/")
    if not all(covers(subject.unit, path) and own != path.rstrip("/") for path in one.paths):
        raise refuse(403, "not_above", "Who decides stands above the unit and its assessor.")
    persons = {found.steps[0].person}
    for request in await requests.of_cell(tx, one.scheme, one.unit, one.indicator, one.month):
        persons |= {step.person for step in await requests.steps(tx, request.id)}
    cell = one.scheme, one.unit, one.indicator
    persons |= await reviews.persons(tx, cell, one.month)
    persons |= await rulers.of_cell(tx, one.unit, one.indicator, one.month)
    if subject.name in persons:
        reason = "You asked for this, assessed the cell, ruled on its incident or decided an earlier review."
        raise refuse(403, "original_assessor", reason)


def _difference(question: Question, asked: Change) -> dict[str, str]:
    """Return what a decision changes, or refuse what the measure has not."""
    if isinstance(question.spec, MeasureSpec) and keyed(question.spec.numerator) is not None:
        reason = "What keys say together is not a sum; correct the events that are wrong at their source."
        raise refuse(409, "keyed_measure", reason)
    takers = [one.code for one in question.takers]
    if len(takers) > 1:
        reason = f"A review would change all that take {question.indicator.measure}: {', '.join(takers)}."
        raise refuse(409, "shared_measure", reason)
    if isinstance(question.spec, SurveyedSpec):
        raise refuse(409, "raters_said", "What raters said is no sum that a review could know better.")
    given = {
        name: value
        for name in ("points", "numerator", "denominator")
        if (value := getattr(asked, name)) is not None and Decimal(value)
    }
    in_points = isinstance(question.spec, PointsSpec)
    known = (
        {"points"} if in_points else {"numerator"} | ({"denominator"} if question.has_denominator else set())
    )
    if not given or given.keys() - known:
        wanted = " or ".join(sorted(known, reverse=True))
        raise refuse(422, "points_or_sums", f"This measure is changed by {wanted}, not by nothing.")
    return given


def _draft(
    found: Found, decided: dict[str, str], reason: str, subject: Subject, part: Part | None = None
) -> Draft:
    """Write a decision, or the part of it that hangs on facts of a shard."""
    one = found.review
    more: dict[str, Any] = {} if part is None else part.written(decided)
    told = ReviewDecided(
        key=one.id,
        version=1,
        scheme=one.scheme,
        unit=one.unit,
        indicator=one.indicator,
        month=str(Month.of_ordinal(one.month)),
        entry=one.entry,
        asked_by=found.steps[0].person,
        asked=one.asked["reason"],
        decided_by=subject.name,
        reason=reason,
        **more,
    )
    shard = shard_of(one.unit) if part is None else part.shard
    return Draft(shard, envelope.encode(REVIEW_DECIDED, SOURCE, one.unit, told))


def _not_possible(state: State, step: Step) -> Refused:
    detail = f"{step.value} is not possible: the review is {state.value}."
    extra = {"state": state.value, "possible": [one.value for one in possible(state)]}
    return Refused(Problem(409, "illegal_step", detail, extra=extra))
