"""Persons who act on items while the clock of the feed is taken on to the instants at which they act."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.control import token
from dukao import yamls
from tests.scoring.test_stages import levy
from tests.system.rig import Event, Rig

CALENDAR = yamls.read(Path(__file__).parents[2] / "samples" / "calendars" / "china.yaml").value
CALENDARS = "/v1/calendars"
IN_FORCE = f"{CALENDARS}/Asia%2FShanghai"
PAPER = {"evidence": [{"name": "report.pdf", "sha256": "a" * 64}]}
DUE = "2021-04-29T16:00:00.000000Z"


class Office:
    """Persons who act on items at the instants to which the feed is taken."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.sent: list[Event] = []

    async def at(self, instant: str) -> None:
        """Let the clock of the feed reach an instant of Chinese wall time."""
        await self.send(levy(len(self.sent) + 1, time=f"{instant.replace(' ', 'T')}:00+08:00"))

    async def send(self, *events: Event) -> dict[str, int]:
        """Send events and wait until everybody has read them; count the answers."""
        self.sent += events
        answers = await self.rig.send(events)
        await self.rig.drained()
        return answers

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
