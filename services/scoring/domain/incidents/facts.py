"""What incidents are decided from: findings, inspections, and what people ruled."""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from shared.kernel.codes import is_code

Name = tuple[str, str]
KEY_PARTS = 3
ROSE = "dukao.region-rose.v1"  # the type of what stands for a region whose risk rose among the reports
_YEAR = re.compile(r"(19|20|21)[0-9]{2}")


class Status(StrEnum):
    """How far a finding has come: only a confirmed one deducts, a dropped one says that there was nothing."""

    ALLEGED = "alleged"
    CHECKED = "checked"
    CONFIRMED = "confirmed"
    DROPPED = "dropped"


class Key(NamedTuple):
    """An incident: what it is about and the year of the problem itself."""

    object: str
    content: str
    year: int

    @property
    def id(self) -> str:
        """Its name in one text; a code has no tilde."""
        return f"{self.object}~{self.content}~{self.year}"


def key_of(incident: str) -> Key | None:
    """Read the name of an incident, None where it is none."""
    parts = incident.split("~")
    if len(parts) != KEY_PARTS or not all(map(is_code, parts[:2])) or not _YEAR.fullmatch(parts[2]):
        return None
    return Key(parts[0], parts[1], int(parts[2]))


class Own(NamedTuple):
    """What a finding costs its own unit, in millionths."""

    indicator: str
    points: int


@dataclass(frozen=True, slots=True)
class Finding:
    """What a source says of a problem; `name` is its first report, `occurred` is in microseconds.

    `month` counts from year 0 in the zone of the scheme, `discovered` is a day there. Of a region whose risk
    rose `rise` is the code by which the scheme looks at it, `figures` are those of its test, and
    `judged_by` is who judged the month.
    """

    name: Name
    unit: str
    object: str
    content: str
    years: tuple[int, int]
    occurred: int
    month: int
    type: str
    discovered: date
    status: Status
    severity: int
    finder: str
    own: Own | None = None
    rise: str | None = None
    figures: str = ""
    judged_by: str = ""

    @property
    def keys(self) -> tuple[Key, ...]:
        """Its incidents, one for each year of the problem."""
        first, last = self.years
        return tuple(Key(self.object, self.content, year) for year in range(first, last + 1))

    @property
    def counts(self) -> bool:
        """Whether it may deduct, and holds incidents together."""
        return self.status is Status.CONFIRMED


class By(StrEnum):
    """Whether who inspected is an inspectorate: one that a jurisdiction names."""

    INSPECTORATE = "inspectorate"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Inspection:
    """An inspection that has ended; without a content it was one of every content."""

    name: Name
    type: str
    unit: str
    object: str
    content: str | None
    years: tuple[int, int]
    started: date
    ended: date
    found: int
    inspector: str
    by: By


class Question(NamedTuple):
    """What a person is asked: whether a trigger fires for a finding after an inspection.

    A rise follows itself.
    """

    finding: Name
    trigger: str
    inspection: Name


class Ruling(StrEnum):
    """What persons answer."""

    APPLIES = "applies"
    DISMISSED = "dismissed"


class Join(NamedTuple):
    """Two incidents that persons declared to be one problem, in order."""

    one: Key
    other: Key


def join_of(one: Key, other: Key) -> Join:
    """Return the join of two incidents, whichever is named first."""
    return Join(*sorted((one, other)))
