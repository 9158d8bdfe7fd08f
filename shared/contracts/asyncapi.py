"""The AsyncAPI 3 document of all streams, made from the catalogue."""

from typing import Any

from pydantic.json_schema import models_json_schema

from shared.contracts.catalogue import PUBLISHED, STREAM_OWNERS, Published
from shared.contracts.envelope import CloudEvent
from shared.contracts.ingest import ACCEPTED, INBOUND, INBOUND_PARTITIONS, InboundEvent
from shared.kernel.shards import PARTITIONS

API_VERSION = "0.1.0"
UPSTREAM = "upstream"
SENT = "sent"
_SCHEMAS = "#/components/schemas/{model}"


def document() -> dict[str, Any]:
    """Return the document; every message is a CloudEvent whose data has the schema of its type."""
    _, schemas = models_json_schema(
        [
            (CloudEvent, "validation"),
            (InboundEvent, "validation"),
            *((published.model, "validation") for published in PUBLISHED),
        ],
        ref_template=_SCHEMAS,
    )
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Dukao streams",
            "version": API_VERSION,
            "description": "One topic a stream; each shard is numbered densely from 1 by the stream's owner.",
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {
            "inbound": _inbound(),
            **{stream: _channel(stream, owner) for stream, owner in STREAM_OWNERS.items()},
        },
        "operations": {
            "take.inbound": {"action": "receive", "channel": {"$ref": "#/channels/inbound"}},
            **{f"publish.{stream}": _operation(stream) for stream in STREAM_OWNERS},
        },
        "components": {
            "messages": {UPSTREAM: _upstream(), SENT: _sent(), **{p.type: _message(p) for p in PUBLISHED}},
            "schemas": schemas["$defs"],
        },
    }


def _channel(stream: str, owner: str) -> dict[str, Any]:
    types = [published.type for published in PUBLISHED if published.stream == stream]
    if stream == ACCEPTED:
        types.append(UPSTREAM)
    return {
        "address": stream,
        "description": f"Published by {owner} alone.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in types},
        "bindings": {"kafka": {"topic": stream, "partitions": PARTITIONS}},
    }


def _inbound() -> dict[str, Any]:
    return {
        "address": INBOUND,
        "description": "Taken by ingest: one topic for each adopted source, whose own it is to write.",
        "parameters": {
            "source": {"description": "The source's code; a colon becomes `-` and a digest follows."}
        },
        "messages": {SENT: {"$ref": f"#/components/messages/{SENT}"}},
        "bindings": {"kafka": {"partitions": INBOUND_PARTITIONS}},
    }


def _operation(stream: str) -> dict[str, Any]:
    return {"action": "send", "channel": {"$ref": f"#/channels/{stream}"}}


def _message(published: Published) -> dict[str, Any]:
    named = {
        "type": "object",
        "properties": {
            "type": {"const": published.type},
            "source": {"const": published.source},
            "data": {"$ref": _SCHEMAS.format(model=published.model.__name__)},
        },
        "required": ["data"],
    }
    return _envelope(published.type, published.model.__doc__ or "", named)


def _upstream() -> dict[str, Any]:
    return _envelope(UPSTREAM, "An event of a source, as accepted; its data has the fields of its type.", {})


def _sent() -> dict[str, Any]:
    return {
        "name": SENT,
        "summary": "An event as a source sends it, structured or binary.",
        "payload": {"$ref": _SCHEMAS.format(model=InboundEvent.__name__)},
    }


def _envelope(name: str, summary: str, narrower: dict[str, Any]) -> dict[str, Any]:
    envelope = {"$ref": _SCHEMAS.format(model=CloudEvent.__name__)}
    return {
        "name": name,
        "summary": summary.splitlines()[0] if summary else name,
        "payload": {"allOf": [envelope, narrower]} if narrower else envelope,
    }
