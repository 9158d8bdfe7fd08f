"""What persons gave must come to: each request, its facts, what stage A keeps of them, and the sums."""

import json
from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, TypeAlias

import asyncpg

from campaign.checker import archive

POINTS = "scoring.points"
GIVEN, REVIEW = "dukao.points-given.v1", "dukao.review-decided.v1"
PARTS, MILLIONTHS = 10**12, 10**6
CHANGED = "SELECT * FROM scoring.partials WHERE over LIKE 'reviewed:%'"
FACTS_OF_STATE = {
    "asked": [],
    "refused": [],
    "approved": ["approved"],
    "withdrawal_asked": ["approved"],
    "withdrawn": ["approved", "withdrawn"],
}
Fact: TypeAlias = Mapping[str, Any]
Cell: TypeAlias = tuple[str, str, str, int, str]


async def manual(database: asyncpg.Connection) -> list[str]:
    """C5: every fact has its request and two persons; the newest is kept, found, and worth what it says."""
    told: dict[str, list[Fact]] = defaultdict(list)
    newest: dict[tuple[int, str], Fact] = {}
    decided: dict[tuple[int, str], Fact] = {}
    reached = await archive.reached(database, "scoring", "scoring-a")
    async for (stream, shard), number, body, _ in archive.records(database, "scoring"):
        event = json.loads(body)
        if stream == POINTS and event["type"] == REVIEW and number <= reached.get((stream, shard), 0):
            fact = event["data"]
            last = decided.get((shard, fact["key"]))
            if last is None or last["version"] < fact["version"]:
                decided[shard, fact["key"]] = fact
        if stream == POINTS and event["type"] == GIVEN:
            fact = event["data"]
            told[fact["key"]].append(fact)
            known = newest.get((shard, fact["key"]))
            later = known is None or known["version"] < fact["version"]
            if later and number <= reached.get((stream, shard), 0):
                newest[shard, fact["key"]] = fact
    return [
        *await _requests(database, told),
        *await _kept(database, newest),
        *await _sums(database, newest),
        *await _reviewed(database, list(decided.values())),
    ]


async def _requests(database: asyncpg.Connection, told: Mapping[str, list[Fact]]) -> list[str]:
    """Compare requests and their steps with the facts that they became."""
    wrong = [
        f"{fact['key']}: {fact['asked_by']} gave it alone"
        for facts in told.values()
        for fact in facts
        if fact["asked_by"] == fact["approved_by"]
    ]
    rows = await database.fetch("SELECT * FROM scoring.requests")
    steps: dict[str, list[str]] = defaultdict(list)
    for row in await database.fetch("SELECT * FROM scoring.request_steps ORDER BY request, step"):
        steps[row["request"]].append(row["person"])
    for row in rows:
        facts = told.get(row["id"], [])
        if [fact["state"] for fact in facts] != FACTS_OF_STATE[row["state"]]:
            wrong.append(f"{row['id']}: it is {row['state']}, told was {facts}")
        asked = json.loads(row["asked"])
        for fact in facts:
            if any(fact[name] != asked[name] for name in ("points", "value", "evidence", "unit", "month")):
                wrong.append(f"{row['id']}: asked was {asked}, told was {fact}")
            if not {fact["asked_by"], fact["approved_by"]} <= set(steps[row["id"]]):
                wrong.append(f"{row['id']}: no step of {fact['asked_by']} and {fact['approved_by']}")
    return wrong + [f"{key}: nobody asked for it" for key in told.keys() - {row["id"] for row in rows}]


async def _kept(database: asyncpg.Connection, newest: Mapping[tuple[int, str], Fact]) -> list[str]:
    kept = {
        (row["shard"], row["key"]): event["data"]
        for row in await database.fetch("SELECT * FROM scoring.derived WHERE stream = $1", POINTS)
        if (event := json.loads(row["body"]))["type"] == GIVEN
    }
    places = {
        (row["over"], row["unit"], row["month"], row["shard"], row["key"])
        for row in await database.fetch("SELECT * FROM scoring.derived_places WHERE over LIKE 'manual:%'")
    }
    wanted = {(_over(one), one["unit"], _month(one["month"]), *at) for at, one in newest.items()}
    keys = newest.keys() | kept.keys()
    return [
        *(f"given {at}: kept is {kept.get(at)}" for at in keys if newest.get(at) != kept.get(at)),
        *(f"found where nothing was given, or not where it was: {one}" for one in wanted ^ places),
    ]


