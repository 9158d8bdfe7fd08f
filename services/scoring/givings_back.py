"""What a review gave back of points that are withdrawn later: nothing is given back a second time."""

import json

from services.scoring import derived, reviews
from services.scoring.contract import POINTS, REVIEW_DECIDED, SOURCE, ReviewDecided
from services.scoring.derived import Key
from services.scoring.domain.reviews import State
from services.scoring.requests import Request, Taken
from services.scoring.reviews import Review
from shared.contracts import envelope
from shared.kernel.periods import Month
from shared.kernel.points import MILLIONTHS, decimal, millionths, of_millionths, parts_of, text
from shared.kernel.records import Draft
from shared.kernel.shards import shard_of
from shared.storage.transaction import PostgresTransaction

MOST_REVIEWS = 100
_CAUSES = "SELECT ranges::text AS ranges FROM entries e JOIN causes c ON c.digest = e.cause WHERE e.id = $1"


async def reduced(tx: PostgresTransaction, one: Request, taken: Taken) -> list[Draft]:
    """Let reviews of entries that withdrawn points brought give back what the entry takes without them."""
    key = Key(shard_of(one.unit), POINTS, one.id)
    kept = (await derived.load(tx, [key])).get(key)
    if kept is None or one.asked["points"] is None:
        return []
    number, cell = envelope.decode(kept.body).number, (one.scheme, one.unit, one.indicator)
    drafts: list[Draft] = []
    for review in await reviews.of_cell(tx, cell, [one.month], MOST_REVIEWS):
        given = (review.decided or {}).get("points")
        if review.state is State.CHANGED and given and await _brought(tx, review, key.shard, number):
            left = _left(review, _millionths(given), _millionths(one.asked["points"]))
            if left < _millionths(given):
                drafts.append(await _tell(tx, review, text(of_millionths(left)), taken))
    return drafts


def _left(review: Review, given: int, withdrawn: int) -> int:
    """Return what a review still gives back, in millionths: at most what its entry takes without them."""
    old, new = review.asked["old"], review.asked["new"]
    took = given if old is None or new is None else (parts_of(old) - parts_of(new)) // MILLIONTHS
    return max(0, min(given, took - withdrawn))


async def _tell(tx: PostgresTransaction, one: Review, points: str, taken: Taken) -> Draft:
    """Note that a review gives back less from here on, and return the newest version of its fact."""
    key = Key(shard_of(one.unit), POINTS, one.id)
    steps, kept = await reviews.steps(tx, one.id), (await derived.load(tx, [key])).get(key)
    told = ReviewDecided(
        key=one.id,
        version=2 if kept is None else kept.fact.version + 1,
        scheme=one.scheme,
        unit=one.unit,
        indicator=one.indicator,
        month=str(Month.of_ordinal(one.month)),
        entry=one.entry,
        points=points,
        asked_by=steps[0].person,
        asked=one.asked["reason"],
        decided_by=next(step.person for step in steps if step.what == "change"),
        reason=taken.reason,
    )
    await reviews.move(tx, one.id, State.CHANGED, {"points": points})
    await reviews.note(tx, one.id, len(steps) + 1, Taken(taken.at, reviews.LESS, taken.person, taken.reason))
    return Draft(key.shard, envelope.encode(REVIEW_DECIDED, SOURCE, one.unit, told))


async def _brought(tx: PostgresTransaction, review: Review, shard: int, number: int) -> bool:
    """Tell whether a record is among the causes of the entry of a review."""
    ranges = [one for row in await tx.many(_CAUSES, review.entry) for one in json.loads(row["ranges"])]
    return any(
        (one["stream"], one["shard"]) == (POINTS, shard) and one["first"] <= number <= one["last"]
        for one in ranges
    )


def _millionths(written: str) -> int:
    return millionths(decimal(written))
