"""A real PostgreSQL of this test session, run by an unprivileged user."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from deploy.embedded.files import cache_folder, own_folder
from deploy.embedded.kafka import kafka_running
from shared.storage.database import open_engine
from shared.storage.exchange import Exchange
from shared.storage.tables import DDL

MACHINE = Path("/usr/lib/postgresql")
START_S = 60


def server_binaries() -> Path | None:
    folders = sorted(MACHINE.glob("*/bin"), key=lambda folder: int(folder.parent.name))
    found = shutil.which("initdb")
    return folders[-1] if folders else Path(found).parent if found else None


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    binaries = server_binaries()
    if binaries is None:
        pytest.skip("this machine has no PostgreSQL server")
    user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="dukao-pg-", dir="/tmp"))
    if user is not None:
        os.chown(folder, user, -1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = int(taken.getsockname()[1])

    def run(program: str, *arguments: str) -> None:
        command = [str(binaries / program), "-D", str(folder / "data"), *arguments]
        subprocess.run(command, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL, timeout=START_S)

    run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c fsync=off -k {folder}"
    run("pg_ctl", "-o", options, "-l", str(folder / "log"), "-w", "start")
    try:
        yield f"postgresql+asyncpg://postgres@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder)


SCHEMAS = count(1)


@pytest.fixture
async def engine(postgres_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine over a fresh schema that holds the tables every service has."""
    schema = f"room_{next(SCHEMAS)}"
    owner = create_async_engine(postgres_url)
    async with owner.begin() as connection:
        await connection.execute(text(f"CREATE SCHEMA {schema}"))
        await connection.execute(text(f"SET LOCAL search_path TO {schema}"))
        for statement in DDL:
            await connection.execute(text(statement))
    await owner.dispose()
    opened = open_engine(postgres_url, schema)
    yield opened
    await opened.dispose()


@pytest.fixture
def exchange(engine: AsyncEngine) -> Exchange:
    return Exchange(engine, "test")


@pytest.fixture(scope="session")
def kafka_bootstrap() -> Iterator[str]:
    """A real broker of this test session."""
    with tempfile.TemporaryDirectory(prefix="broker-", dir=cache_folder().parent) as made:
        Path(made).chmod(0o755)
        with kafka_running(own_folder(Path(made))) as kafka:
            yield kafka.bootstrap
