"""What is fed: a catalogue of four types, a scheme of forty measures for 36 units, and seeded events.

Half are levies and three tenths services, which belong to no case and so lie in the shard of their unit; the
rest are risks that are found and answered, in cases that lie over all shards. Events come in the order in
which they occurred.
"""

import json
import random
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

SOURCE = "bench"
UNITS = 36
SPAN_DAYS = 90
START = datetime(2025, 1, 1, tzinfo=UTC)
GROUP = "bureaus"
SCHEME_CODE = "bench"
CHANNELS = ("hall", "web", "phone", "app")
LEVELS = ("high", "middle", "low")
REPEATED_EVERY = 100
REPEATED_AFTER = 5_000

TYPES: dict[str, Any] = {
    "types": {
        "levy.paid.v1": {
            "title": "A levy was paid",
            "fields": {
                "amount": {"type": "decimal", "scale": 2, "required": True},
                "ontime": {"type": "boolean", "required": True},
                "channel": {"type": "code", "required": True},
            },
        },
        "service.given.v1": {
            "title": "A service was given",
            "fields": {
                "seconds": {"type": "integer", "minimum": 0, "required": True},
                "satisfied": {"type": "boolean", "required": True},
                "channel": {"type": "code", "required": True},
            },
        },
        "risk.found.v1": {
            "title": "A risk was found",
            "case": "required",
            "fields": {
                "deadline": {"type": "time", "required": True},
                "level": {"type": "code", "required": True},
            },
        },
        "risk.answered.v1": {
            "title": "A risk was answered",
            "case": "required",
            "fields": {"amount": {"type": "decimal", "scale": 2, "required": True}},
        },
    },
    "sources": {SOURCE: {"title": "The benchmark"}},
}


@dataclass(frozen=True, slots=True)
class Workload:
    """Encoded events, each a JSON object, and how many of them are the warm-up."""

    events: tuple[bytes, ...]
    warm: int

    @property
    def measured(self) -> int:
        """How many events count."""
        return len(self.events) - self.warm

    def batches(self, size: int, *, warm: bool) -> list[bytes]:
        """Return the bodies of CloudEvents batches of the warm-up or of what counts."""
        part = self.events[: self.warm] if warm else self.events[self.warm :]
        return [b"[" + b",".join(part[at : at + size]) + b"]" for at in range(0, len(part), size)]

    def inbound(self, *, warm: bool) -> Iterator[tuple[int, bytes]]:
        """Return the warm-up or what counts with repeats, each with its place."""
        return enumerate(repeated(self.events[: self.warm] if warm else self.events[self.warm :]))

    def renamed(self, old: int, new: int) -> "Workload":
        """Return the same events under the ids of another seed, which is much cheaper than making them."""
        before, after = f'"{old}-'.encode(), f'"{new}-'.encode()
        return Workload(tuple(body.replace(before, after) for body in self.events), self.warm)


def workload(count: int, warm: int, *, seed: int) -> Workload:
    """Make and encode `warm` + `count` events; ids carry the seed, so that runs do not meet."""
    return Workload(tuple(_events(warm + count, seed)), warm)


def repeated(events: Iterable[bytes]) -> Iterator[bytes]:
    """Return the events, every hundredth a second time somewhat later, as a source that is unsure does."""
    late: deque[tuple[int, bytes]] = deque()
    for number, body in enumerate(events):
        yield body
        if number % REPEATED_EVERY == 0:
            late.append((number + REPEATED_AFTER, body))
        while late and late[0][0] <= number:
            yield late.popleft()[1]
    for _, body in late:
        yield body


def unit(number: int) -> str:
    """Return the code of a unit."""
    return f"b{number:02d}"


