"""A service that is told to end does so in time, even while PostgreSQL and Kafka hang."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from deploy.embedded.files import free_port
from deploy.embedded.postgres import Postgres, postgres_running
from shared.migrations.runner import migrate
from shared.storage.database import open_engine
from shared.web.development_issuer import ISSUER, DevelopmentIssuer
from tests.conftest import FAST
from tests.waiting import until

END_S = 15.0
ROOT = Path(__file__).parents[2]


@contextmanager
def silent() -> Iterator[int]:
    """A port that takes connections and never answers, as a broker that hangs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(128)
        yield int(taken.getsockname()[1])


@contextmanager
def stopped(server: Postgres) -> Iterator[None]:
    """Every process of the server stands still; its connections stay open."""
    postmaster = psutil.Process(server.process.pid)
    processes = [postmaster, *postmaster.children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


@contextmanager
def service_running(
    name: str, server: Postgres, kafka: int, folder: Path
) -> Iterator[subprocess.Popen[bytes]]:
    port = free_port()
    told = {
        "DATABASE_URL": server.url,
        "KAFKA": f"127.0.0.1:{kafka}",
        "PORT": str(port),
        "JWKS_FILE": str(DevelopmentIssuer(folder, environment="test").jwks_file),
        "ISSUER": ISSUER,
    }
    env = os.environ | {f"DUKAO_{key}": value for key, value in told.items()} | {"PYTHONPATH": str(ROOT)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", f"services.{name}"], cwd=ROOT, env=env, stderr=log)
    try:
        until(lambda: is_ready(port))
        yield process
    finally:
        process.kill()
        process.wait()


def is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz").is_success
    except httpx.TransportError:
        return False


async def test_a_service_ends_in_time_while_postgres_and_kafka_hang(
    server_folder: Path, tmp_path: Path
) -> None:
    name = "scoring"
    with postgres_running(server_folder, settings=FAST) as server, silent() as kafka:
        engine = open_engine(server.url, name)
        await migrate(engine, name, f"services.{name}.migrations")
        await engine.dispose()
        with service_running(name, server, kafka, tmp_path) as process, stopped(server):
            process.send_signal(signal.SIGTERM)
            process.wait(END_S)
