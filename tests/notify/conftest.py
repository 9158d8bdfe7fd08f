"""Fresh services of notify, and a receiver of webhooks whose authority they trust."""

import itertools

import pytest

from shared.storage.database import open_engine
from shared.storage.exchange import Exchange
from tests.notify.receivers import NAME, new_authority, receiving
from tests.notify.rig import Service
from tests.schemas import make_schema

NAMES = itertools.count(1)


@pytest.fixture
async def services(postgres_url, tmp_path):
    """Makes services over schemas of their own."""
    engines = []

    async def make():
        schema = f"notify_{next(NAMES)}"
        engine = open_engine(postgres_url, schema)
        engines.append(engine)
        await make_schema(engine, schema, "services.notify.migrations")
        return Service(Exchange(engine, "notify"), tmp_path / schema)

    yield make
    for engine in engines:
        await engine.dispose()


@pytest.fixture
async def service(services):
    return await services()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return new_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def receiver(authority):
    async with receiving(authority.serving(NAME)) as running:
        yield running
