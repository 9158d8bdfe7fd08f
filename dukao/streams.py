"""Reads what the services publish from their archives, shard by shard, as events."""

import base64
import heapq
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from dukao.client import Client, Who, below
from dukao.feeds import Event
from shared.contracts.catalogue import STREAM_OWNERS
from shared.contracts.envelope import OWN_PREFIX
from shared.contracts.ingest import TICK
from shared.kernel import instants

OPERATOR = Who("operator", ("operator",))
PAGE_RECORDS = 1_000
LOOK_BACK = 1_000
POLL_S = 1.0
SET_BY_INGEST = frozenset({"sequence", "partitionkey", "received", "correctsnumber", "correctedby"})


@dataclass(frozen=True, slots=True)
class Only:
    """What is chosen: patterns with `*` of types, units and sources; times from `since` to before `until`.

    Empty patterns choose everything, of types everything but ticks.
    """

    types: Sequence[str] = ()
    units: Sequence[str] = ()
    sources: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None

    def __contains__(self, event: Event) -> bool:
        """Tell whether an event is chosen."""
        typed = _matches(event["type"], self.types) if self.types else event["type"] != TICK
        named = _matches(event["subject"], self.units) and _matches(event["source"], self.sources)
        return typed and named and self._in_time(event)

    @property
    def everything(self) -> bool:
        """Tell whether nothing but ticks is left out."""
        return self == Only()

    def _in_time(self, event: Event) -> bool:
        if self.since is None and self.until is None:
            return True
        occurred = instants.parse(event["time"])
        return (self.since is None or self.since <= occurred) and (
            self.until is None or occurred < self.until
        )


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream of a running platform."""

    client: Client
    name: str

    def reached(self) -> dict[int, int]:
        """Return the newest number of each shard."""
        found = self._get()
        return {one["shard"]: one["number"] for one in found["shards"]}

    def read(self, shard: int, after: int, upto: int) -> Iterator[Event]:
        """Yield the events of a shard after a number up to another, in order."""
        while after < upto:
            page = self._get(shard, after=after, limit=min(upto - after, PAGE_RECORDS))
            for record in page["records"]:
                yield json.loads(base64.b64decode(record["body"]))
            if not page["records"]:
                return
            after = page["records"][-1]["number"]

    def _get(self, *shard: int, **query: int) -> Any:
        path = f"/internal/v1/streams{below(self.name, *shard)}"
        return self.client.get(STREAM_OWNERS[self.name], path, OPERATOR, **query)


def newest(stream: Stream, reached: Mapping[int, int], only: Only, count: int) -> list[Event]:
    """Return the newest chosen events; where something is left out, of the last thousand of each shard."""
    back = count if only.everything else LOOK_BACK
    found = (
        event
        for shard, number in sorted(reached.items())
        for event in stream.read(shard, max(0, number - back), number)
        if event in only
    )
    return in_order(heapq.nlargest(count, found, key=_place))


def following(stream: Stream, reached: Mapping[int, int], only: Only) -> Iterator[list[Event]]:
    """Yield for ever what is published after some numbers, as it comes; often nothing."""
    at = dict(reached)
    while True:
        now = stream.reached()
        moved = {shard: number for shard, number in now.items() if number > at.get(shard, 0)}
        found = (event for shard in moved for event in stream.read(shard, at.get(shard, 0), moved[shard]))
        yield in_order(event for event in found if event in only)
        at |= moved
        time.sleep(POLL_S)


def as_sent(stream: Stream, only: Only) -> Iterator[Event]:
    """Yield the events of sources that are in by now, in the order in which they came, as they were sent."""
    shards = [stream.read(shard, 0, number) for shard, number in sorted(stream.reached().items())]
    for event in heapq.merge(*shards, key=_place):
        if event in only and not event["type"].startswith(OWN_PREFIX):
            yield {name: value for name, value in event.items() if name not in SET_BY_INGEST}


def in_order(events: Iterable[Event]) -> list[Event]:
    """Return events as they were received."""
    return sorted(events, key=_place)


def _place(event: Event) -> tuple[str, int, int]:
    return event["received"], int(event["partitionkey"]), int(event["sequence"])


def _matches(value: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(value, pattern) for pattern in patterns)
