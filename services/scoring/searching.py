"""Finds the facts and cases under a unit's leaves, from one that a cursor names on."""

from collections.abc import AsyncIterator, Sequence

from services.scoring import cases, cursors, facts
from services.scoring.cases import Case, Found
from services.scoring.domain.explanation import Asked, leaves_of
from services.scoring.domain.plan import Plan
from shared.storage.transaction import PostgresTransaction

UNITS_PER_QUERY = 50
CASES_PER_QUERY = 200
PLACES_PER_QUERY = 20


async def search(
    tx: PostgresTransaction, plan: Plan, asked: Asked, at: Found | None
) -> AsyncIterator[tuple[Found, Case]]:
    """Yield the facts and then the cases found under a unit's leaves, from the one that a cursor names on."""
    months = range(asked.first, asked.last + 1)
    units = leaves_of(plan, asked.unit)
    if at is not None and (at[0] not in units or at[1] not in months):
        raise cursors.refused()
    among_facts = at is None or len(at[2]) == facts.NUMBER_BYTES
    async for one in _facts(tx, units if among_facts else (), months, at):
        yield one
    if among_facts:
        at = None
    elif at is not None:
        units = units[units.index(at[0]) :]
    async for one in _of_cases(tx, units, months, at):
        yield one


async def _of_cases(
    tx: PostgresTransaction, units: Sequence[str], months: range, at: Found | None
) -> AsyncIterator[tuple[Found, Case]]:
    """Yield the cases."""
    while units:
        page = await cases.find(tx, units[:UNITS_PER_QUERY], months, at, CASES_PER_QUERY)
        known = await cases.load(tx, {(shard, grp) for _, _, grp, shard in page})
        for found in page:
            if (found[3], found[2]) in known:
                yield found, known[found[3], found[2]]
        if len(page) < CASES_PER_QUERY:
            units, at = units[UNITS_PER_QUERY:], None
        else:
            unit, month, grp, shard = page[-1]
            units, at = units[units.index(unit) :], (unit, month, grp, shard + 1)


async def _facts(
    tx: PostgresTransaction, units: Sequence[str], months: range, at: Found | None
) -> AsyncIterator[tuple[Found, Case]]:
    """Yield the facts that are reports of their own, a row at a time."""
    begin = None
    if units and at is not None:
        units = units[units.index(at[0]) :]
        begin = at[1], at[3], int.from_bytes(at[2], "big")
    while units:
        page = await facts.find(tx, units[:UNITS_PER_QUERY], months, begin, PLACES_PER_QUERY)
        for place in page:
            row = await facts.row(tx, place.shard, place.first)
            for case in facts.cases_at(row, place, await facts.revised(tx, row)):
                found = place.unit, place.month, case.grp, case.shard
                if at is None or found[:2] != at[:2] or found[3] != at[3] or found[2] >= at[2]:
                    yield found, case
        if len(page) < PLACES_PER_QUERY:
            units, begin = units[UNITS_PER_QUERY:], None
        else:
            units = units[units.index(page[-1].unit) :]
            begin = page[-1].month, page[-1].shard, page[-1].first + 1
