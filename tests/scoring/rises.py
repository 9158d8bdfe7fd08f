"""A small administration whose risks rise in February: its facts, its clocks, and who judges and decides.

All of it is in 2198, so that what is received before and after T can be said.
"""

from datetime import datetime
from decimal import Decimal

from services.scoring.contract import (
    ACCEPTED,
    CALENDAR_ADOPTED,
    CALENDARS,
    INCIDENTS_SHARD,
    TICK,
    CalendarAdopted,
    Tick,
)
from shared.contracts import envelope
from shared.kernel.periods import Month
from shared.kernel.records import Draft
from shared.kernel.shards import SHARDS
from tests.scoring.incidents import accept as accept_now
from tests.scoring.incidents import begun, finding, scheme

RISE = {
    "code": "c",
    "title": "区域执法风险",
    "group": "bureaus",
    "measure": "risks",
    "baseline_months": 3,
    "minimum": 5,
    "alpha": "0.01",
    "grace_days": 5,
    "content": "vat",
    "roles": {
        "department": {"indicator": "department_linked", "points": "1"},
        "bureau": {"indicator": "bureau_linked", "points": "2"},
        "inspectorate": {"indicator": "inspectorate_linked", "points": "0.5"},
    },
}
RISKS = {
    "over": "finding.petition.v1",
    "period_by": "time",
    "numerator": "count(*)",
    "denominator": "sum(severity)",
}
EARLY, LATE = "2198-03-01T00:00:00Z", "2198-03-09T16:00:00Z"
HOLIDAY = ("2198-03-05", "2198-03-06")  # so that five working days of March end on the ninth


def looked_at(**more):
    document = scheme(**{"effective": "2198-01", "until": "2198-12"} | more)
    document["measures"]["risks"] = RISKS
    document["indicators"].append(
        document["indicators"][0]
        | {"code": "risk", "measure": "risks", "method": {"target": {"target": "1"}}}
    )
    document["indicators"][0] |= {"points": "5", "not_applicable": [{"units": ["b2"], "reason": "r"}]}
    document["indicators"][-1]["points"] = "5"
    document["incidents"]["rises"] = [RISE]
    return document


def acts(unit, day, exposures):
    """One act that went wrong for each exposure that it stands for."""
    return [
        finding(f"{unit}-{day}-{at}", "petition", time=day, unit=unit, severity=each, status="alleged")
        for at, each in enumerate(exposures)
    ]


FACTS = [
    *acts("b1", "2198-01-12", [100, 100]),
    *acts("b1", "2198-02-12", [10] * 12),
    *acts("b2", "2198-01-12", [100, 100]),
    *acts("b2", "2198-02-12", [100, 100]),
]


async def accept(exchange, events, received=EARLY):
    await accept_now(exchange, events, received=datetime.fromisoformat(received))


async def tick(exchange, received=LATE, shards=range(SHARDS)):
    """Let shards know that it is so late."""
    at = datetime.fromisoformat(received)
    told = envelope.encode(TICK, "dukao/ingest", "clock", Tick(minute=received))
    async with exchange.begin(actor="clock", action="tick") as tx:
        await tx.append(ACCEPTED, [Draft(shard, told, received=at) for shard in shards])


async def calendar(exchange, last="2198-12-31", *, version=1, rest=HOLIDAY, received=None):
    """Let scoring know the working days until a day."""
    days = [{"day": day, "kind": "rest", "name": "holiday"} for day in rest]
    document = {
        "calendar": {"first": "2198-01-01", "last": last},
        "notices": [{"title": "n", "days": days}],
    }
    told = CalendarAdopted(
        zone="Asia/Shanghai",
        version=version,
        digest="0" * 64,
        first="2198-01-01",
        last=last,
        document=document,
    )
    at = None if received is None else datetime.fromisoformat(received)
    body = envelope.encode(CALENDAR_ADOPTED, "dukao/supervision", "Asia/Shanghai", told)
    async with exchange.begin(actor="test", action="calendar") as tx:
        await tx.append(CALENDARS, [Draft(shard, body, received=at) for shard in range(SHARDS)])


async def passed(scoring, *more, facts=FACTS):
    """Return scoring with facts received before T, and every clock at T."""
    exchange, driver = await begun(scoring, document=looked_at())
    await calendar(exchange)
    await accept(exchange, [*facts, *more])
    await tick(exchange)
    await driver.run()
    return exchange, driver


ROSE = f"scoring.rulings/{INCIDENTS_SHARD}/1/b1"
LOST = {
    ("2198-02", "d1", "department_linked"): Decimal(1),
    ("2198-02", "b1", "bureau_linked"): Decimal(2),
    ("2198-02", "i2", "inspectorate_linked"): Decimal("0.5"),
}
JUDGE = "/v1/rises/mini/1/c/2198-02:judge"
INCIDENT = "b1~vat~2198"
FULL = {"bureau_linked": 10, "department_linked": 40, "inspectorate_linked": 40, "audit": 5}
LESS = {"indicator": "bureau_linked", "points": "0.7"}


async def linked(exchange, version=1):
    """Return the cells that are not full of indicators that lose by incidents."""
    async with exchange.reading() as tx:
        rows = await tx.execute(
            "SELECT month, unit, indicator, value FROM cells WHERE version = :v", v=version
        )
    return {
        (str(Month.of_ordinal(row.month)), row.unit, row.indicator): FULL[row.indicator] - row.value
        for row in rows
        if row.indicator in FULL and row.value != FULL[row.indicator]
    }


async def judged(at, path=JUDGE, status=200, **who):
    answer = await at.ask("POST", path, **who)
    assert answer.status_code == status, answer.text
    return answer.json()


async def decide(at, ruling="apply", status=200, **who):
    rose = {"source": "dukao/scoring", "id": ROSE}
    body = {"finding": rose, "trigger": "c", "inspection": rose, "ruling": ruling, "reason": "核实"}
    return await at.act("decide", body, status, **{"incident": INCIDENT, "name": "zhao"} | who)
