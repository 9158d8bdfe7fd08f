"""How stage B keeps days apart under a scheme whose periods have a cut, and says that one has passed."""

from collections.abc import Collection, Iterable, Sequence
from zoneinfo import ZoneInfo

from services.scoring.contract import CUT_FIGURED, CUT_PASSED, CUT_SETTLED, ENTRIES, SCHEMES, SOURCE
from services.scoring.domain.groups import GroupPlan
from services.scoring.inputs import Input
from shared.contracts import envelope, partials
from shared.contracts.catalogue import known_event
from shared.kernel.instants import day_in
from shared.kernel.periods import Month
from shared.kernel.records import Draft, Record
from shared.messaging.port import Answer


def day_by_day(records: Sequence[Record], zones: Collection[ZoneInfo]) -> list[Sequence[Record]]:
    """Part records by the days on which what they tell was received, the earliest first.

    What one shard of stage A tells stays in its order, as its sums are absolute: behind what it told of a
    later day another round of days begins.
    """
    if not zones:
        return [records]
    parts: dict[tuple[int, tuple[str, ...]], list[Record]] = {}
    reached: dict[int, tuple[int, tuple[str, ...]]] = {}
    for record in records:
        event = known_event(record.stream, record.body)
        source, received = (-1, event.received) if record.stream == SCHEMES else partials.origin(event.data)
        days = tuple(day_in(zone, received) for zone in zones)
        turn, before = reached.get(source, (0, ()))
        reached[source] = place = turn + (days < before), days
        parts.setdefault(place, []).append(record)
    return [parts[key] for key in sorted(parts)]


def passed(record: Record) -> Answer:
    """Say among the figures what was settled of a cut, or counted before it."""
    event = known_event(record.stream, record.body)
    told = CUT_PASSED if event.type == CUT_SETTLED else CUT_FIGURED
    return ENTRIES, Draft(
        record.shard, envelope.encode_written(told, SOURCE, event.subject, bytes(event.data))
    )


def behind(plan: GroupPlan, units: Collection[str], rows: Iterable[Input]) -> dict[str, list[str]]:
    """Return by unit the periods in whose months rows were told; a stock goes on in all that follow."""
    found: dict[str, set[int]] = {}
    for scheme, unit, _, month, _ in rows:
        if scheme == plan.id and unit in units:
            months = range(month, plan.months[-1] + 1) if plan.stocks else (month,)
            found.setdefault(unit, set()).update(months)
    return {
        unit: sorted({str(p) for at in months for p in plan.calendar.around(Month.of_ordinal(at))})
        for unit, months in sorted(found.items())
    }
