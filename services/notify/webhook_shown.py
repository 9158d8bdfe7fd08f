"""Endpoints, deliveries and attempts as the door shows them."""

from services.notify import deliveries, endpoints
from services.notify.deliveries import Attempt, Delivery
from services.notify.domain.retries import Standing
from services.notify.endpoints import Endpoint
from services.notify.webhook_answers import (
    NEWEST,
    PAGE,
    AttemptLine,
    DeliveryAnswer,
    DeliveryLine,
    SecretLine,
    WebhookAnswer,
    WebhookLine,
)
from shared.kernel import instants
from shared.kernel.errors import refuse
from shared.storage.transaction import PostgresTransaction


async def find(tx: PostgresTransaction, code: str, *, lock: bool = False) -> Endpoint:
    """Return an endpoint, or refuse with 404."""
    found = await endpoints.endpoint(tx, code, lock=lock)
    if found is None:
        raise refuse(404, "not_found", "There is no such endpoint.")
    return found


async def answer(tx: PostgresTransaction, code: str) -> WebhookAnswer:
    """Return an endpoint with what waits for it and since when its secrets sign."""
    found = await find(tx, code)
    counts = await deliveries.counts(tx, [code])
    seen = [
        SecretLine(
            number=one.number,
            created=instants.text(one.created),
            until=None if one.until is None else instants.text(one.until),
        )
        for one in await endpoints.secrets_seen(tx, code)
    ]
    return WebhookAnswer(**line(found, counts[code]).model_dump(), secrets=seen)


async def delivery(tx: PostgresTransaction, name: str) -> DeliveryAnswer:
    """Return a delivery with its last attempts, or refuse with 404."""
    found = await deliveries.find(tx, name)
    if found is None:
        raise refuse(404, "not_found", "There is no such delivery.")
    tried = await deliveries.attempts(tx, delivery=name, before=NEWEST, limit=PAGE)
    return DeliveryAnswer(**delivery_line(found).model_dump(), tried=[attempt(one) for one in tried])


def line(one: Endpoint, counts: dict[str, int]) -> WebhookLine:
    """Return an endpoint as it stands in a list."""
    return WebhookLine.model_validate(
        {
            "code": one.code,
            "url": one.url,
            "title": one.title,
            "state": one.state,
            "reason": one.reason,
            "created": instants.text(one.created),
            "creator": one.creator,
            **counts,
        }
    )


def delivery_line(one: Delivery) -> DeliveryLine:
    """Return a delivery as it stands in a list; one that waits has a time when it is due."""
    return DeliveryLine.model_validate(
        {
            "delivery": one.id,
            "endpoint": one.endpoint,
            "kind": one.kind,
            "created": instants.text(one.created),
            "state": one.state,
            "attempts": one.attempts,
            "due": instants.text(one.due) if one.state == Standing.WAITING else None,
        }
    )


def attempt(one: Attempt) -> AttemptLine:
    """Return an attempt."""
    return AttemptLine.model_validate(
        {
            "delivery": one.delivery,
            "number": one.number,
            "at": instants.text(one.at),
            "worker": one.worker,
            "outcome": one.outcome,
            "status": one.status,
            "latency_ms": one.latency_ms,
            "error": one.error,
        }
    )
