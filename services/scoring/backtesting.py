"""Compares two versions of a measure on a past period, per unit, over the facts that are stored.

DuckDB recomputes both; no figure, cell or entry is touched.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from services.scoring import cases, facts, store
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.facts import Report, standing
from services.scoring.domain.measures import MeasureSpec
from services.scoring.domain.methods.amounts import Partials
from services.scoring.opinion import Limits, Recomputation
from services.scoring.reports import Catalogue, catalogue_of, report_of, stored_events
from shared.kernel.errors import refuse
from shared.kernel.periods import Period
from shared.kernel.shards import SHARDS
from shared.storage.transaction import PostgresTransaction

FACTS_MOST = 1_000_000
CASES_PER_PAGE = 500

Groups = Sequence[Sequence[Report]]
ByUnit = Mapping[str, Partials]


@dataclass(frozen=True, slots=True)
class Version:
    """A measure of a version of a scheme, alone; the months of a period are one."""

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


async def backtest(
    tx: PostgresTransaction, code: str, versions: tuple[int, int], name: str, period: Period
) -> Compared:
    """Recompute a measure of two versions of a scheme, drafts too, over every stored fact."""
    schemes = [await store.scheme(tx, code, version) for version in versions]
    before, after = (_version(one.document, name, period) for one in schemes)
    catalogue = catalogue_of(schemes[1].catalogue)
    limits, count = Limits(), 0
    with (
        Recomputation(before.document, catalogue.types, limits, whole=True) as old,
        Recomputation(after.document, catalogue.types, limits, whole=True) as new,
    ):
        read = old.events | new.events
        async for groups in _groups(tx, catalogue):
            told = [[fact for fact in found if fact.type in read] for found in groups]
            count += sum(map(len, told))
            if count > FACTS_MOST:
                detail = f"These measures read more than {FACTS_MOST} stored facts."
                raise refuse(422, "too_much_to_recompute", detail)
            await asyncio.to_thread(_add, (old, new), told)
        values = [await asyncio.to_thread(one.measured) for one in (old, new)]
    old_values, new_values = (
        {unit: partials for (_, unit, _), partials in found.items()} for found in values
    )
    return Compared(before, after, old_values, new_values, count)


def _version(document: SchemeDocument, name: str, period: Period) -> Version:
    spec = document.event_measures.get(name)
    if spec is None:
        detail = f"Version {document.scheme.version} has no measure of events {name}."
        raise refuse(404, "not_found", detail)
    months = {"effective": str(period.first), "until": str(period.last)}
    alone = {"scheme": document.scheme.model_copy(update=months), "measures": {name: spec}}
    return Version(document.scheme.version, name, spec, document.model_copy(update=alone), period)


def _add(opened: Sequence[Recomputation], groups: Groups) -> None:
    for one in opened:
        one.add(groups)


async def _groups(tx: PostgresTransaction, catalogue: Catalogue) -> AsyncIterator[Groups]:
    """Yield what stands of every fact and case that is stored, a page at a time."""
    for shard in range(SHARDS):
        row = await facts.following(tx, shard, 0)
        while row is not None:
            moved = await facts.revised(tx, row)
            bodies = zip(row.numbers, row.bodies, strict=True)
            yield [_standing(body, catalogue) for number, body in bodies if number not in moved]
            row = await facts.following(tx, shard, row.first)
        page = await cases.following(tx, shard, b"", CASES_PER_PAGE)
        while page:
            yield [_standing(case.events, catalogue) for case in page]
            page = await cases.following(tx, shard, page[-1].grp, CASES_PER_PAGE)


def _standing(events: bytes, catalogue: Catalogue) -> Sequence[Report]:
    return standing(report_of(event, catalogue) for event in stored_events(events)).facts
