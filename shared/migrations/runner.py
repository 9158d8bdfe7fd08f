"""Moves the schema of a service to its newest version, by Alembic without an ini file."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.telemetry.logs import logger

VERSION_TABLE = "schema_versions"
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('dukao migrations ' || :schema, 0))")
_EXISTS = text("SELECT to_regnamespace(:schema) IS NOT NULL")
_LOG = logger(__name__)


async def migrate(engine: AsyncEngine, schema: str, *packages: str) -> str:
    """Run what is missing of the packages' migrations in one transaction and return the newest version.

    Two migrators wait for each other; statements without a schema go to the service's own.
    """
    script = _script(packages)
    async with engine.begin() as connection:
        await connection.run_sync(_prepare, schema)
        await connection.run_sync(_upgrade, schema, script)
    head = script.get_current_head() or ""
    _LOG.info("schema is current", schema=schema, version=head)
    return head


def _prepare(connection: Connection, schema: str) -> None:
    assert schema.isidentifier()
    connection.execute(_LOCK, {"schema": schema})
    if not connection.execute(_EXISTS, {"schema": schema}).scalar_one():
        connection.execute(text(f'CREATE SCHEMA "{schema}"'))
    connection.execute(text(f'SET LOCAL search_path TO "{schema}"'))


def _upgrade(connection: Connection, schema: str, script: ScriptDirectory) -> None:
    def missing(current: tuple[str, ...], _context: MigrationContext) -> list[RevisionStep]:
        return _steps(script, "heads", current)

    with EnvironmentContext(Config(), script, fn=missing, destination_rev="heads") as environment:
        environment.configure(
            connection=connection,
            version_table=VERSION_TABLE,
            version_table_schema=schema,
            transactional_ddl=True,
        )
        environment.run_migrations()


def _steps(script: Any, destination: str, current: tuple[str, ...]) -> list[RevisionStep]:
    """Ask what Alembic's own upgrade command asks; there is no public name for it."""
    return list(script._upgrade_revs(destination, current))  # noqa: SLF001


def _script(packages: tuple[str, ...]) -> ScriptDirectory:
    """Take the migrations straight from the packages; no env.py is needed."""
    folders = [_folder(package) for package in packages]
    return ScriptDirectory(str(folders[0]), version_locations=[str(folder) for folder in folders])


def _folder(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations, f"{package} is no package"
    return Path(next(iter(spec.submodule_search_locations)))
