"""What operators see and order of the reading of inbound topics; an order is a row with reason and person."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from services.ingest import places, worklists
from services.ingest.committing import Admission
from services.ingest.contract import INBOUND_PARTITIONS
from services.ingest.domain.binding import topic_of
from services.ingest.domain.decisions import Decision, State
from services.ingest.gateway import Records
from services.ingest.outcomes import BRAKE, STOPPED
from services.ingest.places import Place
from services.ingest.worklists import WorkList
from shared.kernel.errors import Unavailable, refuse
from shared.messaging.desk import Order, order_of
from shared.storage.transaction import PostgresTransaction


@dataclass(frozen=True, slots=True)
class PartitionState:
    """How far a partition was taken, in offsets: markers of transactions have one, though nothing is there.

    One at whose records we failed again and again is `stopped`; resumed, it goes on at `taken`. `end` and
    `lag` are null while Kafka is away, and before the topic is made.
    """

    source: str | None
    topic: str
    partition: int
    taken: int
    end: int | None
    lag: int | None
    state: Literal["running", "paused", "stopped"]
    reason: str | None
    person: str | None


class Inbound:
    """The operators' desk of inbound topics; `records` is a client beside the one that reads them."""

    def __init__(self, admission: Admission, records: Records) -> None:
        self._admission = admission
        self._records = records

    async def partitions(self) -> tuple[list[PartitionState], list[str]]:
        """Return every partition of every source's topic, and `kafka` if it does not say where they end."""
        sources = await self._in_force()
        async with self._admission.exchange.reading() as tx:
            kept = {(row["topic"], row["partition"]): row for row in await places.states(tx)}
        found = sorted(kept.keys() | {(topic, at) for topic in sources for at in range(INBOUND_PARTITIONS)})
        silent: list[str] = []
        try:
            ends = await self._records.ends(found)
        except Unavailable:
            ends, silent = {}, ["kafka"]
        return [_state(at, sources.get(at[0]), kept.get(at, {}), ends.get(at)) for at in found], silent

    async def pause(self, topic: str, partitions: Collection[int], reason: str, person: str) -> list[Order]:
        """Let partitions of a topic rest."""
        if topic not in await self._in_force():
            raise refuse(404, "not_found", "No source in force has such a topic.")
        at, detail = _places(topic, partitions), f"{topic} {sorted(partitions)}: {reason}"
        async with self._admission.exchange.begin(actor=person, action="pause", detail=detail) as tx:
            rows = await places.pause(tx, at, reason, person)
            if not rows:
                raise refuse(409, "already_paused", "These partitions are paused.")
            return [order_of(row) for row in rows]

    async def resume(self, topic: str, partitions: Collection[int], reason: str, person: str) -> list[Order]:
        """Let partitions go on from where they were taken to, also of a source that was left out since."""
        in_force = await self._in_force()
        at, detail = _places(topic, partitions), f"{topic} {sorted(partitions)}: {reason}"
        async with self._admission.exchange.begin(actor=person, action="resume", detail=detail) as tx:
            if topic not in in_force and all(row["topic"] != topic for row in await places.states(tx)):
                raise refuse(404, "not_found", "No source has or had such a topic.")
            rows = await places.resume(tx, at, person)
            if not rows:
                raise refuse(409, "not_paused", "None of these partitions is paused.")
            await _let_be_told_again(tx, at, Decision(State.DISMISSED, person, f"resumed: {reason}"))
            return [order_of(row) for row in rows]

    async def _in_force(self) -> dict[str, str]:
        """Return the sources in force by their topics."""
        await self._admission.newest()
        return {topic_of(source): source for source in self._admission.catalogue.sources}


def _places(topic: str, partitions: Collection[int]) -> list[Place]:
    return [(topic, partition) for partition in partitions]


async def _let_be_told_again(tx: PostgresTransaction, resumed: Collection[Place], decision: Decision) -> None:
    """Close what called persons to partitions that go on now, so that the next stop calls them again."""
    for topic, partition in resumed:
        for number in await worklists.open_at(tx, STOPPED.code, f"{topic}/{partition}/"):
            await worklists.decide(tx, WorkList.REFUSALS, number, decision)


def _state(at: Place, source: str | None, kept: Mapping[str, Any], end: int | None) -> PartitionState:
    taken, person = kept.get("taken", 0), kept.get("person")
    state = "running" if person is None else "stopped" if person == BRAKE else "paused"
    lag = None if end is None else max(0, end - taken)
    return PartitionState(source, *at, taken, end, lag, state, kept.get("reason"), person)
