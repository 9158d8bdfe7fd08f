"""Rounds of surveys: how they are called, which version of a scheme rules them, what a day makes of them."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from services.scoring.domain.document import IndicatorSpec, SchemeDocument
from services.scoring.domain.reading import Finding
from services.scoring.domain.survey_section import RoundSpec, SurveySection


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

    Answers were given, and sums told, on the scale and by the trimming and minimums of the version before.
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
    asked = {indicator.code: at for at, indicator in enumerate(draft.indicators)}
    questions = draft.indicators_of_survey(one.survey)
    kept = {indicator.code: _counting(indicator) for indicator in questions}
    for before in one.document.indicators_of_survey(one.survey):
        if before.code not in kept:
            yield Finding("/indicators", "round_begun", f"{ruled}; keep its question {before.code}.")
        elif kept[before.code] != _counting(before):
            reason = f"{ruled}; keep scale, trim, classes and minimums of {before.code}."
            yield Finding(f"/indicators/{asked[before.code]}/method/survey", "round_begun", reason)


def _counting(indicator: IndicatorSpec) -> tuple[int, Decimal, Mapping[str, int]]:
    """Return what the sums of a question hang on; weights are no part of it."""
    method = indicator.method.survey
    assert method is not None, "a question of a survey is scored by `survey`"
    return method.scale, Decimal(method.trim), {one.rater: one.minimum for one in method.classes}


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
