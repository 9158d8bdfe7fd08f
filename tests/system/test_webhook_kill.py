"""Notify dies between sending a webhook and writing down how it went: it is sent again as the same; faults.md F46.

The receiver is the sample that integrators copy, a process of its own behind TLS.
"""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.embedded.files import free_port
from samples.receiver.receiver import Inbox
from tests.notify.receivers import NAME, Authority, new_authority
from tests.system.rig import Rig, platform, until

pytestmark = [pytest.mark.system, pytest.mark.kafka, pytest.mark.long]

ROOT = Path(__file__).resolve().parents[2]
RULE = {
    "code": "assigned",
    "on": "item-state",
    "when": {"state": ["assigned"]},
    "severity": "info",
    "to": ["unit", "webhook:oa"],
}
TAKEN = '"POST /in HTTP/1.1" 204'


@dataclass(frozen=True)
class Receiver:
    """The sample receiver: where it is, what it keeps, what it wrote to its log."""

    folder: Path
    port: int

    @property
    def inbox(self) -> Inbox:
        return Inbox(self.folder / "inbox.db")

    def taken(self) -> int:
        """How many requests it answered with 204."""
        return (self.folder / "log").read_text("utf-8").count(TAKEN)

    @contextmanager
    def running(self, authority: Authority, secret: str) -> Iterator[None]:
        certificate, key = authority.issue(NAME)
        words = [sys.executable, "-m", "uvicorn", "samples.receiver.receiver:app_of_environment", "--factory"]
        words += ["--port", str(self.port), "--ssl-certfile", str(certificate), "--ssl-keyfile", str(key)]
        told = {"RECEIVER_SECRETS": secret, "RECEIVER_FILE": str(self.folder / "inbox.db")}
        with (self.folder / "log").open("wb") as log:
            process = subprocess.Popen(words, cwd=ROOT, env=os.environ | told, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return new_authority(tmp_path)


@pytest.fixture
async def rig(authority: Authority) -> AsyncIterator[Rig]:
    settings = {
        "DUKAO_WEBHOOK_NETWORKS": '["127.0.0.1/32"]',
        "DUKAO_WEBHOOK_HOSTS": json.dumps({NAME: "127.0.0.1"}),
        "DUKAO_WEBHOOK_CA_FILE": str(authority.file),
    }
    async with platform(fail_points=("notify",), changed={"notify": settings}) as running:
        yield running


async def test_a_kill_between_sending_and_recording_is_followed_by_the_same_message(
    rig: Rig, authority: Authority, tmp_path: Path
) -> None:
    receiver = Receiver(tmp_path, free_port())
    url = f"https://{NAME}:{receiver.port}/in"
    made = await rig.post("notify", "/v1/webhooks", "operator", {"code": "oa", "url": url})
    with receiver.running(authority, made["secret"]):
        await pinged(rig)
        answer = await rig.ask("PUT", "notify", "/v1/rules", "operator", json={"rules": [RULE]})
        assert answer.is_success, answer.text
        restarts = rig.record.part("notify").restarts
        rig.arm("notify", "notify.after_send", "kill")
        await assigned(rig, "matter-1")

        async def killed() -> bool:
            return (
                not rig.armed("notify", "notify.after_send") and rig.record.part("notify").restarts > restarts
            )

        await until(killed)
        (delivery,) = await deliveries(rig, "notice")

        async def arrived() -> bool:
            return (await deliveries(rig, "notice"))[0]["state"] == "delivered"

        await until(arrived)
        assert receiver.taken() == 3
        assert await tried(rig, delivery["delivery"]) == [(1, None, None), (2, "delivered", 204)]
        ids = [message for message, _ in receiver.inbox.entries()]
        assert ids[1:] == [delivery["delivery"]], "two attempts, one webhook-id"


async def assigned(rig: Rig, item: str) -> None:
    """Open an item and give it to a unit."""
    asked = {"item": item, "kind": "decision", "title": "督办事项", "unit": "b1", "due": {"working_days": 8}}
    await rig.post("supervision", "/v1/items", "author", asked)
    await rig.post("supervision", f"/v1/items/{item}:assign", "author", {"unit": "b1"})


async def pinged(rig: Rig) -> None:
    """Ping until it arrives: a receiver that was started a moment ago may not listen yet."""

    async def arrived() -> bool:
        ping = await rig.post("notify", "/v1/webhooks/oa:ping", "operator")

        async def ended() -> bool:
            return (await shown(rig, ping["delivery"]))["state"] != "waiting"

        await until(ended)
        return (await shown(rig, ping["delivery"]))["state"] == "delivered"

    await until(arrived)


async def deliveries(rig: Rig, kind: str) -> list[dict[str, object]]:
    found = (await rig.ask("GET", "notify", "/v1/deliveries", "operator")).json()["items"]
    return [one for one in found if one["kind"] == kind]


async def shown(rig: Rig, delivery: str) -> dict[str, object]:
    return (await rig.ask("GET", "notify", f"/v1/deliveries/{delivery}", "operator")).json()


async def tried(rig: Rig, delivery: str) -> list[tuple[int, str | None, int | None]]:
    attempts = (await shown(rig, delivery))["tried"]
    assert isinstance(attempts, list)
    return [(one["number"], one["outcome"], one["status"]) for one in reversed(attempts)]
