"""Parts a decision on a review by the facts that its entry stands on; of none more than it says."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import msgspec

from services.scoring import derived, under_review
from services.scoring.contract import ACCEPTED, CONSUMER_A, POINTS, SCHEMES, EventsUnder, FactUnder
from services.scoring.domain.derived import Taking
from services.scoring.domain.explanation import leaves_of
from services.scoring.domain.manual import Given
from services.scoring.domain.measures import PointsSpec
from services.scoring.domain.reviewed import NONE, REVIEWS, Change, FactName, Numbers, Reviewed, changed
from services.scoring.questions import Question
from services.scoring.reviews import Entry, Review
from services.scoring.under_review import LAST, Under, UnderReview
from shared.kernel.errors import refuse
from shared.kernel.points import MILLIONTHS, decimal, millionths, of_millionths, of_parts, short_text, text
from shared.kernel.shards import SHARDS
from shared.storage.transaction import PostgresTransaction

FACTS_AT_ONCE = 500
MOST_FACTS = 5_000

_CAUSES = "SELECT ranges::text AS ranges FROM entries e JOIN causes c ON c.digest = e.cause WHERE e.id = $1"
_LATER = """
    SELECT (r ->> 'shard')::int AS shard, min((r ->> 'first')::bigint) AS first
    FROM entries mine JOIN entries e USING (scheme, grp, unit, indicator, month)
    JOIN causes c ON c.digest = e.cause CROSS JOIN LATERAL jsonb_array_elements(c.ranges) r
    WHERE mine.id = $1 AND e.id > mine.id AND r ->> 'stream' = $2 GROUP BY 1"""
_SHARDS = """
    SELECT DISTINCT p.shard, q.number FROM partials p
    JOIN positions q ON q.consumer = $5 AND q.stream = $6 AND q.shard = p.shard
    WHERE p.scheme = $1 AND p.over = $2 AND p.unit = $3 AND p.month BETWEEN $4 AND $7 AND q.number > 0"""
_RANGES = msgspec.json.Decoder(list[dict[str, Any]])


@dataclass(slots=True)
class Part:
    """What a decision changes of the facts of a shard, and which these are."""

    shard: int
    facts: frozenset[FactName]
    events: tuple[Numbers, ...]
    change: Change = NONE

    def written(self, decided: Mapping[str, str]) -> dict[str, Any]:
        """Write what a decision changes here, by the amounts that it names."""
        if "points" in decided:
            amounts = {"points": short_text(-self.change.numerator)}
        else:
            found = {"numerator": self.change.numerator, "denominator": self.change.denominator}
            amounts = {name: text(of_millionths(found[name])) for name in found if name in decided}
        return amounts | {
            "facts": tuple(FactUnder(stream=stream, key=key) for stream, key in sorted(self.facts)),
            "events": tuple(EventsUnder(first=first, last=last) for first, last in self.events),
        }


async def parted(
    tx: PostgresTransaction, one: Review, question: Question, decided: Mapping[str, str]
) -> list[Part]:
    """Return the parts of a decision, or refuse what the facts under the entry do not say any more."""
    under = question.scheme.points
    place = under.taken[one.indicator]
    left = wanted = _wanted(place, decided)
    parts: list[Part] = []
    for part in await _under(tx, one, question):
        if left == NONE:
            break
        cell = UnderReview(part.shard, one.unit, one.month)
        before = await under_review.of_cell(tx, cell)
        mine = [r for r in before if (r.scheme, r.indicator) == (one.scheme, one.indicator)]
        asked = _reviewed(one, part, left, place)
        facts = await under_review.stands(
            tx, cell, Under(under, place, [*mine, asked]), question.scheme.catalogue
        )
        part.change = changed([*mine, asked], facts, place) - changed(mine, facts, place)
        left -= part.change
        parts.append(part)
    if left != NONE:
        raise _too_much(question, wanted - left)
    return [part for part in parts if part.change != NONE]


async def is_of_review(tx: PostgresTransaction, entry: Entry, question: Question) -> bool:
    """Tell whether nothing but decisions on reviews posted an entry."""
    causes = await _causes(tx, entry.id)
    told = {cause["shard"]: (cause["first"], cause["last"]) for cause in causes}
    if not causes or any(cause["stream"] != POINTS for cause in causes):
        return False
    posted = [
        fact.fact
        for over in (REVIEWS, question.spec.over)
        async for fact in _found(tx, POINTS, over, [entry.unit], question.span)
        if _was_there(fact, told.get(fact.key.shard))
    ]
    mine = [one for one in posted if isinstance(one, Given | Reviewed) and one.indicator == entry.indicator]
    return bool(mine) and all(isinstance(one, Reviewed) for one in mine)


def _wanted(place: Taking, decided: Mapping[str, str]) -> Change:
    numerator, denominator, points = (
        millionths(decimal(decided.get(name, "0"))) for name in ("numerator", "denominator", "points")
    )
    return Change(-points * MILLIONTHS if place.in_points else numerator, denominator)


def _reviewed(one: Review, part: Part, change: Change, place: Taking) -> Reviewed:
    told = Reviewed(
        one.id,
        1,
        one.scheme,
        one.unit,
        one.indicator,
        one.month,
        denominator=change.denominator,
        entry=one.entry,
        facts=part.facts,
        events=part.events,
    )
    amount = change.numerator
    return replace(told, points=amount) if place.in_points else replace(told, numerator=amount)


async def _under(tx: PostgresTransaction, one: Review, question: Question) -> list[Part]:
    """Return what the entry stands on, by shard: of a scheme that was adopted, all that was there.

    What posted a later entry of the cell was not.
    """
    causes, over = await _causes(tx, one.entry), question.spec.over
    stream, adopted = derived.stream_of(over), any(cause["stream"] == SCHEMES for cause in causes)
    told = {cause["shard"]: (cause["first"], cause["last"]) for cause in causes if cause["stream"] == stream}
    later = await _later(tx, one, stream) if adopted else {}
    if stream != ACCEPTED:
        whole = {shard: (1, later.get(shard, LAST)) for shard in range(SHARDS)}
        return await _facts(tx, one, question, whole if adopted else told)
    if adopted:
        first, last = question.span
        cell = question.scheme.plan.id, over, one.unit, first
        for row in await tx.many(_SHARDS, *cell, CONSUMER_A, ACCEPTED, last):
            shard, reached = row["shard"], min(row["number"], later.get(row["shard"], LAST))
            told[shard] = 1, max(reached, told.get(shard, (1, 1))[1])
    return [Part(shard, frozenset(), (numbers,)) for shard, numbers in sorted(told.items())]


async def _facts(
    tx: PostgresTransaction, one: Review, question: Question, told: Mapping[int, Numbers]
) -> list[Part]:
    """Return the derived facts that the entry stands on, as far as their newest versions tell."""
    stream, months = derived.stream_of(question.spec.over), (one.month, one.month)
    units = leaves_of(question.scheme.plan, one.unit)
    found: dict[int, set[FactName]] = {}
    async for fact in _found(tx, stream, question.spec.over, units, months):
        if _was_there(fact, told.get(fact.key.shard)):
            found.setdefault(fact.key.shard, set()).add((stream, fact.key.key))
            if sum(map(len, found.values())) > MOST_FACTS:
                reason = f"More than {MOST_FACTS} facts are under this entry; correct them at their source."
                raise refuse(409, "too_many_facts", reason)
    return [Part(shard, frozenset(names), ()) for shard, names in sorted(found.items())]


async def _found(
    tx: PostgresTransaction, stream: str, over: str, units: Sequence[str], months: Numbers
) -> AsyncIterator[derived.Told]:
    """Yield the derived facts found under units in months; where a page ends the next begins, so twice."""
    at: derived.Found | None = None
    while True:
        page = await derived.find(tx, stream, over, units, months, at, FACTS_AT_ONCE)
        for _, fact in page:
            yield fact
        if len(page) < FACTS_AT_ONCE:
            return
        at = page[-1][0]


async def _later(tx: PostgresTransaction, one: Review, stream: str) -> dict[int, int]:
    """Return by shard the last number of a stream before those that posted later entries of a cell."""
    found: dict[int, int] = {}
    for row in await tx.many(_LATER, one.entry, stream):
        found[row["shard"]] = row["first"] - 1
    return found


async def _causes(tx: PostgresTransaction, entry: int) -> list[dict[str, Any]]:
    rows = await tx.many(_CAUSES, entry)
    return [cause for row in rows for cause in _RANGES.decode(row["ranges"])]


def _was_there(fact: derived.Told, numbers: Numbers | None) -> bool:
    """Tell whether a version of a fact was told among numbers, the newest or one before it."""
    if numbers is None:
        return False
    first, last = numbers
    return any(first <= number <= last for number in fact.numbers)


def _too_much(question: Question, most: Change) -> Exception:
    deduct = question.indicator.method.deduct
    if deduct is None:
        amounts = ", ".join(
            text(of_millionths(amount)) for amount in (most.numerator, most.denominator) if amount
        )
        reason = f"At most {amounts or '0'} is changed: what the facts under the entry still say."
        return refuse(409, "changes_too_much", reason)
    in_points = isinstance(question.spec, PointsSpec)
    each = 1 if in_points or deduct.each is None else millionths(Decimal(deduct.each))
    most_points = text(of_parts(-most.numerator * each))
    reason = f"At most {most_points} points are given back: what the facts under the entry still take."
    return refuse(409, "gives_back_too_much", reason)
