"""Passing over one record: asked by one person, approved by another who names the same content."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.kernel.digests import sha256_hex
from shared.kernel.errors import refuse
from shared.kernel.shards import partition_of
from shared.messaging.desk import Inputs, Order, known_consumer, order_of
from shared.messaging.halts import MISSING, REWRITTEN
from shared.messaging.port import Archive
from shared.storage.exchange import Exchange
from shared.storage.transaction import PostgresTransaction

LIFE_H = 24

_HALTED = "SELECT number, reason FROM halts WHERE consumer = $1 AND stream = $2 AND shard = $3"
_CLEAR = """
    UPDATE orders o SET closer = $4, closed = clock_timestamp(),
        outcome = CASE WHEN o.number <= p.number THEN 'overtaken' ELSE 'expired' END
    FROM positions p WHERE o.kind = 'skip' AND o.closed IS NULL
        AND (o.consumer, o.stream, o.shard) = ($1, $2, $3)
        AND (p.consumer, p.stream, p.shard) = ($1, $2, $3) AND (o.number <= p.number
            OR (o.approver IS NULL AND o.at < clock_timestamp() - make_interval(hours => $5)))"""
_ASK = """
    INSERT INTO orders (kind, consumer, stream, shard, partition, number, digest, reason, person)
    VALUES ('skip', $1, $2, $3, $4, $5, decode($6, 'hex'), $7, $8)
    ON CONFLICT DO NOTHING RETURNING *"""
_FIND = """
    SELECT *, at < clock_timestamp() - make_interval(hours => $2) AS old FROM orders
    WHERE id = $1 AND kind = 'skip' FOR UPDATE"""
_APPROVE = """
    UPDATE orders SET approver = $2, approved = clock_timestamp() WHERE id = $1 RETURNING *"""
_WITHDRAW = """
    UPDATE orders SET outcome = 'withdrawn', closer = $2, closed = clock_timestamp()
    WHERE id = $1 RETURNING *"""


@dataclass(frozen=True, slots=True)
class Target:
    """The one record that is to be passed over, by its place and the digest of its body."""

    consumer: str
    stream: str
    shard: int
    number: int
    digest: str

    def __str__(self) -> str:
        return f"{self.consumer} {self.stream}/{self.shard}/{self.number} {self.digest}"


class Skips:
    """The orders to skip of one service."""

    def __init__(self, exchange: Exchange, inputs: Inputs) -> None:
        self._exchange = exchange
        self._inputs = inputs

    async def ask(self, record: Mapping[str, Any], reason: str, person: str) -> Order:
        """Ask that the record which halts a shard is passed over; `record` has the members of a target."""
        target = Target(**record)
        await _same_content(self._archive(target), target)
        place = target.consumer, target.stream, target.shard
        detail = f"{target}: {reason}"
        async with self._exchange.begin(actor=person, action="skip asked", detail=detail) as tx:
            _skippable(await tx.many(_HALTED, *place), target)
            await tx.many(_CLEAR, *place, person, LIFE_H)
            what = partition_of(target.shard), target.number, target.digest
            rows = await tx.many(_ASK, *place, *what, reason, person)
            if not rows:
                raise refuse(409, "already_asked", "An order to skip waits for this shard; see the orders.")
            return order_of(rows[0])

    async def approve(self, order: int, digest: str, person: str) -> Order:
        """Approve, as another person, that the record with this digest is passed over."""
        async with self._exchange.reading() as tx:
            asked = await _open(tx, order)
        if asked.person == person:
            raise refuse(403, "same_person", "An order to skip is approved by another person.")
        target = _target(asked)
        if target.digest != digest:
            raise refuse(409, "digest_changed", "The order names another content.")
        await _same_content(self._archive(target), target)
        detail = f"order {order}: {target}"
        async with self._exchange.begin(actor=person, action="skip approved", detail=detail) as tx:
            await _open(tx, order)
            _skippable(await tx.many(_HALTED, target.consumer, target.stream, target.shard), target)
            return order_of((await tx.many(_APPROVE, order, person))[0])

    async def withdraw(self, order: int, person: str) -> Order:
        """Take back an order that is not approved."""
        async with self._exchange.begin(actor=person, action="skip withdrawn", detail=f"order {order}") as tx:
            await _open(tx, order)
            return order_of((await tx.many(_WITHDRAW, order, person))[0])

    def _archive(self, target: Target) -> Archive:
        archive = known_consumer(self._inputs, target.consumer).get(target.stream)
        if archive is None:
            raise refuse(404, "not_found", "The consumer does not take this stream.")
        return archive


async def _open(tx: PostgresTransaction, order: int) -> Order:
    """Return an order that waits for its approval, or refuse."""
    rows = await tx.many(_FIND, order, LIFE_H)
    if not rows:
        raise refuse(404, "not_found", "There is no such order to skip.")
    found = order_of(rows[0])
    if found.outcome == "expired" or (found.outcome is None and found.approver is None and rows[0]["old"]):
        raise refuse(410, "expired", f"An order that is not approved ends after {LIFE_H} h; ask again.")
    if found.approver is not None:
        raise refuse(409, "already_approved", "The order is approved.")
    if found.outcome is not None:
        raise refuse(409, "closed", f"The order is closed: {found.outcome}.")
    return found


async def _same_content(archive: Archive, target: Target) -> None:
    """Refuse unless the producer's archive holds this very content at this place."""
    found = await archive.read(target.stream, target.shard, target.number - 1, 1)
    if not found or found[0].number != target.number:
        raise refuse(404, "not_found", "The producer has no such record.")
    if sha256_hex(found[0].body) != target.digest:
        raise refuse(409, "digest_changed", "The record at this place has another content.")


def _skippable(halts: Sequence[Mapping[str, Any]], target: Target) -> None:
    """Refuse unless exactly this record halts its shard because we cannot apply it."""
    if not halts or halts[0]["number"] != target.number:
        raise refuse(409, "not_halted", "The shard is not halted at this record.")
    if halts[0]["reason"] in {REWRITTEN, MISSING}:
        raise refuse(
            409, "not_skippable", "A record that was rewritten or is missing is not skipped: retry the shard."
        )


def _target(order: Order) -> Target:
    assert order.stream is not None
    assert order.shard is not None
    assert order.number is not None
    assert order.digest is not None
    return Target(order.consumer, order.stream, order.shard, order.number, order.digest)
