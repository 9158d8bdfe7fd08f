"""Notices what the broker does not bring: records behind which no other comes, and a client that hangs.

A lost record is seen by the next one of its shard; where none follows, the producer says how far it has sent.
"""

from collections.abc import Iterable, Mapping

from shared.kernel.errors import Unavailable
from shared.kernel.records import Position
from shared.messaging.halts import Place
from shared.messaging.port import Archive
from shared.telemetry.logs import logger

EVERY_S = 30.0
AGAIN_S = 5.0

_LOG = logger(__name__)


class Lookout:
    """Asks when nothing comes; what was sent and stands still from one look to the next is missing."""

    def __init__(self, archives: Mapping[str, Archive]) -> None:
        self._archives = archives
        self._behind: dict[Place, tuple[int, int]] = {}
        self._due = 0.0

    def begin(self) -> None:
        """Look again at once: other partitions were assigned."""
        self._behind = {}
        self._due = 0.0

    def is_due(self, now: float) -> bool:
        """Tell whether it is time to look."""
        return now >= self._due

    async def missing(self, positions: Iterable[Position], now: float) -> dict[Place, int]:
        """Return up to which number records were sent to shards that have not moved since the last look."""
        at = {(position.stream, position.shard): position.number for position in positions}
        sent = await self._sent(sorted({stream for stream, _ in at}))
        behind = {place: (number, sent[place]) for place, number in at.items() if sent.get(place, 0) > number}
        missing = {
            place: known
            for place, (number, known) in self._behind.items()
            if behind.get(place, (None,))[0] == number
        }
        self._behind = behind
        self._due = now + (AGAIN_S if behind else EVERY_S)
        return missing

    async def _sent(self, streams: Iterable[str]) -> dict[Place, int]:
        sent: dict[Place, int] = {}
        for stream in streams:
            try:
                reached = await self._archives[stream].reached(stream)
            except Unavailable as error:
                _LOG.warning("nobody says how far a stream has come", stream=stream, error=str(error))
                continue
            sent |= {(stream, shard): found.published for shard, found in reached.items()}
        return sent
