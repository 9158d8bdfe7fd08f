"""What a proof stands on: what is in force, and what was found wrong on the way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from services.scoring.domain.groups import GroupPlan, group_plan
from services.scoring.domain.proof import Named, readers_of
from services.scoring.domain.successions import Succession, successions
from services.scoring.plans import InForce, Plans, group_shard
from services.scoring.publication import Group
from services.scoring.refolding import Sums
from services.scoring.store import PartialCell
from shared.kernel.shards import SHARDS
from shared.storage.transaction import PostgresTransaction

Input = tuple[int, PartialCell]

_GROUPS = "SELECT scheme, version, grp FROM freshness"


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


async def known_of(tx: PostgresTransaction) -> Known:
    """Read what is in force, and the groups of what was."""
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


def readers(
    known: Known, cell: tuple[str, str, str, int], there: Sequence[int], due: Sequence[int]
) -> tuple[Named, ...]:
    """Return the cells that read sums which are not what they should be."""
    scheme, over, unit, month = cell
    one = known.schemes.get(scheme)
    if one is None:
        return (Named(scheme, month, unit),)
    return readers_of(one.document, over, there, due, unit, month)


def _lines(shard: int, found: Sequence[InForce]) -> list[Succession]:
    """Return the groups of a shard of stage B over all versions in force."""
    documents = [one.document for one in found]
    return successions(documents, lambda code, name: group_shard(code, name) == shard) if found else []
