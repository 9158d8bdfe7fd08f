"""Notify dies between sending a webhook and writing down how it went: sent again as the same, told once; faults.md F46.

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
from shared.kernel.digests import EMPTY_CHAIN
from tests.notify.receivers import NAME, Authority, new_authority
from tests.system.rig import Rig, command, platform, rebuilt, until

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
FROM_THE_BEGINNING = (
    """UPDATE notify.positions SET number = 0, chain = $1, "offset" = -1 WHERE consumer = 'notify'"""
)


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
        assert await entries(rig) == ["matter-1"]
        assert await told(rig) == [("dukao.delivered.v1", delivery["delivery"])]
        await everything_again(rig)
        await pinged(rig)
        assert await entries(rig) == ["matter-1"]
        assert len(await deliveries(rig, "notice")) == 1
        assert receiver.taken() == 4, "the second ping, and no notice"
        assert await rebuilt(rig, "notify") == ("same", [])
        await assigned(rig, "matter-2")

        async def both() -> bool:
            return [one["state"] for one in await deliveries(rig, "notice")] == ["delivered"] * 2

        await until(both)
        assert sorted(await entries(rig)) == ["matter-1", "matter-2"]
        assert receiver.taken() == 5
        await by_command(rig)


async def by_command(rig: Rig) -> None:
    """See the same on the command line, and lead the endpoint by it."""
    (line,) = json.loads(await command(rig, "webhooks", "list", "--output", "json"))
    assert (line["code"], line["state"], line["dead"]) == ("oa", "on", 0)
    assert "已暂停" in await command(rig, "webhooks", "pause", "oa", "--reason", "moved")
    assert "moved" in await command(rig, "webhooks", "show", "oa")
    await command(rig, "webhooks", "resume", "oa", "--reason", "back")
    assert "送达" in await command(rig, "webhooks", "ping", "oa")
    assert "进行中或已中断" in await command(rig, "webhooks", "attempts", "oa")
    assert json.loads(await command(rig, "webhooks", "dead", "--output", "json")) == []
    rotated = json.loads(await command(rig, "webhooks", "rotate", "oa", "--output", "json"))
    assert (rotated["secret"][:6], len(rotated["secrets"])) == ("whsec_", 2)
    again = (await deliveries(rig, "notice"))[0]["delivery"]
    assert str(again) in await command(rig, "webhooks", "resend", str(again), "--reason", "lost there")


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


async def everything_again(rig: Rig) -> None:
    """Have notify take everything that it ever took once more."""
    database = await rig.database()
    try:
        await database.execute(FROM_THE_BEGINNING, EMPTY_CHAIN)
        await rig.kill(["notify"])
    finally:
        await database.close()
    await rig.ready()
    await rig.drained()


async def deliveries(rig: Rig, kind: str) -> list[dict[str, object]]:
    found = (await rig.ask("GET", "notify", "/v1/deliveries", "operator")).json()["items"]
    return [one for one in found if one["kind"] == kind]


async def shown(rig: Rig, delivery: str) -> dict[str, object]:
    return (await rig.ask("GET", "notify", f"/v1/deliveries/{delivery}", "operator")).json()


async def tried(rig: Rig, delivery: str) -> list[tuple[int, str | None, int | None]]:
    attempts = (await shown(rig, delivery))["tried"]
    assert isinstance(attempts, list)
    return [(one["number"], one["outcome"], one["status"]) for one in reversed(attempts)]


async def entries(rig: Rig) -> list[str]:
    """Return the items of which the inbox of the unit has an entry."""
    page = await rig.get("notify", "/v1/inbox")
    return [one["event"].split("/")[1] for one in page["items"]]


async def told(rig: Rig) -> list[tuple[str, str]]:
    """Return what notify published of deliveries."""
    database = await rig.database()
    try:
        rows = await database.fetch(
            "SELECT bodies FROM notify.outbox WHERE stream = 'notify.deliveries' ORDER BY shard, first"
        )
    finally:
        await database.close()
    read = [json.loads(row["bodies"]) for row in rows]
    return [(one["type"], one["data"]["delivery"]) for one in read]
