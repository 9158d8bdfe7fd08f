"""Closing a period by two persons while events arrive, by the replay clock: T passes as the feed says."""

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from campaign.checker import closes
from campaign.checker.closes import Close
from campaign.client import Client, Load
from campaign.platform import until
from campaign.run import KAFKA_SHARE, Fault, Run
from campaign.workload import GROUP, SCHEME, ZONE, Event, levy, scheme

PERIOD = "2025-03"
PATH = f"/v1/closes/{SCHEME}/{PERIOD}"
STANDING = f"/v1/standings/{SCHEME}/{GROUP}/{PERIOD}"
BEGINS, CUT = (datetime(2025, month, 1, tzinfo=ZONE) for month in (3, 4))
ASKED, ALLOWED, REFUSED = 201, 200, 409
READY_S = 120.0
HEARD_S = 30.0
RATE = 40.0
WAITS_FOR = ("state", "lacking", "unknown", "waits")
REASON = {"reason": "the campaign closes"}


async def while_events_arrive(run: Run) -> None:
    """Close as soon as that can be, while events of both sides of T arrive without a pause."""
    half = run.result.events // 2
    await _fed_before_the_cut(run, half)
    rest = _stamped(run, half, CUT - timedelta(hours=2), timedelta(hours=12))
    load = Load(run.client, rest, rate=RATE)
    async with asyncio.TaskGroup() as group:
        group.create_task(load.run())
        found = await _ready(run)
        asked = await _ask(run, "closer-1", found["digest"])
        approved = await _approve(run, "closer-2", asked)
        both = _outcomes([asked, approved])
        run.see("one asks and another approves", both == [(ALLOWED, None), (ASKED, None)], both)
        run.see("events arrive meanwhile", load.done < load.total, f"{load.done} of {load.total} by then")
        before = await _closed(run)
        await _heard(run)
        load.end()
    await run.platform.drained()
    after = await _closed(run)
    moved = closes.moved(before, after)
    run.see("the group stays as it was closed", len(before) == len(after) == 1 and not moved, moved or "")
    await _answered(run, after)
    await _told_late(run, rest)


async def two_at_once(run: Run) -> None:
    """Let two persons ask at once, and then two approve at once what one of them had asked for."""
    half = run.result.events // 2
    await _fed_before_the_cut(run, half)
    await Load(run.client, _stamped(run, half, CUT, timedelta(hours=12))).run()
    found = await _ready(run)
    asked = await asyncio.gather(*(_ask(run, f"closer-{one}", found["digest"]) for one in (1, 2)))
    wanted = [(ASKED, None), (REFUSED, "close_asked")]
    run.see("two ask: one 201, one 409", (told := _outcomes(asked)) == wanted, told)
    first = max(asked, key=lambda one: one[0] == ASKED)
    approved = await asyncio.gather(*(_approve(run, f"closer-{one}", first) for one in (3, 4)))
    wanted = [(ALLOWED, None), (REFUSED, "already_closed")]
    run.see("two approve: one 200, one 409", (told := _outcomes(approved)) == wanted, told)
    again = await _ask(run, "closer-5", found["digest"])
    run.see("a closed period is not closed again", (told := _outcomes([again])) == wanted[1:], told)
    run.see("it is closed once", len(await _closed(run)) == 1)


def _stamped(run: Run, count: int, first: datetime, within: timedelta) -> list[Event]:
    """Make events that say when they were received, one after the other."""
    return [
        event | {"recorded": (first + within * place / count).isoformat()}
        for place, event in enumerate(run.events(count))
    ]


async def _fed_before_the_cut(run: Run, count: int) -> None:
    """Send events of the half day before T, a quarter of them through Kafka."""
    made = _stamped(run, count, CUT - timedelta(hours=12), timedelta(hours=12))
    first = int(count * KAFKA_SHARE)
    async with asyncio.TaskGroup() as group:
        group.create_task(Load(run.client, made[first:]).run())
        group.create_task(run.client.produce(made[:first]))


