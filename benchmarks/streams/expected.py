"""What the reference job must find, counted here once more and without it, and where its input goes."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from benchmarks.workload import CHANNELS, LEVELS
from shared.kernel.shards import partition_of, shard_of

SLOTS = 38
LEVY, SERVICE, FOUND, ANSWERED, DUE, MET = 0, 13, 26, 30, 32, 35
BY_LEVEL = {"high": (0, 1), "middle": (0,), "low": (0, 2)}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SHANGHAI = timedelta(hours=8)

Cells = dict[str, list[int]]


class _Data(msgspec.Struct, gc=False):
    amount: str = "0.00"
    seconds: int = 0
    ontime: bool = False
    satisfied: bool = False
    channel: str = ""
    level: str = ""
    deadline: datetime = EPOCH


class _Event(msgspec.Struct, gc=False):
    id: str
    type: str
    time: datetime
    subject: str
    data: _Data
    case: str | None = None


_DECODER = msgspec.json.Decoder(_Event)


def placed(events: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Return each event with its partition: as in ingest, all events of a case, else of a unit, meet."""
    places: dict[str, int] = {}
    for body in events:
        event = _DECODER.decode(body)
        key = event.case or event.subject
        if key not in places:
            places[key] = partition_of(shard_of(key))
        yield places[key], body


def cells(bodies: Sequence[bytes]) -> Cells:
    """Count and sum per unit and month what the reference job keeps; every event is given once."""
    found: Cells = defaultdict(lambda: [0] * SLOTS)
    answered: dict[str, datetime] = {}
    asked: list[_Event] = []
    for event in map(_DECODER.decode, bodies):
        for slot, amount in _changes(event):
            found[_cell(event.subject, event.time)][slot] += amount
        if event.type == "risk.found.v1":
            asked.append(event)
        elif event.case:
            answered[event.case] = event.time
    for event in asked:
        assert event.case is not None
        cell = found[_cell(event.subject, event.data.deadline)]
        is_met = event.case in answered and answered[event.case] <= event.data.deadline
        for place in BY_LEVEL[event.data.level]:
            cell[DUE + place] += 1
            cell[MET + place] += is_met
    return dict(found)


def _cell(unit: str, at: datetime) -> str:
    return f"{unit}|{at + SHANGHAI:%Y-%m}"


def _changes(event: _Event) -> list[tuple[int, int]]:
    data = event.data
    match event.type:
        case "levy.paid.v1":
            return _flagged(LEVY, data.channel, _cents(data.amount), good=data.ontime)
        case "service.given.v1":
            return _flagged(SERVICE, data.channel, data.seconds, good=data.satisfied)
        case "risk.found.v1":
            return [(FOUND, 1), (FOUND + 1 + LEVELS.index(data.level), 1)]
        case _:
            return [(ANSWERED, 1), (ANSWERED + 1, _cents(data.amount))]


def _flagged(first: int, channel: str, amount: int, *, good: bool) -> list[tuple[int, int]]:
    place = CHANNELS.index(channel)
    found = [(first, 1), (first + 1, amount), (first + 3 + place, 1)]
    if good:
        return [*found, (first + 2, 1), (first + 7 + place, 1)]
    return [*found, (first + 11, 1), (first + 12, amount)]


def _cents(text: str) -> int:
    whole, _, part = text.partition(".")
    return int(whole) * 100 + int(part)
