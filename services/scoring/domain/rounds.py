"""Rounds of surveys: how they are called, which version of a scheme rules them, what a day makes of them."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from services.scoring.domain.document import SchemeDocument
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
