"""Every error that the platform raises on purpose.

    DukaoError
    ├── Refused        what came from outside cannot be taken; carries the Problem to answer with
    │   └── Hidden     it is there, but not for who asks; answered like what is not there, and put on record
    ├── Unavailable    the surroundings are not there now; the same call may succeed later
    ├── Fenced         another worker owns what this one worked on; its transaction is rolled back
    └── UnknownType    a newer producer speaks of what this program does not know; its shard stops

Anything else that escapes is a mistake in the program and is answered as one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Problem:
    """What an RFC 9457 answer says; `extra` holds further members of the body."""

    status: int
    code: str
    detail: str = ""
    pointer: str | None = None
    title: str = ""
    extra: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


class DukaoError(Exception):
    """Something went wrong that the platform has a name for."""


class Refused(DukaoError):  # noqa: N818 - named for what happened
    """The request or message cannot be taken."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.code}: {problem.detail}")
        self.problem = problem


class Hidden(Refused):
    """What is asked for is there, but not for this unit: who asks is told what they would be told without.

    `what` names it for the record, where the address does not.
    """

    def __init__(self, problem: Problem, what: str) -> None:
        super().__init__(problem)
        self.what = what


class Unavailable(DukaoError):  # noqa: N818 - named for what happened
    """A surrounding system does not answer; `code` is what a client is told."""

    def __init__(self, what: str, *, retry_after_s: int = 1, code: str = "unavailable") -> None:
        super().__init__(what)
        self.retry_after_s = retry_after_s
        self.code = code


class Fenced(DukaoError):  # noqa: N818 - named for what happened
    """The lease was taken over by another worker."""


class UnknownType(DukaoError):  # noqa: N818 - named for what happened
    """A record holds an event that only a newer version of this program knows."""

    def __init__(self, event_type: str, number: int) -> None:
        super().__init__(f"UNKNOWN_TYPE {event_type} at {number}")


def hidden(detail: str = "", *, pointer: str | None = None, what: str = "") -> Hidden:
    """Return the exception for what is hidden; the detail is that of what is not there."""
    return Hidden(Problem(status=404, code="not_found", detail=detail, pointer=pointer), what)


def refuse(status: int, code: str, detail: str = "", *, pointer: str | None = None) -> Refused:
    """Return the exception for a plain refusal."""
    return Refused(Problem(status=status, code=code, detail=detail, pointer=pointer))
