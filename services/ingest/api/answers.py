"""What is answered about events."""

from collections.abc import Sequence
from typing import Any

import msgspec
from fastapi import Response
from fastapi.responses import JSONResponse

from services.ingest.domain.admission import Outcome
from services.ingest.domain.times import Times
from services.ingest.outcomes import Answer
from shared.contracts import envelope
from shared.kernel import instants
from shared.kernel.errors import Problem
from shared.web import problems

AFTER_CLOSE = (
    "`after_close` stands where the event came too late for a closed period that its `time` lies in: "
    "the scheme and period of each. It is taken and counts all the same."
)


def single(answer: Answer) -> Response:
    """Return the answer to an event that came alone."""
    if answer.problem is not None:
        return problems.answer(answer.problem)
    created = answer.outcome is Outcome.CREATED
    return JSONResponse(item(answer), status_code=201 if created else 200)


def several(answers: Sequence[Answer]) -> Response:
    """Return the answers to the events of a batch, in order."""
    written = msgspec.json.encode({"results": [item(answer) for answer in answers]})
    return Response(written, media_type="application/json")


def item(answer: Answer) -> dict[str, Any]:
    """Return the answer to one event of many."""
    if answer.problem is not None:
        status = "conflict" if answer.outcome is Outcome.CONFLICT else "rejected"
        return {"status": status, "problem": _short(answer.problem)}
    duplicate = answer.outcome is not Outcome.CREATED
    return {
        "status": answer.outcome.value,
        "duplicate": duplicate,
        "receipt": receipt(answer.shard, answer.number, answer.times),
        **late_for(answer.after_close),
    }


def late_for(closed: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return the member that names the closed periods an event came too late for; none where it did not."""
    named = [{"scheme": scheme, "period": period} for scheme, period in closed]
    return {"after_close": named} if named else {}


def _short(problem: Problem) -> dict[str, Any]:
    return {"code": problem.code, "detail": problem.detail, "pointer": problem.pointer}


def times_of(body: bytes) -> Times:
    """Return the times that an accepted event carries."""
    event = envelope.decode(body)
    recorded = None if event.recorded is None else instants.parse(event.recorded)
    return Times(instants.parse(event.time), recorded, instants.parse(event.received))


def receipt(shard: int, number: int, times: Times | None) -> dict[str, Any]:
    """Return the place of an accepted event and its three times."""
    placed = {"shard": shard, "number": number}
    if times is None:
        return placed
    recorded = None if times.recorded is None else instants.text(times.recorded)
    return placed | {
        "occurred": instants.text(times.occurred),
        "recorded": recorded,
        "received": instants.text(times.received),
    }
