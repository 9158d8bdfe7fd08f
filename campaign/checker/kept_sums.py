"""What stage A keeps, read by the layout of its rows: numerator, denominator and rows of each measure."""

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

import asyncpg

Amounts: TypeAlias = tuple[int, int, int]


def name_of(measure: str) -> str:
    """Return the name in `scheme/version/name@version`."""
    return measure.rpartition("/")[2].partition("@")[0]


async def partials_of(database: asyncpg.Connection) -> dict[tuple[int, str, str, int], Amounts]:
    """Return what stage A keeps by shard, measure, unit and month: numerator, denominator and rows.

    A row of it is a list of numbers: measures over the same by name, each with its numerator, its denominator
    where it has one, and how many rows came in, once for all that place rows alike.
    """
    documents = {
        f"{row['code']}@{row['version']}": json.loads(row["document"])
        for row in await database.fetch("SELECT code, version, document::text FROM scoring.schemes")
    }
    found: dict[tuple[int, str, str, int], Amounts] = {}
    for row in await database.fetch("SELECT * FROM scoring.partials WHERE scheme NOT LIKE '%~%'"):
        numbers = json.loads(row["numbers"])
        for name, (version, numerator, denominator, rows) in _places(
            documents[row["scheme"]], row["over"]
        ).items():
            measure = f"{row['scheme']}/{name}@{version}"
            below = 0 if denominator is None else numbers[denominator]
            found[row["shard"], measure, row["unit"], row["month"]] = numbers[numerator], below, numbers[rows]
    return found


def _places(document: Mapping[str, Any], over: str) -> dict[str, tuple[int, int, int | None, int]]:
    """Return the version of each measure over the same, and where its numbers stand."""
    places: dict[str, tuple[int, int, int | None, int]] = {}
    rows: dict[str, int] = {}
    width = 0
    for name, spec in sorted(document["measures"].items()):
        if spec.get("over") != over:
            continue
        numerator, denominator, width = width, None, width + 1
        if spec.get("denominator") is not None:
            denominator, width = width, width + 1
        by = spec["period_by"]
        placed = f"flow {by}" if isinstance(by, str) else f"stock {name}"
        if placed not in rows:
            rows[placed], width = width, width + 1
        places[name] = spec.get("version", 1), numerator, denominator, rows[placed]
    return places
