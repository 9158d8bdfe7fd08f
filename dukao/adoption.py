"""Puts documents in force: one person drafts, another adopts."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from dukao.client import APPROVER, AUTHOR, Client, RefusedError, Who, below

HEARD_S = 60.0
AGAIN_S = 0.5
NOT_HEARD = frozenset({"no_event_types", "scheme_refused"})


def author(subject: str | None) -> Who:
    """Return who drafts; another subject than the usual may be named."""
    return replace(AUTHOR, subject=subject) if subject else AUTHOR


def approver(subject: str | None) -> Who:
    """Return who adopts."""
    return replace(APPROVER, subject=subject) if subject else APPROVER


def adopted_types(client: Client) -> dict[str, Any]:
    """Return the catalogue in force as a document."""
    found = client.get("ingest", "/v1/types")
    names = [one["type"] for one in found["types"]]
    return {
        "types": {name: client.get("ingest", f"/v1/types{below(name)}")["spec"] for name in names},
        "sources": {
            one["source"]: {k: v for k, v in one.items() if k != "source"} for one in found["sources"]
        },
    }


def draft_types(client: Client, document: Any, who: Who) -> int:
    """Draft a catalogue and return its version."""
    return client.post("ingest", "/v1/types", document, who)["version"]


def adopt_types(client: Client, version: int, who: Who) -> None:
    """Put a drafted catalogue in force."""
    client.post("ingest", f"/v1/types/{version}:adopt", who=who)


def draft_scheme(client: Client, document: Any, who: Who) -> dict[str, Any]:
    """Draft a scheme and return its code and version."""
    return client.post("scoring", "/v1/schemes", document, who)


def adopt_scheme(client: Client, code: str, version: int, who: Who, digest: str | None = None) -> str:
    """Put a drafted scheme in force as it was read: with a digest, else as it is now; return the digest."""
    path = f"/v1/schemes{below(code, version)}"
    read = digest or client.get("scoring", f"{path}/consultation")["digest"]
    client.post("scoring", f"{path}:adopt", {"digest": read}, who)
    return read


def draft_calendar(client: Client, document: Any, who: Who) -> dict[str, Any]:
    """Draft a working calendar and return its state."""
    return client.post("supervision", "/v1/calendars", document, who)


def adopt_calendar(
    client: Client, zone: str, version: int, who: Who, digest: str | None = None
) -> dict[str, Any]:
    """Put a drafted calendar in force as it was read, with a digest, else as it is now; return its state."""
    path = f"/v1/calendars{below(zone, version)}"
    read = digest or client.get("supervision", path)["digest"]
    return client.post("supervision", f"{path}:adopt", {"digest": read}, who)


def once_heard(ask: Callable[[], dict[str, Any]], say: Callable[[str], None]) -> dict[str, Any]:
    """Ask until scoring has heard, by event, of types that are in force already; at most a minute."""
    until = time.monotonic() + HEARD_S
    told = False
    while True:
        try:
            return ask()
        except RefusedError as refused:
            if refused.code not in NOT_HEARD or time.monotonic() > until:
                raise
        if not told:
            say("waiting for scoring to hear of the types")
            told = True
        time.sleep(AGAIN_S)
