"""Schemes as supervision applies them, kept in memory while a shard is owned."""

from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from services.supervision import store
from services.supervision.contract import SchemeAdopted
from services.supervision.domain.plans import Plan, covers, plan_of
from shared.storage.transaction import PostgresTransaction

HOME = ZoneInfo("Asia/Shanghai")  # of items that no scheme names


class Plans:
    """What is in force in each shard; forgotten with its lease."""

    def __init__(self) -> None:
        self._compiled: dict[tuple[str, int], Plan] = {}
        self._by_shard: dict[int, tuple[Plan, ...]] = {}
        self._types: dict[int, frozenset[str]] = {}

    async def of(self, tx: PostgresTransaction, shard: int) -> tuple[Plan, ...]:
        """Return the schemes that a shard applies."""
        if shard not in self._by_shard:
            versions = await store.in_force(tx, shard)
            self._by_shard[shard] = tuple([await self._plan(tx, *version) for version in versions])
        return self._by_shard[shard]

    async def types(self, tx: PostgresTransaction, shard: int) -> frozenset[str]:
        """Return the event types that items of a shard read."""
        if shard not in self._types:
            self._types[shard] = frozenset(name for plan in await self.of(tx, shard) for name in plan.types)
        return self._types[shard]

    async def adopt(self, tx: PostgresTransaction, shard: int, told: SchemeAdopted) -> None:
        """Apply a version from here on, in place of those whose months it covers."""
        new = plan_of(told.document)
        for old in await self.of(tx, shard):
            if covers(new, old) and new.version > old.version:
                await store.take_out_of_force(tx, shard, old.code, old.version)
        await store.put_in_force(tx, shard, told.code, told.version, told.document)
        self.forget([shard])

    def forget(self, shards: Iterable[int]) -> None:
        """Drop what is kept of shards."""
        for shard in shards:
            self._by_shard.pop(shard, None)
            self._types.pop(shard, None)

    async def _plan(self, tx: PostgresTransaction, code: str, version: int) -> Plan:
        if (code, version) not in self._compiled:
            self._compiled[code, version] = plan_of(await store.scheme(tx, code, version))
        return self._compiled[code, version]


def zone_of(plans: Sequence[Plan], scheme: str | None) -> ZoneInfo:
    """Return the zone by which an item counts its days: that of its scheme."""
    found = [plan for plan in plans if plan.code == scheme] or list(plans)
    return found[-1].zone if found else HOME


def path_of(plans: Sequence[Plan], unit: str) -> str:
    """Return the path of a unit in the newest scheme that knows it, else one of its own."""
    found = [plan.paths[unit] for plan in plans if unit in plan.paths]
    return found[-1] if found else f"/{unit}"


def assessor_of(plans: Sequence[Plan], scheme: str | None, indicator: str | None) -> str | None:
    """Return who assesses an indicator by the newest version of its scheme, where that says so."""
    found = [
        plan.assessors[indicator]
        for plan in plans
        if plan.code == scheme and indicator is not None and indicator in plan.assessors
    ]
    return found[-1] if found else None
