"""Who may do what: one pure decision over a subject, an action and the thing acted on."""

from dataclasses import dataclass
from enum import Enum, StrEnum


class Role(StrEnum):
    """The roles that a token can carry; `backfill` adds to `integrator`, `service` is our own processes'.

    `closer` closes periods, beside no role that gives, decides or administers.
    """

    INTEGRATOR = "integrator"
    READER = "reader"
    OPERATOR = "operator"
    AUTHOR = "author"
    APPROVER = "approver"
    CLOSER = "closer"
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


class Bound(StrEnum):
    """How far an operation reaches; each declares one, and who may use it.

    `WHOLE` concerns every unit: the token's unit is `/`. `UNITS` acts on and shows the units of the token
    alone, `OWN` what the account itself sends; both look at each thing. `PUBLISHED` answers everyone alike
    and changes nothing. `ANYONE` asks for no token and looks at none: what is sent carries its own right.
    """

    WHOLE = "whole"
    UNITS = "units"
    OWN = "own"
    PUBLISHED = "published"
    ANYONE = "anyone"


class Verdict(Enum):
    """The outcome; `HIDDEN` is answered like a thing that does not exist, `BELOW` concerns every unit."""

    ALLOWED = "allowed"
    FORBIDDEN = "forbidden"
    BELOW = "below"
    HIDDEN = "hidden"


ANYTHING = Thing()
EVERYTHING = Thing("/")


def decide(subject: Subject, action: Action, thing: Thing = ANYTHING) -> Verdict:
    """Judge the role before the unit, so that a hidden thing shows nothing of itself."""
    if not subject.roles & action.roles:
        return Verdict.FORBIDDEN
    if thing.unit is None or covers(subject.unit, thing.unit):
        return Verdict.ALLOWED
    return Verdict.BELOW if thing == EVERYTHING else Verdict.HIDDEN


def covers(above: str, below: str) -> bool:
    """Tell whether a unit path is the other or lies above it; whole steps are compared."""
    prefix = above.rstrip("/") + "/"
    return (below.rstrip("/") + "/").startswith(prefix)
