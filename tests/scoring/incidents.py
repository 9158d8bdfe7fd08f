"""A small administration whose incidents cost three groups points, and the stages that decide them."""

import copy

from services.scoring.contract import (
    ACCEPTED,
    CALENDARS,
    DEDUCTIONS,
    FINDINGS,
    INCIDENT_RULED,
    INCIDENTS_SHARD,
    ITEMS,
    PARTIALS,
    RULINGS,
    SCHEMES,
    IncidentRuled,
)
from services.scoring.stage_a import StageA
from services.scoring.stage_b import StageB
from services.scoring.stage_incidents import StageIncidents
from shared.contracts import envelope
from shared.kernel.records import Draft
from tests.scoring import test_stages
from tests.scoring.test_stages import Driver, accept, adopt
from tests.scoring_domain.incidents import INCIDENTS, INDICATORS, LEVELS

__all__ = ["accept", "adopt"]
GROUPS = ("bureaus", "departments", "inspectorates")
FIELDS = {
    "taxpayer": {"type": "code", "required": True},
    "content": {"type": "code", "required": True},
    "first_year": {"type": "integer", "required": True},
    "last_year": {"type": "integer", "required": True},
}
FINDING = {
    "title": "A finding",
    "fields": FIELDS
    | {
        "discovered": {"type": "time", "required": True},
        "status": {"type": "code", "required": True},
        "severity": {"type": "integer", "required": True},
        "finder": {"type": "code", "required": True},
        "desk": {"type": "code"},
        "points": {"type": "decimal", "scale": 2, "minimum": 0},
    },
}
TYPES = {
    "types": {
        **{f"finding.{name}.v1": FINDING for name in ("audit", "petition", "patrol")},
        "inspection.ended.v1": {
            "title": "An inspection ended",
            "fields": FIELDS
            | {
                "content": {"type": "code"},
                "started": {"type": "time", "required": True},
                "ended": {"type": "time", "required": True},
                "found": {"type": "integer", "required": True},
            },
        },
    },
    "sources": {"s": {"title": "S"}, "t": {"title": "T"}},
}


def scheme(incidents=None, *, version=1, **head):
    """Return a scheme in which each indicator takes what is decided of incidents."""
    each = {"bureau": "10", "department": "40", "inspectorate": "40"}
    return {
        "scheme": {
            "code": "mini",
            "version": version,
            "effective": "2021-01",
            "until": "2021-12",
            "zone": "Asia/Shanghai",
            "total": "40",
            "title": "Mini",
        }
        | head,
        "units": [
            {"code": "hq", "name": "HQ", "level": "headquarters"},
            *(
                {"code": code, "name": code, "level": level, "parent": "hq"}
                for level, codes in LEVELS.items()
                for code in codes
            ),
        ],
        "trees": {"organisation": "unit"},
        "groups": {f"{level}s": {"level": level, "title": level} for level in LEVELS},
        "boards": [{"code": "work", "title": "Work", "points": "40"}],
        "measures": {code: {"decided": "incidents"} for code in INDICATORS},
        "indicators": [
            {
                "code": code,
                "name": code,
                "board": "work",
                "points": each[level],
                "groups": [f"{level}s"],
                "measure": code,
                "method": {"deduct": {}},
                "assessor": "hq",
                "source": {"document": "本方案设定"},
            }
            for code, level in INDICATORS.items()
        ],
        "incidents": copy.deepcopy(incidents or INCIDENTS),
    }


def instant(text):
    return text if "T" in text else f"{text}T08:00:00+08:00"


def event(name, kind, data, *, time, unit="b1", source="s", **more):
    return {
        "specversion": "1.0",
        "source": source,
        "id": name,
        "type": kind,
        "subject": unit,
        "time": instant(time),
        "data": data,
    } | more


def finding(name, indicator="audit", *, time="2021-03-10", points="2", unit="b1", source="s", **data):
    """Return a finding as a source sends it; by default confirmed, of the problem of 2019."""
    told = {
        "taxpayer": "t1",
        "content": "vat",
        "first_year": 2019,
        "last_year": 2019,
        "discovered": time,
        "status": "confirmed",
        "severity": 0,
        "finder": "d9",
        "points": points,
    } | data
    told["discovered"] = instant(told["discovered"])
    return event(name, f"finding.{indicator}.v1", told, time=time, unit=unit, source=source)


def inspection(name, *, started="2021-04-01", ended="2021-06-30", unit="i1", **data):
    """Return an inspection of every content that found nothing."""
    told = {"taxpayer": "t1", "first_year": 2018, "last_year": 2020, "found": 0} | data
    told |= {"started": instant(started), "ended": instant(ended)}
    return event(name, "inspection.ended.v1", told, time=ended, unit=unit)


def corrected(report, revision=1, *, time=None, **data):
    told = report | {
        "id": f"{report['id']}r{revision}",
        "revision": revision,
        "correctssource": report["source"],
        "correctsid": report["id"],
        "data": report["data"] | data,
    }
    return told if time is None else told | {"time": instant(time)}


def retracted(report, revision=1):
    told = corrected(report, revision)
    del told["data"]
    return told


class WithIncidents(Driver):
    """Runs all stages; what incidents come to goes through stage A once more."""

    def __init__(self, exchange, done=()):
        super().__init__(exchange, done)
        self.stages = [
            ("a", StageA(), (ACCEPTED, CALENDARS, SCHEMES, ITEMS, DEDUCTIONS)),
            ("i", StageIncidents(), (FINDINGS, RULINGS, SCHEMES)),
            ("b", StageB(), (PARTIALS, SCHEMES)),
        ]

    async def run_stage(self, wanted, *, limit=100_000, **more):
        await super().run_stage(wanted, limit=limit, **more)

    async def run(self):
        for name in ("a", "i", "a", "b"):
            await self.run_stage(name)


async def begun(scoring, *, adopted=True, document=None):
    return await test_stages.begun(
        scoring, (document or scheme()) if adopted else None, driven=WithIncidents, types=TYPES
    )


async def rule(exchange, act, incident=("t1", "vat", 2019), **more):
    """Put a ruling into its stream as the door does."""
    told = IncidentRuled.model_validate(
        {"act": act, "incident": name(*incident), "person": "zhao", "reason": "查明"} | more
    )
    async with exchange.begin(actor="zhao", action="rule") as tx:
        body = envelope.encode(INCIDENT_RULED, "dukao/scoring", "incident", told)
        await tx.append(RULINGS, [Draft(INCIDENTS_SHARD, body)])


def name(thing, content, year):
    return {"object": thing, "content": content, "year": year}


async def lost(exchange, version=1):
    """Return the cells that are not full: the points by (month, unit, indicator)."""
    async with exchange.reading() as tx:
        rows = await tx.execute(
            "SELECT month, unit, indicator, value FROM cells WHERE version = :version", version=version
        )
    full = {"bureau": 10, "department": 40, "inspectorate": 40}
    return {
        (f"{row.month // 12}-{row.month % 12 + 1:02d}", row.unit, row.indicator): full[
            INDICATORS[row.indicator]
        ]
        - row.value
        for row in rows
        if row.value != full[INDICATORS[row.indicator]]
    }
