"""The catalogue of events as a page: what is published, by whom, who reads it, its fields and a sample."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from shared.contracts import catalogue, fields
from shared.contracts.catalogue import PUBLISHED, STREAM_OWNERS, STREAM_READERS, Published
from shared.contracts.envelope import CloudEvent
from shared.contracts.ingest import InboundEvent
from shared.kernel.codes import CODE_PATTERN

GOLDEN = Path(catalogue.__file__).parent / "golden"
KINDS = {
    CODE_PATTERN: "code",
    fields.MONTH_PATTERN: "month, 2021-03",
    fields.PERIOD_PATTERN: "period, 2021-Q1",
    fields.DAY_PATTERN: "day, 2021-03-31",
    fields.DECIMAL_PATTERN: "decimal",
    fields.SHARE_PATTERN: "share, 0 to 1",
    "^[0-9a-f]{64}$": "SHA-256 in hexadecimal",
}
_HEAD = """# Events

Generated from `shared/contracts`; `make docs` writes it anew. Every record of a stream is a CloudEvent.
What a source sends is described first, then what each service publishes, with the sample that the tests
hold it to. The same as a machine reads it: [asyncapi.json](asyncapi.json). `dukao events tail STREAM`
shows a stream as it comes.

A stream is a topic of 16 partitions with 64 shards, each numbered densely from 1 by its owner. A name ends
with its version: fields are only added, with defaults; another meaning is another version.
"""


def page() -> str:
    """Return the page."""
    return "\n".join(_lines()).rstrip() + "\n"


def _lines() -> Iterator[str]:
    yield _HEAD
    yield from _table("stream", "published by", "read by", "events")
    for stream, owner in STREAM_OWNERS.items():
        types = [f"[`{one.type}`](#{_anchor(one.type)})" for one in PUBLISHED if one.stream == stream]
        yield _row(f"`{stream}`", owner, ", ".join(_readers(stream)) or "nobody yet", "<br>".join(types))
    yield "\n## What a source sends\n"
    yield from _model(InboundEvent.model_json_schema())
    yield "\n## What every record has\n"
    yield from _model(CloudEvent.model_json_schema())
    for published in PUBLISHED:
        yield from _event(published)


def _event(published: Published) -> Iterator[str]:
    schema = published.model.model_json_schema()
    readers = ", ".join(_readers(published.stream)) or "nobody yet"
    yield f"\n## {published.type}\n"
    yield f"Stream `{published.stream}`, published by {published.owner}, read by {readers}.\n"
    yield from _model(schema)
    for name, part in schema.get("$defs", {}).items():
        yield f"\n**{name}**: " + ("one of " + _enum(part) if "enum" in part else "") + "\n"
        yield from _model(part)
    golden = json.loads((GOLDEN / f"{published.type}.json").read_text("utf-8"))
    yield f"\n```json\n{json.dumps(golden, indent=2, ensure_ascii=False)}\n```"


def _model(schema: Mapping[str, Any]) -> Iterator[str]:
    if schema.get("description"):
        yield schema["description"] + "\n"
    if not schema.get("properties"):
        return
    yield from _table("field", "kind", "left out")
    required = schema.get("required", ())
    for name, field in schema["properties"].items():
        absent = "never" if name in required else f"means {json.dumps(field.get('default'))}"
        yield _row(f"`{name}`", _kind(field), absent)


def _kind(field: Mapping[str, Any]) -> str:
    """Say what a field holds in a few words."""
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "anyOf" in field:
        return " or ".join(_kind(option) for option in field["anyOf"])
    if "enum" in field or "const" in field:
        return _enum(field)
    named = {"array": _list, "object": _object, "string": _text}.get(field.get("type", ""))
    return named(field) if named else str(field.get("type", "anything"))


def _list(field: Mapping[str, Any]) -> str:
    if "prefixItems" in field:
        return "[" + ", ".join(_kind(part) for part in field["prefixItems"]) + "]"
    return f"list of {_kind(field['items'])}"


def _text(field: Mapping[str, Any]) -> str:
    if field.get("format") == "date-time":
        return "instant"
    pattern = field.get("pattern")
    return "text" if pattern is None else KINDS.get(pattern, f"text like `{pattern}`".replace("|", "\\|"))


def _object(field: Mapping[str, Any]) -> str:
    keyed: Mapping[str, Any] = field.get("patternProperties", {})
    values = [*keyed.values(), *([field["additionalProperties"]] if _is_model(field) else [])]
    key = "code" if CODE_PATTERN in keyed else "text"
    return f"{_kind(values[0])} by {key}" if values else "object"


def _is_model(field: Mapping[str, Any]) -> bool:
    return isinstance(field.get("additionalProperties"), dict)


def _enum(schema: Mapping[str, Any]) -> str:
    listed = schema["enum"] if "enum" in schema else [schema["const"]]
    return ", ".join(f"`{one}`" for one in listed)


def _readers(stream: str) -> list[str]:
    return sorted(service for service, streams in STREAM_READERS.items() if stream in streams)


def _table(*titles: str) -> Iterator[str]:
    yield _row(*titles)
    yield _row(*("---" for _ in titles))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _anchor(name: str) -> str:
    """Return the anchor that a heading gets where the page is shown."""
    return name.replace(".", "")
