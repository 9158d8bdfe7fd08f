"""What others are told of items, each time once: versions in order, notices of what was told, deliveries."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import asyncpg

from campaign.checker import archive

ITEMS = "supervision.items"
ITEM_CHANGED = "dukao.item-changed.v1"
Told: TypeAlias = Mapping[str, Sequence[int]]
_UNSENT = """
    SELECT n.id FROM notify.notices n LEFT JOIN notify.deliveries d USING (id)
    WHERE (n.channel <> 'inbox') <> (d.id IS NOT NULL)"""
_UNASKED = """
    SELECT id FROM notify.deliveries WHERE kind = 'notice' AND id NOT IN (SELECT id FROM notify.notices)"""
_ENDED = """
    SELECT d.id, d.state, d.attempts, count(a.number) AS tried, max(a.number) AS last,
        count(*) FILTER (WHERE a.outcome = 'delivered') AS delivered
    FROM notify.deliveries d LEFT JOIN notify.attempts a ON a.delivery = d.id GROUP BY d.id"""


async def items_told(database: asyncpg.Connection) -> list[str]:
    """C2: of each item every version was told once, in order, and what supervision keeps was told last."""
    told: dict[str, list[int]] = defaultdict(list)
    async for (stream, _), _, body, _ in archive.records(database, "supervision"):
        if stream == ITEMS:
            event = json.loads(body)
            if event["type"] == ITEM_CHANGED:
                told[event["data"]["item"]].append(event["data"]["version"])
    kept = await _versions(database, "SELECT id, version FROM supervision.items WHERE version > 0")
    return out_of_order(told) + not_last(told, kept, "supervision")


async def noticed(database: asyncpg.Connection) -> list[str]:
    """C9: notices stand on versions that were told; each for an endpoint has one delivery."""
    reached = await archive.reached(database, "notify", "notify")
    told: dict[str, list[int]] = defaultdict(list)
    async for (stream, shard), number, body, _ in archive.records(database, "supervision"):
        if stream == ITEMS and number <= reached.get((stream, shard), 0):
            event = json.loads(body)
            if event["type"] == ITEM_CHANGED:
                told[event["data"]["item"]].append(event["data"]["version"])
    kept = await _versions(database, "SELECT item, version FROM notify.items")
    notices = await database.fetch("SELECT id, item, version FROM notify.notices WHERE item IS NOT NULL")
    return [
        *not_last(told, kept, "notify"),
        *(
            f"notice {one['id']} stands on nothing told"
            for one in notices
            if one["version"] not in told[one["item"]]
        ),
        *(f"notice {row['id']} and its delivery are not both there" for row in await database.fetch(_UNSENT)),
        *(f"delivery {row['id']} has no notice" for row in await database.fetch(_UNASKED)),
        *(
            f"delivery {row['id']} is {row['state']} after {row['tried']} attempts"
            for row in await database.fetch(_ENDED)
            if _amiss(row)
        ),
    ]


def out_of_order(told: Told) -> list[str]:
    """Return the items whose versions are not 1..n."""
    return [
        f"item {item}: versions {list(versions)[:10]} were told"
        for item, versions in told.items()
        if list(versions) != list(range(1, len(versions) + 1))
    ]


def not_last(told: Told, kept: Mapping[str, int], whose: str) -> list[str]:
    """Return the items of which another version is kept than was told last."""
    newest = {item: max(versions) for item, versions in told.items()}
    return [
        f"item {item}: {whose} keeps {kept.get(item)}, told last was {newest.get(item)}"
        for item in newest.keys() | kept.keys()
        if newest.get(item) != kept.get(item)
    ]


def _amiss(row: asyncpg.Record) -> bool:
    """Tell whether attempts are not 1..n, or none succeeded of what is called delivered."""
    numbered = row["tried"] == row["attempts"] == (row["last"] or 0)
    return not numbered or (row["state"] == "delivered" and not row["delivered"])


async def _versions(database: asyncpg.Connection, statement: str) -> dict[str, int]:
    return {row[0]: row[1] for row in await database.fetch(statement)}
