"""The life of a version of a scheme: its states, and what is possible in each."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where a version stands."""

    DRAFT = "draft"
    CONSULTATION = "consultation"
    ADOPTED = "adopted"
    EFFECTIVE = "effective"
    SUPERSEDED = "superseded"


class Act(StrEnum):
    """What persons do to a version."""

    REDRAFT = "redraft"
    OPEN_ROUND = "open_round"
    CLOSE_ROUND = "close_round"
    COMMENT = "comment"
    ANSWER = "answer"
    ADOPT = "adopt"


@dataclass(frozen=True, slots=True)
class Life:
    """What is known of a version.

    `rounds` were opened, of which the last may be `open`; `wanted` are those that the scheme asks for before
    it is adopted; `begun` says that its first month has, `replaced` that a newer version took its place.
    """

    rounds: int = 0
    open: bool = False
    unanswered: int = 0
    wanted: int = 0
    adopted: bool = False
    begun: bool = False
    replaced: bool = False


def state_of(life: Life) -> State:
    """Return where a version stands."""
    if life.replaced:
        return State.SUPERSEDED
    if life.adopted:
        return State.EFFECTIVE if life.begun else State.ADOPTED
    return State.CONSULTATION if life.rounds else State.DRAFT


def possible(life: Life) -> tuple[Act, ...]:
    """Return what can be done now; nothing to an adopted version, which never changes."""
    return tuple(act for act in Act if obstacle(life, act) is None)


def obstacle(life: Life, act: Act) -> str | None:
    """Return why an act is not possible now, None if it is."""
    if life.adopted:
        return "An adopted version never changes; write a new version."
    match act:
        case Act.REDRAFT | Act.OPEN_ROUND:
            return "A round of consultation is open; close it first." if life.open else None
        case Act.CLOSE_ROUND | Act.COMMENT:
            return None if life.open else "No round of consultation is open."
        case Act.ANSWER:
            return None if life.unanswered else "Every comment has its answer."
        case Act.ADOPT:
            return _not_yet(life)


def _not_yet(life: Life) -> str | None:
    if life.open:
        return "A round of consultation is open; close it first."
    if life.unanswered:
        return f"{life.unanswered} comments wait for an answer."
    if life.rounds < life.wanted:
        return f"The scheme asks for {life.wanted} rounds of consultation and had {life.rounds}."
    return None
