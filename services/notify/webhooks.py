"""The HTTP door of webhooks: endpoints, their secrets, what was sent to them and what became of it."""

import base64
import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.notify import deliveries, endpoints, webhook_shown
from services.notify.contract import DELIVERIES
from services.notify.deliveries import NewDelivery, Wanted
from services.notify.domain.retries import Kind, Standing
from services.notify.domain.signing import PREFIX, SECRET_BYTES
from services.notify.domain.targets import read_target
from services.notify.gateway import Gateway
from services.notify.telling import gave_up
from services.notify.webhook_answers import (
    AttemptPage,
    Attempts,
    Deliveries,
    DeliveryAnswer,
    DeliveryPage,
    DeliveryPath,
    EndpointPath,
    NewWebhook,
    Reason,
    Rotation,
    WebhookAnswer,
    WebhookMade,
    WebhookPage,
    Webhooks,
)
from shared.kernel import instants
from shared.kernel.canonical import canonical
from shared.kernel.errors import refuse
from shared.storage.exchange import Exchange
from shared.storage.transaction import PostgresTransaction
from shared.web.access import Role, Subject
from shared.web.tokens import whole

MOST_ENDPOINTS = 1_000
MOST_SECRETS = 5
PING_TYPE = "dukao.ping.v1"
Operator = Annotated[Subject, Depends(whole(Role.OPERATOR))]  # an endpoint may hear of every unit


def webhooks_router(exchange: Exchange, gateway: Gateway) -> APIRouter:
    """Return the routes on which endpoints are added, shown and removed."""
    router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])

    @router.get("", name="list_webhooks")
    async def list_webhooks(asked: Annotated[Webhooks, Query()], _: Operator) -> WebhookPage:
        """List endpoints in the order of their codes, with what waits for them and what is dead."""
        async with exchange.snapshot() as tx:
            found = await endpoints.endpoints(tx, asked.after, asked.limit)
            counts = await deliveries.counts(tx, [one.code for one in found])
        lines = [webhook_shown.line(one, counts[one.code]) for one in found]
        return WebhookPage(items=lines, next=lines[-1].code if len(lines) == asked.limit else None)

    @router.post("", name="add_webhook", status_code=201)
    async def add_webhook(asked: NewWebhook, subject: Operator) -> WebhookMade:
        """Add an endpoint and make its secret, which is in this answer and in no other."""
        await gateway.check(read_target(asked.url))
        secret = _new_secret()
        async with exchange.begin(actor=subject.name, action="add webhook", detail=asked.code) as tx:
            await _add(tx, asked, subject.name)
            await endpoints.add_secret(tx, asked.code, secret, keep_old_hours=0)
            found = await webhook_shown.answer(tx, asked.code)
        return WebhookMade(**found.model_dump(), secret=secret)

    @router.get("/{endpoint}", name="show_webhook")
    async def show_webhook(endpoint: EndpointPath, _: Operator) -> WebhookAnswer:
        """Show an endpoint, how it stands and since when its secrets sign."""
        async with exchange.snapshot() as tx:
            return await webhook_shown.answer(tx, endpoint)

    @router.delete("/{endpoint}", name="remove_webhook", status_code=204)
    async def remove_webhook(endpoint: EndpointPath, subject: Operator) -> None:
        """Remove an endpoint with its secrets; what waits for it is dead, also for a next one of its code."""
        async with exchange.begin(actor=subject.name, action="remove webhook", detail=endpoint) as tx:
            await webhook_shown.find(tx, endpoint, lock=True)
            await endpoints.remove(tx, endpoint)
            ended = await deliveries.end_all(tx, endpoint)
            await tx.append(DELIVERIES, gave_up(ended, "endpoint removed"))

    @router.get("/{endpoint}/attempts", name="list_attempts")
    async def list_attempts(
        endpoint: EndpointPath, asked: Annotated[Attempts, Query()], _: Operator
    ) -> AttemptPage:
        """List the attempts to reach an endpoint, the newest first."""
        async with exchange.reading() as tx:
            found = await deliveries.attempts(tx, endpoint=endpoint, before=asked.after, limit=asked.limit)
        following = found[-1].seq if len(found) == asked.limit else None
        return AttemptPage(items=[webhook_shown.attempt(one) for one in found], next=following)

    return router


