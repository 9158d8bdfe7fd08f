"""A real process of ingest for all tests of this room."""

from collections.abc import Iterator

import pytest

from tests.ingest.serving import Served, adopt, database_of, serving


@pytest.fixture(scope="session")
def served(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    with serving(database_of(postgres_url), folder, address_requests_per_s=1000) as running:
        adopt(running)
        yield running
