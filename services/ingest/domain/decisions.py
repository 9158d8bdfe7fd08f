"""What a person may decide of an entry of a work list, and the correction that a conflict becomes."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from shared.kernel.errors import refuse

REPLAYABLE = frozenset({"id_conflict", "business_key_conflict", "revision_conflict"})
LIES_NOWHERE = frozenset({"aborted", "inbound_gap", "inbound_stopped"})


class State(StrEnum):
    """How an entry stands: it waits, another event took its place, its own was taken, or it was left."""

    OPEN = "open"
    FIXED = "fixed"
    REPLAYED = "replayed"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided, and the event (source, id) that came of it."""

    state: State
    by: str
    reason: str
    event: tuple[str, str] | None = None


def lies_at(refused: Mapping[str, Any]) -> tuple[tuple[str, int], int]:
    """Return the partition and offset of the record that was refused; what came by HTTP lies nowhere."""
    if refused["place"] is None:
        raise refuse(409, "not_replayable", "What came by HTTP its client has: it sends it again, or a fix.")
    if refused["code"] in LIES_NOWHERE:
        raise refuse(409, "not_replayable", "The topic has no record there that its source wants taken.")
    topic, partition, offset = refused["place"].rsplit("/", 2)
    return (topic, int(partition)), int(offset)


def corrected_by(kept: Mapping[str, Any], first: Mapping[str, Any], why: str) -> tuple[str, str]:
    """Return the original that a conflicting event corrects if it is taken; never a correction."""
    if why not in REPLAYABLE:
        raise refuse(
            409, "not_replayable", "This event was accepted; say what is right by an event of its own."
        )
    named = kept if why == "revision_conflict" else first
    if named.get("correctsid") is not None:
        return named["correctssource"], named["correctsid"]
    return first["source"], first["id"]


def as_correction(
    kept: Mapping[str, Any], conflict: int, original: tuple[str, str], revision: int
) -> dict[str, Any]:
    """Return a conflicting event as a correction with an id of its own, the same each time it is decided."""
    source, event_id = original
    named = {"correctssource": source, "correctsid": event_id, "revision": revision}
    return dict(kept) | named | {"id": f"dukao-conflict-{conflict}"}
