"""What was judged of regions must follow from its own counts, and clocks of shards from the ticks applied."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import comb
from typing import Any

import asyncpg

from campaign.checker import archive
from campaign.checker.incident_facts import JUDGED, RULINGS

ACCEPTED, TICK = "ingest.accepted", "dukao.tick.v1"
PLACES = 10**12
MOST_COMPUTED = 2_000


async def rises(database: asyncpg.Connection) -> list[str]:
    """C5: the chance of each region, its correction for all that were tested, and which rose."""
    told: list[Mapping[str, Any]] = []
    async for (stream, _), _, body, _ in archive.records(database, "scoring"):
        event = json.loads(body) if stream == RULINGS else {}
        if event.get("type") == JUDGED:
            told.append(event["data"])
    times = Counter((one["scheme"], one["code"], one["month"]) for one in told)
    return [
        *(f"{month} was judged {count} times" for month, count in times.items() if count > 1),
        *(line for one in told for line in _wrong(one)),
    ]


async def clocks(database: asyncpg.Connection) -> list[str]:
    """C5: the clock of each shard is the newest tick up to the position of stage A."""
    reached = await archive.reached(database, "scoring", "scoring-a")
    wanted: dict[int, tuple[str, str]] = {}
    async for (stream, shard), number, body, _ in archive.records(database, "ingest"):
        if stream == ACCEPTED and TICK.encode() in body and number <= reached.get((stream, shard), 0):
            event = json.loads(body)
            if event["type"] == TICK:
                wanted[shard] = event["data"]["minute"], event["received"]
    kept = {
        row["shard"]: (row["minute"], row["received"])
        for row in await database.fetch("SELECT * FROM scoring.clocks")
    }
    return [
        f"the clock of shard {shard} is {kept.get(shard)}, its newest tick {wanted.get(shard)}"
        for shard in wanted.keys() | kept.keys()
        if wanted.get(shard) != kept.get(shard)
    ]


def _wrong(one: Mapping[str, Any]) -> Iterator[str]:
    regions: Sequence[Mapping[str, Any]] = one["regions"]
    wanted = _holm([Fraction(region["p"]) for region in regions])
    for region, adjusted in zip(regions, wanted, strict=True):
        rose = adjusted <= Fraction(one["alpha"]) and region["count"] >= one["minimum"]
        chance = _chance(region)
        if chance is not None and round(chance * PLACES) != Fraction(region["p"]) * PLACES:
            yield f"{one['month']} {region['unit']}: p is {chance}, told is {region['p']}"
        if (adjusted, rose) != (Fraction(region["adjusted"]), region["significant"]):
            yield f"{one['month']} {region['unit']}: {adjusted} {rose}, told is {region}"


def _chance(region: Mapping[str, Any]) -> Fraction | None:
    """Return the chance of as many events or more, exactly; None where there are too many to work it out."""
    n = region["count"] + region["before"]
    if n > MOST_COMPUTED:
        return None
    now, then = region["exposure"], region["exposure_before"]
    weights = (comb(n, k) * now**k * then ** (n - k) for k in range(region["count"], n + 1))
    return Fraction(sum(weights), (now + then) ** n)


def _holm(chances: Sequence[Fraction]) -> list[Fraction]:
    """Return each chance times the number of those that are not below it, never less than one before it."""
    order = sorted(range(len(chances)), key=lambda at: chances[at])
    adjusted = [Fraction(0)] * len(chances)
    highest = Fraction(0)
    for place, at in enumerate(order):
        highest = max(highest, min(Fraction(1), chances[at] * (len(chances) - place)))
        adjusted[at] = highest
    return adjusted
