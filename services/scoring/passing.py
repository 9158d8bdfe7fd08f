"""What stage A has told and stage B has not yet applied: of each sum the last number that stage B knows."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from services.scoring.contract import ACCEPTED, CONSUMER_B, PARTIALS
from services.scoring.domain.sums import REVIEWED, STALE
from services.scoring.store import PartialCell
from shared.contracts import partials
from shared.contracts.catalogue import known_event
from shared.contracts.partials import Changed
from shared.kernel.periods import Month
from shared.storage.transaction import PostgresTransaction

RECORDS_PER_READ = 200

_BEHIND = """
    SELECT s.shard, COALESCE(p.number, 0) AS applied FROM stream_shards s
    LEFT JOIN positions p ON p.consumer = $1 AND p.stream = s.stream AND p.shard = s.shard
    WHERE s.stream = $2 AND s.number > COALESCE(p.number, 0) ORDER BY s.shard"""


@dataclass(slots=True)
class Passing:
    """Sums on their way to a shard of stage B, by that shard.

    `known` has the last accepted number that it was told of each; what was derived or adopted keeps no older
    state, so that such a sum, in `unsaid`, cannot be judged until it has come.
    """

    known: dict[tuple[int, PartialCell], int] = field(default_factory=dict[tuple[int, PartialCell], int])
    unsaid: set[tuple[int, PartialCell]] = field(default_factory=set[tuple[int, PartialCell]])

    def add(self, target: int, changed: Changed) -> None:
        """Take in a message that is on its way; the first that names a sum counts."""
        for cell in _cells(changed):
            if changed.stream == ACCEPTED and not cell[2].startswith((STALE, REVIEWED)):
                known = self.known.get((target, cell), changed.first - 1)
                self.known[target, cell] = min(known, changed.first - 1)
            else:
                self.unsaid.add((target, cell))

    def bounds(self, shard: int) -> list[int]:
        """Return the numbers of a shard of stage A after which something is on its way."""
        return sorted({number for (_, cell), number in self.known.items() if cell[0] == shard})


async def passing(tx: PostgresTransaction) -> Passing:
    """Read what is on its way in this snapshot."""
    found = Passing()
    for row in await tx.many(_BEHIND, CONSUMER_B, PARTIALS):
        at = row["applied"]
        while records := await tx.read(PARTIALS, row["shard"], at, RECORDS_PER_READ):
            for record in records:
                found.add(row["shard"], partials.read(known_event(PARTIALS, record.body).data))
            at = records[-1].number
    return found


def _cells(changed: Changed) -> Iterator[PartialCell]:
    for block in changed.blocks:
        for row in block.rows:
            yield changed.shard, block.scheme, block.over, row.unit, Month.parse(row.month).ordinal
