"""Every published event has one owner and a golden message that reads and writes the same."""

import json
from importlib import import_module
from pathlib import Path

import pytest

from shared.contracts import catalogue, envelope
from shared.contracts.catalogue import PUBLISHED, STREAM_OWNERS, Published, known_event
from shared.kernel.errors import UnknownType

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


def event_of(type_: str) -> bytes:
    golden = json.loads((GOLDEN / "dukao.tick.v1.json").read_text("utf-8"))
    return json.dumps(golden | {"type": type_}).encode()


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda published: published.type)
def test_an_event_is_known_in_its_own_stream_and_a_newer_version_of_it_in_none(published: Published) -> None:
    base, _, version = published.type.rpartition(".v")
    assert known_event(published.stream, event_of(published.type)).type == published.type
    for stream in STREAM_OWNERS:
        with pytest.raises(UnknownType, match="UNKNOWN_TYPE"):
            known_event(stream, event_of(f"{base}.v{int(version) + 1}"))
        if stream != published.stream:
            with pytest.raises(UnknownType):
                known_event(stream, event_of(published.type))


def test_a_type_of_a_source_is_known_where_sources_are_heard_only() -> None:
    assert known_event("ingest.accepted", event_of("task.done.v7")).type == "task.done.v7"
    with pytest.raises(UnknownType):
        known_event("scoring.schemes", event_of("task.done.v7"))
