"""Rounds of surveys: how they are called, which version of a scheme rules them, what a day makes of them."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.indicator_section import IndicatorSpec
from services.scoring.domain.reading import Finding
from services.scoring.domain.survey_section import RoundSpec, SurveySection
from shared.kernel.periods import Month


class State(StrEnum):
    """Whether a round takes answers."""

    WAITING = "waiting"
    OPEN = "open"
    CLOSED = "closed"


class Turn(NamedTuple):
    """A day that makes something of a round; `what` is opened, reminded or closed."""

    what: str
    day: str

    def __str__(self) -> str:
        return f"{self.what} {self.day}"


@dataclass(frozen=True, slots=True)
class Round:
    """A round of a survey, as the version of the scheme rules it that covers its month."""

    document: SchemeDocument
    survey: str
    spec: RoundSpec

    @property
    def id(self) -> str:
        """The name of the round: scheme, survey, month."""
        return f"{self.document.scheme.code}~{self.survey}~{self.spec.month}"

    @property
    def section(self) -> SurveySection:
        """The survey."""
        return self.document.surveys[self.survey]

    def minimum(self, rater: str) -> int:
        """Return the least sample that any question asks of a class of raters."""
        return min(
            one.minimum
            for indicator in self.document.indicators_of_survey(self.survey)
            if indicator.method.survey is not None
            for one in indicator.method.survey.classes
            if one.rater == rater
        )


def rounds_of(documents: Iterable[SchemeDocument]) -> dict[str, Round]:
    """Return the rounds of versions of schemes by their ids: of a month as its newest version has them."""
    found: dict[str, Round] = {}
    for document in sorted(documents, key=lambda one: (one.scheme.code, one.scheme.version)):
        code = document.scheme.code
        found = {
            key: one
            for key, one in found.items()
            if one.document.scheme.code != code or not _rules(document, one.spec)
        }
        for name, survey in document.surveys.items():
            mine = (Round(document, name, spec) for spec in survey.rounds if _rules(document, spec))
            found |= {one.id: one for one in mine}
    return found


def begun_rounds_stay(draft: SchemeDocument, begun: Iterable[Round]) -> Iterator[Finding]:
    """Refuse a version that takes the month of a round that has begun, and does not keep what was asked.

    Answers were given, and sums told, of the units and on the scale and by the trimming and minimums of the
    version before; a unit moves from the month after.
    """
    for one in begun:
        if _rules(draft, one.spec):
            yield from _stays(draft, one)


def _stays(draft: SchemeDocument, one: Round) -> Iterator[Finding]:
    ruled = f"The round {one.id} has begun under version {one.document.scheme.version}"
    section, path = draft.surveys.get(one.survey), f"/surveys/{one.survey}"
    if section is None:
        yield Finding("/surveys", "round_begun", f"{ruled}; keep the survey.")
        return
    if one.spec not in section.rounds or draft.scheme.zone != one.document.scheme.zone:
        spec = one.spec
        reason = f"{ruled}; keep it from {spec.opens} to {spec.closes}, its reminders and its time zone."
        yield Finding(f"{path}/rounds", "round_begun", reason)
    if section.raters.keys() != one.section.raters.keys():
        yield Finding(f"{path}/raters", "round_begun", f"{ruled}; keep its classes of raters.")
    yield from _questions_stay(draft, one, ruled)


def _questions_stay(draft: SchemeDocument, one: Round, ruled: str) -> Iterator[Finding]:
    before = {indicator.code: indicator for indicator in one.document.indicators_of_survey(one.survey)}
    kept = {indicator.code: indicator for indicator in draft.indicators_of_survey(one.survey)}
    if kept.keys() != before.keys():
        reason = f"{ruled}; keep its questions, which are {', '.join(before)}."
        yield Finding("/indicators", "round_begun", reason)
    for at, indicator in enumerate(draft.indicators):
        code, path = indicator.code, f"/indicators/{at}"
        if code not in kept or code not in before:
            continue
        if _counting(indicator) != _counting(before[code]):
            reason = f"{ruled}; keep scale, trim, classes and minimums of {code}."
            yield Finding(f"{path}/method/survey", "round_begun", reason)
        if moved := draft.units_of(indicator) ^ one.document.units_of(before[code]):
            later = Month.parse(one.spec.month).plus(1)
            reason = f"{ruled}; ask {code} of {min(moved)} as it does, or begin in {later}."
            yield Finding(f"{path}/groups", "round_begun", reason)


def _counting(indicator: IndicatorSpec) -> tuple[int, Decimal, Mapping[str, int]]:
    """Return what the sums of a question hang on; weights are no part of it."""
    method = indicator.method.survey
    assert method is not None, "a question of a survey is scored by `survey`"
    return method.scale, Decimal(method.trim), {one.rater: one.minimum for one in method.classes}


def waits(one: Round, newer: Iterable[SchemeDocument]) -> bool:
    """Tell whether a round that has not begun is asked otherwise by a version that is on its way.

    Once adopted, that version may rely on nothing having been told of the round before it.
    """
    return any(True for draft in newer for _ in begun_rounds_stay(draft, [one]))


def news(spec: RoundSpec, told: Collection[str], today: str) -> list[Turn]:
    """Return what a day makes of a round beside what was told of it, in order; once closed, nothing."""
    if state_of(told) is State.CLOSED:
        return []
    return [turn for turn in turns(spec, today) if str(turn) not in told]


def turns(spec: RoundSpec, today: str) -> Iterator[Turn]:
    """Yield what has become of a round up to and with a day of the scheme's zone, in order."""
    days = [Turn("opened", spec.opens), *(Turn("reminded", day) for day in sorted(spec.remind))]
    yield from (one for one in days if one.day <= today)
    if spec.closes < today:
        yield Turn("closed", spec.closes)


def state_of(told: Collection[str]) -> State:
    """Return how a round stands by what was told of it."""
    words = {one.partition(" ")[0] for one in told}
    if "closed" in words:
        return State.CLOSED
    return State.OPEN if "opened" in words else State.WAITING


def _rules(document: SchemeDocument, spec: RoundSpec) -> bool:
    return document.scheme.effective <= spec.month <= document.scheme.until