async def _ready(run: Run) -> Mapping[str, Any]:
    """Wait until all that was received before T has been told, and return what closing would freeze."""
    found: dict[str, Any] = {}

    async def ready() -> bool:
        found.update(await run.client.get("ranking", PATH))
        return found["state"] == "ready"

    try:
        took_s = await until(ready, seconds=READY_S, what="the period can be closed")
    except TimeoutError:
        run.see("the period can be closed", held=False, detail={name: found[name] for name in WAITS_FOR})
        raise
    run.see("the period can be closed", held=True, detail=f"after {took_s:.1f} s")
    return found


async def _ask(run: Run, person: str, digest: str) -> tuple[int, dict[str, Any]]:
    asked = {"scheme": SCHEME, "period": PERIOD, "digest": digest} | REASON
    return await run.client.acted("ranking", "/v1/closes", asked, person, "closer")


async def _approve(run: Run, person: str, asked: tuple[int, dict[str, Any]]) -> tuple[int, dict[str, Any]]:
    path = f"/v1/closes/{asked[1].get('id')}:approve"
    read = {"digest": asked[1].get("digest")} | REASON
    return await run.client.acted("ranking", path, read, person, "closer")


def _outcomes(answers: Sequence[tuple[int, dict[str, Any]]]) -> list[tuple[int, str | None]]:
    return sorted((status, told.get("code")) for status, told in answers)


async def _closed(run: Run) -> list[Close]:
    database = await run.platform.database()
    try:
        return await closes.closed(database)
    finally:
        await database.close()


async def _answered(run: Run, closed: Sequence[Close]) -> None:
    """See that the door answers the very bytes that were frozen."""
    answer = await run.client.answer("ranking", STANDING)
    same = [one.content for one in closed] == [answer.content]
    run.see("the door answers the frozen bytes", same, answer.headers.get("etag", ""))


async def _heard(run: Run) -> None:
    """Wait until ingest's answers know of the close; an event of March that comes now is late."""
    numbers = itertools.count(1)

    async def told() -> bool:
        late = levy(f"late-{next(numbers)}", "u1", BEGINS) | {"recorded": CUT.isoformat()}
        (result,) = await run.client.send([late])
        return "after_close" in result

    await until(told, seconds=HEARD_S, what="ingest tells of the close")


async def _told_late(run: Run, sent: Sequence[Event]) -> None:
    """See that a retry of each event is told of the close just where its own times say that it is late."""
    wrong: list[str] = []
    late = 0
    for at in range(0, len(sent), 500):
        part = sent[at : at + 500]
        for event, result in zip(part, await run.client.send(part), strict=True):
            times = result["receipt"]
            occurred, received = (datetime.fromisoformat(times[name]) for name in ("occurred", "received"))
            is_late = BEGINS <= occurred < CUT <= received
            late += is_late
            named = [{"scheme": SCHEME, "period": PERIOD}] if is_late else None
            if result.get("after_close") != named:
                wrong.append(f"{event['id']}: {result}")
    run.see("every late event is told so, and no other", not wrong and late, wrong[:3] or f"{late} late")


async def _with_a_cut(client: Client) -> None:
    """Put the campaign's scheme in force with a cut at the end of each period."""
    document = scheme()
    await client.adopt(schemes=[document | {"scheme": document["scheme"] | {"grace_days": 0}}])


FAULTS = (
    Fault(
        "F41",
        "close while events arrive",
        "every event on one side of the cut; C6 ok",
        while_events_arrive,
        alone=True,
        adopt=_with_a_cut,
        clock="replay",
        compares=frozenset({"closed_standings", "closed_totals"}),
    ),
    Fault(
        "F42",
        "two closers at once",
        "one 201, one 409",
        two_at_once,
        alone=True,
        adopt=_with_a_cut,
        clock="replay",
        compares=frozenset({"closed_standings", "closed_totals"}),
    ),
)
