"""How far behind everything is, as it is printed."""

import pytest

from dukao import lags
from dukao.commands.consumers import AWAY, NO_CONSUMER, NOT_BEGUN, NOT_READ, NOT_WRITTEN, STREAM, show_lag
from dukao.exits import Exit
from dukao.failures import failure_of
from dukao.lags import StandstillError
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


HALTED = {
    "consumer": "scoring-a",
    "stream": "ingest.accepted",
    "shard": 2,
    "lag": 9,
    "state": "halted",
    "reason": "rewritten",
}


def test_what_stands_still_ends_with_1_and_says_what_to_do_next():
    found = NOTHING | {
        "items": [HALTED, HALTED | {"shard": 5}, HALTED | {"consumer": "ranking", "state": "paused"}],
        "inbound": [INBOUND, INBOUND | {"partition": 1, "state": "stopped", "reason": "mistakes of ours"}],
    }
    with pytest.raises(StandstillError) as stands:
        lags.check(lags.standstills(found))
    failure = failure_of(stands.value)
    assert failure.exit is Exit.FAILED
    assert failure.message == (
        "Stands still until a person comes: in.core: 1 partitions stopped (mistakes of ours); "
        "scoring-a: 2 shards halted (rewritten)."
    )
    assert list(failure.advice) == [
        "See where: dukao lag in.core. When it is mended: dukao consumers resume in.core --reason WHY.",
        "See where: dukao lag scoring-a. When it is mended: dukao consumers retry scoring-a --reason WHY.",
    ]


def test_where_only_an_operator_lets_something_rest_nothing_stands_still():
    resting = HALTED | {"state": "paused", "reason": "a disk is exchanged"}
    lags.check(lags.standstills(NOTHING | {"items": [resting], "inbound": [INBOUND]}))
