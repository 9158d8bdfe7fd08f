"""Shards of a consumer that wait for a person; they are met again after a restart."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from shared.kernel.digests import sha256
from shared.kernel.records import Record
from shared.kernel.shards import partition_of
from shared.telemetry.logs import logger
from shared.telemetry.metrics import METRICS

REWRITTEN = "rewritten"
MISSING = "not in the archive"

Place = tuple[str, int]
_LOG = logger(__name__)


@dataclass(frozen=True, slots=True)
class Halt:
    """Where a shard stopped and why; `limit` is the last offset that may be written while it stands.

    `digest` is that of the record's body, empty where there is no record.
    """

    stream: str
    shard: int
    number: int
    reason: str
    limit: int
    digest: bytes = b""


class Halts:
    """The halted shards of one worker of a consumer."""

    def __init__(self, consumer: str) -> None:
        self._consumer = consumer
        self._halts: dict[Place, Halt] = {}

    def __contains__(self, place: object) -> bool:
        return place in self._halts

    def __iter__(self) -> Iterator[Halt]:
        return iter(sorted(self._halts.values(), key=lambda halt: (halt.stream, halt.shard)))

    def halt(self, record: Record, reason: str) -> None:
        """Stop the shard of a record before it."""
        place = record.stream, record.shard
        digest = sha256(record.body) if record.body else b""
        self._halts[place] = Halt(*place, record.number, reason, max(record.offset, 0) - 1, digest)
        _LOG.error(
            f"HALT {reason}", consumer=self._consumer, stream=place[0], shard=place[1], number=record.number
        )
        self._show()

    def lift(self, halt: Halt) -> None:
        """Let a shard go on."""
        self._halts.pop((halt.stream, halt.shard), None)
        self._show()

    def keep(self, partitions: AbstractSet[int]) -> None:
        """Let go of all shards but those of partitions that stayed in these hands."""
        self._halts = {
            place: halt for place, halt in self._halts.items() if partition_of(place[1]) in partitions
        }
        self._show()

    def offset_limit(self, stream: str, partition: int) -> int | None:
        """Return how far offsets of a partition may be written while a shard of it is halted."""
        limits = [
            h.limit for h in self._halts.values() if (h.stream, partition_of(h.shard)) == (stream, partition)
        ]
        return min(limits, default=None)

    def _show(self) -> None:
        METRICS.set("dukao_shards_halted", len(self._halts), consumer=self._consumer)
