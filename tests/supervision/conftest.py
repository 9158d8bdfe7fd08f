import itertools

import pytest

from shared.storage.database import open_engine
from shared.storage.exchange import Exchange
from tests.schemas import make_schema
from tests.supervision.facts import calendar
from tests.supervision.rig import Service

NAMES = itertools.count(1)
KNOWN = calendar()


@pytest.fixture
async def services(postgres_url, tmp_path):
    """Makes services over schemas of their own, each knowing the days of a calendar, else of 2021."""
    engines = []

    async def make(known=KNOWN):
        schema = f"supervision_{next(NAMES)}"
        engine = open_engine(postgres_url, schema)
        engines.append(engine)
        await make_schema(engine, schema, "services.supervision.migrations")
        service = Service(Exchange(engine, "supervision"), tmp_path / schema)
        await service.adopt(known)
        return service

    yield make
    for engine in engines:
        await engine.dispose()


@pytest.fixture
async def service(services):
    return await services()
