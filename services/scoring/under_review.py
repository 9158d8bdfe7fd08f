"""What the facts under reviews say now, and what the reviews of a cell change by that."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.scoring import cases, derived, facts
from services.scoring.contract import ACCEPTED, POINTS, REVIEW_DECIDED, ReviewDecided
from services.scoring.derived import Found, Key
from services.scoring.domain.derived import PointsPlan, Taking
from services.scoring.domain.explanation import leaves_of
from services.scoring.domain.facts import Report
from services.scoring.domain.folding import Tally, fold_under
from services.scoring.domain.reviewed import REVIEWS, FactName, Reviewed, Stands, changed
from services.scoring.domain.sums import REVIEWED
from services.scoring.reports import Catalogue, report_of, stored_events
from services.scoring.store import PartialCell
from shared.contracts import envelope
from shared.contracts.envelope import AcceptedEvent
from shared.kernel.codes import OF_TRIAL
from shared.kernel.periods import Month
from shared.kernel.records import Record
from shared.storage.transaction import PostgresTransaction

DECIDED_PER_CELL = 1_000
FACTS_PER_QUERY = 200
LAST = (1 << 62) - 1

_PLACES = (
    "SELECT DISTINCT shard, unit, month FROM derived_places WHERE over = $1 AND shard = ANY($2::smallint[])"
)
_KEPT = """
    SELECT shard, scheme, over, unit, month, numbers FROM partials
    WHERE shard = ANY($1::smallint[]) AND strpos(scheme, $2) = 0 AND over LIKE $3"""

UnitMonth = tuple[str, int]
Touched = Mapping[int, Collection[UnitMonth]]


@dataclass(frozen=True, slots=True)
class UnderReview:
    """A month of a unit in a shard of stage A."""

    shard: int
    unit: str
    month: int


class Decided:
    """Where any review was decided in the shards that are owned; asked once, then kept."""

    def __init__(self) -> None:
        self._known: dict[int, set[UnitMonth]] = {}

    def forget(self, shards: Iterable[int]) -> None:
        """Drop what is kept of shards."""
        for shard in shards:
            self._known.pop(shard, None)

    def told(self, read: Iterable[tuple[Record, AcceptedEvent]]) -> dict[int, set[UnitMonth]]:
        """Return the months of units of which a batch tells decisions, by shard, and note them."""
        found: dict[int, set[UnitMonth]] = {}
        for record, event in read:
            if event.type == REVIEW_DECIDED:
                one = envelope.decode_data(event, ReviewDecided)
                found.setdefault(record.shard, set()).add((one.unit, Month.parse(one.month).ordinal))
        for shard, months in found.items():
            if shard in self._known:
                self._known[shard] |= months
        return found

    async def of(self, tx: PostgresTransaction, shards: Iterable[int]) -> Mapping[int, set[UnitMonth]]:
        """Return the months of units by shard."""
        wanted = set(shards)
        unknown = sorted(wanted - self._known.keys())
        if unknown:
            self._known |= {shard: set[UnitMonth]() for shard in unknown}
            for row in await tx.many(_PLACES, REVIEWS, unknown):
                self._known[row["shard"]].add((row["unit"], row["month"]))
        return {shard: self._known[shard] for shard in wanted}

    async def rows(
        self,
        tx: PostgresTransaction,
        touched: Touched,
        plans: Mapping[int, Sequence[PointsPlan]],
        catalogue: Catalogue,
    ) -> dict[PartialCell, list[int]]:
        """Return the rows by which reviews change the sums of those months that were touched."""
        found: dict[PartialCell, list[int]] = {}
        for shard, known in (await self.of(tx, touched)).items():
            for unit, month in sorted(_concerned(known, touched[shard])):
                cell = UnderReview(shard, unit, month)
                found |= await rows(tx, cell, plans.get(shard, ()), catalogue)
        return found


def _concerned(known: Collection[UnitMonth], touched: Collection[UnitMonth]) -> set[UnitMonth]:
    """Return the months of units that moved, and those after them: a stock is made of all before it."""
    first: dict[str, int] = {}
    for unit, month in touched:
        first[unit] = min(month, first.get(unit, month))
    return {(unit, month) for unit, month in known if unit in first and month >= first[unit]}


async def rows(
    tx: PostgresTransaction, cell: UnderReview, plans: Sequence[PointsPlan], catalogue: Catalogue
) -> dict[PartialCell, list[int]]:
    """Return the rows by which reviews change the sums of a month under the schemes that rule it."""
    found: dict[PartialCell, list[int]] = {}
    reviews = await of_cell(tx, cell)
    for under in plans:
        if not under.plan.first <= cell.month <= under.plan.last or cell.unit not in under.plan.scored:
            continue
        for code in sorted({one.indicator for one in reviews if one.scheme == under.scheme}):
            mine = [one for one in reviews if (one.scheme, one.indicator) == (under.scheme, code)]
            place = mine[0].place(under)
            if place is None or place.slots.keys is not None:
                continue
            change = changed(mine, await stands(tx, cell, (under, place), mine, catalogue), place)
            at = cell.shard, under.plan.id, f"{REVIEWED}{place.over}", cell.unit, cell.month
            row = found.setdefault(at, [0] * under.widths[at[2]])
            row[place.slots.numerator] += change.numerator
            if place.slots.denominator is not None:
                row[place.slots.denominator] += change.denominator
    return found


async def kept(tx: PostgresTransaction, shards: Collection[int]) -> dict[PartialCell, int]:
    """Return the rows that reviews have in shards under schemes, not trials, with their widths."""
    found = await tx.many(_KEPT, sorted(shards), OF_TRIAL, f"{REVIEWED}%") if shards else []
    return {
        (row["shard"], row["scheme"], row["over"], row["unit"], row["month"]): len(json.loads(row["numbers"]))
        for row in found
    }


async def of_cell(tx: PostgresTransaction, cell: UnderReview) -> list[Reviewed]:
    """Return the decisions that change anything and of which facts stand in a shard."""
    months, begin = (cell.month, cell.month), Found(cell.unit, cell.month, cell.shard, "")
    found = await derived.find(tx, POINTS, REVIEWS, [cell.unit], months, begin, DECIDED_PER_CELL)
    here = [told.fact for place, told in found if place.shard == cell.shard]
    return [one for one in here if isinstance(one, Reviewed) and one.is_change]


async def stands(
    tx: PostgresTransaction,
    cell: UnderReview,
    taken: tuple[PointsPlan, Taking],
    reviews: Sequence[Reviewed],
    catalogue: Catalogue,
) -> list[Stands]:
    """Return what each fact under reviews says in a cell, of those that a shard keeps."""
    under, place = taken
    if derived.stream_of(place.over) == ACCEPTED:
        found = _of_events(under, place, cell, await _events(tx, cell, taken, reviews, catalogue))
    else:
        found = _of_derived(under, place, cell, await _told(tx, cell, taken, reviews))
    return [one for one in found if any(review.rests_on(one) for review in reviews)]


async def _events(
    tx: PostgresTransaction,
    cell: UnderReview,
    taken: tuple[PointsPlan, Taking],
    reviews: Sequence[Reviewed],
    catalogue: Catalogue,
) -> list[tuple[FactName, list[Report]]]:
    """Return the facts and cases found where the cell has its rows, as far as reviews rest on them."""
    under, place = taken
    ranges = [one for review in reviews for one in review.events or [(0, LAST)]]
    if not ranges:
        return []
    units = leaves_of(under.plan, cell.unit)
    months = (under.plan.first if place.stock else cell.month), cell.month
    span = min(first for first, _ in ranges), max(last for _, last in ranges)
    found = [
        *await facts.among(tx, cell.shard, units, months, span),
        *await cases.among(tx, cell.shard, units, months),
    ]
    return [
        ((ACCEPTED, one.grp.hex()), [report_of(event, catalogue) for event in stored_events(one.events)])
        for one in found
    ]


def _of_events(
    under: PointsPlan, place: Taking, cell: UnderReview, found: Iterable[tuple[FactName, list[Report]]]
) -> Iterator[Stands]:
    first = under.plan.first if place.stock else cell.month
    for name, reports in found:
        tally = Tally()
        fold_under(tally, [under.plan], reports)
        sums = tally.spread()
        rows = [
            row
            for month in range(first, cell.month + 1)
            if (row := sums.get((under.plan.id, place.over, cell.unit, month))) is not None
        ]
        amounts = [place.slots.of(row) for row in rows]
        numerator, denominator = (sum(one[at] for one in amounts) for at in (0, 1))
        if rows:
            yield Stands(name, tuple(report.number for report in reports), numerator, denominator)


async def _told(
    tx: PostgresTransaction,
    cell: UnderReview,
    taken: tuple[PointsPlan, Taking],
    reviews: Sequence[Reviewed],
) -> list[derived.Told]:
    """Return the derived facts that reviews rest on; all of the cell where one rests on all."""
    under, place = taken
    stream = derived.stream_of(place.over)
    if any(one.facts is None for one in reviews):
        months, units = (cell.month, cell.month), leaves_of(under.plan, cell.unit)
        found = await derived.find(tx, stream, place.over, units, months, None, FACTS_PER_QUERY)
        return [told for at, told in found if at.shard == cell.shard]
    named = {name for one in reviews for name in one.facts or ()}
    kept = await derived.load(tx, [Key(cell.shard, *name) for name in sorted(named)])
    return list(kept.values())


def _of_derived(
    under: PointsPlan, place: Taking, cell: UnderReview, found: Iterable[derived.Told]
) -> Iterator[Stands]:
    for told in found:
        mine = [
            one
            for one in told.fact.losses(under)
            if (one.over, one.slots, one.unit, one.month) == (place.over, place.slots, cell.unit, cell.month)
        ]
        numerator, denominator = sum(one.parts for one in mine), sum(one.base for one in mine)
        if mine:
            yield Stands((told.key.stream, told.key.key), (), numerator, denominator)
