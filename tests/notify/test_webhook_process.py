"""The real process of notify killed between sending and recording, without a broker; faults.md F46."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from shared.migrations.runner import migrate
from shared.storage.database import open_engine
from shared.storage.exchange import Exchange
from shared.web.development_issuer import ISSUER, DevelopmentIssuer
from tests.notify.facts import Feed
from tests.notify.receivers import NAME, new_authority, receiving
from tests.notify.rig import Service
from tests.notify.test_webhook_sending import Desk
from tests.waiting import becomes

ROOT = Path(__file__).parents[2]
DATABASES = count(1)
PATIENCE_S = 60
RULES = {
    "rules": [
        {
            "code": "assigned",
            "on": "item-state",
            "when": {"state": ["assigned"]},
            "severity": "info",
            "to": ["unit", "webhook:oa"],
        }
    ]
}


@pytest.fixture
async def url(postgres_url):
    """A database of its own, in which the schema has the name that the process expects."""
    name = f"notify_{os.getpid()}_{next(DATABASES)}"
    owner = await asyncpg.connect(postgres_url.replace("+asyncpg", ""))
    await owner.execute(f"CREATE DATABASE {name}")
    await owner.close()
    return urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}"))


@contextmanager
def notify(url: str, folder: Path, authority) -> Iterator[subprocess.Popen[bytes]]:
    """Run notify until the end of the block, or until it is killed."""
    told = {
        "database_url": url, "kafka": "127.0.0.1:9", "port": 0, "issuer": ISSUER, "fail_points": folder,
        "jwks_file": DevelopmentIssuer(folder, environment="test").jwks_file,
        "webhook_networks": '["127.0.0.1/32"]', "webhook_hosts": json.dumps({NAME: "127.0.0.1"}),
        "webhook_ca_file": authority.file,
    }  # fmt: skip
    env = {f"DUKAO_{name.upper()}": str(value) for name, value in told.items()}
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.notify"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **env},
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait(PATIENCE_S)


async def test_a_kill_between_sending_and_recording_is_followed_by_the_same_message(url, tmp_path):
    authority = new_authority(tmp_path)
    engine = open_engine(url, "notify")
    await migrate(engine, "notify", "services.notify.migrations")
    service = Service(Exchange(engine, "notify"), tmp_path)
    desk = Desk(service.exchange, authority)
    async with receiving(authority.serving(NAME)) as receiver:
        await desk.endpoint("oa", receiver.url)
        await service.adopt(RULES)
        item = Feed().item()
        await service.apply(item)
        ((delivery,),) = await desk.run("SELECT id FROM deliveries")
        (tmp_path / "notify.after_send").write_text("kill")
        with notify(url, tmp_path, authority) as process:
            assert await asyncio.to_thread(process.wait, PATIENCE_S) == -signal.SIGKILL
        assert receiver.ids() == [delivery]
        assert await desk.attempts(delivery) == [(1, None, None)]
        assert await desk.states() == {delivery: "waiting"}
        with notify(url, tmp_path, authority):
            await desk.due()  # the lease of the one that was killed ends

            async def arrived() -> bool:
                return await desk.states() == {delivery: "delivered"}

            await becomes(arrived)
            await service.apply(item)
            await service.apply(Feed().item())
            await desk.deliver("fence")
            await becomes(lambda: is_delivered(desk, "fence"))
        assert receiver.ids() == [delivery, delivery, "fence"], (
            "two attempts, one webhook-id; a replay sends nothing"
        )
        first, second, _ = receiver.came
        assert first[2] == second[2], "the same bytes"
        assert await desk.attempts(delivery) == [(1, None, None), (2, "delivered", 204)]
        assert await desk.told() == [("delivered", delivery, 2), ("delivered", "fence", 1)]
        inbox = [told for told in await service.notices() if told[1] == "inbox"]
        assert len(inbox) == 1
    await engine.dispose()


async def is_delivered(desk, delivery) -> bool:
    return (await desk.states())[delivery] == "delivered"
