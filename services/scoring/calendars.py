"""Reads the working calendar of a zone: what scoring was told of it last."""

from datetime import date

from services.scoring import store
from services.scoring.domain.grace import KnownDays
from shared.storage.transaction import PostgresTransaction


async def known_days(tx: PostgresTransaction, zone: str) -> KnownDays | None:
    """Return the days that the newest calendar of a zone knows, None where there is no calendar."""
    document = await store.newest_calendar(tx, zone)
    if document is None:
        return None
    head = document["calendar"]
    days = [day for notice in document["notices"] for day in notice["days"]]
    return KnownDays(
        first=date.fromisoformat(head["first"]),
        last=date.fromisoformat(head["last"]),
        named={date.fromisoformat(day["day"]): day["kind"] != "rest" for day in days},
    )
