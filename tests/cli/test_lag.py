"""How far behind everything is, as it is printed."""

import pytest

from dukao.commands.consumers import NO_CONSUMER, show_lag
from dukao.output import Format

INBOUND = {
    "topic": "in.core",
    "partition": 3,
    "taken": 4,
    "end": 4,
    "lag": 0,
    "state": "running",
    "reason": None,
}
RELAY = {"stream": "ingest.accepted", "archived": 7, "published": 7, "lag": 0}
NOTHING = {"items": [], "inbound": [], "relay": [], "silent": []}


@pytest.mark.parametrize(
    ("consumer", "found", "hinted"),
    [
        (None, {"relay": [RELAY]}, True),
        ("ranking", {}, True),
        ("in.core", {"inbound": [INBOUND]}, False),
        ("relay", {"relay": [RELAY]}, False),
    ],
)
def test_that_no_consumer_has_begun_is_said_where_a_consumer_was_asked_for(capsys, consumer, found, hinted):
    show_lag(NOTHING | found, Format.TABLE, consumer=consumer, every=False)
    assert (NO_CONSUMER in capsys.readouterr().err) == hinted
