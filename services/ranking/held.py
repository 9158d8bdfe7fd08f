"""What is kept in memory of the groups of leased partitions: what the tables hold, written through.

It is dropped with a lease and after a transaction that failed, so it never holds what was not committed.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.ranking import places, store, versions
from services.ranking.domain.moves import NOWHERE, Move, Spot, moves
from services.ranking.domain.rows import Group, Row, VersionPeriod
from services.ranking.domain.schemes import Scheme
from services.ranking.domain.scores import Score, score, score_without, spots
from shared.kernel.shards import partition_of
from shared.storage.transaction import PostgresTransaction

ROWS_KEPT = 20_000


@dataclass(slots=True)
class Board:
    """The standing of one period: what each unit is due, what they come to, and what was last told.

    `absent` is what is due and does not apply, of the units that have any.
    """

    scheme: Scheme
    due: Mapping[str, Mapping[str, int]]
    absent: Mapping[str, frozenset[str]]
    units: frozenset[str]
    told: dict[str, Spot]
    scores: dict[str, Score] = field(default_factory=dict[str, Score])

    def moved(self, rows: Mapping[str, Row], units: Collection[str]) -> list[Move]:
        """Score units anew, all of them the first time, and return the moves of all."""
        rules, points = self.scheme.rules, self.scheme.points
        for unit in self.units & set(units) if self.scores else self.units:
            row = rows.get(unit)
            worth, volume = (self.scheme.counted(row.worth), row.volume) if row else ({}, 0)
            told = row.points if row else {}
            due, absent = self.due[unit], self.absent.get(unit)
            if absent is None:
                mine = {**points, **told} if told else points
                self.scores[unit] = score(due, mine, worth, volume, rules)
            else:
                kinds = self.scheme.kinds_with(told)
                self.scores[unit] = score_without(absent, due, kinds, worth, volume, rules)
        found = moves(self.told, spots(self.scores, rules))
        for move in found:
            self.told[move.unit] = move.new
            if move.new == NOWHERE:
                del self.told[move.unit]
        return found


@dataclass(slots=True)
class Held:
    """A group: its figures by (version, period) and unit, and its standings by period.

    `versions` are those that decide which scheme a standing is of: those heard of, and that of its figures.
    """

    shard: int
    versions: Sequence[int] = ()
    rows: dict[VersionPeriod, dict[str, Row]] = field(default_factory=dict[VersionPeriod, dict[str, Row]])
    boards: dict[str, Board] = field(default_factory=dict[str, Board])

    def outdate(self, period: str, version: int) -> None:
        """Drop the standing of a period that a newer version tells figures of."""
        if period in self.boards and self.boards[period].scheme.version < version:
            del self.boards[period]


class Groups:
    """The groups that are held, the longest unused first."""

    def __init__(self) -> None:
        self._held: dict[Group, Held] = {}

    def of(self, group: Group, shard: int) -> Held:
        """Return what is held of a group."""
        held = self._held.pop(group, None) or Held(shard)
        self._held[group] = held
        return held

    def forget(self, partitions: Collection[int]) -> None:
        """Drop what belongs to partitions."""
        kept = {g: held for g, held in self._held.items() if partition_of(held.shard) not in partitions}
        self._held = kept

    def drop(self, group: Group) -> None:
        """Drop what is held of a group."""
        self._held.pop(group, None)

    def shrink(self) -> None:
        """Drop the groups that were not used for longest, until no more rows are held than may be."""
        kept = sum(_size(held) for held in self._held.values())
        while kept > ROWS_KEPT:
            kept -= _size(self._held.pop(next(iter(self._held))))


async def rows_of(
    tx: PostgresTransaction, group: Group, held: Held, wanted: Iterable[VersionPeriod]
) -> dict[VersionPeriod, dict[str, Row]]:
    """Return the figures of a group, reading what is not held."""
    held.rows |= await store.rows(tx, group, [key for key in wanted if key not in held.rows])
    return held.rows


async def boards_of(
    tx: PostgresTransaction, group: Group, held: Held, periods: Collection[str]
) -> dict[str, Board]:
    """Return the standings of periods for which a scheme is in force, reading what is not held."""
    heard = await versions.heard_of(tx, group)
    if heard != held.versions:
        held.versions = heard
        held.boards.clear()
    missing = [period for period in sorted(periods) if period not in held.boards]
    schemes = await versions.in_force(tx, group, missing) if missing else {}
    told = await places.told(tx, group, list(schemes)) if schemes else {}
    for period, scheme in schemes.items():
        units = frozenset(scheme.members(group[1]))
        due = {unit: scheme.counted(mine) for unit, mine in scheme.due(group[1], period).items()}
        absent = {unit: codes - scheme.beside for unit, codes in scheme.absent(group[1], period).items()}
        held.boards[period] = Board(scheme, due, absent, units, told[period])
    await rows_of(tx, group, held, [(held.boards[p].scheme.version, p) for p in periods if p in held.boards])
    return {period: held.boards[period] for period in sorted(periods) if period in held.boards}


def _size(held: Held) -> int:
    """Return how many rows are held of a group; one that holds none counts as one."""
    return 1 + sum(len(units) for units in held.rows.values())
