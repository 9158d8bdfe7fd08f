"""The rows by which reviews change the sums of stage A: kept as they were, and moved by what a batch brings.

The facts of a month are read once, and those kept that reviews can reach; from then on only those that a
batch touches are folded anew. There is room for so many: what does not fit is read whenever a batch concerns
it, and takes none from what is in use.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from services.scoring import arriving, cases, facts, under_review
from services.scoring.contract import REVIEW_DECIDED, ReviewDecided
from services.scoring.domain.derived import PointsPlan
from services.scoring.domain.facts import Report
from services.scoring.domain.reviewed import Change, Reach, Reviewed, changed
from services.scoring.reports import Catalogue, report_of, stored_events
from services.scoring.store import PartialCell
from services.scoring.under_review import Under, UnderReview, UnitMonth
from shared.contracts import envelope
from shared.contracts.envelope import AcceptedEvent
from shared.kernel.codes import is_trial
from shared.kernel.periods import Month
from shared.kernel.records import Record
from shared.storage.transaction import PostgresTransaction
from shared.telemetry.metrics import METRICS

PASSES_IDLE = 1_000

Read = Sequence[tuple[Record, AcceptedEvent]]
Touched = Mapping[int, Collection[UnitMonth]]


class Room(NamedTuple):
    """How many facts a worker keeps in all, and of a large month how many behind what a review takes of."""

    facts: int = 200_000
    spare: int = 1_000


ROOM = Room()


class Kept(NamedTuple):
    """An indicator of a scheme in a month of a unit in a shard, of which facts are kept."""

    cell: UnderReview
    plan: str
    indicator: str


@dataclass(frozen=True, slots=True)
class Brought:
    """What a batch brought: events of sources, and by shard the months of units of which anything moved."""

    events: Read
    touched: Touched


@dataclass(slots=True)
class _News:
    """The facts and cases of a shard that a batch moved: what is told of them now, and what is gone."""

    told: dict[bytes, list[Report]] = field(default_factory=dict[bytes, list[Report]])
    gone: set[bytes] = field(default_factory=set[bytes])

    def put(self, kept: Reach, under: Under, cell: UnderReview) -> None:
        """Bring facts under the reviews of a cell up to what they say now."""
        for grp in self.gone | self.told.keys():
            kept.facts.pop(under_review.name_of(grp), None)
        for grp, reports in self.told.items():
            if (one := under.said(cell, grp, reports)) is not None:
                kept.put(under.reviews, one)


class KeptFacts:
    """What facts under reviews say, at most so many in all; what is in use stays."""

    def __init__(self, most: int) -> None:
        self._most, self._pass = most, 0
        self._kept: dict[Kept, Reach] = {}
        self._used: dict[Kept, int] = {}

    def find(self, key: Kept) -> Reach | None:
        """Return what is kept of a month, None where it has to be read."""
        found = self._kept.get(key)
        if found is not None:
            self._used[key] = self._pass
        return found

    def keep(self, key: Kept, found: Reach) -> bool:
        """Keep what was read of a month if there is room; return whether there is.

        Room is made by what no pass has concerned for long, and for a scheme in force by trials.
        """
        room = self._most - self._held()
        spare = [one for one in self._kept if self._is_idle(one) or is_trial(one.plan) > is_trial(key.plan)]
        if len(found) > room + sum(len(self._kept[one]) for one in spare):
            return False
        for one in spare:
            if len(found) <= room:
                break
            room += len(self._kept[one])
            self._drop(one)
        self._kept[key], self._used[key] = found, self._pass
        return True

    def turn(self) -> None:
        """End a pass: where what is kept grew beyond the room, what came last is dropped."""
        self._pass += 1
        while self._held() > self._most:
            self._drop(next(reversed(self._kept)))

    def drop(self, is_gone: Callable[[Kept], bool]) -> None:
        """Drop months."""
        for key in [one for one in self._kept if is_gone(one)]:
            self._drop(key)

    def _drop(self, key: Kept) -> None:
        del self._kept[key], self._used[key]

    def _held(self) -> int:
        return sum(map(len, self._kept.values()))

    def _is_idle(self, key: Kept) -> bool:
        return self._pass - self._used[key] > PASSES_IDLE


class ReviewedSums:
    """The reviews that were decided in the shards that are owned, and the facts under them."""

    def __init__(self, room: Room = ROOM) -> None:
        self._decided: dict[int, dict[UnitMonth, list[Reviewed]]] = {}
        self._facts = KeptFacts(room.facts)
        self._spare = room.spare
        self._catalogue: Catalogue | None = None

    def forget(self, shards: Iterable[int]) -> None:
        """Drop what is kept of shards."""
        gone = set(shards)
        self._decided = {shard: found for shard, found in self._decided.items() if shard not in gone}
        self.refold(gone)

    def refold(self, shards: Collection[int]) -> None:
        """Fold all facts of shards anew when they are asked of next: schemes there became others."""
        if shards:
            self._facts.drop(lambda one: one.cell.shard in shards)

    def told(self, read: Read) -> dict[int, set[UnitMonth]]:
        """Return the months of units of which a batch tells decisions, by shard; they are read anew."""
        found: dict[int, set[UnitMonth]] = {}
        for record, event in read:
            if event.type == REVIEW_DECIDED:
                one = envelope.decode_data(event, ReviewDecided)
                found.setdefault(record.shard, set()).add((one.unit, Month.parse(one.month).ordinal))
        if found:
            self._decided = {shard: kept for shard, kept in self._decided.items() if shard not in found}
            self._facts.drop(lambda one: _is_among(one.cell, found))
        return found

    async def of(self, tx: PostgresTransaction, shards: Iterable[int]) -> Mapping[int, Collection[UnitMonth]]:
        """Return the months of units that a review changed, by shard; a shard is asked once, then kept."""
        wanted = set(shards)
        unknown = wanted - self._decided.keys()
        if unknown:
            self._decided |= {shard: {} for shard in unknown}
            for cell, reviews in (await under_review.decided(tx, unknown)).items():
                self._decided[cell.shard][cell.unit, cell.month] = reviews
        return {shard: self._decided[shard].keys() for shard in wanted}

    async def rows(
        self,
        tx: PostgresTransaction,
        brought: Brought,
        plans: Mapping[int, Sequence[PointsPlan]],
        catalogue: Catalogue,
    ) -> dict[PartialCell, list[int]]:
        """Return the rows by which reviews change the sums of those months that a batch concerns."""
        if catalogue is not self._catalogue:
            self._facts.drop(lambda _: True)
            self._catalogue = catalogue
        found: dict[PartialCell, list[int]] = {}
        await self.of(tx, brought.touched)
        for shard, touched in brought.touched.items():
            if not self._decided[shard]:
                continue
            events = [one for one in brought.events if one[0].shard == shard]
            decided = self._decided[shard]
            concerned = sorted(_moved(decided, touched) | _told_of(decided, events))
            cells = {UnderReview(shard, *place): decided[place] for place in concerned}
            unders = [
                (cell, under)
                for cell, reviews in cells.items()
                for under in under_review.indicators_of(cell, reviews, plans.get(shard, ()))
            ]
            news = await _news(tx, events, _types(unders), catalogue)
            for cell, under in unders:
                under_review.add(found, cell, under, await self._change(tx, cell, under, news, catalogue))
        self._facts.turn()
        return found

    async def _change(
        self, tx: PostgresTransaction, cell: UnderReview, under: Under, news: _News, catalogue: Catalogue
    ) -> Change:
        """Return what reviews change: facts in their reach are read once, then those that a batch moved."""
        if not under.is_of_events:
            stands = await under_review.stands(tx, cell, under, catalogue)
            return changed(under.reviews, stands, under.place)
        key = Kept(cell, under.plan.plan.id, under.reviews[0].indicator)
        kept = self._facts.find(key)
        if kept is not None:
            news.put(kept, under, cell)
            found = kept.outcome(under.reviews, under.place, self._spare)
            if not kept.is_short(found):
                return found.change
            self._facts.drop(lambda one: one == key)
        kept, change = await self._read(tx, cell, under, catalogue)
        is_kept = self._facts.keep(key, kept)
        METRICS.count("dukao_reviewed_months_read_total", kept="yes" if is_kept else "no")
        return change

    async def _read(
        self, tx: PostgresTransaction, cell: UnderReview, under: Under, catalogue: Catalogue
    ) -> tuple[Reach, Change]:
        """Return the facts of a month in reach of its reviews, and what these change.

        Where what was left out on the way turns out to be wanted, all are read and held.
        """
        kept = Reach()
        async for page in under_review.pages(tx, cell, under, catalogue):
            for one in page:
                kept.put(under.reviews, one)
            if len(kept) > kept.room:
                kept.outcome(under.reviews, under.place, self._spare)
        found = kept.outcome(under.reviews, under.place, self._spare)
        if kept.is_short(found):
            kept = Reach({one.name: one for one in await under_review.stands(tx, cell, under, catalogue)})
            found = kept.outcome(under.reviews, under.place, self._spare)
        return kept, found.change


def _is_among(cell: UnderReview, touched: Touched) -> bool:
    return (cell.unit, cell.month) in touched.get(cell.shard, ())


def _moved(decided: Collection[UnitMonth], touched: Collection[UnitMonth]) -> set[UnitMonth]:
    """Return the months of units that moved, and those after them: a stock is made of all before it."""
    first: dict[str, int] = {}
    for unit, month in touched:
        first[unit] = min(month, first.get(unit, month))
    return {(unit, month) for unit, month in decided if unit in first and month >= first[unit]}


def _told_of(decided: Mapping[UnitMonth, Sequence[Reviewed]], events: Read) -> set[UnitMonth]:
    """Return the months under whose reviewed entries events are: read again, decisions can come first."""
    if not events:
        return set()
    numbers = [record.number for record, _ in events]
    least, most = min(numbers), max(numbers)
    return {
        place
        for place, reviews in decided.items()
        if any(first <= most and last >= least for one in reviews for first, last in one.events or ())
    }


def _types(unders: Iterable[tuple[UnderReview, Under]]) -> frozenset[str]:
    """Return the event types that any of what is reviewed reads."""
    read = (under.plan.events[under.place.over] for _, under in unders if under.is_of_events)
    return frozenset[str]().union(*read)


async def _news(tx: PostgresTransaction, events: Read, types: Collection[str], catalogue: Catalogue) -> _News:
    """Return what is told now of the facts and cases that events of a shard belong to; they are written."""
    news = _News()
    mine = [one for one in events if one[1].type in types or one[1].correctsid is not None] if types else []
    corrected = {int(event.correctsnumber) for _, event in mine if event.correctsnumber is not None}
    news.gone |= {facts.key_of(number) for number in corrected}
    others: list[tuple[Record, AcceptedEvent]] = []
    for record, event in mine:
        if arriving.is_alone(event, catalogue) and record.number not in corrected:
            news.told[facts.key_of(record.number)] = [report_of(event, catalogue)]
        else:
            others.append((record, event))
    if others:
        keyed, strays = await arriving.groups(tx, others, catalogue)
        news.gone |= {grp for _, grp in keyed | strays}
        for (_, grp), case in (await cases.load(tx, keyed)).items():
            news.told[grp] = [report_of(event, catalogue) for event in stored_events(case.events)]
    return news
