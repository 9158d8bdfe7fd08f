"""What notify tells of deliveries that ended."""

from collections.abc import Sequence

from services.notify.contract import DELIVERED, GAVE_UP, SOURCE, Delivered, GaveUp
from services.notify.deliveries import Claimed, Ended
from services.notify.domain.retries import Kind, Reply, Standing
from services.notify.domain.rules import WEBHOOK
from shared.contracts import envelope
from shared.contracts.fields import Closed
from shared.kernel.records import Draft
from shared.kernel.shards import shard_of


def settled(one: Claimed, reply: Reply, standing: Standing) -> list[Draft]:
    """Return what is told of an attempt: how its delivery ended, if it is a notice and did."""
    match standing:
        case Standing.DELIVERED if one.kind is Kind.NOTICE:
            told = Delivered(delivery=one.id, channel=_channel(one.endpoint), attempts=one.attempts)
            return [_draft(DELIVERED, one.id, told)]
        case Standing.DEAD:
            return gave_up([one], reply.error or "")
        case _:
            return []


def gave_up(ended: Sequence[Claimed | Ended], reason: str) -> list[Draft]:
    """Return what is told of deliveries that are dead; of test messages nothing."""
    return [
        _draft(
            GAVE_UP,
            one.id,
            GaveUp(delivery=one.id, channel=_channel(one.endpoint), attempts=one.attempts, reason=reason),
        )
        for one in ended
        if one.kind is Kind.NOTICE
    ]


def _channel(endpoint: str) -> str:
    return f"{WEBHOOK}:{endpoint}"


def _draft(name: str, delivery: str, told: Closed) -> Draft:
    return Draft(shard_of(delivery), envelope.encode(name, SOURCE, delivery, told))
