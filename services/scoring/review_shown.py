"""Reviews as the door shows them."""

from typing import Any

from services.scoring.domain.reviews import possible
from services.scoring.request_answers import HistoryLine
from services.scoring.review_answers import Decision, ReviewAnswer, ReviewLine
from services.scoring.reviewing import Found
from services.scoring.reviews import Review
from shared.kernel import instants
from shared.kernel.periods import Month


def line(one: Review) -> ReviewLine:
    """Return a review as it is listed."""
    return ReviewLine.model_validate(_fields(one))


def answer(found: Found) -> ReviewAnswer:
    """Return a review whole."""
    history = [
        HistoryLine(at=instants.text(one.at), what=one.what, person=one.person, reason=one.reason)
        for one in found.steps
    ]
    told = {
        "ask_until": found.ask_until.isoformat(),
        "decide_until": found.decide_until.isoformat(),
        "late": found.late,
        "possible": list(possible(found.review.state)),
        "history": history,
    }
    return ReviewAnswer.model_validate(_fields(found.review) | told)


def _fields(one: Review) -> dict[str, Any]:
    return {
        "id": one.id,
        "entry": one.entry,
        "scheme": one.scheme,
        "unit": one.unit,
        "indicator": one.indicator,
        "month": str(Month.of_ordinal(one.month)),
        "old": one.asked["old"],
        "new": one.asked["new"],
        "reason": one.asked["reason"],
        "state": one.state,
        "decided": None if one.decided is None else Decision(**one.decided),
    }
