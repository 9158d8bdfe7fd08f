"""What the items of supervision must come to in scoring: the newest of each, its places, its points."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, TypeAlias

import asyncpg

from campaign.checker import archive

ITEMS = "supervision.items"
PARTS = 10**12
Item: TypeAlias = Mapping[str, Any]
Row: TypeAlias = tuple[int, str, str, str, int]
Sums: TypeAlias = dict[Row, dict[str, Fraction]]


async def derived(database: asyncpg.Connection) -> list[str]:
    """C5: the newest version of every item is kept, is found where it is late, and costs what it must."""
    newest = await _newest(database)
    kept = {
        (row["shard"], row["key"]): json.loads(row["body"])["data"]
        for row in await database.fetch("SELECT * FROM scoring.derived WHERE stream = $1", ITEMS)
    }
    places = {
        (row["over"], row["unit"], row["month"], row["shard"], row["key"])
        for row in await database.fetch("SELECT * FROM scoring.derived_places WHERE over LIKE 'items:%'")
    }
    wanted = {place for at, item in newest.items() for place in _places(at, item)}
    items = newest.keys() | kept.keys()
    return [
        *(f"item {at}: kept is {kept.get(at)}" for at in items if newest.get(at) != kept.get(at)),
        *(f"found where no item is late, or not where one is: {one}" for one in wanted ^ places),
        *await _sums(database, newest),
    ]


async def _newest(database: asyncpg.Connection) -> dict[tuple[int, str], Item]:
    """Return the newest versions up to the positions of stage A."""
    reached = await archive.reached(database, "scoring", "scoring-a")
    newest: dict[tuple[int, str], Item] = {}
    async for (stream, shard), number, body, _ in archive.records(database, "supervision"):
        if stream == ITEMS and number <= reached.get((stream, shard), 0):
            item = json.loads(body)["data"]
            known = newest.get((shard, item["item"]))
            if known is None or known["version"] < item["version"]:
                newest[shard, item["item"]] = item
    return newest


async def _sums(database: asyncpg.Connection, newest: Mapping[tuple[int, str], Item]) -> list[str]:
    """Compare the points of the schemes in force; those of others stay as they were."""
    schemes = {
        f"{row['code']}@{row['version']}": json.loads(row["document"])
        for row in await database.fetch("SELECT code, version, document::text FROM scoring.schemes")
    }
    force: dict[int, set[str]] = defaultdict(set)
    for row in await database.fetch("SELECT * FROM scoring.in_force WHERE stage = 'a'"):
        force[row["shard"]].add(f"{row['code']}@{row['version']}")
    wanted: Sums = defaultdict(lambda: defaultdict(Fraction))
    for (shard, _), item in newest.items():
        for scheme in force[shard]:
            for over, unit, month, measure, points in _lost(schemes[scheme], item):
                wanted[shard, scheme, over, unit, month][measure] += points
    found: Sums = {}
    for row in await database.fetch("SELECT * FROM scoring.partials WHERE over LIKE 'items:%'"):
        if row["scheme"] not in schemes:
            continue
        measures = sorted(_measures(schemes[row["scheme"]], row["over"]))
        numbers = json.loads(row["numbers"])
        at = row["shard"], row["scheme"], row["over"], row["unit"], row["month"]
        if row["scheme"] in force[row["shard"]]:
            spots = [0, *range(2, len(measures) + 1)]
            found[at] = {
                name: Fraction(numbers[spot], PARTS) for name, spot in zip(measures, spots, strict=True)
            }
    return [
        f"late days {at}: they cost {wanted.get(at)}, the sums are {found.get(at)}"
        for at in wanted.keys() | found.keys()
        if _without_zeros(wanted.get(at, {})) != _without_zeros(found.get(at, {}))
    ]


def _lost(scheme: Mapping[str, Any], item: Item) -> Iterator[tuple[str, str, int, str, Fraction]]:
    """Yield what every late day costs every unit that bears it: view, unit, month, measure, points."""
    over = f"items:{item['kind']}"
    first, last = (_month(scheme["scheme"][name]) for name in ("effective", "until"))
    for name in _charging(scheme, item, _measures(scheme, over)):
        if item["provisional"] or item.get("scheme") not in {None, scheme["scheme"]["code"]}:
            continue
        left = Fraction(scheme["measures"][name]["cap"])
        for day in sorted(item["late_days"]):
            cost = min(left, Fraction(scheme["measures"][name]["per_day"]))
            left -= cost
            month = _month(day)
            for unit, share in _shares(item, day).items() if first <= month <= last else ():
                for bearing in _bearing(scheme, unit):
                    yield over, bearing, month, name, cost * Fraction(share)


def _charging(scheme: Mapping[str, Any], item: Item, measures: list[str]) -> set[str]:
    """Return the measures of the indicator that an item names, else of the first that any unit has."""
    takers = [one for one in scheme["indicators"] if one["measure"] in measures]
    if item.get("indicator") is not None:
        return {one["measure"] for one in takers if one["code"] == item["indicator"]}
    found: set[str] = set()
    served: set[str] = set()
    for one in takers:
        levels = {scheme["groups"][name]["level"] for name in one["groups"]}
        having = {unit["code"] for unit in scheme["units"] if unit["level"] in levels}
        having &= set(one.get("units") or having)
        if not having & served:
            served |= having
            found.add(one["measure"])
    return found


def _bearing(scheme: Mapping[str, Any], unit: str) -> Iterator[str]:
    """Yield of a unit and those above it the ones that are in a group."""
    units = {one["code"]: one for one in scheme["units"]}
    levels = {one["level"] for one in scheme["groups"].values()}
    at: str | None = unit
    while at is not None and at in units:
        if units[at]["level"] in levels:
            yield at
        at = units[at].get("parent")


def _measures(scheme: Mapping[str, Any], over: str) -> list[str]:
    return [name for name, spec in scheme["measures"].items() if f"items:{spec.get('items')}" == over]


def _places(at: tuple[int, str], item: Item) -> Iterator[tuple[str, str, int, int, str]]:
    for day in item["late_days"]:
        for unit in _shares(item, day):
            yield f"items:{item['kind']}", unit, _month(day), *at


def _shares(item: Item, day: str) -> Mapping[str, str]:
    """Return who bears a late day: the newest of its shares that begin on it or before."""
    newest = max((one["first"], at) for at, one in enumerate(item["late_shares"]) if one["first"] <= day)
    return item["late_shares"][newest[1]]["shares"]


def _month(text: str) -> int:
    return int(text[:4]) * 12 + int(text[5:7]) - 1


def _without_zeros(sums: Mapping[str, Fraction]) -> dict[str, Fraction]:
    return {name: points for name, points in sums.items() if points}