def acts_router(exchange: Exchange) -> APIRouter:
    """Return the routes of what an operator does with an endpoint."""
    router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])

    @router.post("/{endpoint}:rotate", name="rotate_webhook")
    async def rotate_webhook(endpoint: EndpointPath, asked: Rotation, subject: Operator) -> WebhookMade:
        """Make a new secret, which is in this answer alone; for some hours the old one signs beside it."""
        secret = _new_secret()
        detail = f"{endpoint}, the old for {asked.keep_old_hours} h"
        async with exchange.begin(actor=subject.name, action="rotate webhook", detail=detail) as tx:
            await webhook_shown.find(tx, endpoint, lock=True)
            await endpoints.add_secret(tx, endpoint, secret, keep_old_hours=asked.keep_old_hours)
            found = await webhook_shown.answer(tx, endpoint)
            if len(found.secrets) > MOST_SECRETS:
                raise refuse(409, "too_many_secrets", "Too many sign already; rotate with keep_old_hours 0.")
        return WebhookMade(**found.model_dump(), secret=secret)

    @router.post("/{endpoint}:pause", name="pause_webhook")
    async def pause_webhook(endpoint: EndpointPath, asked: Reason, subject: Operator) -> WebhookAnswer:
        """Send nothing to an endpoint for now; what is to be sent waits."""
        return await _stand(exchange, subject, endpoint, "paused", asked.reason)

    @router.post("/{endpoint}:resume", name="resume_webhook")
    async def resume_webhook(endpoint: EndpointPath, asked: Reason, subject: Operator) -> WebhookAnswer:
        """Send to an endpoint again, whether a person paused it or the receiver said that it is gone."""
        return await _stand(exchange, subject, endpoint, "on", asked.reason)

    @router.post("/{endpoint}:ping", name="ping_webhook", status_code=202)
    async def ping_webhook(endpoint: EndpointPath, subject: Operator) -> DeliveryAnswer:
        """Send a test message, once; its attempt tells how it went."""
        async with exchange.begin(actor=subject.name, action="ping webhook", detail=endpoint) as tx:
            found = await webhook_shown.find(tx, endpoint, lock=True)
            if found.state != "on":
                raise refuse(409, "webhook_off", "Nothing is sent to it now; resume it first.")
            ping = await _ping(tx, endpoint)
            return await webhook_shown.delivery(tx, ping)

    return router


def deliveries_router(exchange: Exchange) -> APIRouter:
    """Return the routes of deliveries."""
    router = APIRouter(prefix="/v1/deliveries", tags=["webhooks"])

    @router.get("", name="list_deliveries")
    async def list_deliveries(asked: Annotated[Deliveries, Query()], _: Operator) -> DeliveryPage:
        """List deliveries in the order in which they came; those that are dead wait for a person."""
        wanted = Wanted(
            asked.endpoint,
            None if asked.state is None else Standing(asked.state),
            None if asked.kind is None else Kind(asked.kind),
        )
        async with exchange.reading() as tx:
            found = await deliveries.listed(tx, wanted, asked.after, asked.limit)
        following = found[-1].seq if len(found) == asked.limit else None
        return DeliveryPage(items=[webhook_shown.delivery_line(one) for one in found], next=following)

    @router.get("/{delivery}", name="show_delivery")
    async def show_delivery(delivery: DeliveryPath, _: Operator) -> DeliveryAnswer:
        """Show a delivery with its last attempts."""
        async with exchange.snapshot() as tx:
            return await webhook_shown.delivery(tx, delivery)

    @router.post("/{delivery}:resend", name="resend_delivery")
    async def resend_delivery(delivery: DeliveryPath, asked: Reason, subject: Operator) -> DeliveryAnswer:
        """Send a delivery again now, with the same `webhook-id`, from the beginning of the schedule."""
        detail = f"{delivery}: {asked.reason}"
        async with exchange.begin(actor=subject.name, action="resend delivery", detail=detail) as tx:
            found = await webhook_shown.delivery(tx, delivery)
            await webhook_shown.find(tx, found.endpoint)
            if not await deliveries.resend(tx, delivery):
                raise refuse(409, "under_way", "An attempt is under way; see how it ends.")
            return await webhook_shown.delivery(tx, delivery)

    return router


def _new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


async def _add(tx: PostgresTransaction, asked: NewWebhook, person: str) -> None:
    if not await endpoints.add_endpoint(tx, asked.code, asked.url, asked.title, person):
        raise refuse(409, "webhook_exists", "There is an endpoint of this code.", pointer="/code")
    if await endpoints.count(tx) > MOST_ENDPOINTS:
        raise refuse(409, "too_many_webhooks", f"At most {MOST_ENDPOINTS} endpoints are kept.")


async def _ping(tx: PostgresTransaction, endpoint: str) -> str:
    """Let a test message wait; return its id."""
    ping = f"ping-{secrets.token_hex(16)}"
    now = await deliveries.clock(tx)
    told = {"type": PING_TYPE, "timestamp": instants.text(now), "data": {"id": ping, "endpoint": endpoint}}
    await deliveries.add(tx, [NewDelivery(ping, endpoint, canonical(told), now)], Kind.PING)
    return ping


async def _stand(
    exchange: Exchange, subject: Subject, endpoint: str, state: str, reason: str
) -> WebhookAnswer:
    detail = f"{endpoint} {state}: {reason}"
    async with exchange.begin(actor=subject.name, action="set webhook", detail=detail) as tx:
        await webhook_shown.find(tx, endpoint, lock=True)
        await endpoints.set_state(tx, endpoint, state, reason)
        return await webhook_shown.answer(tx, endpoint)
