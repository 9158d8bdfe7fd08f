"""What a batch changes in the tables of stage A, gathered by shard and written once."""

from collections import defaultdict
from collections.abc import Iterable, KeysView, Mapping, Sequence
from dataclasses import dataclass, field
from operator import add

from services.scoring import cases, facts, store, traces
from services.scoring.cases import Found, Key
from services.scoring.domain.adders import Spot
from services.scoring.domain.derived import Cells
from services.scoring.domain.folding import Cell, Place, Tally, Traces
from services.scoring.domain.ordinary import Ordinary, Sums
from services.scoring.store import PartialCell
from services.scoring.traces import Doubted
from shared.storage.transaction import PostgresTransaction

PARTIALS_KEPT = 40_000


@dataclass(slots=True)
class Alone:
    """Facts of a shard that are reports of their own, and at which places in the list they are found."""

    facts: list[tuple[int, bytes]] = field(default_factory=list[tuple[int, bytes]])
    spots: dict[Spot, list[int]] = field(default_factory=dict[Spot, list[int]])
    places: dict[Place, list[int]] = field(default_factory=dict[Place, list[int]])

    def add(self, number: int, body: bytes, spots: Iterable[Spot]) -> None:
        """Keep an ordinary fact."""
        at = len(self.facts)
        self.facts.append((number, body))
        for spot in spots:
            known = self.spots.get(spot)
            if known is None:
                self.spots[spot] = [at]
            else:
                known.append(at)

    def add_at(self, number: int, body: bytes, places: Iterable[Place]) -> None:
        """Keep a fact that was folded the plain way."""
        for place in places:
            self.places.setdefault(place, []).append(len(self.facts))
        self.facts.append((number, body))

    def found(self) -> Mapping[Place, Sequence[int]]:
        """Return where the facts are found."""
        found: dict[Place, list[int]] = {place: list(at) for place, at in self.places.items()}
        for (leaves, month), at in self.spots.items():
            for leaf in leaves:
                found.setdefault((leaf, month), []).extend(at)
        return found


@dataclass(slots=True)
class Moves:
    """Sums by shard, points, facts, under which units cases are found, what waits in suspense."""

    tallies: dict[int, Tally] = field(default_factory=lambda: defaultdict[int, Tally](Tally))
    sums: dict[int, Sums] = field(default_factory=dict[int, Sums])
    points: dict[int, Cells] = field(default_factory=lambda: defaultdict[int, Cells](dict[Cell, list[int]]))
    alone: dict[int, Alone] = field(default_factory=lambda: defaultdict[int, Alone](Alone))
    found: dict[Found, bool] = field(default_factory=dict[Found, bool])
    opened: dict[Doubted, str] = field(default_factory=dict[Doubted, str])
    settled: dict[Doubted, str] = field(default_factory=dict[Doubted, str])

    def sums_of(self, shard: int, ordinary: Ordinary) -> Sums:
        """Return what is added up of ordinary rows in a shard."""
        if shard not in self.sums:
            self.sums[shard] = Sums(ordinary)
        return self.sums[shard]

    def add(self, key: Key, before: Traces, after: Traces, cause: str) -> None:
        """Note what a case leaves now and left before; `cause` names the record that did it."""
        self.place(key, before.places, after.places)
        self.doubt(key, before, after, cause)

    def place(self, key: Key, before: frozenset[Place], after: frozenset[Place]) -> None:
        """Note where a case was found and is now."""
        shard, grp = key
        if before != after:
            self.found |= {(*place, grp, shard): False for place in before - after}
            self.found |= {(*place, grp, shard): True for place in after - before}

    def doubt(self, key: Key, before: Traces, after: Traces, cause: str) -> None:
        """Note what waits of a case or fact and no longer does; what comes and goes in a batch is neither."""
        for why, what in after.doubts - before.doubts:
            doubt = Doubted(*key, why, what)
            if self.settled.pop(doubt, None) is None:
                self.opened[doubt] = cause
        for why, what in before.doubts - after.doubts:
            doubt = Doubted(*key, why, what)
            if self.opened.pop(doubt, None) is None:
                self.settled[doubt] = cause

    def cells(self) -> dict[PartialCell, list[int]]:
        """Return what is added to the partial sums of every shard."""
        cells: dict[PartialCell, list[int]] = {}
        summed = [(shard, one.cells()) for shard, one in self.sums.items()]
        tallied = [(shard, one.spread()) for shard, one in self.tallies.items()]
        for shard, found in (*summed, *tallied, *self.points.items()):
            for cell, numbers in found.items():
                known = cells.get((shard, *cell))
                cells[shard, *cell] = numbers if known is None else list(map(add, known, numbers))
        return {cell: numbers for cell, numbers in cells.items() if any(numbers)}

    def touched(self, shard: int) -> set[Place]:
        """Return the units and months of a shard of which anything moved, or came and went."""
        found = {(unit, month) for _, _, unit, month in self.points.get(shard, ())}
        for of_shard in (self.sums.get(shard), self.tallies.get(shard)):
            found |= set() if of_shard is None else set(of_shard.touched())
        return found


class KeptPartials:
    """The absolute partial sums of the shards that are owned, as they were written last; some of them."""

    def __init__(self) -> None:
        self._kept: dict[PartialCell, list[int]] = {}

    def forget(self, shards: Iterable[int]) -> None:
        """Drop what belongs to shards."""
        gone = set(shards)
        self._kept = {cell: numbers for cell, numbers in self._kept.items() if cell[0] not in gone}

    async def add(
        self, tx: PostgresTransaction, changes: Mapping[PartialCell, list[int]]
    ) -> dict[PartialCell, list[int]]:
        """Add to the partial sums and write them; return what they are now."""
        if not changes:
            return {}
        await self._know(tx, changes.keys())
        moved = {
            cell: change if (known := self._kept.get(cell)) is None else list(map(add, known, change))
            for cell, change in changes.items()
        }
        await store.save_partials(tx, moved)
        self._kept |= moved
        return moved

    async def put(
        self, tx: PostgresTransaction, rows: Mapping[PartialCell, list[int]]
    ) -> dict[PartialCell, list[int]]:
        """Write partial sums as they are now; return those that became others."""
        await self._know(tx, rows.keys())
        moved = {
            cell: numbers
            for cell, numbers in rows.items()
            if (known := self._kept.get(cell)) != numbers and (known is not None or any(numbers))
        }
        if moved:
            await store.save_partials(tx, moved)
            self._kept |= moved
        return moved

    async def _know(self, tx: PostgresTransaction, cells: KeysView[PartialCell]) -> None:
        """Read what is not kept of cells; where there would be too many, all others are dropped first."""
        if len(self._kept) + len(cells) > PARTIALS_KEPT:
            self._kept.clear()
        unknown = cells - self._kept.keys()
        if unknown:
            self._kept |= await store.load_partials(tx, unknown)


async def save(tx: PostgresTransaction, moves: Moves, kept: KeptPartials) -> dict[PartialCell, list[int]]:
    """Write what moved; return the absolute partial sums."""
    moved = await kept.add(tx, moves.cells())
    rows: list[facts.Facts] = []
    places: list[facts.Place] = []
    for shard, alone in moves.alone.items():
        mine = facts.rows_of(shard, alone.facts)
        rows += mine
        places += facts.places_of(mine, alone.found())
    await facts.save(tx, rows, places)
    gained = [place for place, here in moves.found.items() if here]
    await cases.save_places(tx, gained, [place for place, here in moves.found.items() if not here])
    await traces.save_doubts(tx, moves.opened, moves.settled)
    return moved
