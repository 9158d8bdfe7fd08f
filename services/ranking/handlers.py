"""What ranking does about each message: keeps figures and tells what moved in each group's standings."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from services.ranking import closes, places, store, versions
from services.ranking.closes import Passed
from services.ranking.contract import (
    CUT_FIGURED,
    CUT_PASSED,
    ENTRIES_POSTED,
    SCHEME_ADOPTED,
    SOURCE,
    STANDING_MOVED,
    STANDINGS,
    TIER_CHANGED,
    Cause,
    CutFigured,
    CutPassed,
    Figures,
    Moved,
    PeriodFigures,
    PeriodRow,
    Place,
    SchemeAdopted,
    StandingMoved,
    TierChanged,
    read_figures,
)
from services.ranking.domain.closing import Cut
from services.ranking.domain.moves import Move, Spot
from services.ranking.domain.rows import Group, Row, Silence, VersionPeriod
from services.ranking.held import Groups, boards_of, rows_of
from shared.contracts import envelope
from shared.contracts.catalogue import known_event
from shared.kernel.points import parts_of, text
from shared.kernel.records import Draft, Record
from shared.messaging.port import Answer
from shared.storage.transaction import PostgresTransaction

PLACES_PER_MESSAGE = 2_000


@dataclass(slots=True)
class News:
    """What a batch brought to a group: figures by (version, period) and unit, the newest of each day.

    `days` are the newest version and `received` of each day on which anything of it was known, `mixed` the
    periods of which something came behind: the day on which it was received, and the one when it was told.
    """

    shard: int
    version: int = 0
    fresh_at: str = ""
    days: dict[str, tuple[int, str]] = field(default_factory=dict[str, tuple[int, str]])
    figures: dict[VersionPeriod, dict[str, list[Row]]] = field(
        default_factory=dict[VersionPeriod, dict[str, list[Row]]]
    )
    silent: dict[tuple[int, str, str], Silence] = field(default_factory=dict[tuple[int, str, str], Silence])
    spans: dict[tuple[str, int], tuple[int, int]] = field(
        default_factory=dict[tuple[str, int], tuple[int, int]]
    )
    mixed: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])

    def add(self, number: int, posted: Figures) -> None:
        """Take in a message; of equals the later counts."""
        self.version = max(self.version, posted.version)
        self.fresh_at = max(self.fresh_at, posted.fresh_at)
        version, fresh_at = self.days.get(posted.day, (0, ""))
        self.days[posted.day] = max(version, posted.version), max(fresh_at, posted.fresh_at)
        since, until = posted.brought or posted.day, posted.day if posted.brought else ""
        self.mixed |= {(at, since, posted.day) for periods in posted.behind.values() for at in periods}
        for one in posted.figures:
            units = self.figures.setdefault((posted.version, one.period), {})
            row = _row(one, number, since, until)
            known = units.setdefault(one.unit, [])
            if known and known[-1].day == row.day:
                known[-1] = known[-1].merged(row)
            else:
                known.append(row)
        for one in posted.silent:
            self.silent[posted.version, one.unit, posted.day] = Silence(one.months, number)
        for one in posted.cause:
            first, last = self.spans.get((one.stream, one.shard), (one.first, one.last))
            self.spans[one.stream, one.shard] = min(first, one.first), max(last, one.last)

    @property
    def cause(self) -> tuple[Cause, ...]:
        """The numbers behind it, one range a shard, so that a message stays small."""
        return tuple(
            Cause(stream=stream, shard=shard, first=first, last=last)
            for (stream, shard), (first, last) in sorted(self.spans.items())
        )

    @property
    def touched(self) -> dict[str, set[str]]:
        """The units with figures by period."""
        found: dict[str, set[str]] = {}
        for (_, period), units in self.figures.items():
            found.setdefault(period, set()).update(units)
        return found


class Ranking:
    """The handler of entries and adopted schemes."""

    def __init__(self) -> None:
        self._groups = Groups()

    def forget(self, partitions: Sequence[int]) -> None:
        """Drop what is held of partitions."""
        self._groups.forget(partitions)

    async def __call__(self, tx: PostgresTransaction, batch: Sequence[Record]) -> list[Answer]:
        """Keep the figures of a batch and tell once per group what moved."""
        news: dict[Group, News] = {}
        adopted: dict[Group, set[str]] = {}
        for shard in sorted({record.shard for record in batch}):
            told = _read([record for record in batch if record.shard == shard])
            of_shard: dict[Group, News] = {}
            for number, one in told.posted:
                of_shard.setdefault((one.scheme, one.group), News(shard)).add(number, one)
            for group, of_group in sorted(of_shard.items()):
                await keep(tx, self._groups, group, of_group)
            news |= of_shard
            for number, one in told.figured:
                await store.save_at_cut(tx, (one.scheme, one.group), _at_cut(number, one))
            await closes.note_cuts(tx, told.passed)
            for scheme in told.adopted:
                await versions.save(tx, scheme.code, scheme.version, scheme.document)
                for name in await store.groups_of(tx, scheme.code, shard):
                    group = scheme.code, name
                    of_group = news.setdefault(group, News(shard))
                    of_group.fresh_at = max(of_group.fresh_at, await store.fresh_at(tx, group) or "")
                    adopted[group] = await store.periods_of(tx, group)
        answers: list[Answer] = []
        for group, of_group in sorted(news.items()):
            answers += await self._told(tx, group, of_group, adopted.get(group, set()))
        self._groups.shrink()
        return answers

    async def _told(
        self, tx: PostgresTransaction, group: Group, news: News, adopted: Collection[str]
    ) -> list[Answer]:
        """Tell what moved; figures of a scheme that is not heard of yet wait for it."""
        held, touched = self._groups.of(group, news.shard), news.touched
        boards = await boards_of(tx, group, held, touched.keys() | set(adopted))
        moved = {
            period: board.moved(held.rows[board.scheme.version, period], touched.get(period, ()))
            for period, board in boards.items()
        }
        await places.tell(tx, group, moved)
        answers: list[Answer] = []
        for version in sorted({board.scheme.version for board in boards.values()}):
            of_version = {
                period: found for period, found in moved.items() if boards[period].scheme.version == version
            }
            answers += _standing_moved(group, version, news, of_version)
            answers += _tiers_changed(group, version, news, of_version)
        return answers


async def keep(tx: PostgresTransaction, groups: Groups, group: Group, news: News) -> None:
    """Write the figures that came over those that are there, which stay as the days before left them."""
    held = groups.of(group, news.shard)
    known = await rows_of(tx, group, held, news.figures)
    changed: dict[tuple[int, str, str], Row] = {}
    past: dict[tuple[int, str, str, str], Row] = {}
    for (version, period), units in news.figures.items():
        there = known[version, period]
        for unit, rows in units.items():
            for row in rows:
                old = there.get(unit)
                dated = row.after(old)
                there[unit] = old.merged(dated) if old else dated
                if old and old.day < dated.day:
                    past[version, period, unit, old.day] = old
            changed[version, period, unit] = there[unit]
    for version, period in news.figures:
        held.outdate(period, version)
    await store.save_rows(tx, group, changed)
    await store.save_past(tx, group, past)
    await store.save_mixed(tx, group, news.mixed)
    await store.save_silences(tx, group, news.silent)
    await store.save_group(tx, group, news.shard, news.version, news.fresh_at, news.days)


class Told(NamedTuple):
    """What records of a shard tell: figures with the numbers of their records, schemes, and cuts."""

    posted: list[tuple[int, Figures]]
    adopted: list[SchemeAdopted]
    figured: list[tuple[int, CutFigured]]
    passed: list[Passed]


def _read(records: Sequence[Record]) -> Told:
    told = Told([], [], [], [])
    for record in records:
        event = known_event(record.stream, record.body)
        if event.type == ENTRIES_POSTED:
            told.posted.append((record.number, read_figures(event.data)))
        elif event.type == SCHEME_ADOPTED:
            told.adopted.append(envelope.decode_data(event, SchemeAdopted))
        elif event.type == CUT_FIGURED:
            told.figured.append((record.number, envelope.decode_data(event, CutFigured)))
        elif event.type == CUT_PASSED:
            one = envelope.decode_data(event, CutPassed)
            cut = Cut(one.group, record.shard, one.cut, one.day)
            told.passed.append(Passed(one.scheme, one.period, cut, one.exact))
    return told


def _at_cut(number: int, figured: CutFigured) -> dict[tuple[int, str, str], Row]:
    """Return what a record tells of units at the cut by (version, period, unit)."""
    return {(figured.version, figured.period, one.unit): _row(one, number) for one in figured.figures}


def _row(one: PeriodRow | PeriodFigures, number: int, since: str = "", until: str = "") -> Row:
    told = {code: None if value is None else parts_of(value) for code, value in one.values.items()}
    points = {code: parts_of(value) for code, value in one.points.items()}
    return Row(told, one.volume, number, points, since, until)


def _standing_moved(
    group: Group, version: int, news: News, moved: Mapping[str, Sequence[Move]]
) -> Iterator[Answer]:
    placed = [(period, _place(move.unit, move.new)) for period, found in moved.items() for move in found]
    for at in range(0, len(placed), PLACES_PER_MESSAGE):
        chunk = placed[at : at + PLACES_PER_MESSAGE]
        by_period: dict[str, list[Place]] = {}
        for period, place in chunk:
            by_period.setdefault(period, []).append(place)
        told = StandingMoved(
            scheme=group[0],
            version=version,
            group=group[1],
            fresh_at=news.fresh_at,
            cause=news.cause if at == 0 else (),
            standings=tuple(Moved(period=p, places=tuple(found)) for p, found in by_period.items()),
        )
        body = envelope.encode(STANDING_MOVED, SOURCE, "/".join(group), told)
        yield STANDINGS, Draft(news.shard, body)


def _tiers_changed(
    group: Group, version: int, news: News, moved: Mapping[str, Sequence[Move]]
) -> Iterator[Answer]:
    for period, found in moved.items():
        for move in found:
            if move.old.tier != move.new.tier:
                told = TierChanged(
                    scheme=group[0],
                    version=version,
                    group=group[1],
                    period=period,
                    unit=move.unit,
                    old=move.old.tier,
                    new=move.new.tier,
                )
                yield (
                    STANDINGS,
                    Draft(news.shard, envelope.encode(TIER_CHANGED, SOURCE, "/".join(group), told)),
                )


def _place(unit: str, spot: Spot) -> Place:
    points, low, high = (
        None if value is None else text(value) for value in (spot.points, spot.low, spot.high)
    )
    return Place(unit=unit, rank=spot.rank, tier=spot.tier, points=points, low=low, high=high)
