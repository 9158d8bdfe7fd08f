"""The consumer's decision about one record: skip, apply, fill a gap, or halt."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from shared.kernel.digests import chain
from shared.kernel.records import Position, Record


class Step(Enum):
    """What a record means at a position."""

    SKIP = auto()
    APPLY = auto()
    GAP = auto()
    REWRITTEN = auto()


@dataclass(frozen=True, slots=True)
class Progress:
    """What may be applied of a run of records, where that leads, and what stopped it."""

    apply: tuple[Record, ...]
    position: Position
    gap: bool = False
    rewritten: Record | None = None


def step(position: Position, record: Record) -> Step:
    """Classify a record of the position's shard."""
    if record.number <= position.number:
        return Step.SKIP
    if record.number > position.number + 1:
        return Step.GAP
    continues = chain(position.chain, record.body) == record.chain
    return Step.APPLY if continues else Step.REWRITTEN


def advance(position: Position, records: Sequence[Record]) -> Progress:
    """Walk one shard's records in the order they came until a gap or a rewritten one."""
    taken: list[Record] = []
    for record in records:
        match step(position, record):
            case Step.SKIP:
                continue
            case Step.APPLY:
                taken.append(record)
                position = Position(
                    position.stream, position.shard, record.number, record.chain, record.offset
                )
            case Step.GAP:
                return Progress(tuple(taken), position, gap=True)
            case Step.REWRITTEN:
                return Progress(tuple(taken), position, rewritten=record)
    return Progress(tuple(taken), position)
