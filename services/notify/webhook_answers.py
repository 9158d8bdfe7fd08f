"""What the door of webhooks takes and answers; a secret is in the answer that makes it and in no other."""

from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import BaseModel, Field

from shared.contracts.fields import After, Closed

PAGE = 200
MOST_HOURS = 168
ENDPOINT = r"^[0-9A-Za-z][0-9A-Za-z._-]{0,47}$"
NEWEST = (1 << 62) - 1

EndpointPath = Annotated[str, Path(pattern=ENDPOINT)]
DeliveryPath = Annotated[str, Path(pattern=r"^[0-9A-Za-z][0-9A-Za-z_-]{0,63}$")]
StateText = Literal["on", "paused", "disabled"]
KindText = Literal["notice", "ping"]
StandingText = Literal["waiting", "delivered", "dead"]


class NewWebhook(Closed):
    """An endpoint: its code, by which rules name it as `webhook:<code>`, and where it is."""

    code: str = Field(pattern=ENDPOINT)
    url: str = Field(max_length=2_000)
    title: str = Field("", max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")


class Rotation(Closed):
    """For how many hours more the secrets before the new one sign too; 0 ends them at once."""

    keep_old_hours: int = Field(24, ge=0, le=MOST_HOURS)


class Reason(Closed):
    """Why; it stands in the audit."""

    reason: str = Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")


class SecretLine(BaseModel):
    """A secret that signs: since when, and until when if another took its place."""

    number: int
    created: str
    until: str | None


class WebhookLine(BaseModel):
    """An endpoint; `waiting` and `dead` count its deliveries."""

    code: str
    url: str
    title: str
    state: StateText
    reason: str
    created: str
    creator: str
    waiting: int
    dead: int


class WebhookAnswer(WebhookLine):
    """An endpoint with its secrets, which are not shown."""

    secrets: list[SecretLine]


class WebhookMade(WebhookAnswer):
    """An endpoint with its new secret: it is shown now and never again."""

    secret: str


class WebhookPage(BaseModel):
    """A page of endpoints in the order of their codes; `next` continues it."""

    items: list[WebhookLine]
    next: str | None


class DeliveryLine(BaseModel):
    """A delivery: `delivery` is its `webhook-id`, `due` when it is tried next while it waits."""

    delivery: str
    endpoint: str
    kind: KindText
    created: str
    state: StandingText
    attempts: int
    due: str | None


class AttemptLine(BaseModel):
    """An attempt; without an outcome it is under way, or its worker was ended before it knew."""

    delivery: str
    number: int
    at: str
    worker: str
    outcome: Literal["delivered", "refused", "failed", "blocked"] | None
    status: int | None
    latency_ms: int | None
    error: str | None


class DeliveryAnswer(DeliveryLine):
    """A delivery with its last attempts, the newest first."""

    tried: list[AttemptLine]


class DeliveryPage(BaseModel):
    """A page of deliveries in the order in which they came; `next` continues it."""

    items: list[DeliveryLine]
    next: int | None


class AttemptPage(BaseModel):
    """A page of attempts, the newest first; `next` continues it."""

    items: list[AttemptLine]
    next: int | None


class Webhooks(BaseModel):
    """After which endpoint, and how many."""

    after: str = Query("", max_length=64, description="The `next` of the page before.")
    limit: int = Query(PAGE, ge=1, le=PAGE)


class Deliveries(BaseModel):
    """Which deliveries are listed, after which, and how many."""

    after: After = Query(0, description="The `next` of the page before.")
    limit: int = Query(PAGE, ge=1, le=PAGE)
    endpoint: str | None = Query(None, pattern=ENDPOINT)
    state: StandingText | None = None
    kind: KindText | None = None


class Attempts(BaseModel):
    """Which page of attempts."""

    after: After = Query(NEWEST, description="The `next` of the page before.")
    limit: int = Query(PAGE, ge=1, le=PAGE)
