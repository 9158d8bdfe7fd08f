"""§10's supervised item through the running platform: the Chinese calendar adopted, persons acting, points following.

The clock is that of the feed: each event takes it on to the instant at which the persons act.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from deploy.control import token
from deploy.state import Options
from dukao import yamls
from tests.scoring.test_stages import TYPES, levy
from tests.scoring_domain.test_late_days import scheme
from tests.system.rig import Event, Rig, platform, until
from tests.system.test_late_days import command

pytestmark = [pytest.mark.system, pytest.mark.kafka, pytest.mark.long]

CALENDAR = yamls.read(Path(__file__).parents[2] / "samples" / "calendars" / "china.yaml").value
CALENDARS = "/v1/calendars"
IN_FORCE = f"{CALENDARS}/Asia%2FShanghai"
PAPER = {"evidence": [{"name": "report.pdf", "sha256": "a" * 64}]}
NEW_DATE = {"day": "2021-05-07", "reason": "资料未齐"}
DUE = "2021-04-29T16:00:00.000000Z"
LATE = ["2021-04-30", "2021-05-06", "2021-05-07", "2021-05-08", "2021-05-10"]


class Office:
    """Persons who act on items at the instants to which the feed is taken."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.sent: list[Event] = []

    async def at(self, instant: str) -> None:
        """Let the clock of the feed reach an instant of Chinese wall time."""
        event = levy(len(self.sent) + 1, time=f"{instant.replace(' ', 'T')}:00+08:00")
        self.sent.append(event)
        await self.rig.send([event])
        await self.rig.drained()

    async def ask(self, path: str, person: str, role: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {token(self.rig.state, person, [role])}"}
        answer = await self.rig.ask("POST", "supervision", path, role, json=body, headers=headers)
        return answer.status_code, answer.json()

    async def does(self, item: str, act: str, person: str, role: str, **body: Any) -> Any:
        status, found = await self.ask(f"/v1/items/{item}:{act}", person, role, body)
        assert status == 200, found
        return found

    async def open(
        self, item: str, unit: str, kind: str = "decision", *, due: str = DUE, calendar: int = 1
    ) -> None:
        """Open and assign an item of eight working days."""
        asked = {"item": item, "kind": kind, "title": "督办事项", "unit": unit, "due": {"working_days": 8}}
        status, found = await self.ask(
            "/v1/items", "li", "author", asked | {"scheme": "mini", "indicator": "late"}
        )
        assert (status, found["due"], found["calendar"]) == (201, None, f"Asia/Shanghai@{calendar}")
        given = await self.does(item, "assign", "li", "author", unit=unit)
        assert (given["due"], given["provisional"]) == (due, False)
        await self.does(item, "sign", "zhao", "operator")

    async def hand_on(self, item: str, unit: str) -> None:
        """Give an item to another unit, which signs for it."""
        await self.does(item, "assign", "li", "author", unit=unit)
        await self.does(item, "sign", "zhao", "operator")

    async def hand_in(self, item: str) -> Any:
        """Submit an item and accept it."""
        await self.does(item, "submit", "zhao", "operator", **PAPER)
        return await self.does(item, "accept", "wang", "approver")

    async def adopt(self, document: Mapping[str, Any]) -> None:
        """Adopt a calendar by two persons."""
        version = document["calendar"]["version"]
        drafted = await self.rig.post("supervision", CALENDARS, "author", document)
        read = {"digest": drafted["digest"]}
        await self.rig.post("supervision", f"{IN_FORCE}/{version}:adopt", "approver", read)


async def worth(rig: Rig, unit: str, value: str, **months: str) -> None:
    """Wait until an indicator is worth a value, then compare its months."""

    async def figure(period: str) -> Any:
        return (await rig.get("scoring", f"/v1/cells/{period}/{unit}/late", scheme="mini"))["figure"]

    async def there() -> bool:
        return (await figure("2021"))["value"] == f"{value}0000000000"

    await until(there)
    for month, expected in months.items():
        assert (await figure(f"2021-{month[1:]}"))["published"] == expected


async def test_the_item_of_8_working_days_costs_1_0_extended_in_time_0_4_and_asked_too_late_nothing_helps() -> (
    None
):
    async with platform(options=Options(clock="replay")) as rig:
        office = Office(rig)
        await office.adopt(CALENDAR)
        await rig.adopt_types(TYPES)
        await rig.adopt_scheme(scheme())
        await office.at("2021-04-20 09:00")
        await office.open("decision-1", "b1")
        await office.open("decision-2", "b2")
        await office.open("paper-3", "b1", "document")
        await office.at("2021-04-29 17:00")
        await office.does("decision-2", "ask-extension", "zhao", "operator", **NEW_DATE)
        await office.at("2021-04-30 00:00")
        status, found = await office.ask("/v1/items/paper-3:ask-extension", "zhao", "operator", NEW_DATE)
        assert (status, found["code"]) == (409, "extension_too_late")
        assert "ask-extension" not in found["possible"]
        await worth(rig, "b2", "2.80", m04="2.80")
        for person in ("wang", "zhou"):
            await office.does("decision-2", "approve-extension", person, "approver")
        await worth(rig, "b2", "3.00", m04="3.00")
        await rig.kill(["supervision", "scoring"])
        await office.at("2021-05-10 16:00")
        for item, late in (("decision-1", LATE), ("decision-2", LATE[3:]), ("paper-3", LATE)):
            done = await office.hand_in(item)
            assert (done["state"], done["light"], done["late_days"]) == ("cleared", "done_late", late)
        await worth(rig, "b1", "2.00", m04="2.80", m05="2.20")
        await worth(rig, "b2", "2.60", m04="3.00", m05="2.60")
        assert "known until 2026-12-31" in await command(rig, "calendar", "show", "--day", "2021-05-08")
        assert (await command(rig, "calendar", "show", "--month", "2027-01")).count("暂定") == 31
        await a_correction_of_the_calendar_moves_points(office)
        await late_days_stay_with_who_had_the_item(office)
        assert await rig.faults(office.sent) == {}


async def a_correction_of_the_calendar_moves_points(office: Office) -> None:
    """Had 8 May been off, one late day less counts; put right again, it counts again."""
    for version, kind, left in ((2, "rest", "2.20"), (3, "make-up", "2.00")):
        text = CALENDAR | {"calendar": CALENDAR["calendar"] | {"version": version}, "notices": []}
        for notice in CALENDAR["notices"]:
            days = [one | {"kind": kind} if one["day"] == "2021-05-08" else one for one in notice["days"]]
            text["notices"].append(notice | {"days": days})
        await office.adopt(text)
        await worth(office.rig, "b1", left, m04="2.80")


async def late_days_stay_with_who_had_the_item(office: Office) -> None:
    """Due on 20 May and handed on on the 24th, it costs b1 two days, and b2 the 25th, on which it is done."""
    await office.open("decision-4", "b1", due="2021-05-20T16:00:00.000000Z", calendar=3)
    await office.at("2021-05-24 09:00")
    await office.hand_on("decision-4", "b2")
    await office.at("2021-05-25 16:00")
    done = await office.hand_in("decision-4")
    assert done["late_days"] == ["2021-05-21", "2021-05-24", "2021-05-25"]
    await worth(office.rig, "b1", "1.60", m04="2.80", m05="1.80")
    await worth(office.rig, "b2", "2.40", m04="3.00", m05="2.40")