def scheme() -> dict[str, Any]:
    """Return a scheme of four boards, twenty indicators and forty measures."""
    measures = _measures()
    return {
        "scheme": {
            "code": SCHEME_CODE,
            "version": 1,
            "title": "Benchmark",
            "effective": "2025-01",
            "until": "2025-12",
            "zone": "Asia/Shanghai",
            "total": "1000",
            "simulated": True,
        },
        "units": [
            {"code": "hq", "name": "Headquarters", "level": "headquarters"},
            *({"code": unit(n), "parent": "hq", "name": unit(n), "level": "bureau"} for n in range(UNITS)),
        ],
        "trees": {"organisation": "unit"},
        "groups": {GROUP: {"level": "bureau", "title": "Bureaus"}},
        "boards": [
            {"code": "party", "title": "Party", "points": "260", "floor_above": "0.25"},
            {"code": "reform", "title": "Reform", "points": "440"},
            {"code": "operation", "title": "Operation", "points": "180"},
            {"code": "ratings", "title": "Ratings", "points": "120"},
        ],
        "views": {
            "risk": {
                "events": ["risk.found.v1", "risk.answered.v1"],
                "columns": {
                    "found": {"first": "time", "of": "risk.found.v1"},
                    "deadline": {"first": "deadline", "of": "risk.found.v1"},
                    "level": {"first": "level", "of": "risk.found.v1"},
                    "unit": {"first": "subject", "of": "risk.found.v1"},
                    "answered": {"last": "time", "of": "risk.answered.v1"},
                    "amount": {"sum": "amount", "of": "risk.answered.v1"},
                },
            }
        },
        "measures": measures,
        "indicators": _indicators(),
        "tiers": [
            {"code": "first", "share": "0.4"},
            {"code": "second", "share": "0.4"},
            {"code": "third", "share": "0.2"},
        ],
    }


def _measures() -> dict[str, Any]:
    """Forty measures: 13 over levies, 13 over services, 14 over risks, two of them stocks."""
    found: dict[str, Any] = {}
    for over, prefix, flag, amount in (
        ("levy.paid.v1", "levy", "ontime", "amount"),
        ("service.given.v1", "service", "satisfied", "seconds"),
    ):
        at = {"over": over, "period_by": "time"}
        found[f"{prefix}_count"] = at | {"numerator": "count(*)"}
        found[f"{prefix}_sum"] = at | {"numerator": f"sum({amount})"}
        found[f"{prefix}_rate"] = at | _rate(flag)
        for channel in CHANNELS:
            here = f"channel = '{channel}'"
            found[f"{prefix}_{channel}"] = at | {"numerator": f"count(*) FILTER (WHERE {here})"}
        for channel in CHANNELS:
            here = f"channel = '{channel}'"
            found[f"{prefix}_{channel}_rate"] = at | _rate(f"{here} AND {flag}", here)
        found[f"{prefix}_bad"] = at | {"numerator": f"count(*) FILTER (WHERE NOT {flag})"}
        found[f"{prefix}_bad_sum"] = at | {"numerator": f"sum({amount}) FILTER (WHERE NOT {flag})"}
    found |= _risk_measures()
    return found


def _risk_measures() -> dict[str, Any]:
    at = {"over": "risk", "period_by": "found"}
    due = {"over": "risk", "period_by": "deadline"}
    until = {"over": "risk", "kind": "stock"}
    met = "answered <= deadline"
    return {
        "risk_found": at | {"numerator": "count(*)"},
        "risk_due": due | {"numerator": "count(*)"},
        "risk_met": due | {"numerator": f"count(*) FILTER (WHERE {met})"},
        "risk_rate": due | _rate(met),
        "risk_missed": due | {"numerator": "count(*) FILTER (WHERE answered IS NULL OR answered > deadline)"},
        "risk_answered": {"over": "risk", "period_by": "answered", "numerator": "count(*)"},
        "risk_amount": {"over": "risk", "period_by": "answered", "numerator": "sum(amount)"},
        **{
            f"risk_{level}": at | {"numerator": f"count(*) FILTER (WHERE level = '{level}')"}
            for level in LEVELS
        },
        "risk_high_rate": due | _rate(f"level = 'high' AND {met}", "level = 'high'"),
        "risk_low_rate": due | _rate(f"level = 'low' AND {met}", "level = 'low'"),
        "risk_open": until | {"period_by": {"from": "found", "until": "answered"}, "numerator": "count(*)"},
        "risk_overdue": until
        | {"period_by": {"from": "greatest(found, deadline)", "until": "answered"}, "numerator": "count(*)"},
    }


