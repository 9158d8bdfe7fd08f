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
from services.scoring.domain.plan import EventTypes, compile_plan, event_types, scheme_id
from services.scoring.domain.versions import ruled
from services.scoring.plans import adopted_beside, group_shard
from services.scoring.reports import Catalogue, catalogue_of, report_of, stored_events
from shared.contracts.envelope import AcceptedEvent
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
    """Return the version that is asked and those right before it that measure alike, newest first.

    What is adopted after it says nothing: it rules later months, or these no longer.
    """
    wanted, mine = taking_of(document, spec.measure), document.scheme.version
    beside = {one.scheme.version: one for one in await adopted_beside(tx, document)}
    ruling = ruled(one.scheme for version, one in beside.items() if version <= mine)
    begins = ruling[mine][0]
    found: list[Span] = []
    for version in sorted(ruling, key=lambda one: ruling[one], reverse=True):
        first, last = ruling[version]
        one = beside[version]
        if first > begins or (version != mine and last != begins - 1):
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
        sums = await inputs.load(tx, shard, scheme_id(span.document), units, span.document.calendar)
        for unit in units:
            months = inputs.by_month(span.document, sums[unit], measure).items()
            found[unit] |= {month: partials for month, partials in months if span.first <= month <= span.last}
    return found


@dataclass(frozen=True, slots=True)
class Cut:
    """A measure of units over spans, by what was received before T."""

    spans: tuple[Span, ...]
    measure: str
    units: tuple[str, ...]
    closes: str


async def before(tx: PostgresTransaction, cuts: Sequence[Cut]) -> list[ByMonth]:
    """Return for each cut the same by the facts that were received before its T; `tx` is one snapshot.

    Every stored fact is looked at, so that corrections of later are left out and what they moved is back.
    """
    if not cuts:
        return []
    _, document = await store.newest_catalogue(tx)
    folding = [_Folding(cut, event_types(document)) for cut in cuts]
    catalogue = catalogue_of(document)
    for shard in range(SHARDS):
        async for page in refolding.pages(tx, shard):
            await asyncio.to_thread(_fold, page, folding, catalogue)
    return [one.by_month() for one in folding]


class _Folding:
    """The sums of a cut as far as they are folded."""

    def __init__(self, cut: Cut, types: EventTypes) -> None:
        self.cut = cut
        self._alone = {
            scheme_id(one): one for one in (_alone(span.document, cut.measure) for span in cut.spans)
        }
        self._plans = [
            compile_plan(one, types, (span.first, span.last))
            for one, span in zip(self._alone.values(), cut.spans, strict=True)
        ]
        self.read = frozenset(
            name.encode() for one in self._plans for of in one.events_of.values() for name in of
        )
        self._tally = Tally()

    def add(self, events: Sequence[AcceptedEvent], catalogue: Catalogue) -> None:
        """Fold the events of one fact or case, without those of T and later."""
        early = [event for event in events if event.received < self.cut.closes]
        fold_under(self._tally, self._plans, [report_of(event, catalogue) for event in early])

    def by_month(self) -> ByMonth:
        """Return what was folded by unit and month."""
        measure = self.cut.measure
        found: ByMonth = {unit: {} for unit in self.cut.units}
        for (scheme, over, unit, month), numbers in self._tally.spread().items():
            if unit in found:
                slots = layout_of(self._alone[scheme], over).slots[measure]
                found[unit][month] = slots.partials(numbers)
        return found


def _alone(document: SchemeDocument, measure: str) -> SchemeDocument:
    """Return a scheme of one measure, of which every unit has sums whether its indicators apply or not."""
    everywhere = tuple(one.model_copy(update={"not_applicable": ()}) for one in document.indicators)
    measures = {measure: document.measures[measure]}
    return document.model_copy(update={"measures": measures, "indicators": everywhere, "overlays": ()})


def _fold(page: Sequence[bytes], folding: Sequence[_Folding], catalogue: Catalogue) -> None:
    for events in page:
        concerned = [one for one in folding if any(name in events for name in one.read)]
        read = stored_events(events) if concerned else []
        for one in concerned:
            one.add(read, catalogue)
