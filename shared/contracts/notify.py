"""What notify publishes: what became of a delivery."""

from pydantic import Field

from shared.contracts.fields import Closed, Code

SOURCE = "dukao/notify"
DELIVERIES = "notify.deliveries"

DELIVERED = "dukao.delivered.v1"
GAVE_UP = "dukao.gave-up.v1"


class Delivered(Closed):
    """A message reached its receiver."""

    delivery: str = Field(min_length=1, max_length=128)
    channel: Code
    attempts: int = Field(ge=1)


class GaveUp(Closed):
    """A message could not be delivered and will not be tried again; without an endpoint nobody tried."""

    delivery: str = Field(min_length=1, max_length=128)
    channel: Code
    attempts: int = Field(ge=0)
    reason: str
