"""The table of what stage B was told: the newest row of numbers of every A shard."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.indicator_section import IndicatorSpec
from services.scoring.domain.layout import Numbers, layout_of
from services.scoring.domain.methods.amounts import Partials
from services.scoring.domain.successions import Succession
from services.scoring.domain.sums import UnitSums, home_of
from services.scoring.plans import group_shard
from services.scoring.store import columns
from shared.kernel.periods import PeriodCalendar
from shared.storage.transaction import PostgresTransaction

Input = tuple[str, str, str, int, int]

_LOAD = """
    SELECT unit, over, month, source_shard, numbers FROM inputs
    WHERE shard = $1 AND scheme = $2 AND unit = ANY($3::text[])"""
_SAVE = """
    INSERT INTO inputs (shard, scheme, unit, over, month, source_shard, numbers)
    SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::int[], $6::smallint[], $7::text[])
    ON CONFLICT (shard, scheme, unit, over, month, source_shard) DO UPDATE SET numbers = excluded.numbers"""
NO_ROWS = Partials()
_NUMBERS = msgspec.json.Decoder(list[int])
_ENCODER = msgspec.json.Encoder()


async def save(tx: PostgresTransaction, shard: int, told: Mapping[Input, Numbers]) -> None:
    """Write rows of numbers by (scheme, unit, view, month, A shard) in a shard of stage B."""
    if told:
        rows = [(*key, _ENCODER.encode(numbers).decode()) for key, numbers in sorted(told.items())]
        await tx.many(_SAVE, shard, *columns(rows, 6))


async def load(
    tx: PostgresTransaction, shard: int, scheme: str, units: Sequence[str], calendar: PeriodCalendar
) -> dict[str, UnitSums]:
    """Return what a shard of stage B was told of units under a scheme, over the periods of its calendar."""
    return _added(units, await tx.many(_LOAD, shard, scheme, list(units)) if units else (), calendar)


async def of_facts(
    tx: PostgresTransaction, shard: int, scheme: str, units: Sequence[str], calendar: PeriodCalendar
) -> dict[str, UnitSums]:
    """Return the same without what reviews changed: what facts alone come to."""
    rows = await tx.many(_LOAD, shard, scheme, list(units)) if units else ()
    return _added(units, [row for row in rows if home_of(row["over"]) == row["over"]], calendar)


async def of_line(tx: PostgresTransaction, line: Succession) -> dict[tuple[str, str], UnitSums]:
    """Return the sums that the figures of a group are made of, over all versions, by version and unit."""
    shard = group_shard(line.code, line.name)
    return {
        (plan.id, unit): found
        for plan in line.plans
        for unit, found in (await load(tx, shard, plan.id, line.heard, line.calendar)).items()
    }


def by_month(document: SchemeDocument, sums: UnitSums, measure: str) -> dict[int, Partials]:
    """Return the month partials of a measure, or of a part of one by its name in the layout."""
    over = document.measures[measure.partition("/")[0]].over
    slots = layout_of(document, over).slots[measure]
    windows = sums.merged.get(over, {})
    return {first: slots.partials(numbers) for (first, last), numbers in windows.items() if first == last}


def of_indicator(document: SchemeDocument, sums: UnitSums, indicator: IndicatorSpec) -> dict[int, Partials]:
    """Return the month partials of an indicator, with the further sums that its formula takes."""
    found = by_month(document, sums, indicator.measure)
    further = [by_month(document, sums, name) for name in indicator.further]
    return (
        found
        if not further
        else {
            month: replace(
                found.get(month, NO_ROWS), more=tuple(one.get(month, NO_ROWS).numerator for one in further)
            )
            for month in sorted(found.keys() | {month for one in further for month in one})
        }
    )


def _added(
    units: Sequence[str], rows: Iterable[Mapping[str, Any]], calendar: PeriodCalendar
) -> dict[str, UnitSums]:
    found = {unit: UnitSums(calendar.first_month) for unit in units}
    for row in rows:
        source = row["over"], row["month"], row["source_shard"]
        found[row["unit"]].take(source, _NUMBERS.decode(row["numbers"]))
    return found
