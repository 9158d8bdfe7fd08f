"""Reads the working calendars of a zone: what scoring was told of them, and when."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from services.scoring import store
from services.scoring.domain.grace import KnownDays
from shared.kernel import instants
from shared.storage.transaction import PostgresTransaction


async def known_days(tx: PostgresTransaction, zone: str) -> list[KnownDays]:
    """Return the days that each calendar of a zone knows, in the order in which they were received."""
    return [_known(received, document) for received, document in await store.working_calendars(tx, zone)]


def _known(received: str, document: Mapping[str, Any]) -> KnownDays:
    head = document["calendar"]
    days = [day for notice in document["notices"] for day in notice["days"]]
    return KnownDays(
        first=date.fromisoformat(head["first"]),
        last=date.fromisoformat(head["last"]),
        named={date.fromisoformat(day["day"]): day["kind"] != "rest" for day in days},
        received=instants.parse(received),
    )
