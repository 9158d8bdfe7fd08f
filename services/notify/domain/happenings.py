"""What happens, as rules see it: its kind, its identity, whom it concerns, and what is told of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

Told: TypeAlias = Mapping[str, str | int | None]


class Kind(StrEnum):
    """What a rule can listen to."""

    ITEM_STATE = "item-state"
    ITEM_LIGHT = "item-light"
    ITEM_LATE = "item-late"
    ITEM_SIGN_LATE = "item-sign-late"
    ITEM_EXTENSION_ASKED = "item-extension-asked"
    TIER_CHANGED = "tier-changed"
    PERIOD_CLOSED = "period-closed"
    SCHEME_ADOPTED = "scheme-adopted"
    SURVEY_TURNED = "survey-turned"
    FEED_TURNED = "feed-turned"
    DAY_TURNED = "day-turned"
    CONFLICT_FOUND = "conflict-found"
    INBOUND_REFUSED = "inbound-refused"


@dataclass(frozen=True, slots=True)
class Happening:
    """One happening; `event` names it for ever, however often it is heard of.

    A `reminder` holds until its `item` changes: `version` is that of the item which it stands on. One that is
    `over` was reached and left between two looks.
    """

    kind: Kind
    event: str
    at: datetime
    told: Told
    unit: str | None = None
    others: tuple[str, ...] = ()
    assessor: str | None = None
    item: str | None = None
    version: int = 0
    reminder: bool = False
    over: bool = False
