"""A registered source: who speaks for it, of what and how late, and what it promises to bring and to tell."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from shared.kernel.codes import CODE_PATTERN
from shared.kernel.errors import Problem

UNITS_PATTERN = CODE_PATTERN.replace("$", r"\*?$")
CLIENT_PATTERN = r"^[!-~]{1,128}$"
CLOCK_PATTERN = r"^([01][0-9]:[0-5][0-9]|2[0-3]:[0-5][0-9]|24:00)$"
LONGEST_WAIT_MINUTES = 31 * 24 * 60
SHORTEST_DAY_MINUTES = 60
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

WRONG_TYPE = Problem(403, "source_scope", "This source may not send this type.", "/source")
WRONG_CLIENT = Problem(403, "source_scope", "This account does not speak for this source.", "/source")
WRONG_UNIT = Problem(403, "source_scope", "This source may not speak of this unit.", "/subject")

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
ClockText = Annotated[str, Field(pattern=CLOCK_PATTERN)]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError) as error:
        raise ValueError("not the name of a time zone") from error
    return name


def seen(title: str) -> str:
    """Return a title, or refuse one that holds what is not seen."""
    if any(unicodedata.category(one) in _UNSEEN for one in title):
        raise ValueError("a title holds a character that is not seen: a control, or one that moves others")
    return title


ZoneName = Annotated[str, Field(max_length=64), AfterValidator(_zone)]
SeenText = Annotated[str, AfterValidator(seen)]


class Closed(BaseModel):
    """A frozen part of the catalogue that takes no other member."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class WorkingHours(Closed):
    """When a feed works; `worked` are days off that are worked, `closed` are weekdays that are not."""

    zone: ZoneName
    opens: ClockText = "00:00"
    closes: ClockText = "24:00"
    days: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")
    worked: tuple[date, ...] = ()
    closed: tuple[date, ...] = ()

    @model_validator(mode="after")
    def _has_a_day(self) -> "WorkingHours":
        if not self.days or minutes_of(self.closes) - minutes_of(self.opens) < SHORTEST_DAY_MINUTES:
            raise ValueError("working hours have a day of an hour at least")
        return self


class FeedSpec(Closed):
    """Types that belong together and come at least every so often; minutes outside `hours` do not count."""

    title: SeenText = ""
    types: tuple[str, ...] | Literal["all"] = "all"
    within_minutes: int = Field(ge=1, le=LONGEST_WAIT_MINUTES)
    hours: WorkingHours | None = None


class ManifestSpec(Closed):
    """What a daily manifest counts: the events whose `time` lies in a day of `zone`; fields are summed."""

    zone: ZoneName = "UTC"
    totals: dict[str, tuple[str, ...]] = {}


class SourceSpec(Closed):
    """A registered source and what it may send; `units` are codes, or beginnings of codes with a `*`.

    Without `clients` every integrator speaks for it. An event whose `time` lies more than `lateness_days`
    before it is received is a backfill, which needs a permission of its own.
    """

    title: SeenText
    types: tuple[str, ...] | Literal["all"] = "all"
    units: tuple[Annotated[str, Field(pattern=UNITS_PATTERN)], ...] | Literal["all"] = "all"
    clients: tuple[Annotated[str, Field(pattern=CLIENT_PATTERN)], ...] | None = None
    lateness_days: int | None = Field(None, ge=0, le=3660)
    feeds: dict[Annotated[str, Field(pattern=CODE_PATTERN)], FeedSpec] = {}
    manifest: ManifestSpec | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Who brings an event: an account of the door; none for a source's own topic and for ourselves."""

    name: str = ""
    client: str | None = None
    backfill: bool = False


TOPIC = Sender()


@dataclass(frozen=True, slots=True)
class Scope:
    """A source's rights, compiled; None is no bound."""

    types: frozenset[str] | None
    units: frozenset[str] | None
    prefixes: tuple[str, ...]
    clients: frozenset[str] | None
    lateness: timedelta | None
    zone: tzinfo | None
    totals: Mapping[str, tuple[str, ...]]

    def problem(self, event_type: str, sender: Sender) -> Problem | None:
        """Return why the sender may not bring such an event, if it may not."""
        if self.types is not None and event_type not in self.types:
            return WRONG_TYPE
        return self.stranger(sender)

    def stranger(self, sender: Sender) -> Problem | None:
        """Return why an account does not speak for the source, if it does not."""
        if self.clients is not None and sender.client is not None and sender.client not in self.clients:
            return WRONG_CLIENT
        return None

    def covers(self, unit: str) -> bool:
        """Tell whether the source may speak of a unit, known to anybody or not."""
        return self.units is None or unit in self.units or unit.startswith(self.prefixes)

    def late_after(self, time: datetime) -> datetime | None:
        """Return until when an event of this time may be received without the permission to backfill."""
        return None if self.lateness is None else time + self.lateness


def scope_of(spec: SourceSpec) -> Scope:
    """Compile what a source may do."""
    named = () if spec.units == "all" else spec.units
    counting = spec.manifest
    return Scope(
        types=None if spec.types == "all" else frozenset(spec.types),
        units=None if spec.units == "all" else frozenset(unit for unit in named if not unit.endswith("*")),
        prefixes=tuple(unit[:-1] for unit in named if unit.endswith("*")),
        clients=None if spec.clients is None else frozenset(spec.clients),
        lateness=None if spec.lateness_days is None else timedelta(days=spec.lateness_days),
        zone=None if counting is None else ZoneInfo(counting.zone),
        totals={} if counting is None else counting.totals,
    )


def minutes_of(clock: str) -> int:
    """Return the minutes since midnight of `HH:MM`."""
    return int(clock[:2]) * 60 + int(clock[3:])
