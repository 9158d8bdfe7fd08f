"""Every published event has one owner and a golden message that reads and writes the same."""

import json
from importlib import import_module
from pathlib import Path

import pytest

from shared.contracts import catalogue, envelope
from shared.contracts.catalogue import PUBLISHED, STREAM_OWNERS, Published

GOLDEN = Path(catalogue.__file__).parent / "golden"


def test_every_type_is_published_once() -> None:
    types = [published.type for published in PUBLISHED]
    assert len(set(types)) == len(types)


def test_every_event_travels_in_a_stream_of_its_owner() -> None:
    assert {(p.stream, p.owner) for p in PUBLISHED} == set(STREAM_OWNERS.items())


@pytest.mark.parametrize("owner", sorted(set(STREAM_OWNERS.values())))
def test_a_service_relays_its_own_streams_and_no_other(owner: str) -> None:
    contract = import_module(f"services.{owner}.contract")
    assert set(contract.STREAMS) == {stream for stream, of in STREAM_OWNERS.items() if of == owner}


def test_golden_messages_and_published_events_are_the_same_set() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == {published.type for published in PUBLISHED}


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda published: published.type)
def test_golden_message_round_trips(published: Published) -> None:
    golden = json.loads((GOLDEN / f"{published.type}.json").read_text("utf-8"))
    event = envelope.decode(json.dumps(golden).encode())
    data = envelope.decode_data(event, published.model)
    body = json.loads(envelope.encode(event.type, event.source, event.subject, data))
    spliced = {"sequence", "partitionkey", "received", "id", "time"}
    assert body == {key: value for key, value in golden.items() if key not in spliced}
    assert golden["source"] == published.source
    assert golden["id"] == f"{published.stream}/{event.shard}/{event.number}"
    envelope.CloudEvent.model_validate_json(json.dumps(golden))


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda published: published.type)
def test_no_model_takes_an_unknown_field(published: Published) -> None:
    golden = json.loads((GOLDEN / f"{published.type}.json").read_text("utf-8"))
    with pytest.raises(ValueError, match="extra_forbidden"):
        published.model.model_validate_json(json.dumps(golden["data"] | {"is_admin": True}))
