"""What raters said must come to: answers that fit tokens, each closed round counted once, and its sums."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, TypeAlias

import asyncpg

from campaign.checker import archive

SURVEYS = "scoring.surveys"
COUNTED, TURNED = "dukao.survey-counted.v1", "dukao.survey-turned.v1"
FEWEST, MILLIONTHS = 5, 10**6
Fact: TypeAlias = Mapping[str, Any]
_FIT = """
    SELECT survey,
        COALESCE((SELECT sum(answers) FROM scoring.survey_answers a WHERE a.survey = s.survey), 0) AS said,
        (SELECT count(*) FROM scoring.survey_spent p WHERE p.survey = s.survey) AS spent,
        (SELECT count(*) FROM scoring.survey_tokens t WHERE t.survey = s.survey) AS issued
    FROM (SELECT survey FROM scoring.survey_answers UNION SELECT survey FROM scoring.survey_spent) s"""


async def surveys(database: asyncpg.Connection) -> list[str]:
    """C5: as many answers as spent tokens; a closed round is counted once, as its answers say."""
    reached = await archive.reached(database, "scoring", "scoring-a")
    told: list[Fact] = []
    closed: Counter[str] = Counter()
    applied: dict[str, Fact] = {}
    async for (stream, shard), number, body, _ in archive.records(database, "scoring"):
        event = json.loads(body) if stream == SURVEYS else {}
        if event.get("type") == TURNED and event["data"]["turn"] == "closed":
            closed[event["data"]["round"]] += 1
        if event.get("type") == COUNTED:
            told.append(event["data"])
            if number <= reached.get((stream, shard), 0):
                applied[event["data"]["key"]] = event["data"]
    return [
        *(
            f"{one['survey']}: {one['said']} answers, {one['spent']} spent of {one['issued']} tokens"
            for one in await database.fetch(_FIT)
            if not one["said"] == one["spent"] <= one["issued"]
        ),
        *(f"{one} closed {times} times" for one, times in closed.items() if times > 1),
        *await _counted(database, told, set(closed)),
        *await _kept(database, applied),
    ]


async def _counted(database: asyncpg.Connection, told: list[Fact], closed: set[str]) -> list[str]:
    """Count the answers of closed rounds anew, by the version that rules each, and compare what was told."""
    schemes = await _schemes(database)
    wanted: dict[str, Fact] = {}
    for name in closed:
        code, survey, month = name.split("~")
        found = [one for one in schemes if one["scheme"]["code"] == code and _covers(one, month)]
        rows = await database.fetch("SELECT * FROM scoring.survey_answers WHERE survey = $1", name)
        said = {row["rater"]: json.loads(row["scores"]) for row in rows}
        wanted |= dict(_come_to(found[-1], survey, month, said)) if found else {}
    again = [
        f"{key} was counted {times} times"
        for key, times in Counter(x["key"] for x in told).items()
        if times > 1
    ]
    tells = {one["key"]: {name: one[name] for name in ("scale", "classes", "short")} for one in told}
    few = [
        one["key"] for one in told for part in one["classes"] if min(part["kept"], part["answers"]) < FEWEST
    ]
    return [
        *again,
        *(f"{key} tells a mean of fewer than {FEWEST}" for key in few),
        *(
            f"{key} was told as {tells.get(key)}, is {wanted.get(key)}"
            for key in sorted(wanted.keys() | tells.keys())
            if wanted.get(key) != tells.get(key)
        ),
    ]


def _come_to(scheme: Fact, survey: str, month: str, said: Mapping[str, Fact]) -> Iterator[tuple[str, Fact]]:
    for one in scheme["indicators"]:
        if scheme["measures"][one["measure"]].get("survey") != survey:
            continue
        method = one["method"]["survey"]
        levels = {scheme["groups"][name]["level"] for name in one["groups"]}
        for unit in scheme["units"]:
            if unit["level"] not in levels or unit["code"] not in (one.get("units") or [unit["code"]]):
                continue
            classes: list[Fact] = []
            short: list[str] = []
            for part in method["classes"]:
                counts = said.get(part["rater"], {}).get(one["code"], {}).get(unit["code"], {})
                scores = sorted(int(score) for score, times in counts.items() for _ in range(times))
                drop = int(Fraction(method["trim"]) * len(scores))
                kept = scores[drop : len(scores) - drop]
                if len(scores) < part["minimum"]:
                    short.append(part["rater"])
                else:
                    mean = {"answers": len(scores), "kept": len(kept), "total": sum(kept)}
                    classes.append({"rater": part["rater"]} | mean)
            key = f"{scheme['scheme']['code']}~{survey}~{month}~{one['code']}~{unit['code']}"
            yield key, {"scale": method["scale"], "classes": classes, "short": short}


async def _kept(database: asyncpg.Connection, applied: Mapping[str, Fact]) -> list[str]:
    """Compare what stage A keeps, and its sums under the schemes in force, with what it was told."""
    rows = await database.fetch("SELECT key, body FROM scoring.derived WHERE stream = $1", SURVEYS)
    kept = {row["key"]: json.loads(row["body"])["data"] for row in rows}
    wrong = [
        f"{key}: kept is {kept.get(key)}"
        for key in kept.keys() | applied.keys()
        if kept.get(key) != applied.get(key)
    ]
    wanted: dict[tuple[str, str, str, str], list[int]] = {}
    for scheme in await _schemes(database):
        head = scheme["scheme"]
        for fact in applied.values():
            spots = (
                _spots(scheme, fact)
                if head["code"] == fact["scheme"] and _covers(scheme, fact["month"])
                else {}
            )
            if not spots:
                continue
            place = (
                f"{head['code']}@{head['version']}",
                f"survey:{fact['survey']}",
                fact["unit"],
                fact["month"],
            )
            numbers = wanted.setdefault(place, [0] * spots.pop("width"))
            numbers[spots["rows"]] += 1
            if fact["short"]:
                numbers[spots["short"]] += MILLIONTHS
                continue
            numbers[spots["answers"]] += MILLIONTHS * sum(one["answers"] for one in fact["classes"])
            for one in fact["classes"]:
                numbers[spots[f"{one['rater']}/total"]] += MILLIONTHS * one["total"]
                numbers[spots[f"{one['rater']}/kept"]] += MILLIONTHS * one["kept"]
    force = await database.fetch("SELECT DISTINCT code, version FROM scoring.in_force WHERE stage = 'a'")
    names = {f"{row['code']}@{row['version']}" for row in force}
    found: dict[tuple[str, str, str, str], list[int]] = defaultdict(list)
    for row in await database.fetch("SELECT * FROM scoring.partials WHERE over LIKE 'survey:%'"):
        month = f"{row['month'] // 12:04d}-{row['month'] % 12 + 1:02d}"
        found[row["scheme"], row["over"], row["unit"], month] = json.loads(row["numbers"])
    return wrong + [
        f"sums of {place}: {found.get(place)} instead of {wanted.get(place)}"
        for place in sorted(wanted.keys() | found.keys())
        if place[0] in names and (wanted.get(place) or []) != (found[place] if any(found[place]) else [])
    ]


def _spots(scheme: Fact, fact: Fact) -> dict[str, int]:
    """Return where the numbers of a question stand: answers, rows once, sums by class, short rounds."""
    measures = sorted(
        name for name, spec in scheme["measures"].items() if spec.get("survey") == fact["survey"]
    )
    raters = sorted(scheme.get("surveys", {}).get(fact["survey"], {}).get("raters", {}))
    mine = [
        one for one in scheme["indicators"] if one["code"] == fact["indicator"] and one["measure"] in measures
    ]
    if not mine:
        return {}
    spots: dict[str, int] = {"rows": 1}
    width = 0
    for name in measures:
        at = {"answers": width}
        width += 2 if width == 0 else 1
        for rater in raters:
            at |= {f"{rater}/total": width, f"{rater}/kept": width + 1}
            width += 2
        at["short"] = width
        width += 1
        spots |= at if name == mine[0]["measure"] else {}
    return spots | {"width": width}


async def _schemes(database: asyncpg.Connection) -> list[Fact]:
    rows = await database.fetch(
        "SELECT document::text FROM scoring.schemes WHERE approver IS NOT NULL ORDER BY code, version"
    )
    return [json.loads(row["document"]) for row in rows]


def _covers(scheme: Fact, month: str) -> bool:
    return bool(scheme["scheme"]["effective"] <= month <= scheme["scheme"]["until"])
