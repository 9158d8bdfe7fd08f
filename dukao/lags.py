"""How far everything is behind its producer, and what stands still until a person comes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dukao.client import AwayError, Client, UnansweredError
from dukao.output import columns

SHARDS = "/v1/operations/consumers"
INBOUND = "/v1/operations/inbound"
RELAY = "/v1/operations/relay"
INGEST, INBOUND_PREFIX = "ingest", "in."
RELAYING = "relay"
COLUMNS = columns(
    "consumer",
    "stream",
    "shard",
    "applied",
    "newest",
    "published",
    "lag",
    "state",
    "reason",
    "owner",
    "epoch",
    numbers=("shard", "applied", "newest", "published", "lag", "epoch"),
)

_ENDS = {"halted": ("shards", "retry"), "stopped": ("partitions", "resume")}


@dataclass(frozen=True, slots=True)
class Standstill:
    """What of one consumer or inbound topic stands still, how much of it, and why."""

    consumer: str
    state: str
    count: int
    reason: str

    def told(self) -> str:
        """Say what stands still."""
        what, _ = _ENDS[self.state]
        return f"{self.consumer}: {self.count} {what} {self.state} ({self.reason})"

    def advice(self) -> str:
        """Say what to do next."""
        _, verb = _ENDS[self.state]
        return (
            f"See where: dukao lag {self.consumer}. "
            f"When it is mended: dukao consumers {verb} {self.consumer} --reason WHY."
        )


class StandstillError(Exception):
    """A failure of ours stopped something, and it waits for a person."""

    def __init__(self, found: Sequence[Standstill]) -> None:
        super().__init__(f"Stands still until a person comes: {'; '.join(one.told() for one in found)}.")
        self.advice = [one.advice() for one in found]


def read(client: Client, consumer: str | None = None) -> dict[str, Any]:
    """Return the shards of all services, what ingest reads and what is published; who is away is named."""
    items: list[dict[str, Any]] = []
    inbound: list[dict[str, Any]] = []
    relay: list[dict[str, Any]] = []
    silent: set[str] = set()
    for service in client.bases:
        try:
            relay += client.get(service, RELAY)["items"]
            shards = client.get(service, SHARDS)
            items += [one for one in shards["items"] if consumer in {None, one["consumer"]}]
            silent |= set(shards["silent"])
            if service == INGEST:
                found = client.get(service, INBOUND)
                inbound += [one for one in found["items"] if consumer in {None, one["topic"]}]
                silent |= set(found["silent"])
        except (AwayError, UnansweredError):
            silent.add(service)
    told = relay if consumer in {None, RELAYING} else []
    return {"items": items, "inbound": inbound, "relay": told, "silent": sorted(silent)}


def rows(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return all that is behind something, as rows of the same columns."""
    inbound = [
        {
            "consumer": one["topic"],
            "shard": one["partition"],
            "applied": one["taken"],
            "newest": one["end"],
            **{name: one[name] for name in ("lag", "state", "reason")},
        }
        for one in found["inbound"]
    ]
    relay = [
        {"consumer": RELAYING, "newest": one["archived"], "state": "running"}
        | {name: one[name] for name in ("stream", "published", "lag")}
        for one in found["relay"]
    ]
    empty = dict.fromkeys((one.key for one in COLUMNS), None)
    return [empty | one for one in [*found["items"], *inbound, *relay]]


def standstills(found: Mapping[str, Any]) -> list[Standstill]:
    """Return what stands still, by consumer or inbound topic; the reason is that of its first."""
    halted: dict[tuple[str, str], list[str]] = {}
    for one in rows(found):
        if one["state"] in _ENDS:
            halted.setdefault((one["consumer"], one["state"]), []).append(one["reason"])
    return [Standstill(*key, len(why), why[0]) for key, why in sorted(halted.items())]


def check(found: Sequence[Standstill]) -> None:
    """Raise if anything stands still."""
    if found:
        raise StandstillError(found)
