"""The consumer's decision about one record: skip, apply, fill a gap, or halt."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.kernel.digests import chain
from shared.kernel.records import Position, Record


@dataclass(frozen=True, slots=True)
class Progress:
    """What may be applied of a run of records, where that leads, and what stopped it."""

    apply: tuple[Record, ...]
    position: Position
    gap: bool = False
    rewritten: Record | None = None


def advance(position: Position, records: Sequence[Record]) -> Progress:
    """Walk one shard's records in the order they came until a gap or a rewritten one."""
    taken: list[Record] = []
    number, digest = position.number, position.chain
    gap, rewritten = False, None
    for record in records:
        if record.number <= number:
            continue
        gap = record.number > number + 1 or not record.body  # a stub: what the broker refused
        if not gap and chain(digest, record.body) != record.chain:
            rewritten = record
        if gap or rewritten is not None:
            break
        taken.append(record)
        number, digest = record.number, record.chain
    if taken:
        last = taken[-1]
        position = Position(position.stream, position.shard, last.number, last.chain, last.offset)
    return Progress(tuple(taken), position, gap=gap, rewritten=rewritten)
