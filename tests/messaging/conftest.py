"""A broker in memory for the tests of this room that need no other."""

import pytest

from shared.messaging.broker import MemoryBroker


@pytest.fixture
def broker():
    return MemoryBroker()
