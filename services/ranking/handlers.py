"""What ranking does about each message: keeps figures and tells what moved in each group's standings."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from services.ranking import store
from services.ranking.contract import (
    ENTRIES,
    SOURCE,
    STANDING_MOVED,
    STANDINGS,
    TIER_CHANGED,
    Cause,
    EntriesPosted,
    Moved,
    Place,
    SchemeAdopted,
    StandingMoved,
    TierChanged,
)
from services.ranking.domain.moves import Move, Spot, moves
from services.ranking.domain.standings import standing
from services.ranking.store import Group
from shared.contracts import envelope
from shared.contracts.catalogue import known_event
from shared.kernel.points import text
from shared.kernel.records import Draft, Record
from shared.messaging.port import Answer
from shared.storage.transaction import PostgresTransaction

PLACES_PER_MESSAGE = 2_000


@dataclass(slots=True)
class News:
    """What a batch brought to a group."""

    shard: int
    fresh_at: str = ""
    periods: set[str] = field(default_factory=set[str])
    spans: dict[tuple[str, int], tuple[int, int]] = field(
        default_factory=dict[tuple[str, int], tuple[int, int]]
    )

    def add(self, posted: EntriesPosted) -> None:
        """Take in entries."""
        self.fresh_at = max(self.fresh_at, posted.fresh_at)
        self.periods |= {figure.period for figure in posted.figures}
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


class Ranking:
    """The handler of entries and adopted schemes; it keeps nothing in memory."""

    def forget(self, partitions: Sequence[int]) -> None:
        """Nothing is cached."""

    async def __call__(self, tx: PostgresTransaction, batch: Sequence[Record]) -> list[Answer]:
        """Keep the figures of a batch and tell once per group what moved."""
        news: dict[Group, News] = {}
        for shard in sorted({record.shard for record in batch}):
            posted, adopted = _read([record for record in batch if record.shard == shard])
            await store.save_figures(tx, shard, posted)
            for one in posted:
                news.setdefault((one.scheme, one.group), News(shard)).add(one)
            for scheme in adopted:
                await store.save_scheme(tx, scheme.code, scheme.version, scheme.document)
                for name in await store.groups_of(tx, scheme.code, shard):
                    group = scheme.code, name
                    of_group = news.setdefault(group, News(shard))
                    of_group.periods |= await store.periods_of(tx, group)
                    of_group.fresh_at = max(of_group.fresh_at, await store.fresh_at(tx, group) or "")
        answers: list[Answer] = []
        for group, of_group in sorted(news.items(), key=lambda item: item[0]):
            answers += await _told(tx, group, of_group)
        return answers


def _read(records: Sequence[Record]) -> tuple[list[EntriesPosted], list[SchemeAdopted]]:
    posted: list[EntriesPosted] = []
    adopted: list[SchemeAdopted] = []
    for record in records:
        event = known_event(record.stream, record.body)
        if record.stream == ENTRIES:
            posted.append(envelope.decode_data(event, EntriesPosted))
        else:
            adopted.append(envelope.decode_data(event, SchemeAdopted))
    return posted, adopted


async def _told(tx: PostgresTransaction, group: Group, news: News) -> list[Answer]:
    """Tell what moved; figures of a scheme that is not heard of yet wait for it."""
    schemes = await store.in_force(tx, group, news.periods) if news.periods else {}
    figures = await store.figures(tx, group, schemes)
    told = await store.told(tx, group, list(schemes))
    moved = {
        period: moves(told[period], standing(figures[period], scheme.rules))
        for period, scheme in sorted(schemes.items())
    }
    await store.tell(tx, group, moved)
    answers: list[Answer] = []
    for version in sorted({scheme.version for scheme in schemes.values()}):
        of_version = {period: found for period, found in moved.items() if schemes[period].version == version}
        answers += _standing_moved(group, version, news, of_version)
        answers += _tiers_changed(group, version, news, of_version)
    return answers


def _standing_moved(
    group: Group, version: int, news: News, moved: Mapping[str, Sequence[Move]]
) -> Iterator[Answer]:
    places = [(period, _place(move.unit, move.new)) for period, found in moved.items() for move in found]
    for at in range(0, len(places), PLACES_PER_MESSAGE):
        chunk = places[at : at + PLACES_PER_MESSAGE]
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