def _rate(part: str, whole: str | None = None) -> dict[str, str]:
    denominator = "count(*)" if whole is None else f"count(*) FILTER (WHERE {whole})"
    return {"numerator": f"count(*) FILTER (WHERE {part})", "denominator": denominator}


def _indicators() -> list[dict[str, Any]]:
    """Twenty indicators, five to a board: rates with a target, and one deduction for missed risks."""
    rates = [
        f"{prefix}_{name}rate"
        for prefix in ("levy", "service")
        for name in ("", *(f"{c}_" for c in CHANNELS))
    ]
    rates += ["risk_rate", "risk_high_rate", "risk_low_rate"]
    points = {"party": "52", "reform": "88", "operation": "36", "ratings": "24"}
    found: list[dict[str, Any]] = []
    for place in range(20):
        board = ("party", "reform", "operation", "ratings")[place // 5]
        measure = rates[place % len(rates)]
        method: dict[str, Any] = {"target": {"target": "0.98"}}
        if place == 19:
            measure, method = "risk_missed", {"deduct": {"each": "0.01"}}
        found.append(
            {
                "code": f"i{place:02d}",
                "name": measure,
                "board": board,
                "points": points[board],
                "assessor": "hq",
                "source": {"document": "本方案设定"},
                "groups": [GROUP],
                "measure": measure,
                "method": method,
            }
        )
    return found


def _events(count: int, seed: int) -> Iterator[bytes]:
    draw = random.Random(seed)
    step = timedelta(days=SPAN_DAYS) / count
    open_cases: list[tuple[str, str]] = []
    for number in range(count):
        at = START + number * step
        if draw.random() < 0.01:
            at -= timedelta(days=draw.random() * 20) if at - START > timedelta(days=20) else timedelta(0)
        event = _event(draw, f"{seed}-{number}", at, open_cases)
        yield json.dumps(event, separators=(",", ":")).encode()


def _event(draw: random.Random, name: str, at: datetime, open_cases: list[tuple[str, str]]) -> dict[str, Any]:
    kind = draw.random()
    where = unit(draw.randrange(UNITS))
    if kind < 0.5:
        amount = f"{draw.randrange(1, 1_000_000)}.{draw.randrange(100):02d}"
        data: dict[str, Any] = {"amount": amount, "ontime": draw.random() < 0.97}
        return cloud_event("levy.paid.v1", name, at, where, data | {"channel": draw.choice(CHANNELS)})
    if kind < 0.8:
        data = {"seconds": draw.randrange(10, 3600), "satisfied": draw.random() < 0.95}
        return cloud_event("service.given.v1", name, at, where, data | {"channel": draw.choice(CHANNELS)})
    if kind < 0.9 or not open_cases:
        open_cases.append((name, where))
        deadline = text_of(at + timedelta(days=draw.randrange(1, 30)))
        data = {"deadline": deadline, "level": draw.choice(LEVELS)}
        return cloud_event("risk.found.v1", name, at, where, data) | {"case": name}
    case, where = open_cases.pop(draw.randrange(len(open_cases)))
    data = {"amount": f"{draw.randrange(1, 10_000)}.00"}
    return cloud_event("risk.answered.v1", name, at, where, data) | {"case": case}


def cloud_event(kind: str, name: str, at: datetime, where: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return an event of the benchmark's source."""
    return {
        "specversion": "1.0",
        "id": name,
        "source": SOURCE,
        "type": kind,
        "time": text_of(at),
        "subject": where,
        "data": data,
    }


def text_of(at: datetime) -> str:
    """Write an instant."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
