"""What a client wrote down: every sending with its time, every answer with its time."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

Key: TypeAlias = tuple[str, str]


class Acknowledged(NamedTuple):
    """An answered event: its place, its content, and when (ns of one clock) it was sent and answered."""

    shard: int
    number: int
    sent_at: int
    answered_at: int
    digest: str


@dataclass(slots=True)
class Journal:
    """A client's log: `promised` events went into an inbound topic, `again` ones were sent more than once."""

    digests: dict[Key, set[str]] = field(default_factory=dict)
    acknowledged: dict[Key, Acknowledged] = field(default_factory=dict)
    promised: set[Key] = field(default_factory=set)
    again: set[Key] = field(default_factory=set)
    statuses: dict[str, int] = field(default_factory=dict)
    retried: dict[str, int] = field(default_factory=dict)
    contradictions: list[str] = field(default_factory=list)

    def count(self, status: str) -> int:
        """Return how many events were answered so."""
        return self.statuses.get(status, 0)


def read(path: Path) -> Journal:
    """Read a log; its last line may be cut off by the end of the client."""
    journal = Journal()
    sendings: dict[int, tuple[int, str, list[tuple[Key, str]]]] = {}
    for line in _lines(path):
        if "send" in line:
            events = [((source, name), digest) for source, name, digest in line["events"]]
            journal.again.update(key for key, _ in events if key in journal.digests)
            for key, digest in events:
                journal.digests.setdefault(key, set()).add(digest)
            sendings[line["send"]] = line["at"], line["via"], events
        elif "lost" in line:
            journal.retried[line["why"]] = journal.retried.get(line["why"], 0) + 1
            del sendings[line["lost"]]
        else:
            sent_at, via, events = sendings.pop(line["answer"])
            if via == "kafka":
                journal.promised.update(key for key, _ in events)
            else:
                _answered(journal, events, line["results"], sent_at, line["at"])
    return journal


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.endswith("\n"):
                yield json.loads(line)


def _answered(
    journal: Journal, events: list[tuple[Key, str]], results: list[Any], sent_at: int, at: int
) -> None:
    if len(events) != len(results):
        journal.contradictions.append(f"{len(results)} answers to {len(events)} events")
    for (key, digest), (status, shard, number) in zip(events, results, strict=False):
        journal.statuses[status] = journal.statuses.get(status, 0) + 1
        if status not in {"created", "duplicate"}:
            continue
        known = journal.acknowledged.get(key)
        if known is None:
            journal.acknowledged[key] = Acknowledged(shard, number, sent_at, at, digest)
        elif known.digest != digest:
            journal.contradictions.append(f"{key} was acknowledged with two contents")
        elif (known.shard, known.number) != (shard, number):
            journal.contradictions.append(
                f"{key} has two receipts: {known.shard}/{known.number}, {shard}/{number}"
            )
