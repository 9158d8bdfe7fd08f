"""Proves sums: those of stage A from the stored facts, and what stage B was told from those sums."""

from collections.abc import AsyncIterator, Sequence

import msgspec

from services.scoring import store
from services.scoring.domain.proof import Finding, Scope, Wrong
from services.scoring.grounds import Input, Known, Progress, Recomputed, readers
from services.scoring.passing import Passing
from services.scoring.refolding import refold
from services.scoring.reports import Catalogue, catalogue_of
from shared.kernel.codes import OF_TRIAL
from shared.kernel.shards import SHARDS
from shared.storage.transaction import PostgresTransaction

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
_NUMBERS = msgspec.json.Decoder(list[int])


async def refolded(
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
                    cells = readers(known, cell, there, due)
                    where = f"partials {over} of shard {shard}"
                    yield Finding(Wrong.PARTIAL, cells, where, str(there), str(due))


async def handed_on(
    tx: PostgresTransaction, known: Known, on_the_way: Passing, scope: Scope, found: Recomputed
) -> AsyncIterator[Finding]:
    """Compare what stage B was told with the sums of stage A, less what it has not come to.

    Of a version that another has replaced in a shard of stage A nothing more is told, and of a unit nothing
    more to a group that no version puts it into.
    """
    told_of = {
        (shard, one.plan.id): one.shards_of_unit for shard, schemes in known.of_a.items() for one in schemes
    }
    for (target, cell), (told, kept) in sorted((await _differing(tx, known, found)).items()):
        if (target, cell) in on_the_way.unsaid or target not in told_of.get(cell[:2], {}).get(cell[3], ()):
            continue
        due = found.sums.get(cell, told)
        bound = on_the_way.known.get((target, cell))
        if bound is not None:
            due = _less(due, found.later[cell[0], bound].get(cell[1:], []))
        if not _alike(due, kept):
            found.inputs[target, cell] = due
            shard, scheme, over, unit, month = cell
            if scope.has(scheme, unit, month):
                cells = readers(known, cell[1:], kept, due)
                where = f"inputs {over} of shard {shard} in shard {target}"
                yield Finding(Wrong.INPUT, cells, where, str(kept), str(due))


async def _differing(
    tx: PostgresTransaction, known: Known, found: Recomputed
) -> dict[Input, tuple[list[int], list[int]]]:
    """Return sums that the stages hold differently, or that were found wrong: those of A and of B."""
    wanted = sorted(
        {
            (one.plan.id, unit, target)
            for schemes in known.of_a.values()
            for one in schemes
            for unit, targets in one.shards_of_unit.items()
            for target in targets
        }
    )
    differing: dict[Input, tuple[list[int], list[int]]] = {}
    for row in await tx.many(_HANDED, *store.columns(wanted, 3)):
        cell = row["shard"], row["scheme"], row["over"], row["unit"], row["month"]
        differing[row["target"], cell] = _numbers(row["told"]), _numbers(row["kept"])
    for cell in found.sums:
        read_by = {one.plan.id: one.shards_of_unit for one in known.of_a[cell[0]]}
        for target in read_by.get(cell[1], {}).get(cell[3], ()):
            if (target, cell) not in differing:
                rows = await tx.many(_INPUT, target, *cell)
                differing[target, cell] = [], _numbers(rows[0]["numbers"] if rows else None)
    return differing


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
