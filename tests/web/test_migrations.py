"""Migrations bring each schema to the newest version, once, whoever comes at the same time."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared.migrations.runner import VERSION_TABLE, migrate

FIRST = """
from alembic import op
revision, down_revision = "0001", None
def upgrade():
    op.execute("CREATE TABLE thing (id int PRIMARY KEY)")
"""
SECOND = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "0002", "0001"
def upgrade():
    op.create_table("other", sa.Column("id", sa.BigInteger, primary_key=True))
"""
BROKEN = """
from alembic import op
revision, down_revision = "0002", "0001"
def upgrade():
    op.execute("CREATE TABLE half (id int)")
    op.execute("SELECT nothing FROM nowhere")
"""
TABLES = text("SELECT tablename FROM pg_tables WHERE schemaname = :schema ORDER BY 1")


@pytest.fixture
async def engine(postgres_url: str) -> AsyncIterator[AsyncEngine]:
    made = create_async_engine(postgres_url)
    yield made
    await made.dispose()


def package(folder: Path, name: str, *migrations: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.syspath_prepend(str(folder))
    (folder / name).mkdir(exist_ok=True)
    for number, migration in enumerate(("", *migrations)):
        file = f"v{number:04d}.py" if number else "__init__.py"
        (folder / name / file).write_text(migration)
    sys.modules.pop(name, None)
    return name


async def tables(engine: AsyncEngine, schema: str) -> list[str]:
    async with engine.connect() as connection:
        return list((await connection.execute(TABLES, {"schema": schema})).scalars())


async def test_three_migrators_at_once_migrate_once(
    engine: AsyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = package(tmp_path, "versions_a", FIRST, SECOND, monkeypatch=monkeypatch)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(migrate(engine, "a", name)) for _ in range(3)]
    assert [task.result() for task in tasks] == ["0002"] * 3
    assert await migrate(engine, "b", name) == "0002"
    assert await tables(engine, "a") == await tables(engine, "b") == ["other", VERSION_TABLE, "thing"]


async def test_a_later_version_is_added_and_a_broken_one_leaves_nothing(
    engine: AsyncEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = package(tmp_path, "versions_c", FIRST, monkeypatch=monkeypatch)
    assert await migrate(engine, "c", name) == "0001"
    package(tmp_path, "versions_c", FIRST, BROKEN, monkeypatch=monkeypatch)
    with pytest.raises(ProgrammingError):
        await migrate(engine, "c", name)
    assert await tables(engine, "c") == [VERSION_TABLE, "thing"]
    package(tmp_path, "versions_c", FIRST, SECOND, monkeypatch=monkeypatch)
    assert await migrate(engine, "c", name) == "0002"
    assert await tables(engine, "c") == ["other", VERSION_TABLE, "thing"]
