"""Proves cells: from what stage B must have been told, and their entries as they were published."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from services.scoring import inputs, ledger
from services.scoring.contract import CONSUMER_A, CONSUMER_B
from services.scoring.domain.changes import Cell
from services.scoring.domain.groups import GroupPlan
from services.scoring.domain.parted import Figure, parted_figures
from services.scoring.domain.parts import Key
from services.scoring.domain.proof import (
    Entry,
    Finding,
    Named,
    Scope,
    Wrong,
    broken_entries,
    cells_of,
    differing_cells,
    differing_figures,
    differing_silence,
    figures_of,
    within,
)
from services.scoring.domain.sums import UnitSums
from services.scoring.grounds import Known, Progress, Recomputed
from services.scoring.publication import Group, Publication, step
from shared.kernel.digests import EMPTY_CHAIN, key_digest
from shared.kernel.points import parts_of
from shared.storage.transaction import PostgresTransaction

_ENTRIES = """
    SELECT e.id, unit, month, indicator, old, new, cause, ranges::text AS ranges
    FROM entries e LEFT JOIN causes c ON c.digest = e.cause
    WHERE unit = $4 AND scheme = $1 AND version = $2 AND grp = $3 ORDER BY e.id"""
_REACHED = "SELECT stream, shard, max(number) AS number FROM positions WHERE consumer = ANY($1) GROUP BY 1, 2"
_RANGES = msgspec.json.Decoder(list[dict[str, Any]])


class Due(NamedTuple):
    """The cells and figures of a unit as they must be, and the sums that they come from."""

    cells: Mapping[Cell, int]
    figures: Mapping[Key, Figure]
    sums: UnitSums


async def units(
    tx: PostgresTransaction,
    known: Known,
    scope: Scope,
    found: Recomputed,
    published: Publication,
    progress: Progress,
) -> AsyncIterator[Finding]:
    """Prove the cells and entries of each unit of each group."""
    rows = await tx.many(_REACHED, [CONSUMER_A, CONSUMER_B])
    reached = {(row["stream"], row["shard"]): row["number"] for row in rows}
    wanted = {
        group: sorted(unit for unit in plan.units if scope.of_unit(unit))
        for group, plan in known.groups.items()
        if scope.of_scheme(plan.id)
    }
    progress.begin("cells", sum(len(units) for units in wanted.values()))
    for group, units in wanted.items():
        async for one in _parted(tx, known, scope, group, found, published):
            yield one
        plan = known.groups[group]
        told = published.of_units(group)
        async for unit, due in _computed(tx, known, group, units, found):
            kept = (await ledger.cells(tx, group, [unit]))[unit]
            of_scope = {key: value for key, value in kept.items() if scope.has(plan.id, unit, key[0])}
            for one in _differing(plan, scope, unit, due, of_scope, told.get(unit, {})):
                yield one
            for one in _silence(plan, scope, unit, due, published.silent.get(group, {}).get(unit, {})):
                yield one
            entries = [one for one in await _entries(tx, group, unit) if scope.has(plan.id, unit, one.month)]
            cells = {(unit, month, code): value for (month, code), value in of_scope.items()}
            for one in broken_entries(plan.id, entries, cells, reached):
                yield one
            for one in _unpublished(plan.id, unit, entries, group, published):
                yield one
            progress.step(1)


async def _parted(
    tx: PostgresTransaction,
    known: Known,
    scope: Scope,
    group: Group,
    found: Recomputed,
    published: Publication,
) -> AsyncIterator[Finding]:
    """Prove the figures of a version that are made of parts of several, as they were told last."""
    line = known.lines.get(group)
    if line is None or not line.shared:
        return
    units = [unit for unit in line.units if scope.of_unit(unit)]
    sums: dict[tuple[str, str], UnitSums] = {}
    for plan in line.plans:
        mine = await _sums_of(tx, plan, known.shards[group], line.heard, found)
        sums |= {(plan.id, unit): one for unit, one in mine.items()}
    clock = line.clock(sums)
    computed = await asyncio.to_thread(parted_figures, line, units, sums, clock)
    told, scheme = published.of_units(group), f"{group[0]}@{group[1]}"
    for unit in units:
        mine = told.get(unit, {})
        due = {key: one for key, one in computed[unit].items() if scope.of_period(scheme, key[1])}
        for one in differing_figures(scheme, unit, due, mine, line.calendar):
            yield one


def _differing(
    plan: GroupPlan,
    scope: Scope,
    unit: str,
    due: Due | None,
    kept: Mapping[Cell, int],
    told: Mapping[tuple[str, str], Figure],
) -> Iterator[Finding]:
    """Yield the cells and figures of a unit that are not as they must be, where that is known."""
    if due is None:
        return
    cells = {key: value for key, value in due.cells.items() if scope.has(plan.id, unit, key[0])}
    yield from differing_cells(plan.id, unit, cells, kept)
    figures = {key: one for key, one in due.figures.items() if scope.of_period(plan.id, key[1])}
    yield from differing_figures(plan.id, unit, figures, told, plan.calendar)


def _silence(
    plan: GroupPlan, scope: Scope, unit: str, due: Due | None, told: Mapping[str, Sequence[int]]
) -> Iterator[Finding]:
    """Yield what was told otherwise of silent feeds of a unit in the months of a scope."""
    if due is not None:
        for one in differing_silence(plan, unit, due.sums, told):
            if all(scope.has(plan.id, unit, cell.month) for cell in one.cells):
                yield one


async def _computed(
    tx: PostgresTransaction, known: Known, group: Group, units: Sequence[str], found: Recomputed
) -> AsyncIterator[tuple[str, Due | None]]:
    """Yield units as they must be; None of a group whose scheme has been replaced."""
    plan, shard = known.groups[group], known.shards[group]
    if group not in known.in_force:
        for unit in units:
            yield unit, None
    elif plan.compared and units:
        sums = await _sums_of(tx, plan, shard, sorted(plan.units), found)
        due = await asyncio.to_thread(_due, plan, sums)
        for unit in units:
            yield unit, due[unit]
    else:
        for unit in units:
            yield unit, _due(plan, await _sums_of(tx, plan, shard, [unit], found))[unit]


def _due(plan: GroupPlan, sums: Mapping[str, UnitSums]) -> dict[str, Due]:
    cells, figures = cells_of(plan, sums), figures_of(plan, sums)
    return {unit: Due(cells[unit], figures[unit], sums[unit]) for unit in sums}


async def _sums_of(
    tx: PostgresTransaction, plan: GroupPlan, shard: int, units: Sequence[str], found: Recomputed
) -> Mapping[str, UnitSums]:
    """Return what a shard of stage B was told of units, put right where that was found wrong."""
    sums = await inputs.load(tx, shard, plan.id, units, plan.calendar)
    for (target, (source, scheme, over, unit, month)), due in found.inputs.items():
        if (target, scheme) == (shard, plan.id) and unit in sums:
            width = len(sums[unit].known.get((over, month, source), due)) or len(due)
            sums[unit].take((over, month, source), [*due, *[0] * (width - len(due))])
    return sums


async def _entries(tx: PostgresTransaction, group: Group, unit: str) -> list[Entry]:
    return [_entry(row) for row in await tx.many(_ENTRIES, *group, unit)]


def _unpublished(
    scheme: str, unit: str, entries: Iterable[Entry], group: Group, published: Publication
) -> Iterator[Finding]:
    """Yield cells of a unit whose entries are not those that were published, and causes not named there."""
    told = {cell: steps for cell, steps in published.cells.get(group, {}).items() if cell[0] == unit}
    digests: dict[tuple[str, int, str], tuple[bytes, int]] = {}
    for one in entries:
        cell = one.unit, one.month, one.indicator
        digest, count = digests.get(cell, (EMPTY_CHAIN, 0))
        digests[cell] = step(digest, one.old, one.new), count + 1
        steps = told.get(cell)
        if steps is not None and count < len(steps.records):
            causes = published.causes[steps.records[count]]
            if not within(one.ranges, causes):
                named = (Named(scheme, one.month, unit, one.indicator),)
                yield Finding(
                    Wrong.CAUSE,
                    named,
                    f"entry {one.id}",
                    str(one.ranges),
                    f"within what was published {causes}",
                )
    for cell in sorted(told.keys() | digests.keys()):
        digest, count = digests.get(cell, (EMPTY_CHAIN, 0))
        steps = told.get(cell)
        if (EMPTY_CHAIN if steps is None else steps.digest) != digest:
            named = (Named(scheme, cell[1], unit, cell[2]),)
            due = 0 if steps is None else len(steps.records)
            yield Finding(
                Wrong.PUBLISHED, named, "entries", f"{count} entries", f"the {due} that were published"
            )


def _entry(row: Mapping[str, Any]) -> Entry:
    told = _RANGES.decode(row["ranges"]) if row["ranges"] else []
    ranges = tuple((one["stream"], one["shard"], one["first"], one["last"]) for one in told)
    return Entry(
        row["id"],
        row["unit"],
        row["month"],
        row["indicator"],
        None if row["old"] is None else parts_of(row["old"]),
        None if row["new"] is None else parts_of(row["new"]),
        row["cause"],
        key_digest("cause", ledger.causes_text(ranges)),
        ranges,
    )
