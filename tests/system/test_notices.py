"""Items become overdue while supervision and notify are killed: one notice per event, rule and recipient.

A rebuild of notify is the same, and a replay of all events over lost state sends nothing.
"""

import copy
import json
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.state import Options
from dukao import yamls
from tests.scoring.test_stages import TYPES
from tests.scoring_domain.late_days import scheme
from tests.system.rig import Event, Rig, command, note, platform, rebuilt

pytestmark = [pytest.mark.system, pytest.mark.kafka, pytest.mark.long]

CALENDAR = Path(__file__).parents[2] / "samples" / "national" / "calendar.yaml"
ITEMS = 40
GIVEN = date(2021, 4, 20)
KILLS = {date(2021, 4, 29), date(2021, 5, 1), date(2021, 5, 7), date(2021, 5, 10)}
LATE = tuple(date(2021, *day) for day in ((4, 30), (5, 6), (5, 7), (5, 8), (5, 10), (5, 11), (5, 12)))
LAST = date(2021, 5, 12)
RUNGS = (1, 3, 5)
RULE = {
    "kind": "decision",
    "title": "公文督办",
    "opens": {"type": "paper.given.v1"},
    "due": {"working_days": 8},
    "completes": {"type": "paper.done.v1"},
    "indicator": "late",
}
RULES = {
    "rules": [
        {
            "code": "assigned",
            "on": "item-state",
            "when": {"state": ["assigned"]},
            "severity": "info",
            "to": ["unit"],
        },
        {
            "code": "overdue",
            "on": "item-late",
            "when": {"late_day": list(RUNGS)},
            "severity": "urgent",
            "to": ["unit", "unit:hq"],
        },
        {
            "code": "done",
            "on": "item-state",
            "when": {"state": ["completed"]},
            "severity": "info",
            "to": ["unit:hq"],
        },
    ]
}
NOTICES = "SELECT id, rule, recipient, item, told->>'late_day' AS day, cancelled IS NOT NULL AS over FROM notify.notices"


def types() -> dict[str, Any]:
    document = copy.deepcopy(TYPES)
    for name in ("paper.given.v1", "paper.done.v1"):
        document["types"][name] = {"title": name, "case": "required", "fields": {}}
    return document


def event(kind: str, name: str, day: date, hour: int, n: int) -> Event:
    made = {
        "specversion": "1.0",
        "source": "s",
        "id": name,
        "type": kind,
        "subject": f"b{n % 2 + 1}",
        "time": f"{day}T{hour:02}:00:00+08:00",
        "data": {},
    }
    return made | ({"case": f"c{n}"} if kind.startswith("paper") else {})


def done_on(n: int) -> date | None:
    """An eager item is done in time, others after some late days, some never."""
    return (date(2021, 4, 28), date(2021, 5, 6), date(2021, 5, 10), None)[n % 4]


def late_days(n: int) -> int:
    done = done_on(n)
    return sum(done is None or day <= done for day in LATE)


def expected() -> set[tuple[str, str, str, str | None, bool]]:
    """Return what is told, counted by hand: rule, recipient, case, late day, and whether it is over."""
    found: set[tuple[str, str, str, str | None, bool]] = set()
    for n in range(ITEMS):
        unit, case, over = f"b{n % 2 + 1}", f"c{n}", done_on(n) is not None
        found.add(("assigned", unit, case, None, False))
        if over:
            found.add(("done", "hq", case, None, False))
        for day in RUNGS:
            if day <= late_days(n):
                found |= {("overdue", to, case, str(day), over) for to in (unit, "hq")}
    return found


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with platform(options=Options(clock="replay")) as running:
        await adopt_calendar(running)
        await running.adopt_types(types())
        await running.adopt_scheme(scheme() | {"items": {"paper": RULE}})
        yield running


