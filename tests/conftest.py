"""Real servers of this test session: PostgreSQL and Kafka, the machine's or the wheels'."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from deploy.embedded.files import cache_folder, own_folder
from deploy.embedded.kafka import kafka_running
from deploy.embedded.postgres import postgres_running
from deploy.table import POSTGRES_SETTINGS
from shared.storage.database import open_engine
from shared.storage.exchange import Exchange
from shared.storage.tables import DDL
from shared.telemetry import logs

# As services log, not drawn for a terminal: that costs a fifth of a second for each traceback.
logs.configure("tests", level="WARNING")
# No test asserts an absolute time: a busy machine is no finding.
settings.register_profile("house", deadline=None)
settings.load_profile("house")
FAST = {
    **POSTGRES_SETTINGS,
    "max_wal_size": "256MB",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
}
MEMORY, ROOM_BYTES = Path("/dev/shm"), 6 << 30


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The owner's address of a server of this session; its data lie in memory where there is room."""
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM_BYTES
    with (
        servers_folder(MEMORY if roomy else None) as folder,
        postgres_running(folder, settings=FAST) as postgres,
    ):
        yield postgres.url


@pytest.fixture(scope="session")
def kafka_bootstrap() -> Iterator[str]:
    """A real broker of this test session."""
    with servers_folder() as folder, kafka_running(folder) as kafka:
        yield kafka.bootstrap


@contextmanager
def servers_folder(beside: Path | None = None) -> Iterator[Path]:
    """A folder that the servers' account can reach, which a test's own folder under root is not."""
    with tempfile.TemporaryDirectory(prefix="servers-", dir=beside or cache_folder().parent) as made:
        Path(made).chmod(0o755)
        yield own_folder(Path(made))


@pytest.fixture
def server_folder() -> Iterator[Path]:
    """Such a folder for one test."""
    with servers_folder() as folder:
        yield folder


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
