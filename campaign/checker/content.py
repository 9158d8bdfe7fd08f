"""What makes two reports of an event the same, and where an event belongs: written anew, not imported."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

CONTENT = ("type", "subject", "time", "case", "data", "correctssource", "correctsid", "revision")


def canonical(value: object) -> bytes:
    """Write JSON in the one order of RFC 8785; keys here are ASCII, numbers integers."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def content_digest(event: Mapping[str, Any]) -> str:
    """Return the digest of what a client said, without what the platform adds."""
    kept = {name: event[name] for name in CONTENT if event.get(name) is not None}
    return hashlib.sha256(canonical(kept)).hexdigest()


def shard_of(event: Mapping[str, Any]) -> int:
    """Return the first six bits of the case's digest, or of the unit's where there is no case."""
    return hashlib.sha256((event.get("case") or event["subject"]).encode()).digest()[0] >> 2