async def _sums(database: asyncpg.Connection, newest: Mapping[tuple[int, str], Fact]) -> list[str]:
    """Compare what the schemes in force make of it with the sums of stage A."""
    schemes = await _in_force(database)
    wanted: dict[Cell, Fraction] = defaultdict(Fraction)
    for one in newest.values():
        for name, scheme in schemes.items():
            measure = _measure(scheme, one)
            if one["state"] == "approved" and measure is not None:
                amount = Fraction(one["points"] or one["value"])
                wanted[name, _over(one), one["unit"], _month(one["month"]), measure] += amount
    found: dict[Cell, Fraction] = defaultdict(Fraction)
    for row in await database.fetch("SELECT * FROM scoring.partials WHERE over LIKE 'manual:%'"):
        if row["scheme"] not in schemes:
            continue
        measures = schemes[row["scheme"]]["measures"].items()
        names = sorted(name for name, spec in measures if _of_spec(spec) == row["over"])
        numbers = json.loads(row["numbers"])
        in_points = row["over"] == "manual:points"
        spots = [0, *range(2 if in_points else 3, len(numbers), 1 if in_points else 2)]
        for name, spot in zip(names, spots, strict=True):
            amount = Fraction(numbers[spot], PARTS if in_points else MILLIONTHS)
            found[row["scheme"], row["over"], row["unit"], row["month"], name] += amount
    return [
        f"given to {at} was {wanted.get(at)}, the sums are {found.get(at)}"
        for at in wanted.keys() | found.keys()
        if wanted.get(at, 0) != found.get(at, 0)
    ]


async def _reviewed(database: asyncpg.Connection, decided: list[Fact]) -> list[str]:
    """Compare decisions on reviews with the reviews, and the sums that they changed with what they say.

    What is capped by the facts that a review rests on is less than what was decided.
    """
    wrong = [
        f"review {one['key']}: {one['decided_by']} decided what they asked for"
        for one in decided
        if one["decided_by"] == one["asked_by"]
    ]
    states = {
        row["id"]: row["state"] for row in await database.fetch("SELECT id, state FROM scoring.reviews")
    }
    for one in decided:
        changes = any(one[name] is not None for name in ("points", "numerator", "denominator"))
        if states.get(one["key"]) != ("changed" if changes else "upheld"):
            wrong.append(f"review {one['key']}: it is {states.get(one['key'])}, told was {one}")
    schemes = await _in_force(database)
    wanted: dict[tuple[str, str, int], Fraction] = defaultdict(Fraction)
    for name, scheme in schemes.items():
        for one in decided:
            amount = _amount(scheme, one)
            if amount:
                wanted[name, one["unit"], _month(one["month"])] += amount
    found: dict[tuple[str, str, int], Fraction] = defaultdict(Fraction)
    for row in await database.fetch(CHANGED):
        scheme = schemes.get(row["scheme"])
        if scheme is None:
            continue
        over = row["over"].partition(":")[2]
        in_points = over.startswith(("items:", "decided:", "manual:points"))
        spots = _spots(scheme, over)
        numbers = json.loads(row["numbers"])
        found[row["scheme"], row["unit"], row["month"]] += sum(
            Fraction(numbers[spot], PARTS if in_points else MILLIONTHS) for spot in spots
        )
    return wrong + [
        f"reviews of {at} changed {wanted.get(at)}, the sums are {found.get(at)}"
        for at in wanted.keys() | found.keys()
        if not _within(found.get(at, Fraction(0)), wanted.get(at, Fraction(0)))
    ]


def _within(found: Fraction, wanted: Fraction) -> bool:
    return min(wanted, 0) <= found <= max(wanted, 0)


