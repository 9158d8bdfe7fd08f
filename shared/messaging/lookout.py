"""Notices what the broker does not bring: records behind which no other comes, and a client that hangs.

A lost record is seen by the next one of its shard; where none follows, the producer says how far it has sent.
"""

import asyncio
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from shared.kernel.errors import Unavailable
from shared.kernel.records import Position, Reached
from shared.kernel.shards import partition_of
from shared.messaging.halts import Place
from shared.messaging.port import Archive
from shared.telemetry.logs import logger

_LOG = logger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited, in seconds: from look to look, for who is behind, and for what stands still."""

    every_s: float = 30.0
    again_s: float = 5.0
    still_s: float = 120.0


PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class _Look:
    """How far shards were applied and their producers had come at a time, in seconds."""

    at: float
    applied: dict[Place, int]
    reached: dict[Place, Reached]

    def shows_behind(self, place: Place) -> bool:
        return place in self.reached and self.reached[place].published > self.applied[place]

    def lag(self) -> dict[str, int]:
        """Return how many records are archived and not applied, by stream."""
        lag: dict[str, int] = {}
        for place, number in self.applied.items():
            if place in self.reached:
                lag[place[0]] = lag.get(place[0], 0) + max(0, self.reached[place].number - number)
        return lag

    def is_overtaken(self, place: Place, now: "_Look", still_s: float) -> bool:
        """Tell whether what was sent then to a shard that has not moved is lost, though others still come.

        It is when its partition has brought what was archived later, or nothing at all for `still_s`.
        """
        stream, shard = place
        beside = {
            other: number
            for other, number in now.applied.items()
            if other in self.applied and (other[0], partition_of(other[1])) == (stream, partition_of(shard))
        }
        if any(other in self.reached and n > self.reached[other].number for other, n in beside.items()):
            return True
        return now.at - self.at >= still_s and all(n == self.applied[other] for other, n in beside.items())


class Lookout:
    """Asks how far was sent.

    What stands still from one look to a later one, and cannot be on its way any more, is missing.
    """

    def __init__(self, archives: Mapping[str, Archive], patience: Patience = PATIENCE) -> None:
        self._archives = archives
        self._patience = patience
        self._behind: dict[Place, _Look] = {}
        self._looked = 0.0
        self._due = 0.0
        self.lag: dict[str, int] = {}

    def begin(self) -> None:
        """Look again at once: other partitions were assigned."""
        self._behind = {}
        self._looked = self._due = 0.0

    def is_due(self, now: float, *, idle: bool) -> bool:
        """Tell whether it is time to look; while records come, it is less often."""
        return now >= (self._due if idle else self._looked + self._patience.every_s)

    async def missing(
        self, positions: Iterable[Position], now: float, *, idle: bool, halted: Container[Place] = ()
    ) -> dict[Place, int]:
        """Return up to which number records are missing; `idle` says that nothing at all comes now.

        Of a halted shard nothing is missing, but it is behind: `lag` is by stream what is archived and not
        applied, of those whose producers told.
        """
        applied = {(position.stream, position.shard): position.number for position in positions}
        look = _Look(now, applied, await self._reached({stream for stream, _ in applied}))
        behind = {
            place: self._first(place, look)
            for place in applied
            if place not in halted and look.shows_behind(place)
        }
        self.lag = look.lag()
        self._behind, self._looked = behind, now
        self._due = now + (self._patience.again_s if behind else self._patience.every_s)
        return {
            place: first.reached[place].published
            for place, first in behind.items()
            if first is not look and (idle or first.is_overtaken(place, look, self._patience.still_s))
        }

    def _first(self, place: Place, look: _Look) -> _Look:
        """Return the look since which a shard that is behind has not moved."""
        first = self._behind.get(place, look)
        return first if first.applied[place] == look.applied[place] else look

    async def _reached(self, streams: Iterable[str]) -> dict[Place, Reached]:
        """Ask all at the same time; what fails otherwise than by being away fails as if asked alone."""
        try:
            async with asyncio.TaskGroup() as group:
                asked = [group.create_task(self._reached_of(stream)) for stream in streams]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed
        return {place: reached for told in asked for place, reached in told.result().items()}

    async def _reached_of(self, stream: str) -> dict[Place, Reached]:
        try:
            reached = await self._archives[stream].reached(stream)
        except Unavailable as error:
            _LOG.warning("nobody says how far a stream has come", stream=stream, error=str(error))
            return {}
        return {(stream, shard): one for shard, one in reached.items()}
