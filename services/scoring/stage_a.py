"""Stage A: accepted events become facts of cases and absolute partial sums per measure, unit and month."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import msgspec

from services.scoring import store
from services.scoring.contract import (
    ACCEPTED,
    PARTIALS,
    PARTIALS_CHANGED,
    SCHEMES,
    SOURCE,
    TYPES_ADOPTED,
    Partial,
    PartialsChanged,
    SchemeAdopted,
    TypesAdopted,
)
from services.scoring.domain.facts import Report, standing
from services.scoring.domain.folding import NOTHING, Amounts, Cell, Folded, difference, fold
from services.scoring.domain.plan import EventTypes, event_types, typed
from services.scoring.plans import InForce, Plans
from services.scoring.store import Case
from shared.contracts import envelope
from shared.contracts.envelope import AcceptedEvent
from shared.kernel import instants
from shared.kernel.digests import key_digest
from shared.kernel.periods import Month
from shared.kernel.records import Draft, Record
from shared.messaging.port import Answer
from shared.storage.transaction import PostgresTransaction

STAGE = "a"
ITEMS_PER_MESSAGE = 2_000
_EVENTS = msgspec.json.Decoder(list[AcceptedEvent])
_DATA = msgspec.json.Decoder(dict[str, str | int | bool | None])


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What folding needs of the adopted types: their columns and their business keys."""

    types: EventTypes
    keys: Mapping[str, Sequence[str]]


class StageA:
    """The handler of accepted events and adopted schemes."""

    def __init__(self) -> None:
        self._plans = Plans(STAGE)

    def forget(self, partitions: Sequence[int]) -> None:
        """Drop what is cached of partitions."""
        self._plans.forget(set(partitions))

    async def __call__(self, tx: PostgresTransaction, batch: Sequence[Record]) -> list[Answer]:
        """Apply records shard by shard."""
        answers: list[Answer] = []
        for shard, records in groupby(sorted(batch, key=_shard), key=_shard):
            answers += await self._apply(tx, shard, list(records))
        return answers

    async def _apply(self, tx: PostgresTransaction, shard: int, records: Sequence[Record]) -> list[Answer]:
        read = [(record, envelope.decode(record.body)) for record in records]
        for _, event in read:
            if event.type == TYPES_ADOPTED:
                told = envelope.decode_data(event, TypesAdopted)
                await store.save_catalogue(tx, told.version, told.document)
        upstream = [
            (event, record.body)
            for record, event in read
            if record.stream == ACCEPTED and not event.type.startswith(envelope.OWN_PREFIX)
        ]
        moved = await self._fold_events(tx, shard, upstream)
        for record, event in read:
            if record.stream == SCHEMES:
                told = envelope.decode_data(event, SchemeAdopted)
                await self._plans.adopt(tx, shard, told.code, told.version)
                moved = await self._refold(tx, shard)
        return _answers(await self._plans.of(tx, shard), shard, read, moved)

    async def _fold_events(
        self, tx: PostgresTransaction, shard: int, upstream: Sequence[tuple[AcceptedEvent, bytes]]
    ) -> dict[Cell, Amounts]:
        """Fold anew every case that an event touches; return the absolute partials that moved."""
        if not upstream:
            return {}
        catalogue = await _catalogue(tx)
        keyed = await self._group(tx, shard, upstream, catalogue)
        known = await store.load_cases(tx, shard, keyed)
        plans = await self._plans.of(tx, shard)
        deltas: dict[Cell, Amounts] = {}
        cases: list[Case] = []
        for grp, bodies in keyed.items():
            old = known.get(grp)
            before = b"[]" if old is None else old.events
            after = _joined(before, bodies)
            places: set[str] = set()
            for scheme in plans:
                folded = folded_case(scheme, after, catalogue)
                places.update(place_of(leaf, month) for leaf, month in folded.places)
                for cell, change in difference(folded_case(scheme, before, catalogue), folded).items():
                    deltas[cell] = _sum(deltas.get(cell, (0, 0, 0)), change)
            cases.append(Case(shard, grp, after, tuple(sorted(places))))
        await store.save_cases(tx, cases)
        current = await store.load_partials(tx, shard, list(deltas))
        moved = {cell: _sum(current.get(cell, (0, 0, 0)), change) for cell, change in deltas.items()}
        await store.save_partials(tx, shard, moved)
        return moved

    async def _group(
        self,
        tx: PostgresTransaction,
        shard: int,
        events: Iterable[tuple[AcceptedEvent, bytes]],
        catalogue: Catalogue,
    ) -> dict[bytes, list[bytes]]:
        """Return the bodies by the case or fact they belong to; a correction follows its original."""
        pairs = list(events)
        roots = {_root(event) for event, _ in pairs if event.case is None}
        places = await store.load_roots(tx, shard, roots)
        keyed: dict[bytes, list[bytes]] = {}
        fresh: dict[bytes, bytes] = {}
        for event, body in pairs:
            if event.case is not None:
                grp = key_digest("case", event.case)
            else:
                root, fact = _root(event), fact_of(event, catalogue)
                grp = places.get(root) or (root if fact is None else key_digest("fact", event.type, fact))
                if root not in places:
                    places[root] = fresh[root] = grp
            keyed.setdefault(grp, []).append(body)
        await store.save_roots(tx, shard, fresh)
        return keyed

    async def _refold(self, tx: PostgresTransaction, shard: int) -> dict[Cell, Amounts]:
        """Compute the partials of a shard again from its cases, after a scheme came into force."""
        catalogue = await _catalogue(tx)
        plans = await self._plans.of(tx, shard)
        total: dict[Cell, Amounts] = dict.fromkeys(await store.load_partials(tx, shard, None), (0, 0, 0))
        cases: list[Case] = []
        for case in await store.cases_of_shard(tx, shard):
            places: set[str] = set()
            for scheme in plans:
                folded = folded_case(scheme, case.events, catalogue)
                places.update(place_of(leaf, month) for leaf, month in folded.places)
                for cell, amounts in folded.amounts.items():
                    total[cell] = _sum(total.get(cell, (0, 0, 0)), amounts)
            cases.append(Case(shard, case.grp, case.events, tuple(sorted(places))))
        await store.save_cases(tx, cases)
        await store.save_partials(tx, shard, total)
        return total


