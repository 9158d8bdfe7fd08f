"""Compiled schemes, kept in memory while a shard is owned."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.scoring import store, trials
from services.scoring.domain.adders import Adder, adder
from services.scoring.domain.derived import PointsPlan, points_plan
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.incidents.rules import Rules, rules_of
from services.scoring.domain.plan import Plan, compile_plan, event_types
from services.scoring.domain.versions import covers
from shared.kernel.codes import is_trial
from shared.kernel.shards import partition_of, shard_of
from shared.storage.transaction import PostgresTransaction


@dataclass(frozen=True, slots=True)
class InForce:
    """A scheme as a shard applies it; `types` are those that it was checked against.

    A trial decides no incidents: what was decided under its scheme counts in it.
    """

    document: SchemeDocument
    types: Mapping[str, Any]
    plan: Plan
    adders: Mapping[str, Adder]
    points: PointsPlan
    incidents: Rules | None
    shards_of_unit: dict[str, tuple[int, ...]]


class Plans:
    """What is in force in each shard of a stage; forgotten with its lease."""

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self._compiled: dict[tuple[str, int], InForce] = {}
        self._by_shard: dict[int, tuple[InForce, ...]] = {}

    async def of(self, tx: PostgresTransaction, shard: int) -> tuple[InForce, ...]:
        """Return the schemes that a shard applies."""
        if shard not in self._by_shard:
            versions = await store.in_force(tx, self._stage, shard)
            self._by_shard[shard] = tuple([await self.scheme(tx, *version) for version in versions])
        return self._by_shard[shard]

    async def adopt(self, tx: PostgresTransaction, shard: int, code: str, version: int) -> None:
        """Apply a version from here on, in place of those whose months it covers."""
        new = await self.scheme(tx, code, version)
        for other in await self.of(tx, shard):
            head = other.document.scheme
            if head.code == code and covers(new.document.scheme, head):
                await store.take_out_of_force(tx, self._stage, shard, code, head.version)
        await store.put_in_force(tx, self._stage, shard, code, version)
        self._by_shard.pop(shard, None)

    async def leave(self, tx: PostgresTransaction, shard: int, code: str, version: int) -> None:
        """Apply a version no more."""
        await store.take_out_of_force(tx, self._stage, shard, code, version)
        self._by_shard.pop(shard, None)

    def forget(self, partitions: set[int]) -> None:
        """Drop what belongs to partitions."""
        self._by_shard = {s: p for s, p in self._by_shard.items() if partition_of(s) not in partitions}

    async def scheme(self, tx: PostgresTransaction, code: str, version: int) -> InForce:
        """Return an adopted version, in force here or not."""
        if (code, version) not in self._compiled:
            tried = is_trial(code)
            found = await (trials.scheme(tx, code) if tried else store.scheme(tx, code, version))
            plan = compile_plan(found.document, event_types(found.catalogue))
            adders = {over: adder(found.document, plan, over) for over in plan.columns}
            self._compiled[code, version] = InForce(
                document=found.document,
                types=found.catalogue,
                plan=plan,
                adders=adders,
                points=points_plan(found.document, plan),
                incidents=None if tried else rules_of(found.document),
                shards_of_unit=shards_of_units(found.document),
            )
        return self._compiled[code, version]


def group_shard(document: SchemeDocument, group: str) -> int:
    """Return the shard in which a group's cells are kept."""
    return shard_of(f"{document.scheme.code}/{group}")


def shards_of_units(document: SchemeDocument) -> dict[str, tuple[int, ...]]:
    """Return the shards of stage B that keep cells of each unit."""
    by_level: dict[str, set[int]] = {}
    for name, group in document.groups.items():
        by_level.setdefault(group.level, set()).add(group_shard(document, name))
    return {unit.code: tuple(sorted(by_level.get(unit.level, ()))) for unit in document.units}
