"""What most tests of this room work with: a broker in memory, and the desks of operators beside it."""

import pytest

from shared.messaging.archive import OwnArchive
from shared.messaging.broker import MemoryBroker
from shared.messaging.desk import Desk
from shared.messaging.skips import Skips
from tests.messaging.flow import CONSUMER, STREAM


@pytest.fixture
def broker():
    return MemoryBroker()


@pytest.fixture
def desk(exchange):
    return Desk(exchange, {CONSUMER: {STREAM: OwnArchive(exchange)}})


@pytest.fixture
def skips(exchange):
    return Skips(exchange, {CONSUMER: {STREAM: OwnArchive(exchange)}})
