"""How far everything is behind its producer, and what stands still until a person comes."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from deploy.control import NotRunningError
from deploy.state import State
from dukao.client import AwayError, Client, FailedError, RefusedError, UnansweredError
from dukao.output import columns

ASK_S = 10.0  # longer than a service waits for the archives of those that hang

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


class SilentError(Exception):
    """Services did not tell what stands still there."""

    def __init__(self, silent: Mapping[str, str]) -> None:
        super().__init__(f"Nobody knows what stands still in {', '.join(sorted(silent))}.")


@dataclass(frozen=True, slots=True)
class Look:
    """What stands still in the services that were asked, and why some of them did not tell."""

    found: Sequence[Standstill]
    silent: Mapping[str, str]


def look(state: State, services: Sequence[str]) -> Look:
    """Ask services all at once what stands still there; a platform that ended meanwhile is silent."""
    told, silent = _nothing(), dict[str, str]()

    def ask(service: str) -> None:
        try:
            _hear(client, service, told)
        except (AwayError, FailedError, NotRunningError, RefusedError) as error:
            silent[service] = str(error)

    try:
        with Client(state, timeout_s=ASK_S) as client, ThreadPoolExecutor() as pool:
            list(pool.map(ask, services))
    except NotRunningError as error:
        silent = dict.fromkeys(services, str(error))
    return Look(standstills(told), silent)


def read(client: Client, consumer: str | None = None) -> dict[str, Any]:
    """Return the shards of all services, what ingest reads and what is published; who is away is named."""
    told = _nothing()
    for service in client.bases:
        try:
            _hear(client, service, told)
        except (AwayError, UnansweredError):
            told["silent"].append(service)
    return {
        "items": [one for one in told["items"] if consumer in {None, one["consumer"]}],
        "inbound": [one for one in told["inbound"] if consumer in {None, one["topic"]}],
        "relay": told["relay"] if consumer in {None, RELAYING} else [],
        "silent": sorted(set(told["silent"])),
    }


def _nothing() -> dict[str, list[Any]]:
    return {"items": [], "inbound": [], "relay": [], "silent": []}


def _hear(client: Client, service: str, told: Mapping[str, list[Any]]) -> None:
    """Add what a service tells."""
    told["relay"].extend(client.get(service, RELAY)["items"])
    for door, kind in ((SHARDS, "items"), (INBOUND, "inbound")):
        if door == SHARDS or service == INGEST:
            found = client.get(service, door)
            told[kind].extend(found["items"])
            told["silent"].extend(found["silent"])


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