def _amount(scheme: Mapping[str, Any], one: Fact) -> Fraction:
    """Return what a decision adds to the numerators and denominators of a unit in a month."""
    first, last = (_month(scheme["scheme"][name]) for name in ("effective", "until"))
    specs = [spec for spec in scheme["indicators"] if spec["code"] == one["indicator"]]
    inside = scheme["scheme"]["code"] == one["scheme"] and first <= _month(one["month"]) <= last
    if not specs or not inside:
        return Fraction(0)
    measure = scheme["measures"][specs[0]["measure"]]
    if measure.get("items") or measure.get("decided") or measure.get("manual") == "points":
        return -Fraction(one["points"] or 0)
    has_base = measure.get("denominator") is not None or measure.get("manual") == "value"
    return Fraction(one["numerator"] or 0) + (Fraction(one["denominator"] or 0) if has_base else 0)


def _spots(scheme: Mapping[str, Any], over: str) -> list[int]:
    """Return where numerators and denominators stand in rows of what measures run over."""
    spots: list[int] = []
    rows: set[str] = set()
    width = 0
    for name, spec in sorted(scheme["measures"].items()):
        if _over_of(spec) != over:
            continue
        based = spec.get("denominator") is not None or spec.get("manual") == "value"
        spots += [width, width + 1] if based else [width]
        width += 2 if based else 1
        by = spec.get("period_by", "day")
        placed = f"flow {by}" if isinstance(by, str) else f"stock {name}"
        width += 0 if placed in rows else 1
        rows.add(placed)
    return spots


def _over_of(spec: Mapping[str, Any]) -> str:
    if "items" in spec:
        return f"items:{spec['items']}"
    return "decided:incidents" if "decided" in spec else _of_spec(spec) or spec["over"]


async def _in_force(database: asyncpg.Connection) -> dict[str, Mapping[str, Any]]:
    """Return the schemes that stage A applies, by code@version."""
    rows = await database.fetch(
        "SELECT code, version, document::text FROM scoring.schemes s WHERE EXISTS (SELECT FROM "
        "scoring.in_force f WHERE f.stage = 'a' AND f.code = s.code AND f.version = s.version)"
    )
    return {f"{row['code']}@{row['version']}": json.loads(row["document"]) for row in rows}


def _measure(scheme: Mapping[str, Any], one: Fact) -> str | None:
    """Return the measure that takes it, where the scheme knows month, unit and such an indicator."""
    first, last = (_month(scheme["scheme"][name]) for name in ("effective", "until"))
    levels = {group["level"] for group in scheme["groups"].values()}
    units = {unit["code"] for unit in scheme["units"] if unit["level"] in levels}
    if scheme["scheme"]["code"] != one["scheme"] or one["unit"] not in units:
        return None
    if not first <= _month(one["month"]) <= last:
        return None
    names = [spec["measure"] for spec in scheme["indicators"] if _applies(scheme, spec, one)]
    taking = [name for name in names if _of_spec(scheme["measures"][name]) == _over(one)]
    return taking[0] if taking else None


def _applies(scheme: Mapping[str, Any], spec: Mapping[str, Any], one: Fact) -> bool:
    """Tell whether an indicator is the one that was given for, and the unit has it in the month."""
    levels = {scheme["groups"][name]["level"] for name in spec["groups"]}
    having = {unit["code"] for unit in scheme["units"] if unit["level"] in levels}
    gone = any(
        one["unit"] in said["units"]
        and _month(said.get("from", "0000-01"))
        <= _month(one["month"])
        <= _month(said.get("until", "9999-12"))
        for said in spec.get("not_applicable", ())
    )
    mine = one["unit"] in set(spec.get("units") or having) & having
    return spec["code"] == one["indicator"] and mine and not gone


def _of_spec(spec: Mapping[str, Any]) -> str | None:
    return {"points": "manual:points", "value": "manual:values", None: None}[spec.get("manual")]


def _over(one: Fact) -> str:
    return "manual:values" if one["points"] is None else "manual:points"


def _month(text: str) -> int:
    return int(text[:4]) * 12 + int(text[5:7]) - 1
