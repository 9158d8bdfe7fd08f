"""What stage A tells of sums that moved: absolute partials, in the shards of the groups they count in."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import structs

from services.scoring import conclusions, derived
from services.scoring.contract import ACCEPTED, DEDUCTIONS, ITEMS, POINTS, SCHEMES, SOURCE
from services.scoring.domain.sums import REVIEWED
from services.scoring.plans import InForce
from services.scoring.store import PartialCell
from shared.contracts import envelope, partials
from shared.contracts.envelope import AcceptedEvent
from shared.contracts.partials import Block, Changed, Row
from shared.kernel.periods import Month
from shared.kernel.records import Draft, Record
from shared.messaging.port import Answer

MOVING = frozenset({ACCEPTED, ITEMS, DEDUCTIONS, POINTS, SCHEMES})
NUMBERS_PER_MESSAGE = 20_000

Read = Sequence[tuple[Record, AcceptedEvent]]


def answers(
    plans: Mapping[int, Sequence[InForce]],
    read: Read,
    moved: Mapping[PartialCell, list[int]],
    kind: tuple[str, str],
) -> list[Answer]:
    """Tell the groups' shards the absolute partials that moved and the numbers that moved them.

    Records of one stream move sums of their own, so that a message covers those of one stream; what moved
    beside an adoption is told by both, as either may have moved it; what reviews change all may have moved.
    """
    if not moved:
        return []
    by_shard: dict[int, list[tuple[Record, AcceptedEvent]]] = {}
    for record, event in read:
        by_shard.setdefault(record.shard, []).append((record, event))
    heard = {shard: {record.stream for record, _ in mine} for shard, mine in by_shard.items()}
    by_target: dict[tuple[int, int, str], list[tuple[str, str, Row]]] = {}
    for (shard, scheme, over, unit, month), numbers in sorted(moved.items()):
        row = Row(unit, str(Month.of_ordinal(month)), numbers)
        streams = (MOVING if over.startswith(REVIEWED) else {derived.stream_of(over), SCHEMES}) & heard[shard]
        assert streams, "a sum is moved by records of its stream, or by an adoption"
        for target in _targets(plans.get(shard, ()), scheme, unit):
            for stream in streams:
                by_target.setdefault((shard, target, stream), []).append((scheme, over, row))
    begun = {
        (shard, stream): _begun(shard, stream, by_shard[shard])
        for shard, stream in sorted({(shard, stream) for shard, _, stream in by_target})
    }
    return [
        _message(kind, target, structs.replace(begun[shard, stream], blocks=blocks))
        for (shard, target, stream), rows in sorted(by_target.items())
        for blocks in _blocks(rows)
    ]


def _begun(shard: int, stream: str, mine: Read) -> Changed:
    """Return the message of a shard without rows, with the records of a stream that it covers."""
    covered = [record for record, _ in mine if record.stream == stream]
    return Changed(
        stream=stream,
        shard=shard,
        first=min(record.number for record in covered),
        last=max(record.number for record in covered),
        received=max(conclusions.received(record.stream, event) for record, event in mine),
        blocks=[],
    )


def _targets(plans: Sequence[InForce], scheme: str, unit: str) -> tuple[int, ...]:
    return next((p.shards_of_unit.get(unit, ()) for p in plans if p.plan.id == scheme), ())


def _blocks(rows: Sequence[tuple[str, str, Row]]) -> Iterator[list[Block]]:
    """Put rows of one scheme and view or type together; few enough for a message at a time."""
    blocks: list[Block] = []
    room = NUMBERS_PER_MESSAGE
    for scheme, over, row in rows:
        if blocks and room < len(row.numbers):
            yield blocks
            blocks, room = [], NUMBERS_PER_MESSAGE
        if not blocks or (blocks[-1].scheme, blocks[-1].over) != (scheme, over):
            blocks.append(Block(scheme, over, []))
        blocks[-1].rows.append(row)
        room -= len(row.numbers)
    yield blocks


def _message(kind: tuple[str, str], target: int, changed: Changed) -> Answer:
    stream, event = kind
    subject = f"shard-{changed.shard}"
    return stream, Draft(target, envelope.encode_written(event, SOURCE, subject, partials.written(changed)))
