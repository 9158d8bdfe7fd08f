"""What waits in suspense, by its entries: each opens or settles, in turn, and the last says how it stands."""

from typing import Any

import asyncpg

Doubt = tuple[int, bytes, str, str]


async def suspended(database: asyncpg.Connection) -> list[str]:
    """C5: entries of suspense take turns, and end as the list of what waits says."""
    ends: dict[Doubt, tuple[bool, str]] = {}
    wrong: list[str] = []
    for row in await database.fetch("SELECT * FROM scoring.suspense_entries ORDER BY id"):
        doubt = _doubt(row)
        if ends.get(doubt, (True, ""))[0] == row["settles"]:
            wrong.append(f"{doubt}: entry {row['id']} says again what the one before said")
        ends[doubt] = row["settles"], row["cause"]
    listed = {
        _doubt(row): (row["settled"] is not None, row["settled"] or row["opened"])
        for row in await database.fetch("SELECT * FROM scoring.suspense")
    }
    wrong += [
        f"{doubt}: entries end at {ends.get(doubt)}, the list says {listed.get(doubt)}"
        for doubt in ends.keys() | listed.keys()
        if ends.get(doubt) != listed.get(doubt)
    ]
    return wrong


def _doubt(row: Any) -> Doubt:
    return row["shard"], row["grp"], row["why"], row["what"]
