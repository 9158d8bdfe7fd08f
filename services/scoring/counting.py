"""What a measure of regions came to by month: by all that is scored now, or by what was received before T."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from services.scoring import inputs, refolding, store
from services.scoring.domain.differences import taking_of
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.folding import Tally, fold_under
from services.scoring.domain.incident_section import RiseSpec
from services.scoring.domain.layout import layout_of
from services.scoring.domain.methods.amounts import Partials
from services.scoring.domain.plan import Plan, compile_plan, event_types, scheme_id
from services.scoring.domain.versions import ruled
from services.scoring.plans import adopted_beside, group_shard, months_of
from services.scoring.reports import Catalogue, catalogue_of, report_of, stored_events
from shared.kernel.shards import SHARDS
from shared.storage.transaction import PostgresTransaction

ByMonth = dict[str, dict[int, Partials]]


@dataclass(frozen=True, slots=True)
class Span:
    """A version and those of its months in which a risk is measured as in the one asked; of a group."""

    document: SchemeDocument
    first: int
    last: int
    group: str


async def alike(tx: PostgresTransaction, document: SchemeDocument, spec: RiseSpec) -> list[Span]:
    """Return the version that is asked and those right before it that measure alike, newest first."""
    wanted, begins = taking_of(document, spec.measure), (await months_of(tx, document))[0]
    beside = {one.scheme.version: one for one in await adopted_beside(tx, document)}
    ruling = ruled(one.scheme for one in beside.values())
    if document.scheme.version not in ruling:
        ruling = ruled([document.scheme])
    found: list[Span] = []
    for version in sorted(ruling, key=lambda one: ruling[one], reverse=True):
        first, last = ruling[version]
        one = beside[version]
        if first > begins or (version != document.scheme.version and last != begins - 1):
            continue
        if taking_of(one, spec.measure) != wanted or spec.group not in one.groups:
            break
        begins = first
        found.append(Span(one, first, last, spec.group))
    return found


async def now(tx: PostgresTransaction, spans: Sequence[Span], measure: str, units: Sequence[str]) -> ByMonth:
    """Return by unit and month what the measure comes to by all that is scored, with what reviews changed."""
    found: ByMonth = {unit: {} for unit in units}
    for span in spans:
        shard = group_shard(span.document.scheme.code, span.group)
        sums = await inputs.load(tx, shard, scheme_id(span.document), units)
        for unit in units:
            months = inputs.by_month(span.document, sums[unit], measure).items()
            found[unit] |= {month: partials for month, partials in months if span.first <= month <= span.last}
    return found


async def before(
    tx: PostgresTransaction, spans: Sequence[Span], measure: str, units: Sequence[str], closes: str
) -> ByMonth:
    """Return the same by the facts that were received before an instant; `tx` is one snapshot.

    Every stored fact is looked at, so that corrections of later are left out and what they moved is back.
    """
    _, document = await store.newest_catalogue(tx)
    catalogue, types = catalogue_of(document), event_types(document)
    alone = [_alone(span.document, measure) for span in spans]
    plans = [
        compile_plan(one, types, (span.first, span.last)) for one, span in zip(alone, spans, strict=True)
    ]
    tally = Tally()
    for shard in range(SHARDS):
        async for page in refolding.pages(tx, shard):
            await asyncio.to_thread(_fold, page, plans, catalogue, closes, tally)
    slots = {scheme_id(one): layout_of(one, one.measures[measure].over) for one in alone}
    found: ByMonth = {unit: {} for unit in units}
    for (scheme, _, unit, month), numbers in tally.spread().items():
        if unit in found:
            found[unit][month] = slots[scheme].slots[measure].partials(numbers)
    return found


def _alone(document: SchemeDocument, measure: str) -> SchemeDocument:
    return document.model_copy(update={"measures": {measure: document.measures[measure]}})


def _fold(
    page: Sequence[bytes], plans: Sequence[Plan], catalogue: Catalogue, closes: str, tally: Tally
) -> None:
    read = frozenset(name.encode() for plan in plans for of in plan.events_of.values() for name in of)
    for events in page:
        if any(name in events for name in read):
            early = [event for event in stored_events(events) if event.received < closes]
            fold_under(tally, plans, [report_of(event, catalogue) for event in early])
