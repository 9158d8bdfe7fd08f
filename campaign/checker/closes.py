"""C6 at the cut and C8: what was closed is what had been received before T, and never changes."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeAlias

import asyncpg

from campaign.checker import archive, days, folding
from campaign.checker.found import Found
from campaign.checker.totals import Figures, Versions, adopted, shares, told_of

Event: TypeAlias = Mapping[str, Any]
CLOSES = "ranking.closes"
FIGURED = "dukao.cut-figured.v1"
CAMPAIGN = "campaign"
_CLOSES = "SELECT scheme, grp, period, version, cut, day, content, digest FROM ranking.closes"
_HEARD = "SELECT scheme, grp, period, begins, ends, cut FROM ingest.closed_periods"


@dataclass(frozen=True)
class Close:
    """The closed standing of a group in a period, as the bytes that ranking keeps and answers."""

    scheme: str
    group: str
    period: str
    version: int
    cut: str
    day: str
    content: bytes
    digest: str

    @property
    def place(self) -> tuple[str, str, str]:
        """Scheme, group and period."""
        return self.scheme, self.group, self.period

    @cached_property
    def units(self) -> dict[str, Event]:
        """The lines of the standing by unit."""
        return {line["unit"]: line for line in json.loads(self.content)["units"]}


async def closed(database: asyncpg.Connection) -> list[Close]:
    """Return every closed standing."""
    return [Close(*row.values()) for row in await database.fetch(_CLOSES)]


async def unchanged(database: asyncpg.Connection) -> list[str]:
    """C8: bytes, digest and published record of each close agree, and ingest heard just those."""
    reached = await archive.reached(database, "ingest", "ingest")
    told, heard = list[Event](), list[Event]()
    async for place, number, body, _ in archive.records(database, "ranking"):
        if place[0] == CLOSES:
            told.append(json.loads(body)["data"])
            heard += told[-1:] if number <= reached.get(place, 0) else ()
    kept = {tuple(row.values()) for row in await database.fetch(_HEARD)}
    return [*altered(await closed(database), told), *_unlike(heard, kept)]


async def at_the_cut(database: asyncpg.Connection, events: Iterable[Event]) -> Found:
    """C6: a closed standing is what the events received before T come to, each on its side by `received`."""
    accepted = list(events)
    found = [one for one in await closed(database) if one.scheme == CAMPAIGN]
    wrong = [wrong for one in found for wrong in beside(one, accepted)]
    return Found(wrong, closed_standings=len(found))


async def as_told(database: asyncpg.Connection) -> Found:
    """C6 of any scheme: a closed total or range is that of the figures that were told of T.

    Where none were told of a group they are those as they were told by the end of the last day before T.
    """
    schemes = await adopted(database)
    found = [one for one in await closed(database) if one.scheme in schemes]
    if not found:
        return Found([], closed_totals=0)
    book, at_cut = await days.book_of(database), await _figured(database)
    wrong: list[str] = []
    for one in found:
        known = book.known(one.place, one.version, one.day)
        figures = {unit: Figures(kept.worth, kept.points) for unit, kept in known.items()}
        wrong += otherwise(one, at_cut.get((*one.place, one.version), figures), schemes[one.scheme])
    return Found(wrong, closed_totals=sum(len(one.units) for one in found))


def altered(closes: Iterable[Close], told: Iterable[Event]) -> list[str]:
    """Return the closes whose bytes have another digest, or of which another thing was told."""
    kept = {one.place: one for one in closes}
    wrong = [
        f"{one.place}: its bytes have another digest than {one.digest}"
        for one in kept.values()
        if hashlib.sha256(one.content).hexdigest() != one.digest
    ]
    published = {
        (data["scheme"], data["group"], data["period"]): (
            data["version"],
            data["cut"],
            data["day"],
            data["digest"],
        )
        for data in told
    }
    rows = {place: (one.version, one.cut, one.day, one.digest) for place, one in kept.items()}
    return wrong + [
        f"{place}: told was {published.get(place)}, kept is {rows.get(place)}"
        for place in sorted(rows.keys() | published.keys())
        if rows.get(place) != published.get(place)
    ]


def moved(before: Iterable[Close], after: Iterable[Close]) -> list[str]:
    """C8 over time: return the closes that were another before, or are no more."""
    now = {one.place: one for one in after}
    return [f"{one.place}: it was closed otherwise" for one in before if now.get(one.place) != one]


def beside(close: Close, events: Iterable[Event]) -> list[str]:
    """Return the lines of a close that events received before T, and no others, do not come to."""
    cut = datetime.fromisoformat(close.cut)
    folded = folding.fold(one for one in events if datetime.fromisoformat(one["received"]) < cut)
    months = folding.months_of(close.period)
    units = close.units.keys() | {unit for _, unit, month in folded.sums if month in months}
    wanted = folded.standing(units, months)
    return [
        f"{close.place} {unit}: before T it is {wanted[unit]}, closed was {stood}"
        for unit in sorted(units)
        if (stood := _stood(close.units.get(unit))) != wanted[unit]
    ]


def otherwise(close: Close, figures: Mapping[str, Figures], versions: Versions) -> list[str]:
    """Return the lines of a close that figures, by the versions of then, do not come to."""
    known = versions.upto(close.version)
    wrong: list[str] = []
    for unit, line in close.units.items():
        of_unit = figures.get(unit, Figures({}, {}))
        wanted = told_of(list(shares(known, close.place, unit, of_unit)), known.places)
        low, high = line["range"] or (None, None)
        stood = tuple(None if one is None else Decimal(one) for one in (line["points"], low, high))
        if stood != wanted:
            wrong.append(f"{close.place} {unit}: told of T was {wanted}, closed was {stood}")
    return wrong


async def _figured(database: asyncpg.Connection) -> dict[tuple[str, str, str, int], dict[str, Figures]]:
    """Return the figures that were told of T by place and version."""
    found: dict[tuple[str, str, str, int], dict[str, Figures]] = {}
    async for place, _, body, _ in archive.records(database, "scoring"):
        if place[0] == days.ENTRIES and (event := json.loads(body))["type"] == FIGURED:
            told = event["data"]
            of = told["scheme"], told["group"], told["period"], told["version"]
            units = found.setdefault(of, {})
            for row in told["figures"]:
                kept = days.Kept("", {}, {}, 0, 0).told("", row, 0)
                units[row["unit"]] = Figures(kept.worth, kept.points)
    return found


def _stood(line: Event | None) -> folding.Line | None:
    if line is None:
        return None
    points = None if line["points"] is None else Decimal(line["points"])
    return folding.Line(points, line["rank"], line["tier"])


def _unlike(heard: Iterable[Event], kept: Iterable[tuple[Any, ...]]) -> list[str]:
    wanted = {
        (
            one["scheme"],
            one["group"],
            one["period"],
            *(datetime.fromisoformat(one[name]) for name in ("begins", "ends", "cut")),
        )
        for one in heard
    }
    return [f"{one}: ingest and the close differ" for one in sorted(wanted ^ set(kept))]
