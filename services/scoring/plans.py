"""Compiled schemes, kept in memory while a shard is owned."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from services.scoring import store, trials
from services.scoring.contract import SCHEME_ADOPTED, SchemeAdopted
from services.scoring.domain.adders import Adder, adder
from services.scoring.domain.derived import PointsPlan, following, points_plan
from services.scoring.domain.document import Head, SchemeDocument
from services.scoring.domain.incidents.rules import Rules, rules_of
from services.scoring.domain.plan import Plan, compile_plan, event_types
from services.scoring.domain.successions import rivals_of
from services.scoring.domain.versions import ruled
from shared.contracts import envelope
from shared.contracts.envelope import AcceptedEvent
from shared.kernel.codes import is_trial
from shared.kernel.periods import Cycle, Month
from shared.kernel.reigns import Months
from shared.kernel.shards import partition_of, shard_of
from shared.storage.transaction import PostgresTransaction


@dataclass(frozen=True, slots=True)
class InForce:
    """A scheme as a shard applies it; `types` are those that it was checked against.

    `shards_of_unit` are the shards of stage B that read the sums of each unit.
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
        self._stored: dict[tuple[str, int], store.Scheme] = {}
        self._compiled: dict[tuple[str, int, Months], InForce] = {}
        self._by_shard: dict[int, tuple[InForce, ...]] = {}

    async def of(self, tx: PostgresTransaction, shard: int) -> tuple[InForce, ...]:
        """Return the schemes that a shard applies, each in the months that it rules."""
        if shard not in self._by_shard:
            found: dict[str, list[store.Scheme]] = {}
            for code, version in await store.in_force(tx, self._stage, shard):
                found.setdefault(code, []).append(await self._found(tx, code, version))
            beside = [
                self._beside(versions, await self._before(tx, code, versions))
                for code, versions in found.items()
            ]
            self._by_shard[shard] = tuple(one for versions in beside for one in versions)
        return self._by_shard[shard]

    def _beside(self, versions: Sequence[store.Scheme], before: Sequence[store.Scheme]) -> list[InForce]:
        """Return the versions of a scheme in the months that they rule, each knowing those before it."""
        known = [*before, *versions]
        months = ruled(one.document.scheme for one in known)
        there = [one for one in known if one.document.scheme.version in months]
        compiled = [self._compile(one, months[one.document.scheme.version]) for one in there]
        points = {one.plan.id: one for one in following(one.points for one in compiled)}
        applied = {one.document.scheme.version for one in versions}
        return [
            replace(one, points=points[one.plan.id], shards_of_unit=_over_versions(one, compiled))
            for one in compiled
            if one.document.scheme.version in applied
        ]

    async def _before(
        self, tx: PostgresTransaction, code: str, versions: Sequence[store.Scheme]
    ) -> list[store.Scheme]:
        """Return the versions that a trial follows and does not score; of a scheme all are in force."""
        if not is_trial(code):
            return []
        applied = {one.document.scheme.version for one in versions}
        numbers = [one for one in await trials.before(tx, code) if one not in applied]
        return [await self._found(tx, code, one) for one in numbers]

    async def adopt(self, tx: PostgresTransaction, shard: int, code: str, version: int) -> None:
        """Apply a version from its first month on; what then rules no month is applied no longer."""
        before = [one.document.scheme for one in await self.of(tx, shard)]
        heads = [head for head in before if head.code == code and head.version != version]
        ruling = ruled([(await self._found(tx, code, version)).document.scheme, *heads])
        for head in heads:
            if head.version not in ruling:
                await store.take_out_of_force(tx, self._stage, shard, code, head.version)
        await store.put_in_force(tx, self._stage, shard, code, version)
        self._by_shard.pop(shard, None)

    async def leave(self, tx: PostgresTransaction, shard: int, code: str) -> list[int]:
        """Apply no version of a scheme any more; return those that were."""
        applied = await store.in_force(tx, self._stage, shard)
        versions = [version for name, version in applied if name == code]
        for version in versions:
            await store.take_out_of_force(tx, self._stage, shard, code, version)
        self._by_shard.pop(shard, None)
        return versions

    def forget(self, partitions: set[int]) -> None:
        """Drop what belongs to partitions."""
        self._by_shard = {s: p for s, p in self._by_shard.items() if partition_of(s) not in partitions}

    async def scheme(self, tx: PostgresTransaction, code: str, version: int) -> InForce:
        """Return an adopted version with all months that it covers, in force here or not."""
        found = await self._found(tx, code, version)
        return self._compile(found, ruled([found.document.scheme])[version])

    async def _found(self, tx: PostgresTransaction, code: str, version: int) -> store.Scheme:
        if (code, version) not in self._stored:
            read = trials.scheme if is_trial(code) else store.scheme
            found = read(tx, code, version)
            self._stored[code, version] = await found
        return self._stored[code, version]

    def _compile(self, found: store.Scheme, months: Months) -> InForce:
        document = found.document
        key = document.scheme.code, document.scheme.version, months
        if key not in self._compiled:
            plan = compile_plan(document, event_types(found.catalogue), months)
            self._compiled[key] = InForce(
                document=document,
                types=found.catalogue,
                plan=plan,
                adders={over: adder(document, plan, over) for over in plan.columns},
                points=points_plan(document, plan, found.catalogue),
                incidents=None if is_trial(document.scheme.code) else rules_of(document, months),
                shards_of_unit=shards_of_units(document),
            )
        return self._compiled[key]


