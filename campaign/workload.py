"""What is fed: a catalogue of three types, a scheme of four measures over eight units, and seeded events.

Three in five events are levies, some corrected or retracted later; the others are risks that are found and
mostly answered, in cases that lie over all shards. What they come to is written anew in `checker.folding`.
"""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any, TypeAlias

Event: TypeAlias = dict[str, Any]
SOURCE = "campaign"
TOPIC = f"in.{SOURCE}"
SCHEME = "campaign"
GROUP = "bureaus"
ZONE = timezone(timedelta(hours=8))
START = datetime(2025, 1, 1, tzinfo=ZONE)
UNITS = tuple(f"u{number}" for number in range(1, 9))
CORRECTED, RETRACTED = 0.03, 0.01

TYPES: dict[str, Any] = {
    "types": {
        "levy.done.v1": {
            "title": "A levy was made",
            "fields": {
                "amount": {"type": "decimal", "scale": 2, "required": True},
                "ontime": {"type": "boolean", "required": True},
                "note": {"type": "text", "max": 2000},
            },
        },
        "risk.found.v1": {
            "title": "A risk was found",
            "case": "required",
            "fields": {"deadline": {"type": "time", "required": True}},
        },
        "risk.answered.v1": {"title": "A risk was answered", "case": "required", "fields": {}},
    },
    "sources": {SOURCE: {"title": "The campaign"}},
}
_BY_DEADLINE = {"over": "risk", "period_by": "deadline"}
_LEVY = {"over": "levy.done.v1", "period_by": "time"}


def scheme() -> dict[str, Any]:
    """Return the scheme; every method of `checker.folding` stands for one of its indicators."""
    return {
        "scheme": {
            "code": SCHEME,
            "version": 1,
            "title": "Campaign",
            "effective": "2025-01",
            "until": "2025-12",
            "zone": "Asia/Shanghai",
            "total": "100",
            "simulated": True,
        },
        "units": [
            {"code": "hq", "name": "Headquarters", "level": "headquarters"},
            *({"code": unit, "parent": "hq", "name": unit, "level": "bureau"} for unit in UNITS),
        ],
        "trees": {"organisation": "unit"},
        "groups": {GROUP: {"level": "bureau", "title": "Bureaus"}},
        "boards": [{"code": "work", "title": "Work", "points": "100"}],
        "views": {
            "risk": {
                "events": ["risk.found.v1", "risk.answered.v1"],
                "columns": {
                    "deadline": {"first": "deadline", "of": "risk.found.v1"},
                    "unit": {"first": "subject", "of": "risk.found.v1"},
                    "answered": {"last": "time", "of": "risk.answered.v1"},
                },
            }
        },
        "measures": {
            "levied": _LEVY | {"numerator": "sum(amount)"},
            "ontime": _LEVY | {"numerator": "count(*) FILTER (WHERE ontime)", "denominator": "count(*)"},
            "answered": _BY_DEADLINE
            | {"numerator": "count(*) FILTER (WHERE answered <= deadline)", "denominator": "count(*)"},
            "overdue": _BY_DEADLINE
            | {"numerator": "count(*) FILTER (WHERE answered IS NULL OR answered > deadline)"},
        },
        "indicators": [
            _indicator("levied", "20", {"target": {"target": "20000000"}}),
            _indicator("ontime", "40", {"target": {"target": "0.98"}}),
            _indicator("answered", "20", {"target": {"target": "0.9"}}),
            _indicator("overdue", "20", {"deduct": {"each": "0.05"}}),
        ],
        "tiers": [
            {"code": "first", "share": "0.4"},
            {"code": "second", "share": "0.4"},
            {"code": "third", "share": "0.2"},
        ],
    }


def events(count: int, *, seed: int, run: str) -> list[Event]:
    """Make events, shuffled as sources are; their ids begin with the run, so that runs do not meet."""
    draw = random.Random(f"{seed} {run}")
    made: list[Event] = []
    drawn = _drawn(draw, run)
    while len(made) < count:
        made.append(next(drawn))
    draw.shuffle(made)
    return made


def levy(name: str, unit: str, at: datetime, **data: Any) -> Event:
    """Return a levy."""
    return _event("levy.done.v1", name, unit, at, {"amount": "1.00", "ontime": True} | data)


def _indicator(code: str, points: str, method: dict[str, Any]) -> dict[str, Any]:
    named = {"code": code, "name": code, "board": "work", "points": points, "groups": [GROUP]}
    said = {"assessor": "hq", "source": {"document": "本方案设定"}}
    return named | said | {"measure": code, "method": method}


def _drawn(draw: random.Random, run: str) -> Iterator[Event]:
    number = 0
    while True:
        number += 1
        name, unit = f"{run}-{number}", draw.choice(UNITS)
        at = START + timedelta(seconds=draw.randrange(365 * 86_400))
        if draw.random() < 0.6:
            yield from _levies(draw, name, unit, at)
        else:
            yield from _risks(draw, name, unit, at)


def _levies(draw: random.Random, name: str, unit: str, at: datetime) -> Iterator[Event]:
    amount = f"{draw.randrange(1, 100_000)}.{draw.randrange(100):02d}"
    yield levy(name, unit, at, amount=amount, ontime=draw.random() < 0.97)
    drawn = draw.random()
    if drawn < CORRECTED:
        corrected = levy(f"{name}-c", unit, at, amount="7.07", ontime=False)
        yield corrected | {"correctssource": SOURCE, "correctsid": name, "revision": 1}
    elif drawn < CORRECTED + RETRACTED:
        gone = _event("levy.done.v1", f"{name}-r", unit, at, None)
        yield gone | {"correctssource": SOURCE, "correctsid": name, "revision": 2}


def _risks(draw: random.Random, name: str, unit: str, at: datetime) -> Iterator[Event]:
    deadline = at + timedelta(days=draw.randrange(1, 30))
    yield _event("risk.found.v1", name, unit, at, {"deadline": deadline.isoformat()}) | {"case": name}
    if draw.random() < 0.9:
        answered = at + timedelta(days=draw.randrange(32))
        yield _event("risk.answered.v1", f"{name}-a", unit, answered, {}) | {"case": name}


def _event(kind: str, name: str, unit: str, at: datetime, data: dict[str, Any] | None) -> Event:
    event = {
        "specversion": "1.0",
        "id": name,
        "source": SOURCE,
        "type": kind,
        "time": at.isoformat(),
        "subject": unit,
    }
    return event if data is None else event | {"data": data}
