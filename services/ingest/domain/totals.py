"""What the archive holds of a source's day: how many events, the digest of their ids, sums of their fields.

The digest of ids is the sum of their SHA-256, modulo 2^256: the same in any order, one addition an event.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import TypeAlias

from services.ingest.domain.sources import Scope

IDS = ""
MODULUS = 1 << 256

TotalKey: TypeAlias = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Counted:
    """What one event adds to its day: the number that stands for its id, and values by field."""

    day: str
    identity: int
    values: tuple[tuple[str, Decimal], ...]


@dataclass(frozen=True, slots=True)
class Total:
    """How many values were added up, and their sum; of ids (field `IDS`) the sum of their numbers."""

    count: int = 0
    sum: Decimal = Decimal(0)


def identity(event_id: str) -> int:
    """Return the number that stands for an id in the digest of a day."""
    return int.from_bytes(sha256(event_id.encode()).digest(), "big")


def digest_of_ids(total: int) -> str:
    """Write a sum of such numbers as the digest of their ids."""
    return f"{total % MODULUS:064x}"


def counted(
    scope: Scope, event_type: str, event_id: str, time: datetime, value_of: Callable[[str], object]
) -> Counted | None:
    """Return what an event adds to its day, if its source sends manifests; `value_of` reads its data."""
    if scope.zone is None:
        return None
    found = ((name, value_of(name)) for name in scope.totals.get(event_type, ()))
    values = tuple((name, Decimal(value)) for name, value in found if isinstance(value, str | int))
    return Counted(time.astimezone(scope.zone).date().isoformat(), identity(event_id), values)


def added_up(events: Iterable[tuple[str, str, Counted]]) -> dict[TotalKey, tuple[int, int | Decimal]]:
    """Return what events, each with its source and type, add to (source, day, type, field)."""
    found: dict[TotalKey, tuple[int, int | Decimal]] = {}
    for source, kind, one in events:
        for field, value in ((IDS, one.identity), *one.values):
            key = source, one.day, kind, field
            count, total = found.get(key, (0, 0))
            found[key] = count + 1, total + value
    return found
