"""Reads what others concluded: items, decisions, points that persons gave, reviews, surveys, silent feeds."""

import json
from collections.abc import Callable, Mapping
from datetime import date

import msgspec

from services.scoring.contract import (
    DEDUCTION_DECIDED,
    DEDUCTIONS,
    FEED_FRESH,
    FEED_STALE,
    ITEM_CHANGED,
    ITEMS,
    POINTS_GIVEN,
    REVIEW_DECIDED,
    SURVEY_COUNTED,
    DeductionDecided,
    DeductionState,
    FeedFresh,
    FeedStale,
    GivenState,
    ItemChanged,
    PointsGiven,
    ReviewDecided,
    SurveyCounted,
)
from services.scoring.domain.decided import Decision, Deducted
from services.scoring.domain.derived import Derived
from services.scoring.domain.late_days import LateItem, Shares
from services.scoring.domain.manual import Given
from services.scoring.domain.measures import MANUAL_POINTS, MANUAL_VALUES
from services.scoring.domain.methods.survey import Trimmed
from services.scoring.domain.reviewed import Reviewed
from services.scoring.domain.silence import Silence
from services.scoring.domain.surveyed import Counted
from shared.contracts import envelope
from shared.contracts.envelope import AcceptedEvent
from shared.kernel import instants
from shared.kernel.periods import Month
from shared.kernel.points import CELL_PLACES, decimal, millionths, parts_of
from shared.kernel.shards import shard_of

FeedTold: Mapping[str, type[FeedStale] | type[FeedFresh]] = {FEED_STALE: FeedStale, FEED_FRESH: FeedFresh}
COUNTING = {DeductionState.COUNTED, DeductionState.REVIVED}


def item_of(event: AcceptedEvent) -> LateItem:
    """Read the whole state of an item."""
    told = envelope.decode_data(event, ItemChanged)
    return LateItem(
        key=told.item,
        version=told.version,
        kind=told.kind.value,
        days=tuple((date.fromisoformat(day), _parts(shares_on(told, day))) for day in told.late_days),
        provisional=told.provisional,
        scheme=told.scheme,
        indicator=told.indicator,
    )


def shares_on(told: ItemChanged, day: str) -> Mapping[str, str]:
    """Return the shares by which a late day of an item is borne."""
    return [one.shares for one in told.late_shares if one.first <= day][-1]


def decision_of(event: AcceptedEvent) -> Decision:
    """Read what was decided of an incident for a unit."""
    told = envelope.decode_data(event, DeductionDecided)
    return Decision(
        key=told.key,
        version=told.version,
        rows=tuple(
            Deducted(
                unit=told.unit,
                role=one.role.value,
                indicator=one.indicator,
                month=Month.parse(one.month).ordinal,
                points=millionths(decimal(one.points)),
                scheme=one.scheme,
                why=None if one.state in COUNTING else one.state.value,
                finding=f"{one.finding.source}/{one.finding.id}",
            )
            for one in told.deductions
        ),
    )


def given_of(event: AcceptedEvent) -> Given:
    """Read what persons gave."""
    told = envelope.decode_data(event, PointsGiven)
    written = told.value if told.points is None else told.points
    assert written is not None, "points or a value"
    return Given(
        key=told.key,
        version=told.version,
        scheme=told.scheme,
        unit=told.unit,
        indicator=told.indicator,
        month=Month.parse(told.month).ordinal,
        over=MANUAL_VALUES if told.points is None else MANUAL_POINTS,
        amount=millionths(decimal(written)),
        stands=told.state is GivenState.APPROVED,
    )


def reviewed_of(event: AcceptedEvent) -> Reviewed:
    """Read what was decided on a review."""
    told = envelope.decode_data(event, ReviewDecided)
    return Reviewed(
        key=told.key,
        version=told.version,
        scheme=told.scheme,
        unit=told.unit,
        indicator=told.indicator,
        month=Month.parse(told.month).ordinal,
        points=0 if told.points is None else -parts_of(decimal(told.points, places=CELL_PLACES)),
        numerator=_millionths(told.numerator),
        denominator=_millionths(told.denominator),
        entry=told.entry,
        facts=None if told.facts is None else frozenset((one.stream, one.key) for one in told.facts),
        events=None if told.events is None else tuple((one.first, one.last) for one in told.events),
    )


def counted_of(event: AcceptedEvent) -> Counted:
    """Read what a round of a survey came to."""
    told = envelope.decode_data(event, SurveyCounted)
    return Counted(
        key=told.key,
        version=told.version,
        scheme=told.scheme,
        survey=told.survey,
        unit=told.unit,
        indicator=told.indicator,
        month=Month.parse(told.month).ordinal,
        scale=told.scale,
        classes={one.rater: Trimmed(one.answers, one.kept, one.total) for one in told.classes},
        short=told.short,
    )


def silence_of(event: AcceptedEvent) -> Silence:
    """Read that a feed is stale, or fresh again."""
    told = envelope.decode_data(event, FeedTold[event.type])
    return Silence(
        key=f"{told.source}/{told.feed}",
        version=event.number,
        source=told.source,
        types=frozenset(told.types),
        last=None if told.last is None else instants.parse_micros(told.last),
        stale=event.type == FEED_STALE,
    )


def received(stream: str, event: AcceptedEvent) -> str:
    """Return when what an event stands on was received: of an item's change or a decision its cause."""
    if stream not in {ITEMS, DEDUCTIONS}:
        return event.received
    return _CAUSED.decode(event.data).received or event.received


def tells(event: AcceptedEvent) -> bool:
    """Tell whether a record tells a derived fact: of a feed that of the shard of its source alone does."""
    if event.type not in FeedTold:
        return event.type in READERS
    return event.shard == shard_of(envelope.decode_data(event, FeedTold[event.type]).source)


def ended(stale: bytes, number: int) -> bytes:
    """Write that a feed which a newer catalogue leaves out is stale no more, as if it were fresh."""
    told = json.loads(stale) | {"type": FEED_FRESH, "sequence": str(number)}
    return json.dumps(told, ensure_ascii=False).encode()


def _millionths(written: str | None) -> int:
    return 0 if written is None else millionths(decimal(written))


class _Caused(msgspec.Struct, gc=False):
    received: str = ""


_CAUSED = msgspec.json.Decoder(_Caused)

READERS: Mapping[str, Callable[[AcceptedEvent], Derived]] = {
    ITEM_CHANGED: item_of,
    DEDUCTION_DECIDED: decision_of,
    POINTS_GIVEN: given_of,
    REVIEW_DECIDED: reviewed_of,
    SURVEY_COUNTED: counted_of,
    FEED_STALE: silence_of,
    FEED_FRESH: silence_of,
}


def _parts(shares: Mapping[str, str]) -> Shares:
    return tuple((unit, millionths(decimal(share))) for unit, share in sorted(shares.items()))
