"""Two hops after ingest and what they must come to: absolute sums per source shard, merged, closed at the cut.

A fact is a number; its newest revision counts. A unit's facts lie in many source shards, its sums in one.
"""

import json
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from typing import Any, NamedTuple

from services.ingest.contract import ACCEPTED
from shared.kernel.numbering import received_of
from shared.kernel.records import Draft, Record
from shared.kernel.shards import partition_of
from tests.simulation.world import START

PARTIALS = "scoring.partials"
SOURCE_NAME = "desk"
SHARDS = (0, 1, 16, 17)
PARTITIONS = (0, 1)
CUT = START + timedelta(seconds=12)
UNITS = ("u0", "u1", "u2")


class Sums(NamedTuple):
    """A unit's sum of what came before the cut, and of all."""

    early: int = 0
    all: int = 0


@dataclass
class Facts:
    """The facts of a shard: amount and side of the cut of every revision; the ledger of numbers applied."""

    kept: dict[tuple[str, str], dict[int, tuple[int, bool]]] = field(default_factory=dict)
    ledger: list[int] = field(default_factory=list)
    passed: bool = False

    def take(self, event: dict[str, Any], *, late: bool) -> str | None:
        """Take an event and return the unit whose sums may have moved."""
        self.ledger.append(int(event["sequence"]))
        self.passed |= late
        if event["source"] != SOURCE_NAME:
            return None
        revisions = self.kept.setdefault((event["subject"], event["data"]["number"]), {})
        revisions.setdefault(event.get("revision", 0), (event["data"]["amount"], late))
        return event["subject"]

    def sums(self, unit: str) -> Sums:
        mine = [revisions for (owner, _), revisions in self.kept.items() if owner == unit]
        return Sums(
            sum(_newest({n: amount for n, (amount, late) in one.items() if not late}) for one in mine),
            sum(_newest({n: amount for n, (amount, _) in one.items()}) for one in mine),
        )


def fold(records: Iterable[Record]) -> Facts:
    """Return what the records of a shard come to; the cut is the first with `received` at or after T."""
    facts = Facts()
    for record in records:
        facts.take(json.loads(record.body), late=received_of(record) >= CUT)
    return facts


def target_of(unit: str) -> int:
    """Return the shard that keeps a unit's sums."""
    return SHARDS[UNITS.index(unit)]


class StageA:
    """Folds accepted events; keeps in memory what it also writes, as the stages of scoring do.

    Ticks after the cut are told to the next hop, where a lost record would else be missed only at the next one.
    """

    def __init__(self) -> None:
        self._facts: dict[int, Facts] = {}

    def forget(self, partitions: Sequence[int]) -> None:
        self._facts = {s: facts for s, facts in self._facts.items() if partition_of(s) not in partitions}

    async def __call__(self, tx: Any, batch: Sequence[Record]) -> list[tuple[str, Draft]]:
        answers: list[tuple[str, Draft]] = []
        for shard, run in groupby(batch, key=lambda record: record.shard):
            await tx.step("fold a")
            if shard not in self._facts:
                self._facts[shard] = deepcopy(tx.get(("a", shard), Facts()))
            facts = self._facts[shard]
            passed, before = facts.passed, self.before(facts)
            moved = [facts.take(json.loads(r.body), late=self.is_late(tx, r)) for r in run]
            tx.put(("a", shard), deepcopy(facts))
            answers += [self.partial(shard, unit, facts, before) for unit in sorted({*moved} - {None})]
            if facts.passed and (None in moved or not passed):
                answers += [tell(unit, {"passed": shard}) for unit in UNITS]
        return answers

    def before(self, facts: Facts) -> dict[str, Sums]:
        return {}

    def is_late(self, tx: Any, record: Record) -> bool:
        return received_of(record) >= CUT

    def partial(self, shard: int, unit: str, facts: Facts, before: dict[str, Sums]) -> tuple[str, Draft]:
        """Tell a unit's absolute sums in this shard."""
        return tell(unit, {"source": shard, "unit": unit} | facts.sums(unit)._asdict())


class StageB:
    """Merges sums over source shards; closes a unit when every source shard has shown a number past the cut."""

    def __init__(self, name: str) -> None:
        self.name = name

    def forget(self, partitions: Sequence[int]) -> None: ...

    async def __call__(self, tx: Any, batch: Sequence[Record]) -> list[tuple[str, Draft]]:
        for record in batch:
            await tx.step("fold b")
            told = json.loads(record.body)
            if "passed" in told:
                passed = tx.get((self.name, "passed", record.shard), frozenset()) | {told["passed"]}
                tx.put((self.name, "passed", record.shard), passed)
                if self.may_close(passed) and (self.name, "closed", record.shard) not in tx._state.rows:
                    sums = tx.get((self.name, record.shard), {}).values()
                    tx.put((self.name, "closed", record.shard), sum(one.early for one in sums))
            else:
                known = tx.get((self.name, record.shard), {})
                tx.put((self.name, record.shard), known | self.merged(known, told))
        return []

    def may_close(self, passed: frozenset[int]) -> bool:
        return passed == set(SHARDS)

    def merged(self, known: dict[int, Sums], told: dict[str, Any]) -> dict[int, Sums]:
        return {told["source"]: Sums(told["early"], told["all"])}


def accepted(records: dict[tuple[str, int], list[Record]], shard: int) -> list[Record]:
    """Return the archive of a source shard."""
    return records.get((ACCEPTED, shard), [])


def _newest(revisions: dict[int, int]) -> int:
    return revisions[max(revisions)] if revisions else 0


def tell(unit: str, what: dict[str, Any]) -> tuple[str, Draft]:
    """Return a message to the shard that keeps a unit's sums."""
    return PARTIALS, Draft(target_of(unit), json.dumps(what, separators=(",", ":")).encode())
