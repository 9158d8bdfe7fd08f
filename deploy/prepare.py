"""Makes what the services need before they start: roles, schemas at their newest version, topics."""

import asyncio
import os
from collections.abc import Mapping, Sequence

from aiokafka.errors import KafkaError
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from deploy.table import DATABASE, SERVICES, TOPICS, Service, database_url, password_variable
from shared.messaging.kafka_access import KafkaAccess
from shared.messaging.kafka_broker import ensure_topics
from shared.migrations.runner import migrate
from shared.runtime.settings import KafkaSettings
from shared.storage.database import open_engine
from shared.telemetry.logs import configure

TOPICS_TRIES = 20
TOPICS_WAIT_S = 0.5
MIGRATION_TIMEOUT_MS = 10 * 60 * 1000


async def prepare(
    owner_url: str,
    kafka: KafkaAccess,
    passwords: Mapping[str, str],
    services: Sequence[Service] = SERVICES,
) -> None:
    """Bring database and broker to where the services can start; doing it twice changes nothing."""
    owner = create_async_engine(owner_url)
    try:
        await _close_database(owner)
        for service in services:
            await _make_role(owner, service, passwords[service.name])
    finally:
        await owner.dispose()
    for service in services:
        await _migrate(owner_url, service, passwords[service.name])
    await _make_topics(kafka)


async def _close_database(owner: AsyncEngine) -> None:
    """Take away what PostgreSQL gives to everybody."""
    async with owner.begin() as connection:
        await connection.execute(text(f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC"))
        await connection.execute(text("REVOKE ALL ON SCHEMA public FROM PUBLIC"))


async def _make_role(owner: AsyncEngine, service: Service, password: str) -> None:
    """Make a role that may log in and owns one schema; the password follows what is given."""
    assert service.role.isidentifier()
    if not (password.isascii() and password.isalnum()):
        raise ValueError(f"The password of {service.role} must be of letters and digits alone.")
    async with owner.begin() as connection:
        verb = "ALTER" if await _has_role(connection, service.role) else "CREATE"
        await connection.execute(text(f"{verb} ROLE {service.role} LOGIN PASSWORD '{password}'"))
        await connection.execute(
            text(f"GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {DATABASE} TO {service.role}")
        )
        schema = f"CREATE SCHEMA IF NOT EXISTS {service.schema} AUTHORIZATION {service.role}"
        await connection.execute(text(schema))


async def _has_role(connection: AsyncConnection, role: str) -> bool:
    found = await connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role})
    return found.first() is not None


async def _migrate(owner_url: str, service: Service, password: str) -> None:
    """Move the schema as the service's own role, so that everything in it is the service's."""
    at = make_url(owner_url)
    assert at.host is not None
    url = database_url(service.role, password, at.host, at.port or 5432)
    engine = open_engine(url, service.schema, statement_timeout_ms=MIGRATION_TIMEOUT_MS)
    try:
        await migrate(engine, service.schema, service.migrations)
    finally:
        await engine.dispose()


async def _make_topics(kafka: KafkaAccess) -> None:
    """Create the streams' topics; a broker that has just come up may still refuse."""
    for left in reversed(range(TOPICS_TRIES)):
        try:
            await ensure_topics(kafka, TOPICS)
        except (KafkaError, TimeoutError, OSError):
            if left == 0:
                raise
            await asyncio.sleep(TOPICS_WAIT_S)
        else:
            return


if __name__ == "__main__":
    configure("prepare", "INFO")
    asyncio.run(
        prepare(
            os.environ["DUKAO_OWNER_URL"],
            KafkaSettings.model_validate({}).access(),
            {service.name: os.environ[password_variable(service.role)] for service in SERVICES},
        )
    )
