"""Proves the ledger in one snapshot: state from stored facts, what was handed on, cells, entries, the chain.

1. The facts of each shard of stage A are folded anew and compared with its sums.
2. What stage B was told is compared with those sums, less what is still on its way.
3. The published records are read and their chain continued.
4. The cells of each unit are computed from what stage B must have been told, and compared; its entries must
   go on from one another, be those that were published, name numbers that were read, and end at the cells.
   So are the figures whose months several versions rule, which were published last as they are computed.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from services.scoring import inputs, ledger, publication, store
from services.scoring.contract import CONSUMER_A, CONSUMER_B
from services.scoring.domain.changes import Cell
from services.scoring.domain.groups import GroupPlan, group_plan
from services.scoring.domain.parted import parted_figures
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
    readers_of,
    within,
)
from services.scoring.domain.successions import Succession, successions
from services.scoring.domain.sums import UnitSums
from services.scoring.passing import Passing, passing
from services.scoring.plans import InForce, Plans, group_shard
from services.scoring.publication import Group, Publication, step
from services.scoring.refolding import Sums, refold, stored
from services.scoring.reports import Catalogue, catalogue_of
from services.scoring.store import PartialCell
from shared.kernel.codes import OF_TRIAL
from shared.kernel.digests import EMPTY_CHAIN, key_digest
from shared.kernel.points import parts_of
from shared.kernel.shards import SHARDS
from shared.storage.transaction import PostgresTransaction

Input = tuple[int, PartialCell]

_PARTIALS = """
    SELECT scheme, over, unit, month, numbers FROM partials WHERE shard = $1 AND strpos(scheme, $2) = 0"""
_HANDED = """
    WITH wanted AS (SELECT * FROM unnest($1::text[], $2::text[], $3::smallint[]) w(scheme, unit, target))
    SELECT COALESCE(p.target, i.shard) AS target, COALESCE(p.shard, i.source_shard) AS shard,
        COALESCE(p.scheme, i.scheme) AS scheme, COALESCE(p.over, i.over) AS over,
        COALESCE(p.unit, i.unit) AS unit, COALESCE(p.month, i.month) AS month,
        p.numbers AS told, i.numbers AS kept
    FROM (SELECT w.target, p.* FROM partials p JOIN wanted w USING (scheme, unit)) p
    FULL JOIN (SELECT * FROM inputs WHERE scheme = ANY($1::text[])) i
        ON (i.shard, i.scheme, i.over, i.unit, i.month, i.source_shard)
         = (p.target, p.scheme, p.over, p.unit, p.month, p.shard)
    WHERE p.numbers IS DISTINCT FROM i.numbers"""
_INPUT = """
    SELECT numbers FROM inputs
    WHERE (shard, source_shard, scheme, over, unit, month) = ($1, $2, $3, $4, $5, $6)"""
_GROUPS = "SELECT scheme, version, grp FROM freshness"
_ENTRIES = """
    SELECT e.id, unit, month, indicator, old, new, cause, ranges::text AS ranges
    FROM entries e LEFT JOIN causes c ON c.digest = e.cause
    WHERE unit = $4 AND scheme = $1 AND version = $2 AND grp = $3 ORDER BY e.id"""
_REACHED = "SELECT stream, shard, max(number) AS number FROM positions WHERE consumer = ANY($1) GROUP BY 1, 2"
_NUMBERS = msgspec.json.Decoder(list[int])
_RANGES = msgspec.json.Decoder(list[dict[str, Any]])


class Progress(Protocol):
    """Who is told how far a proof is."""

    def begin(self, phase: str, total: int) -> None: ...
    def step(self, count: int) -> None: ...


@dataclass(slots=True)
class Known:
    """What is in force: by shard of stage A, by (scheme, group) of stage B, and every document."""

    of_a: Mapping[int, Sequence[InForce]]
    groups: dict[Group, GroupPlan]
    lines: dict[Group, Succession]
    shards: dict[Group, int]
    in_force: frozenset[Group]
    schemes: Mapping[str, InForce]


@dataclass(slots=True)
class Recomputed:
    """Sums of stage A that are not what is stored, what later facts add, and what was judged of stage B."""

    sums: dict[PartialCell, list[int]] = field(default_factory=dict[PartialCell, list[int]])
    later: dict[tuple[int, int], Sums] = field(default_factory=dict[tuple[int, int], Sums])
    inputs: dict[Input, list[int]] = field(default_factory=dict[Input, list[int]])


async def prove(tx: PostgresTransaction, scope: Scope, progress: Progress) -> AsyncIterator[Finding]:
    """Yield what does not hold of the cells of a scope."""
    known = await _known(tx)
    on_the_way = await passing(tx)
    found = Recomputed()
    progress.begin("facts", await stored(tx))
    async for one in _sums(tx, known, on_the_way, scope, found, progress):
        yield one
    async for one in _handed_on(tx, known, on_the_way, scope, found):
        yield one
    progress.begin("ledger", sum(number for number, _ in (await publication.heads(tx)).values()))
    shared = {
        (line.code, line.name): frozenset(map(str, line.shared))
        for line in known.lines.values()
        if line.shared
    }
    published = Publication(shared)
    async for one in publication.read(tx, scope, published, progress.step):
        yield one
    async for one in _units(tx, known, scope, found, published, progress):
        yield one


async def _known(tx: PostgresTransaction) -> Known:
    stage_a, stage_b = Plans("a"), Plans("b")
    of_a = {shard: await stage_a.of(tx, shard) for shard in range(SHARDS)}
    of_b = {shard: await stage_b.of(tx, shard) for shard in range(SHARDS)}
    schemes = {one.plan.id: one for found in (*of_a.values(), *of_b.values()) for one in found}
    lines = {
        (line.code, plan.version, line.name): line
        for shard, found in of_b.items()
        for line in _lines(shard, found)
        for plan in line.plans
    }
    groups = {group: plan for group, line in lines.items() for plan in line.plans if plan.version == group[1]}
    shards = {group: group_shard(group[0], group[2]) for group in groups}
    for row in await tx.many(_GROUPS):
        group = row["scheme"], row["version"], row["grp"]
        if group not in groups:
            document = (await stage_b.scheme(tx, *group[:2])).document
            groups[group] = group_plan(document, group[2])
            shards[group] = group_shard(group[0], group[2])
    return Known(of_a, dict(sorted(groups.items())), lines, shards, frozenset(lines), schemes)


def _lines(shard: int, found: Sequence[InForce]) -> list[Succession]:
    """Return the groups of a shard of stage B over all versions in force."""
    documents = [one.document for one in found]
    return successions(documents, lambda code, name: group_shard(code, name) == shard) if found else []


async def _sums(
    tx: PostgresTransaction,
    known: Known,
    on_the_way: Passing,
    scope: Scope,
    found: Recomputed,
    progress: Progress,
) -> AsyncIterator[Finding]:
    """Compare the sums of every shard of stage A with what its stored facts come to."""
    _, document = await store.newest_catalogue(tx)
    catalogue: Catalogue = catalogue_of(document)
    for shard in range(SHARDS):
        schemes = known.of_a[shard]
        if not schemes:
            continue
        made = await refold(tx, shard, schemes, catalogue, on_the_way.bounds(shard), progress.step)
        found.later |= {(shard, bound): sums for bound, sums in made.later.items()}
        kept = {
            (row["scheme"], row["over"], row["unit"], row["month"]): _NUMBERS.decode(row["numbers"])
            for row in await tx.many(_PARTIALS, shard, OF_TRIAL)
        }
        for cell in sorted(made.sums.keys() | kept.keys()):
            due, there = made.sums.get(cell, []), kept.get(cell, [])
            if not _alike(due, there):
                found.sums[shard, *cell] = due
                scheme, over, unit, month = cell
                if scope.has(scheme, unit, month):
                    cells = _readers(known, cell, there, due)
                    where = f"partials {over} of shard {shard}"
                    yield Finding(Wrong.PARTIAL, cells, where, str(there), str(due))


async def _handed_on(
    tx: PostgresTransaction, known: Known, on_the_way: Passing, scope: Scope, found: Recomputed
) -> AsyncIterator[Finding]:
    """Compare what stage B was told with the sums of stage A, less what it has not come to.

    Of a version that another has replaced in a shard of stage A nothing more is told.
    """
    told_of = {(shard, one.plan.id) for shard, schemes in known.of_a.items() for one in schemes}
    for (target, cell), (told, kept) in sorted((await _differing(tx, known, found)).items()):
        if (target, cell) in on_the_way.unsaid or cell[:2] not in told_of:
            continue
        due = found.sums.get(cell, told)
        bound = on_the_way.known.get((target, cell))
        if bound is not None:
            due = _less(due, found.later[cell[0], bound].get(cell[1:], []))
        if not _alike(due, kept):
            found.inputs[target, cell] = due
            shard, scheme, over, unit, month = cell
            if scope.has(scheme, unit, month):
                cells = _readers(known, cell[1:], kept, due)
                where = f"inputs {over} of shard {shard} in shard {target}"
                yield Finding(Wrong.INPUT, cells, where, str(kept), str(due))


async def _differing(
    tx: PostgresTransaction, known: Known, found: Recomputed
) -> dict[Input, tuple[list[int], list[int]]]:
    """Return sums that the stages hold differently, or that were found wrong: those of A and of B."""
    wanted = [
        (name, unit, target)
        for name, one in sorted(known.schemes.items())
        for unit, targets in one.shards_of_unit.items()
        for target in targets
    ]
    differing: dict[Input, tuple[list[int], list[int]]] = {}
    for row in await tx.many(_HANDED, *store.columns(wanted, 3)):
        cell = row["shard"], row["scheme"], row["over"], row["unit"], row["month"]
        differing[row["target"], cell] = _numbers(row["told"]), _numbers(row["kept"])
    for cell in found.sums:
        scheme = known.schemes.get(cell[1])
        for target in () if scheme is None else scheme.shards_of_unit.get(cell[3], ()):
            if (target, cell) not in differing:
                rows = await tx.many(_INPUT, target, *cell)
                differing[target, cell] = [], _numbers(rows[0]["numbers"] if rows else None)
    return differing


async def _units(
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
        async for one in _parted(tx, known, scope, (group, units), found, published):
            yield one
        plan = known.groups[group]
        async for unit, computed in _computed(tx, known, group, units, found):
            kept = (await ledger.cells(tx, group, [unit]))[unit]
            of_scope = {key: value for key, value in kept.items() if scope.has(plan.id, unit, key[0])}
            if computed is not None:
                due = {key: value for key, value in computed.items() if scope.has(plan.id, unit, key[0])}
                for one in differing_cells(plan.id, unit, due, of_scope):
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
    of_group: tuple[Group, Sequence[str]],
    found: Recomputed,
    published: Publication,
) -> AsyncIterator[Finding]:
    """Prove the figures of a version that are made of parts of several, as they were told last."""
    group, units = of_group
    line = known.lines.get(group)
    if line is None or not line.shared:
        return
    sums: dict[tuple[str, str], UnitSums] = {}
    for plan in line.plans:
        mine = await _sums_of(tx, plan, known.shards[group], line.units, found)
        sums |= {(plan.id, unit): one for unit, one in mine.items()}
    clock = line.clock(sums)
    computed = await asyncio.to_thread(parted_figures, line, units, sums, clock)
    told = published.figures.get(group, {})
    for unit in units:
        mine = {(period, code): one for (of, period, code), one in told.items() if of == unit}
        due = {key: one for key, one in computed[unit].items() if scope.of_period(key[1])}
        for one in differing_figures(f"{group[0]}@{group[1]}", unit, due, mine):
            yield one


async def _computed(
    tx: PostgresTransaction, known: Known, group: Group, units: Sequence[str], found: Recomputed
) -> AsyncIterator[tuple[str, Mapping[Cell, int] | None]]:
    """Yield units with their cells as they must be; None of a group whose scheme has been replaced."""
    plan, shard = known.groups[group], known.shards[group]
    if group not in known.in_force:
        for unit in units:
            yield unit, None
    elif plan.compared and units:
        sums = await _sums_of(tx, plan, shard, sorted(plan.units), found)
        computed = await asyncio.to_thread(cells_of, plan, sums)
        for unit in units:
            yield unit, computed[unit]
    else:
        for unit in units:
            sums = await _sums_of(tx, plan, shard, [unit], found)
            yield unit, cells_of(plan, sums)[unit]


async def _sums_of(
    tx: PostgresTransaction, plan: GroupPlan, shard: int, units: Sequence[str], found: Recomputed
) -> Mapping[str, UnitSums]:
    """Return what a shard of stage B was told of units, put right where that was found wrong."""
    sums = await inputs.load(tx, shard, plan.id, units)
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


def _readers(
    known: Known, cell: tuple[str, str, str, int], there: Sequence[int], due: Sequence[int]
) -> tuple[Named, ...]:
    scheme, over, unit, month = cell
    one = known.schemes.get(scheme)
    if one is None:
        return (Named(scheme, month, unit),)
    return readers_of(one.document, over, there, due, unit, month)


def _numbers(text: str | None) -> list[int]:
    return [] if text is None else _NUMBERS.decode(text)


def _alike(due: Sequence[int], there: Sequence[int]) -> bool:
    """Tell whether rows are alike; one that is not there has nothing in it."""
    return list(due) == list(there) or not (any(due) or any(there))


def _less(numbers: Sequence[int], later: Sequence[int]) -> list[int]:
    if not later:
        return list(numbers)
    held = numbers or [0] * len(later)
    return [one - more for one, more in zip(held, later, strict=True)]