async def adopted_beside(tx: PostgresTransaction, document: SchemeDocument) -> list[SchemeDocument]:
    """Return the adopted versions of the year of a scheme, and the version itself."""
    head = document.scheme
    year = head.calendar.containing(Month.parse(head.effective), Cycle.YEAR)
    numbers = await store.adopted_numbers(tx, head.code, (str(year.first), str(year.last)))
    others = [(await store.scheme(tx, head.code, one)).document for one in numbers if one != head.version]
    return [document, *others]


async def months_of(tx: PostgresTransaction, document: SchemeDocument) -> Months:
    """Return the months that a version rules beside those adopted; of a replaced one all that it covers."""
    head = document.scheme
    beside = ruled(one.scheme for one in await adopted_beside(tx, document))
    return beside.get(head.version) or ruled([head])[head.version]


def cut_zones(schemes: Iterable[InForce]) -> set[ZoneInfo]:
    """Return the zones of schemes whose periods have a cut: what is told of them is told day by day."""
    heads = [one.document.scheme for one in schemes]
    return {ZoneInfo(head.zone) for head in heads if head.grace_days is not None}


def cut_zones_begun(read: Iterable[AcceptedEvent]) -> set[ZoneInfo]:
    """Return the same of schemes that events put in force: a batch is told day by day from their first on."""
    documents = [
        envelope.decode_data(one, SchemeAdopted).document for one in read if one.type == SCHEME_ADOPTED
    ]
    heads = [Head.model_validate(one["scheme"]) for one in documents]
    return {ZoneInfo(head.zone) for head in heads if head.grace_days is not None}


def _over_versions(one: InForce, beside: Sequence[InForce]) -> dict[str, tuple[int, ...]]:
    """Return where any version of the year scores each unit of a version, or compares others with it."""
    year_of, found = one.document.scheme.calendar.year_of, one.shards_of_unit
    of_year = [other for other in beside if year_of(other.plan.first) == year_of(one.plan.first)]
    for shards in (other.shards_of_unit for other in of_year):
        if shards != one.shards_of_unit:
            found = {unit: tuple(sorted({*mine, *shards.get(unit, ())})) for unit, mine in found.items()}
    for name, units in rivals_of([other.document for other in of_year]).items():
        shard = group_shard(one.document.scheme.code, name)
        found = {
            unit: tuple(sorted({*mine, shard})) if unit in units else mine for unit, mine in found.items()
        }
    return found


def group_shard(code: str, group: str) -> int:
    """Return the shard in which the cells of a group of a scheme are kept."""
    return shard_of(f"{code}/{group}")


def shards_of_units(document: SchemeDocument) -> dict[str, tuple[int, ...]]:
    """Return the shards of stage B that keep cells of each unit."""
    by_level: dict[str, set[int]] = {}
    for name, group in document.groups.items():
        by_level.setdefault(group.level, set()).add(group_shard(document.scheme.code, name))
    return {unit.code: tuple(sorted(by_level.get(unit.level, ()))) for unit in document.units}
