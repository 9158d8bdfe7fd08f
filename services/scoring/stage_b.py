"""Stage B: merges partials over all A shards, computes cells by one function, posts entries and figures."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from services.scoring import store, traces
from services.scoring.causes import Touched, touched_by, with_adoption
from services.scoring.contract import (
    ENTRIES,
    ENTRIES_POSTED,
    PARTIALS,
    SCHEMES,
    SOURCE,
    Cause,
    EntriesPosted,
    Entry,
    Figure,
    SchemeAdopted,
)
from services.scoring.domain.cells import Partials
from services.scoring.domain.document import IndicatorSpec, SchemeDocument
from services.scoring.domain.figures import merged, month_cell, scheme_months, touched_periods, worth
from services.scoring.domain.layout import Amounts
from services.scoring.domain.plan import measure_id
from services.scoring.plans import InForce, Plans, group_shard
from services.scoring.store import Change
from shared.contracts import envelope, partials
from shared.contracts.catalogue import known_event
from shared.contracts.partials import Changed
from shared.kernel.periods import Month, Period
from shared.kernel.points import MILLIONTHS, cell, text
from shared.kernel.records import Draft, Record
from shared.messaging.port import Answer
from shared.storage.transaction import PostgresTransaction

STAGE = "b"
FIGURES_PER_MESSAGE = 2_000

Sums = Mapping[tuple[str, str], Mapping[int, Partials]]


class StageB:
    """The handler of partials and adopted schemes; the only writer of cells and the ledger."""

    def __init__(self) -> None:
        self._plans = Plans(STAGE)

    def forget(self, partitions: Sequence[int]) -> None:
        """Drop what is cached of partitions."""
        self._plans.forget(set(partitions))

    async def __call__(self, tx: PostgresTransaction, batch: Sequence[Record]) -> list[Answer]:
        """Apply records shard by shard."""
        answers: list[Answer] = []
        for shard in sorted({record.shard for record in batch}):
            answers += await self._apply(tx, shard, [record for record in batch if record.shard == shard])
        return answers

    async def _apply(self, tx: PostgresTransaction, shard: int, records: Sequence[Record]) -> list[Answer]:
        read = [(record, known_event(record.stream, record.body)) for record in records]
        changed = [partials.read(event.data) for record, event in read if record.stream == PARTIALS]
        await store.save_inputs(tx, shard, await self._inputs(tx, changed))
        adopted: dict[tuple[str, int], Cause] = {}
        for record, event in read:
            if record.stream == SCHEMES:
                told = envelope.decode_data(event, SchemeAdopted)
                await self._plans.adopt(tx, shard, told.code, told.version)
                adopted[told.code, told.version] = Cause(
                    stream=SCHEMES, shard=shard, first=record.number, last=record.number
                )
        touched = touched_by(changed)
        fresh_at = max([one.received for one in changed] or [event.received for _, event in read])
        answers: list[Answer] = []
        for scheme in await self._plans.of(tx, shard):
            head = scheme.document.scheme
            cause = adopted.get((head.code, head.version))
            of_scheme = touched if cause is None else with_adoption(touched, scheme.document, cause)
            for group in groups_of(scheme.document, shard):
                answers += await _score(tx, scheme, group, of_scheme, fresh_at)
        return answers

    async def _inputs(
        self, tx: PostgresTransaction, changed: Iterable[Changed]
    ) -> dict[tuple[int, str, str, int], Amounts]:
        """Return the newest partials by (A shard, measure, unit, month)."""
        found: dict[tuple[int, str, str, int], Amounts] = {}
        for shard, block in ((one.shard, block) for one in changed for block in one.blocks):
            code, _, version = block.scheme.rpartition("@")
            scheme = await self._plans.scheme(tx, code, int(version))
            for name, slots in scheme.plan.layouts[block.over].slots.items():
                measure = measure_id(scheme.document, name)
                for row in block.rows:
                    month = Month.parse(row.month).ordinal
                    found[shard, measure, row.unit, month] = slots.of(row.numbers)
        return found


async def _score(
    tx: PostgresTransaction, scheme: InForce, group: str, touched: Touched, fresh_at: str
) -> list[Answer]:
    """Recompute what moved in a group."""
    document = scheme.document
    months = {month.ordinal for month in scheme_months(document)}
    level = document.groups[group].level
    units = {
        unit.code: touched.units[unit.code].keys() & months
        for unit in document.units
        if unit.level == level and unit.code in touched.units
    }
    units = {unit: at for unit, at in units.items() if at}
    indicators = [one for one in document.indicators if group in one.groups]
    if not units or not indicators:
        return []
    head = document.scheme
    shard = group_shard(document, group)
    sums = await store.sums(tx, shard, sorted(units), _measures(document, indicators))
    known = await store.load_cells(tx, head.code, head.version, sorted(units))
    changes = _changes(document, group, indicators, units, sums, known)
    stocks = {one.code for one in indicators if document.measures[one.measure].kind == "stock"}
    causes = [touched.of(one.unit, one.month, stock=one.indicator in stocks) for one in changes]
    await store.post(tx, changes, [[one.model_dump() for one in cause] for cause in causes])
    await traces.note_freshness(tx, (head.code, head.version), group, fresh_at)
    figures = _figures(document, indicators, units, sums)
    return _messages(document, group, touched.of_units(units), fresh_at, changes, figures)


def groups_of(document: SchemeDocument, shard: int) -> list[str]:
    """Return the groups whose cells a shard keeps."""
    return [name for name in sorted(document.groups) if group_shard(document, name) == shard]


def _measures(document: SchemeDocument, indicators: Sequence[IndicatorSpec]) -> list[str]:
    names = {indicator.measure for indicator in indicators}
    if document.ranking.minimum_volume is not None:
        names.add(document.ranking.minimum_volume.measure)
    return sorted(measure_id(document, name) for name in names)


def _changes(
    document: SchemeDocument,
    group: str,
    indicators: Sequence[IndicatorSpec],
    units: Mapping[str, set[int]],
    sums: Sums,
    known: Mapping[tuple[int, str, str], Decimal],
) -> list[Change]:
    head = document.scheme
    last = Month.parse(head.until).ordinal
    changes: list[Change] = []
    for unit, months in sorted(units.items()):
        for indicator in indicators:
            stock = document.measures[indicator.measure].kind == "stock"
            partials = sums.get((measure_id(document, indicator.measure), unit), {})
            for month in sorted(range(min(months), last + 1) if stock else months):
                old = known.get((month, unit, indicator.code))
                new = month_cell(document, indicator, Month.of_ordinal(month), partials)
                if old != new:
                    changes.append(
                        Change(head.code, head.version, group, month, unit, indicator.code, old, new)
                    )
    return changes


def _figures(
    document: SchemeDocument,
    indicators: Sequence[IndicatorSpec],
    units: Mapping[str, set[int]],
    sums: Sums,
) -> list[Figure]:
    figures: list[Figure] = []
    for unit, months in sorted(units.items()):
        for indicator in indicators:
            partials = sums.get((measure_id(document, indicator.measure), unit), {})
            periods = {
                period: None
                for month in sorted(months)
                for period in touched_periods(document, indicator, Month.of_ordinal(month))
            }
            figures += [_figure(document, indicator, period, unit, partials, sums) for period in periods]
    return figures


def _figure(
    document: SchemeDocument,
    indicator: IndicatorSpec,
    period: Period,
    unit: str,
    partials: Mapping[int, Partials],
    sums: Sums,
) -> Figure:
    found = worth(document, indicator, period, partials)
    return Figure(
        period=str(period),
        unit=unit,
        indicator=indicator.code,
        board=indicator.board,
        points=indicator.points,
        value=None if found.value is None else text(found.value),
        state=found.state,
        volume=_volume(document, period, unit, sums),
    )


def _volume(document: SchemeDocument, period: Period, unit: str, sums: Sums) -> int:
    gate = document.ranking.minimum_volume
    if gate is None:
        return 0
    partials = sums.get((measure_id(document, gate.measure), unit), {})
    return merged(period.months(), partials, stock=False).numerator // MILLIONTHS


def _messages(
    document: SchemeDocument,
    group: str,
    cause: Sequence[Cause],
    fresh_at: str,
    changes: Sequence[Change],
    figures: Sequence[Figure],
) -> list[Answer]:
    entries = [
        Entry(
            unit=one.unit,
            indicator=one.indicator,
            month=str(Month.of_ordinal(one.month)),
            old=_text(one.old),
            new=_text(one.new),
        )
        for one in changes
    ]
    count = max(len(entries), len(figures))
    return [
        _message(
            group_shard(document, group),
            EntriesPosted(
                scheme=document.scheme.code,
                version=document.scheme.version,
                group=group,
                cause=tuple(cause) if at == 0 else (),
                fresh_at=fresh_at,
                entries=tuple(entries[at : at + FIGURES_PER_MESSAGE]),
                figures=tuple(figures[at : at + FIGURES_PER_MESSAGE]),
            ),
        )
        for at in range(0, count, FIGURES_PER_MESSAGE)
    ]


def _message(shard: int, posted: EntriesPosted) -> Answer:
    return ENTRIES, Draft(
        shard, envelope.encode(ENTRIES_POSTED, SOURCE, f"{posted.scheme}/{posted.group}", posted)
    )


def _text(value: Decimal | None) -> str | None:
    return None if value is None else text(cell(value))
