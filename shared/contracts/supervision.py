"""What supervision publishes: items under supervision, whole and with their version."""

from enum import StrEnum

from pydantic import Field

from shared.contracts.fields import Closed, Code, InstantText, Version

SOURCE = "dukao/supervision"
ITEMS = "supervision.items"

ITEM_CHANGED = "dukao.item-changed.v1"


class ItemState(StrEnum):
    """Where an item stands; overdue is derived, never stored."""

    REGISTERED = "registered"
    ASSIGNED = "assigned"
    SIGNED = "signed"
    IN_PROGRESS = "in_progress"
    SUBMITTED = "submitted"
    CLEARED = "cleared"
    CANCELLED = "cancelled"


class ItemChanged(Closed):
    """The whole state of an item after a change; the highest version counts."""

    item: str = Field(min_length=1, max_length=128)
    version: Version
    state: ItemState = Field(strict=False)
    unit: Code
    title: str
    due: InstantText | None = None
