"""Who may do what: one pure decision over a subject, an action and the thing acted on."""

from dataclasses import dataclass
from enum import Enum, StrEnum


class Role(StrEnum):
    """The roles that a token can carry; `backfill` adds to `integrator`, `service` is our own processes'."""

    INTEGRATOR = "integrator"
    READER = "reader"
    OPERATOR = "operator"
    AUTHOR = "author"
    APPROVER = "approver"
    BACKFILL = "backfill"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Subject:
    """Who asks: the person or account, its roles, and its unit's path; `/` is all units."""

    name: str
    client: str
    roles: frozenset[Role]
    unit: str

    @property
    def caller(self) -> str:
        """Whose share of the door is used: a person at one client, or the account itself."""
        return f"{self.client} {self.name}"


@dataclass(frozen=True, slots=True)
class Action:
    """What is asked: any of `roles` may do it."""

    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class Thing:
    """What is acted on: the path of its unit, `None` if published to all."""

    unit: str | None = None


class Verdict(Enum):
    """The outcome; `HIDDEN` is answered like a thing that does not exist."""

    ALLOWED = "allowed"
    FORBIDDEN = "forbidden"
    HIDDEN = "hidden"


ANYTHING = Thing()


def decide(subject: Subject, action: Action, thing: Thing = ANYTHING) -> Verdict:
    """Judge the role before the unit, so that a hidden thing shows nothing of itself."""
    if not subject.roles & action.roles:
        return Verdict.FORBIDDEN
    if thing.unit is not None and not covers(subject.unit, thing.unit):
        return Verdict.HIDDEN
    return Verdict.ALLOWED


def covers(above: str, below: str) -> bool:
    """Tell whether a unit path is the other or lies above it; whole steps are compared."""
    prefix = above.rstrip("/") + "/"
    return (below.rstrip("/") + "/").startswith(prefix)
