"""C6 of days: what ranking keeps of every day is what had been told last at its end."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import asyncpg

from campaign.checker import archive

Data: TypeAlias = Mapping[str, Any]
Of: TypeAlias = tuple[str, str, int, str, str]
Silent: TypeAlias = tuple[str, str, int, str]
ENTRIES = "scoring.entries"
POSTED = "dukao.entries-posted.v1"
PLACES = 12
_ROWS = """
    SELECT scheme, grp, version, period, unit, worth, points, volume, number, day, past FROM (
        SELECT *, false AS past FROM ranking.figures UNION ALL
        SELECT *, true FROM ranking.figures_past) every WHERE strpos(scheme, '~') = 0"""
_SILENCES = """
    SELECT scheme, grp, version, unit, day, months, number, past FROM (
        SELECT *, false AS past FROM ranking.silences UNION ALL
        SELECT *, true FROM ranking.silences_past) every WHERE strpos(scheme, '~') = 0"""
_DAYS = "SELECT scheme, grp, day, version, fresh_at FROM ranking.days WHERE strpos(scheme, '~') = 0"


@dataclass(frozen=True, slots=True)
class Kept:
    """The figures of a unit in a period on a day: worth and points by indicator, in parts of 10^-12."""

    day: str
    worth: Mapping[str, int | None]
    points: Mapping[str, int]
    volume: int
    number: int

    def told(self, day: str, row: Data, number: int) -> "Kept":
        """Return the same once a record told of it."""
        kept = {code: points for code, points in self.points.items() if code not in row["values"]}
        worth = {code: None if value is None else parts(value) for code, value in row["values"].items()}
        points = {code: parts(value) for code, value in row.get("points", {}).items()}
        return Kept(day, {**self.worth, **worth}, kept | points, row["volume"], number)


@dataclass(slots=True)
class Book:
    """What is to be kept: the newest figures, those that another day moved, how fresh a day was, silence."""

    now: dict[Of, Kept]
    past: dict[tuple[Of, str], Kept]
    days: dict[tuple[str, str, str], tuple[int, str]]
    silent: dict[Silent, tuple[str, Data, int]]
    silent_past: dict[tuple[Silent, str], tuple[str, Data, int]]

    def known(self, place: tuple[str, str, str], version: int, day: str) -> dict[str, Kept]:
        """Return by unit the figures of a group's period as they were at the end of a day."""
        found: dict[str, Kept] = {}
        for (scheme, group, by, period, unit), kept in [
            *self.now.items(),
            *((of, kept) for (of, _), kept in self.past.items()),
        ]:
            newer = unit not in found or found[unit].day < kept.day
            if (scheme, group, period) == place and by == version and kept.day <= day and newer:
                found[unit] = kept
        return found

    def add(self, told: Data, number: int) -> None:
        """Take in a record."""
        day, group = told["day"], (told["scheme"], told["group"])
        brought = told.get("brought") or day
        version, fresh_at = self.days.get((*group, day), (0, ""))
        self.days[(*group, day)] = max(version, told["version"]), max(fresh_at, told["fresh_at"])
        for row in told["figures"]:
            of = *group, told["version"], row["period"], row["unit"]
            known = self.now.get(of)
            behind = known is not None and brought < known.day <= day
            since = known.day if known is not None and behind else brought
            if known is not None and known.day < since:
                self.past[of, known.day] = known
            self.now[of] = (known or Kept(since, {}, {}, 0, 0)).told(since, row, number)
        for row in told.get("silent", ()):
            silent = *group, told["version"], row["unit"]
            before = self.silent.get(silent)
            if before is not None and before[0] < day:
                self.silent_past[silent, before[0]] = before
            self.silent[silent] = day, row["months"], number


async def book_of(database: asyncpg.Connection) -> Book:
    """Return what the entries that ranking has read say of every day."""
    book, reached = Book({}, {}, {}, {}, {}), await archive.reached(database, "ranking", "ranking")
    async for place, number, body, _ in archive.records(database, "scoring"):
        if place[0] == ENTRIES and number <= reached.get(place, 0):
            event = json.loads(body)
            if event["type"] == POSTED:
                book.add(event["data"], number)
    return book


async def days(database: asyncpg.Connection) -> list[str]:
    """C6: figures, what they were on days before, how fresh a day was, what was silent, as records say."""
    book = await book_of(database)
    wanted: dict[Any, Any] = {(of, ""): kept for of, kept in book.now.items()}
    found: dict[Any, Any] = {}
    for row in await database.fetch(_ROWS):
        of = row["scheme"], row["grp"], row["version"], row["period"], row["unit"]
        worth, points = json.loads(row["worth"]), json.loads(row["points"])
        kept = Kept(row["day"], worth, points, row["volume"], row["number"])
        found[of, row["day"] if row["past"] else ""] = kept
    dated = {
        (row["scheme"], row["grp"], row["day"]): (row["version"], row["fresh_at"])
        for row in await database.fetch(_DAYS)
    }
    silent: dict[Any, Any] = {(of, ""): kept for of, kept in book.silent.items()}
    kept_silent: dict[Any, Any] = {}
    for row in await database.fetch(_SILENCES):
        of = row["scheme"], row["grp"], row["version"], row["unit"]
        told = row["day"], json.loads(row["months"]), row["number"]
        kept_silent[of, row["day"] if row["past"] else ""] = told
    return [
        *_differing(wanted | book.past, found),
        *_differing(book.days, dated),
        *_differing(silent | book.silent_past, kept_silent),
    ]


def parts(value: str) -> int:
    """Return a decimal in parts of 10^-12."""
    whole, _, fraction = value.lstrip("-").partition(".")
    found = int(whole + fraction.ljust(PLACES, "0"))
    return -found if value.startswith("-") else found


def _differing(wanted: Mapping[Any, Any], found: Mapping[Any, Any]) -> Iterable[str]:
    return (
        f"{key}: it is {wanted.get(key)}, kept is {found.get(key)}"
        for key in sorted(wanted.keys() | found.keys())
        if wanted.get(key) != found.get(key)
    )