def _answers(
    plans: Sequence[InForce],
    shard: int,
    read: Sequence[tuple[Record, AcceptedEvent]],
    moved: Mapping[Cell, Amounts],
) -> list[Answer]:
    """Tell the groups' shards the absolute partials that moved and the numbers that moved them."""
    numbers = [record.number for record, _ in read if record.stream == ACCEPTED]
    received = max(event.received for _, event in read)
    by_target: dict[int, list[Partial]] = {}
    for (measure, unit, month), amounts in sorted(moved.items()):
        item = Partial(
            measure=measure,
            unit=unit,
            month=str(Month.of_ordinal(month)),
            numerator=amounts[0],
            denominator=amounts[1],
            rows=amounts[2],
        )
        for target in _targets(plans, measure, unit):
            by_target.setdefault(target, []).append(item)
    first, last = (numbers[0], numbers[-1]) if numbers else (1, 1)
    return [
        _message(
            target,
            PartialsChanged(shard=shard, first=first, last=last, received=received, items=tuple(chunk)),
        )
        for target, items in sorted(by_target.items())
        for chunk in _chunks(items)
    ]


def folded_case(scheme: InForce, events: bytes, catalogue: Catalogue) -> Folded:
    """Fold the stored events of a case under a scheme."""
    if events == b"[]":
        return NOTHING
    return fold(scheme.plan, standing(reports_of(events, catalogue)).facts)


def reports_of(events: bytes, catalogue: Catalogue) -> list[Report]:
    """Read stored events as reports."""
    return [_report(event, catalogue) for event in _EVENTS.decode(events)]


async def _catalogue(tx: PostgresTransaction) -> Catalogue:
    _, document = await store.newest_catalogue(tx)
    return catalogue_of(document)


def catalogue_of(document: Mapping[str, Any]) -> Catalogue:
    """Compile an adopted catalogue document."""
    keys = {name: spec.get("business_key", ()) for name, spec in document.get("types", {}).items()}
    return Catalogue(event_types(document), keys)


def fact_of(event: AcceptedEvent, catalogue: Catalogue) -> str | None:
    """Return the business key of an original report, where its type has one."""
    names = catalogue.keys.get(event.type)
    if not names or event.revision is not None or not event.has_data:
        return None
    data = _DATA.decode(event.data)
    return msgspec.json.encode([str(data[name]) for name in names]).decode()


def place_of(unit: str, month: int) -> str:
    """Name a unit and month in the index of cases."""
    return f"{unit}@{month}"


def _report(event: AcceptedEvent, catalogue: Catalogue) -> Report:
    data = typed(_DATA.decode(event.data), catalogue.types.get(event.type, {})) if event.has_data else None
    corrects = None
    if event.correctssource is not None and event.correctsid is not None:
        corrects = (event.correctssource, event.correctsid)
    return Report(
        source=event.source,
        id=event.id,
        type=event.type,
        subject=event.subject,
        time=instants.parse_micros(event.time),
        shard=event.shard,
        number=event.number,
        data=data,
        fact=fact_of(event, catalogue),
        corrects=corrects,
        revision=event.revision or 0,
    )


def _root(event: AcceptedEvent) -> bytes:
    return key_digest("root", event.correctssource or event.source, event.correctsid or event.id)


def _joined(before: bytes, bodies: Sequence[bytes]) -> bytes:
    inner = before[1:-1]
    return b"[" + b",".join(([inner] if inner else []) + list(bodies)) + b"]"


def _sum(one: Amounts, other: Amounts) -> Amounts:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def _targets(plans: Sequence[InForce], measure: str, unit: str) -> tuple[int, ...]:
    code = measure.partition("/")[0]
    return next((p.shards_of_unit.get(unit, ()) for p in plans if p.plan.code == code), ())


def _chunks(items: Sequence[Partial]) -> list[Sequence[Partial]]:
    return [items[at : at + ITEMS_PER_MESSAGE] for at in range(0, len(items), ITEMS_PER_MESSAGE)]


def _message(target: int, changed: PartialsChanged) -> Answer:
    body = envelope.encode(PARTIALS_CHANGED, SOURCE, f"shard-{changed.shard}", changed)
    return PARTIALS, Draft(target, body)


def _shard(record: Record) -> int:
    return record.shard
