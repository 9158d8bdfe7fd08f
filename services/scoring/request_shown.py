"""Requests for manual points as the door shows them."""

from typing import Any

from services.scoring.domain.requests import STANDING, possible
from services.scoring.request_answers import HistoryLine, RequestAnswer, RequestLine
from services.scoring.requesting import Found
from services.scoring.requests import Request
from shared.kernel import instants
from shared.kernel.periods import Month


def line(one: Request) -> RequestLine:
    """Return a request as it is listed."""
    return RequestLine.model_validate(_fields(one))


def answer(found: Found) -> RequestAnswer:
    """Return a request whole."""
    history = [
        HistoryLine(at=instants.text(one.at), what=one.what, person=one.person, reason=one.reason)
        for one in found.steps
    ]
    told = {"possible": list(possible(found.request.state)), "history": history}
    return RequestAnswer.model_validate(_fields(found.request) | told)


def _fields(one: Request) -> dict[str, Any]:
    told = {name: one.asked[name] for name in ("points", "value", "evidence", "reason")}
    return told | {
        "id": one.id,
        "scheme": one.scheme,
        "unit": one.unit,
        "indicator": one.indicator,
        "month": str(Month.of_ordinal(one.month)),
        "state": one.state,
        "counts": one.state in STANDING,
    }
