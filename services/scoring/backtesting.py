"""Compares two versions of a measure on a past period, per unit, over the facts that are stored.

DuckDB recomputes both; no figure, cell or entry is touched.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from services.scoring import cases, facts, store
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.facts import Report, standing
from services.scoring.domain.measures import MeasureSpec
from services.scoring.domain.measuring import Measured
from services.scoring.domain.methods.amounts import Partials, mean_of_months
from services.scoring.opinion import Limits, Recomputation
from services.scoring.reports import Catalogue, catalogue_of, report_of, stored_events
from shared.kernel.errors import Unavailable, refuse
from shared.kernel.periods import Period
from shared.kernel.shards import SHARDS
from shared.storage.exchange import Exchange
from shared.storage.transaction import PostgresTransaction

FACTS_MOST = 1_000_000
AT_ONCE = 2
BUSY_S = 10
CASES_PER_PAGE = 500

Groups = Sequence[Sequence[Report]]
ByUnit = Mapping[str, Partials]


@dataclass(frozen=True, slots=True)
class Version:
    """A measure of a version of a scheme, alone; the months of a period are one, but for a mean of them."""

    scheme: int
    name: str
    spec: MeasureSpec
    document: SchemeDocument
    period: Period


@dataclass(frozen=True, slots=True)
class Compared:
    """Two versions with what they give for each unit, and how many facts they were given."""

    before: Version
    after: Version
    old: ByUnit
    new: ByUnit
    facts: int


class Backtests:
    """The backtests of one process, a few at a time: each has engines with memory of their own."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._running = 0

    async def run(self, code: str, versions: tuple[int, int], name: str, period: str) -> Compared:
        """Recompute a measure of two versions of a scheme, drafts too, over every stored fact.

        The facts are those of one moment; what takes long is computed when their transaction is over.
        """
        if self._running == AT_ONCE:
            raise Unavailable("backtests are running", code="busy", retry_after_s=BUSY_S)
        self._running += 1
        try:
            return await self._run(code, versions, name, period)
        finally:
            self._running -= 1

    async def _run(self, code: str, versions: tuple[int, int], name: str, period: str) -> Compared:
        with ExitStack() as opened:
            async with self._exchange.snapshot() as tx:
                schemes = [await store.scheme(tx, code, version) for version in versions]
                before, after = (_version(one.document, name, period) for one in schemes)
                catalogue, limits = catalogue_of(schemes[1].catalogue), Limits()
                both = [
                    opened.enter_context(
                        Recomputation(one.document, catalogue.types, limits, whole=not one.spec.is_mean)
                    )
                    for one in (before, after)
                ]
                count = await _fill(tx, catalogue, both)
            old, new = [await asyncio.to_thread(one.measured) for one in both]
        return Compared(before, after, _by_unit(old, before.spec), _by_unit(new, after.spec), count)


async def _fill(tx: PostgresTransaction, catalogue: Catalogue, both: Sequence[Recomputation]) -> int:
    """Give every stored fact to those that read it and return how many there are, or refuse too many."""
    read = frozenset[str]().union(*(one.events for one in both))
    count = 0
    async for groups in _groups(tx, catalogue):
        told = [[fact for fact in found if fact.type in read] for found in groups]
        count += sum(map(len, told))
        if count > FACTS_MOST:
            detail = f"These measures read more than {FACTS_MOST} stored facts."
            raise refuse(422, "too_much_to_recompute", detail)
        await asyncio.to_thread(_add, both, told)
    return count


def _by_unit(found: Measured, spec: MeasureSpec) -> ByUnit:
    months: dict[str, list[Partials]] = {}
    for (_, unit, _), partials in found.items():
        months.setdefault(unit, []).append(partials)
    of_ratios = spec.denominator is not None
    return {
        unit: mean_of_months(mine, of_ratios=of_ratios) if spec.is_mean else mine[0]
        for unit, mine in months.items()
    }


def _version(document: SchemeDocument, name: str, written: str) -> Version:
    spec = document.event_measures.get(name)
    if spec is None:
        detail = f"Version {document.scheme.version} has no measure of events {name}."
        raise refuse(404, "not_found", detail)
    period = document.calendar.parse(written)
    months = {"effective": str(period.first), "until": str(period.last)}
    alone = {"scheme": document.scheme.model_copy(update=months), "measures": {name: spec}}
    return Version(document.scheme.version, name, spec, document.model_copy(update=alone), period)


def _add(opened: Sequence[Recomputation], groups: Groups) -> None:
    for one in opened:
        one.add(groups)


async def _groups(tx: PostgresTransaction, catalogue: Catalogue) -> AsyncIterator[Groups]:
    """Yield what stands of every fact and case that is stored, a page at a time."""
    for shard in range(SHARDS):
        async for row, moved in facts.of_shard(tx, shard):
            bodies = zip(row.numbers, row.bodies, strict=True)
            yield [_standing(body, catalogue) for number, body in bodies if number not in moved]
        async for page in cases.of_shard(tx, shard, CASES_PER_PAGE):
            yield [_standing(case.events, catalogue) for case in page]


def _standing(events: bytes, catalogue: Catalogue) -> Sequence[Report]:
    return standing(report_of(event, catalogue) for event in stored_events(events)).facts
