"""How fast a cell is explained, and the ledger proved, on a platform that has nothing else to do."""

import asyncio
import json
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import httpx

from benchmarks import feeding
from benchmarks.platform import Platform, say
from benchmarks.positions import reach, snapshot
from benchmarks.workload import SCHEME_CODE, START, cloud_event, text_of, unit
from deploy.control import token

CASES = 10_000
PAGE_ROWS = 50
ASKED = 30
WARM = 5
POLL_S = 0.2
CALL_S = 60.0
MONTH = "2025-02"
INDICATOR = "i19"


@dataclass(frozen=True, slots=True)
class Explained:
    """Milliseconds of the first page of a cell with `cases` cases, of its last, and of a unit's total."""

    cases: int
    first_p50_ms: float
    first_max_ms: float
    last_p50_ms: float
    total_p50_ms: float


@dataclass(frozen=True, slots=True)
class Proved:
    """What was folded anew in a proof of the whole ledger, in how long."""

    facts: int
    seconds: float
    facts_per_s: float


async def explained(running: Platform, owner: asyncpg.Connection, seed: int) -> Explained:
    """Fill one cell with cases and ask why it stands where it stands."""
    at = sum((await snapshot(owner)).accepted)
    events = [one for number in range(CASES) for one in _case(f"{seed}-case-{number}", number)]
    size = feeding.BATCH_EVENTS
    bodies = [json.dumps(events[n : n + size]).encode() for n in range(0, len(events), size)]
    await feeding.send_all(running, bodies)
    await reach(owner, at + len(events))
    cell = f"{running.addresses['scoring']}/v1/cells/{MONTH}/{unit(0)}/{INDICATOR}/explain"
    total = f"{running.addresses['ranking']}/v1/totals/{MONTH}/{unit(0)}/explain"
    query = {"scheme": SCHEME_CODE, "limit": PAGE_ROWS}
    async with httpx.AsyncClient(timeout=CALL_S, trust_env=False, headers=running.headers()) as client:
        first = await _timed(client, cell, query)
        last = await _timed(client, cell, query | {"after": await _end(client, cell, query)})
        whole = await _timed(client, total, {"scheme": SCHEME_CODE})
    found = Explained(CASES, _middle(first), max(first), _middle(last), _middle(whole))
    say(f"explain of {CASES:,} cases: first page {found.first_p50_ms} ms, at most {found.first_max_ms} ms")
    return found


async def proved(running: Platform) -> Proved:
    """Prove the ledger of all that was fed before."""
    address = f"{running.addresses['scoring']}/v1/operations/verifications"
    headers = {"authorization": f"Bearer {token(running.state, 'operator', ['operator'])}"}
    async with httpx.AsyncClient(timeout=CALL_S, trust_env=False, headers=headers) as client:
        start, facts = time.monotonic(), 0
        found = (await client.post(address, json={})).raise_for_status().json()
        while found["state"] in {"waiting", "proving"}:
            await asyncio.sleep(POLL_S)
            found = (await client.get(f"{address}/{found['id']}")).raise_for_status().json()
            facts = found["total"] if found["phase"] == "facts" else facts
    seconds = time.monotonic() - start
    if found["state"] != "proved":
        raise RuntimeError(f"The ledger is not proved: {found['detail']} {found['found']}")
    proof = Proved(facts, round(seconds, 2), round(facts / seconds, 1))
    say(f"proof of {facts:,} facts: {proof.facts_per_s:,.0f} facts/s")
    return proof


async def _timed(client: httpx.AsyncClient, address: str, query: dict[str, Any]) -> list[float]:
    """Ask some times and return how long each answer took after the first few, in ms."""
    found: list[float] = []
    for _ in range(WARM + ASKED):
        start = time.monotonic()
        (await client.get(address, params=query)).raise_for_status()
        found.append(round((time.monotonic() - start) * 1000, 1))
    return found[WARM:]


async def _end(client: httpx.AsyncClient, address: str, query: dict[str, Any]) -> str:
    """Return the cursor of the last page."""
    after: str | None = None
    while True:
        asked = query | ({"after": after} if after else {})
        page = (await client.get(address, params=asked)).raise_for_status().json()
        if page["next"] is None:
            return after or ""
        after = page["next"]


def _case(name: str, number: int) -> list[dict[str, Any]]:
    """Return a risk that is due in the month, and for most of them its answer."""
    found = START + timedelta(days=32, minutes=number)
    deadline = START + timedelta(days=40 + number % 10)
    data = {"deadline": text_of(deadline), "level": "high"}
    risk = cloud_event("risk.found.v1", f"{name}-f", found, unit(0), data) | {"case": name}
    answered: datetime = deadline + timedelta(hours=1 if number % 3 == 0 else -1)
    answer = cloud_event("risk.answered.v1", f"{name}-a", answered, unit(0), {"amount": "1.00"})
    return [risk] if number % 7 == 0 else [risk, answer | {"case": name}]


def _middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
