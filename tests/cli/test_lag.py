"""How far behind everything is, as it is printed."""

import pytest

from dukao.commands.consumers import AWAY, NO_CONSUMER, NOT_BEGUN, NOT_READ, NOT_WRITTEN, STREAM, show_lag
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


@pytest.mark.parametrize("output", Format)
@pytest.mark.parametrize(
    ("consumer", "found", "said"),
    [
        (None, {"relay": [RELAY]}, NO_CONSUMER),
        (None, {"silent": ["scoring"]}, AWAY),
        ("ranking", {}, NOT_BEGUN.format(name="ranking")),
        ("ranking", {"silent": ["ranking"]}, AWAY),
        ("ingest.accepted", {}, STREAM.format(name="ingest.accepted")),
        ("in.core", {}, NOT_READ.format(name="in.core")),
        ("in.core", {"inbound": [INBOUND]}, ""),
        ("relay", {}, NOT_WRITTEN),
        ("relay", {"relay": [RELAY]}, ""),
    ],
)
def test_where_nothing_is_of_what_was_asked_for_it_is_said_why(capsys, output, consumer, found, said):
    show_lag(NOTHING | found, output, consumer=consumer, every=False)
    assert capsys.readouterr().err.strip() == said
