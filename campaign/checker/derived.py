"""What the items of supervision must come to in scoring: the newest of each, its places, its points."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

import asyncpg

from campaign.checker import archive

ITEMS = "supervision.items"
ITEM_CHANGED = "dukao.item-changed.v1"
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
            event = json.loads(body)
            if event["type"] != ITEM_CHANGED:
                continue
            item = event["data"]
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
            beside = [schemes[one] for one in force[shard] if _code(schemes[one]) == _code(schemes[scheme])]
            for over, unit, month, measure, points in _lost(schemes[scheme], beside, item):
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


def _lost(
    scheme: Mapping[str, Any], beside: Sequence[Mapping[str, Any]], item: Item
) -> Iterator[tuple[str, str, int, str, Fraction]]:
    """Yield what every late day costs every unit that bears it: view, unit, month, measure, points.

    A day is charged by the version of its month, of those `beside` each other, until one cap is reached: by
    an indicator of the bearer, or where it has none, being a total, of the next from the sharing unit up;
    where none of them has any, by the first of its kind. What is charged to a total has a cap of its own.
    """
    if item["provisional"] or item.get("scheme") not in {None, _code(scheme)}:
        return
    days = sorted(item["late_days"])
    sharing = {unit for day in days for unit in _shares(item, day)}
    for unit, bearer in ((low, high) for low in sharing for high in _bearing(scheme, low)):
        having = (bearer, *_line(scheme, unit))
        spent = {True: Fraction(0), False: Fraction(0)}
        for day in days:
            month, version = _month(day), _version(beside, _month(day))
            name = _charging(version, item, having, month)
            if name is None:
                continue
            spec, own = version["measures"][name], _is_of(version, item, bearer)
            cost = max(Fraction(0), min(Fraction(spec["per_day"]), Fraction(spec["cap"]) - spent[own]))
            spent[own] += cost
            if version is scheme and _covers(scheme, month):
                share = Fraction(_shares(item, day).get(unit, 0))
                yield f"items:{item['kind']}", bearer, month, name, cost * share


def _version(beside: Sequence[Mapping[str, Any]], month: int) -> Mapping[str, Any]:
    """Return the newest version that covers a month, else the one that begins next, else the last."""
    covering = [one for one in beside if _covers(one, month)]
    if covering:
        return max(covering, key=lambda one: one["scheme"]["version"])
    later = [one for one in beside if _month(one["scheme"]["effective"]) > month]
    begun = sorted(later or beside, key=lambda one: _month(one["scheme"]["effective"]))
    return begun[0] if later else begun[-1]


def _covers(scheme: Mapping[str, Any], month: int) -> bool:
    return _month(scheme["scheme"]["effective"]) <= month <= _month(scheme["scheme"]["until"])


def _charging(scheme: Mapping[str, Any], item: Item, line: Sequence[str], month: int) -> str | None:
    """Return the measure of the indicator that an item names, else of the first that a unit then has."""
    takers = _takers(scheme, item)
    for unit in line[:1] if _is_of(scheme, item, line[0]) else line:
        for one in takers:
            if unit in _having(scheme, one) and not _is_gone(one, unit, month):
                return str(one["measure"])
    if takers and not any(unit in _having(scheme, one) for one in takers for unit in line):
        return str(takers[0]["measure"])
    return None


def _is_of(scheme: Mapping[str, Any], item: Item, unit: str) -> bool:
    return any(unit in _having(scheme, one) for one in _takers(scheme, item))


def _takers(scheme: Mapping[str, Any], item: Item) -> list[Mapping[str, Any]]:
    return [
        one
        for one in scheme["indicators"]
        if scheme["measures"][one["measure"]].get("items") == item["kind"]
        and item.get("indicator") in {None, one["code"]}
    ]


def _having(scheme: Mapping[str, Any], indicator: Mapping[str, Any]) -> set[str]:
    levels = {scheme["groups"][name]["level"] for name in indicator["groups"]}
    having = {known["code"] for known in scheme["units"] if known["level"] in levels}
    return set(indicator.get("units") or having) & having


def _is_gone(indicator: Mapping[str, Any], unit: str, month: int) -> bool:
    return any(
        unit in said["units"]
        and _month(said.get("from", "0000-01")) <= month <= _month(said.get("until", "9999-12"))
        for said in indicator.get("not_applicable", ())
    )


def _code(scheme: Mapping[str, Any]) -> str:
    return str(scheme["scheme"]["code"])


def _bearing(scheme: Mapping[str, Any], unit: str) -> Iterator[str]:
    """Yield of a unit and those above it the ones that are in a group."""
    levels = {one["level"] for one in scheme["groups"].values()}
    of = {one["code"]: one["level"] for one in scheme["units"]}
    yield from (at for at in _line(scheme, unit) if of[at] in levels)


def _line(scheme: Mapping[str, Any], unit: str) -> Iterator[str]:
    """Yield a unit and those above it."""
    parents = {one["code"]: one.get("parent") for one in scheme["units"]}
    at: str | None = unit
    while at is not None and at in parents:
        yield at
        at = parents[at]


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