async def adopt_calendar(rig: Rig) -> None:
    """Adopt the statutory working days by two persons; without them no day is late."""
    found = await rig.post("supervision", "/v1/calendars", "author", yamls.read(CALENDAR).value)
    path = f"/v1/calendars/{found['zone']}/{found['version']}:adopt"
    await rig.post("supervision", path, "approver", {"digest": found["digest"]})


async def test_one_notice_per_event_rule_and_recipient_whatever_dies_and_a_replay_sends_nothing(
    rig: Rig, tmp_path: Path
) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump(RULES, allow_unicode=True), "utf-8")
    assert json.loads(await command(rig, "rules", "show", "-o", "json"))["version"] == 0
    assert json.loads(await command(rig, "rules", "adopt", str(file), "-o", "json"))["version"] == 1

    fed = await lived_through(rig)
    told = await notices(rig)
    assert {key for key, _ in told.values()} == expected()
    assert len(told) == len(expected()), "each once"

    await inbox_is_signed_for(rig)
    assert await rebuilt(rig, "notify") == ("same", [])
    await everything_again(rig)
    assert await notices(rig) == told, "a replay of all events sends nothing"
    assert await rig.faults(fed) == {}


async def lived_through(rig: Rig) -> list[Event]:
    """Give the items, then let day after day pass; on some of them both services are killed."""
    fed = [event("paper.given.v1", f"g{n}", GIVEN, 9, n) for n in range(ITEMS)]
    await rig.send(fed)
    await rig.drained()
    day = GIVEN + timedelta(days=1)
    while day <= LAST:
        done = [event("paper.done.v1", f"d{n}", day, 10, n) for n in range(ITEMS) if done_on(n) == day]
        begins = [event("risk.missed.v1", f"m{day}", day, 0, 0)]
        await rig.send([*begins, *done])
        fed += [*begins, *done]
        if day in KILLS:
            await rig.kill(["supervision", "notify"])
        day += timedelta(days=1)
    await rig.drained()
    note(f"{len(fed)} events, supervision and notify killed {len(KILLS)} times")
    return fed


async def notices(rig: Rig) -> dict[str, tuple[tuple[str, str, str, str | None, bool], str]]:
    """Return the notices by id: what they say, and of which item."""
    database = await rig.database()
    try:
        items = {row["id"]: row["case"] for row in await database.fetch(_CASES)}
        return {
            row["id"]: (
                (row["rule"], row["recipient"], items[row["item"]], row["day"], row["over"]),
                row["item"],
            )
            for row in await database.fetch(NOTICES)
        }
    finally:
        await database.close()


_CASES = "SELECT id, convert_from(told, 'UTF8')::jsonb->>'case' AS \"case\" FROM supervision.items"


async def inbox_is_signed_for(rig: Rig) -> None:
    """A person signs for an entry from the command line; a second signature changes nothing."""
    listed = json.loads(
        await command(
            rig, "inbox", "list", "--unit", "hq", "--severity", "urgent", "--state", "open", "-o", "json"
        )
    )
    assert {one["text"].split("，")[0] for one in listed} == {
        f"督考事项“公文督办”逾期第 {day} 个工作日" for day in RUNGS
    }
    for person in ("zhao", "qian"):
        printed = await command(rig, "inbox", "sign", listed[0]["id"], "--as", person, "-o", "json")
        assert json.loads(printed)["signed"]["person"] == "zhao"
    signed = json.loads(await command(rig, "inbox", "list", "--state", "signed", "-o", "json"))
    assert [one["id"] for one in signed] == [listed[0]["id"]]


async def everything_again(rig: Rig) -> None:
    """Let notify apply every record again, as if it knew no item."""
    database = await rig.database()
    try:
        async with database.transaction():
            await database.execute(
                "UPDATE notify.positions SET number = 0, chain = $1, \"offset\" = -1 WHERE consumer = 'notify'",
                bytes(32),
            )
            await database.execute("TRUNCATE notify.items")
    finally:
        await database.close()
    await rig.kill(["notify"])
    await rig.drained()
