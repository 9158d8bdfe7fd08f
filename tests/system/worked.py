"""The fixture of the worked cases: 1,000 points, 36 bureaus, small schemes; its figures and damages to them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

import asyncpg

from tests.scoring.incidents import TYPES as OF_INCIDENTS
from tests.scoring.test_stages import TYPES as MINI
from tests.system.rig import Event, Rig

BUREAUS = [f"w{number:02d}" for number in range(1, 37)]
BOARDS = {"party": "260", "reform": "440", "operation": "180", "ratings": "120"}
WITHOUT_PORTS = "w02"
SAID = {"groups": ["bureaus"], "assessor": "worked", "source": {"document": "本方案设定"}}
AMOUNT = {"type": "decimal", "scale": 2, "minimum": 0, "required": True}
COUNT = {"type": "integer", "minimum": 0, "required": True}
OWN = {
    "board.scored.v1": {
        "title": "What a bureau reached of a part of the scheme",
        "fields": {"part": {"type": "code", "required": True}, "points": AMOUNT},
    },
    "port.scored.v1": {"title": "The same of its ports", "fields": {"points": AMOUNT}},
    "share.made.v1": {"title": "Made of what was due", "fields": {"made": COUNT, "due": COUNT}},
    "third.made.v1": {"title": "Made of what was due", "fields": {"made": COUNT, "due": COUNT}},
    "risk.lost.v1": {
        "title": "A risk was missed",
        "business_key": ["risk"],
        "fields": {"risk": {"type": "text", "required": True}},
    },
}
TYPES = {
    "types": MINI["types"] | OF_INCIDENTS["types"] | OWN,
    "sources": MINI["sources"] | OF_INCIDENTS["sources"],
}
Check: TypeAlias = Callable[[asyncpg.Connection], Awaitable[list[str]]]


def scheme(
    code: str, boards: dict[str, str], measures: dict[str, Any], indicators: list[Any], **more: Any
) -> dict[str, Any]:
    """Return a scheme of 2021 over the 36 bureaus."""
    total = str(sum(int(points) for points in boards.values()))
    head = {"code": code, "version": 1, "effective": "2021-01", "until": "2021-12", "zone": "Asia/Shanghai"}
    return {
        "scheme": head | {"total": total, "title": code} | more.pop("head", {}),
        "units": [
            {"code": "worked", "name": "W", "level": "headquarters"},
            *({"code": one, "name": one, "level": "bureau", "parent": "worked"} for one in BUREAUS),
        ],
        "trees": {"organisation": "unit"},
        "groups": {"bureaus": {"level": "bureau", "title": "Bureaus"}},
        "boards": [{"code": board, "title": board, "points": points} for board, points in boards.items()],
        "measures": {
            name: {"over": over, "period_by": "time", "numerator": numerator}
            | ({"denominator": denominator} if denominator else {})
            for name, (over, numerator, denominator) in measures.items()
        },
        "indicators": [one | {"name": one["code"]} | SAID for one in indicators],
    } | more


def thousand(boards: dict[str, str] = BOARDS) -> dict[str, Any]:
    """Return the thousand points: a bureau has what is told of each part; ports do not apply to one."""
    parts = {"party": 0, "land": 15, "operation": 0, "main": 21}
    points = dict(zip(parts, (int(boards[board]) for board in BOARDS), strict=True))
    indicators = [
        {"code": part, "board": board, "points": str(points[part] - less), "measure": part}
        | {"method": {"target": {"target": str(points[part] - less)}}}
        for (part, less), board in zip(parts.items(), BOARDS, strict=True)
    ]
    ports = {"code": "ports", "board": "reform", "points": "15", "measure": "ports"}
    absent = [{"units": [WITHOUT_PORTS], "reason": "本省无口岸"}]
    indicators.append(ports | {"method": {"target": {"target": "15"}}, "not_applicable": absent})
    indicators += [
        {"code": f"third{number}", "board": "ratings", "points": "7", "measure": "third"}
        | {"method": {"target": {"target": "1"}}}
        for number in range(3)
    ]
    measures = {
        part: ("board.scored.v1", f"sum(points) FILTER (WHERE part = '{part}')", None) for part in parts
    }
    measures |= {"ports": ("port.scored.v1", "sum(points)", None)}
    measures |= {"third": ("third.made.v1", "sum(made)", "sum(due)")}
    document = scheme("thousand", boards, measures, indicators)
    document["boards"][0]["floor_above"] = "0.25"
    tiers = {"first": "0.4", "second": "0.4", "third": "0.2"}
    return document | {"tiers": [{"code": code, "share": share} for code, share in tiers.items()]}


def share_of(code: str, points: str, target: str, **head: Any) -> dict[str, Any]:
    """Return a scheme of one indicator: what was made of what was due, at a target."""
    one = {"code": "made", "board": "work", "points": points, "measure": "made"}
    made = {"made": ("share.made.v1", "sum(made)", "sum(due)")}
    return scheme(code, {"work": points}, made, [one | {"method": {"target": {"target": target}}}], head=head)


def with_sprint(document: dict[str, Any], points: str) -> dict[str, Any]:
    """Return the scheme with an overlay from April to September that is added to its total."""
    months = {"from": "2021-04", "until": "2021-09"}
    sprint = {"code": "sprint", "name": "sprint", "counts": "added", "points": points} | months
    one = document["indicators"][0] | {"code": "sprinted", "points": points, "overlay": "sprint"}
    del one["board"]
    indicator = one | {"method": {"target": {"target": "1"}}}
    return document | {"overlays": [sprint], "indicators": [*document["indicators"], indicator]}


def lost_by_events() -> dict[str, Any]:
    """Return a scheme of ten points of which each event takes half a point."""
    one = {"code": "lost", "board": "work", "points": "10", "measure": "lost"}
    lost = {"lost": ("risk.lost.v1", "count(*)", None)}
    method = {"method": {"deduct": {"each": "0.5"}}}
    return scheme("lost", {"work": "10"}, lost, [one | method], head={"grace_days": 5})


def event(name: str, kind: str, unit: str, time: str, data: dict[str, Any], **more: Any) -> Event:
    """Return an event of the fixture."""
    told = {"specversion": "1.0", "source": "s", "id": f"worked-{name}", "type": kind, "subject": unit}
    return told | {"time": time, "data": data} | more


def scored(unit: str, month: int, ports: str | None, thirds: int | None, **parts: str) -> list[Event]:
    """Return what is told of a bureau in a month; `thirds` of three are made of the three small indicators."""
    time, name = f"2021-{month:02d}-10T08:00:00+08:00", f"{unit}-{month}"
    told = [
        event(f"{name}-{part}", "board.scored.v1", unit, time, {"part": part, "points": points})
        for part, points in parts.items()
    ]
    if ports is not None:
        told.append(event(f"{name}-ports", "port.scored.v1", unit, time, {"points": ports}))
    if thirds is not None:
        told.append(event(f"{name}-thirds", "third.made.v1", unit, time, {"made": thirds, "due": 3}))
    return told


async def figure(rig: Rig, scheme: str, cell: str, **asked: str) -> Any:
    return (await rig.get("scoring", f"/v1/cells/{cell}", scheme=scheme, **asked))["figure"]


async def damaged(rig: Rig, check: Check, damages: Sequence[str]) -> None:
    """Alter what is kept in a transaction that is rolled back; the checker tells of each."""
    database = await rig.database()
    try:
        assert await check(database) == []
        for damage in damages:
            transaction = database.transaction()
            await transaction.start()
            await database.execute("SET LOCAL session_replication_role = replica")
            assert not (await database.execute(damage)).endswith(" 0"), damage
            assert await check(database) != [], damage
            await transaction.rollback()
    finally:
        await database.close()
