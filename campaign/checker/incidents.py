"""What incidents must come to: worked out anew from accepted events, rulings and the schemes in force."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from fractions import Fraction

import asyncpg

from campaign.checker import archive
from campaign.checker.incident_facts import Event, Name, known_facts, name_of
from campaign.checker.incident_losses import Loss, counting

DEDUCTIONS = "scoring.deductions"
OVER = "decided:incidents"
PARTS = 10**12
COUNTING = {"counted", "revived"}


async def incidents(database: asyncpg.Connection) -> list[str]:
    """C5: what was decided last is what the facts say, it is kept by stage A, and it is what units lose."""
    known = await known_facts(database)
    told = await _newest(database)
    wanted = {_line(loss) for loss in counting(known)}
    found = {line for one in told.values() for line in _told(one)}
    return [
        *(f"decided, and the facts do not say so: {one}" for one in found - wanted),
        *(f"the facts say so, and it was not decided: {one}" for one in wanted - found),
        *await _kept(database, told),
        *await _sums(database, told),
    ]


async def _newest(database: asyncpg.Connection) -> dict[tuple[int, str], Event]:
    """Return the newest version of every decision up to the positions of stage A."""
    reached = await archive.reached(database, "scoring", "scoring-a")
    newest: dict[tuple[int, str], Event] = {}
    async for (stream, shard), number, body, _ in archive.records(database, "scoring"):
        if stream == DEDUCTIONS and number <= reached.get((stream, shard), 0):
            told = json.loads(body)["data"]
            known = newest.get((shard, told["key"]))
            if known is None or known["version"] < told["version"]:
                newest[shard, told["key"]] = told
    return newest


async def _kept(database: asyncpg.Connection, told: Mapping[tuple[int, str], Event]) -> list[str]:
    kept = {
        (row["shard"], row["key"]): json.loads(row["body"])["data"]
        for row in await database.fetch("SELECT * FROM scoring.derived WHERE stream = $1", DEDUCTIONS)
    }
    places = {
        (row["unit"], row["month"], row["shard"], row["key"])
        for row in await database.fetch("SELECT * FROM scoring.derived_places WHERE over = $1", OVER)
    }
    wanted = {
        (one["unit"], _ordinal(row["month"]), *at) for at, one in told.items() for row in one["deductions"]
    }
    keys = told.keys() | kept.keys()
    return [
        *(f"decision {at}: kept is {kept.get(at)}" for at in keys if told.get(at) != kept.get(at)),
        *(f"found where nothing was decided, or not where it was: {one}" for one in wanted ^ places),
    ]


async def _sums(database: asyncpg.Connection, told: Mapping[tuple[int, str], Event]) -> list[str]:
    schemes = {
        f"{row['code']}@{row['version']}": json.loads(row["document"])
        for row in await database.fetch(
            "SELECT code, version, document::text FROM scoring.schemes s WHERE EXISTS (SELECT FROM "
            "scoring.in_force f WHERE f.stage = 'a' AND f.code = s.code AND f.version = s.version)"
        )
    }
    wanted: dict[tuple[str, str, int, str], Fraction] = defaultdict(Fraction)
    for line in (line for one in told.values() for line in _told(one)):
        scheme, unit, indicator, month, points = line[:5]
        if scheme in schemes:
            specs = {one["code"]: one["measure"] for one in schemes[scheme]["indicators"]}
            wanted[scheme, unit, _ordinal(month), specs[indicator]] += points
    found: dict[tuple[str, str, int, str], Fraction] = defaultdict(Fraction)
    for row in await database.fetch("SELECT * FROM scoring.partials WHERE over = $1", OVER):
        if row["scheme"] in schemes:
            measures = schemes[row["scheme"]]["measures"].items()
            names = sorted(name for name, spec in measures if spec.get("decided") == "incidents")
            numbers = json.loads(row["numbers"])
            for name, spot in zip(names, [0, *range(2, len(names) + 1)], strict=True):
                found[row["scheme"], row["unit"], row["month"], name] += Fraction(numbers[spot], PARTS)
    return [
        f"deductions of {at} cost {wanted.get(at)}, the sums are {found.get(at)}"
        for at in wanted.keys() | found.keys()
        if wanted.get(at, 0) != found.get(at, 0)
    ]


def _told(one: Event) -> Iterator[tuple[str, str, str, str, Fraction, Name, str]]:
    for row in one["deductions"]:
        if row["state"] in COUNTING:
            finding = name_of(row["finding"])
            points = Fraction(row["points"])
            yield row["scheme"], one["unit"], row["indicator"], row["month"], points, finding, row["role"]


def _line(one: Loss) -> tuple[str, str, str, str, Fraction, Name, str]:
    return one.scheme, one.unit, one.indicator, one.month, -one.points, one.finding, one.role


def _ordinal(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:7]) - 1
