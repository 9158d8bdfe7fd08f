"""What becomes of events that are judged and committed, and the problems that ingest itself answers with."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TypeAlias

import msgspec

from services.ingest.domain.admission import CHAINED, MOVES, Outcome, Ruling
from services.ingest.domain.braking import IN_A_ROW, ONE_IN
from services.ingest.domain.envelope import Candidate
from services.ingest.domain.times import Times
from shared.kernel.errors import Problem
from shared.telemetry.metrics import METRICS

IN_FUTURE = Problem(422, "time_in_future", "The time lies more than 5 minutes ahead.", "/time")
SENT_IN_FUTURE = Problem(422, "time_in_future", "The record's timestamp lies more than 5 minutes ahead.")
OTHER_SHARD = Problem(422, "key", "A record's key is the case of its event, else its unit.")
REFUSALS = {
    MOVES: "A correction keeps type, unit and case of its original; else retract it and send a new event.",
    CHAINED: "The event that this corrects is a correction itself: name the original and a higher revision.",
}
UNSTORABLE = Problem(500, "unstorable", "The event could not be judged or stored; the log says why.")
BRAKE = "ingest"  # who orders that a partition is stopped for mistakes of ours
BRAKED = f"{IN_A_ROW} mistakes of ours in a row, or one in {ONE_IN} for long: see the log, then resume"
STOPPED = Problem(500, "inbound_stopped", BRAKED)
GONE = Problem(410, "inbound_gap", "The topic no longer holds what was to be read from this offset on.")

Judged: TypeAlias = Candidate | Problem


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What became of one event: a receipt (shard, number) or a problem; `times` of one accepted just now.

    `after_close` names, by scheme and period, the closed periods that it came too late for.
    """

    outcome: Outcome
    shard: int = 0
    number: int = 0
    problem: Problem | None = None
    times: Times | None = None
    after_close: tuple[tuple[str, str], ...] = ()


def answer_of(ruling: Ruling, receipts: Iterator[tuple[tuple[int, int], datetime]]) -> Answer:
    """Return what is answered to a ruling; `receipts` are those of what was accepted, in order."""
    if ruling.outcome is Outcome.CREATED:
        (shard, number), received = next(receipts)
        times = Times(ruling.candidate.time, ruling.candidate.recorded, received)
        return Answer(Outcome.CREATED, shard, number, None, times)
    if ruling.outcome is Outcome.REPORT:
        next(receipts)
    match ruling.outcome:
        case Outcome.REFUSED:
            return Answer(Outcome.REFUSED, problem=Problem(422, ruling.why, REFUSALS[ruling.why]))
        case Outcome.CONFLICT:
            assert ruling.known is not None
            problem = Problem(
                409, ruling.why, "The same key was accepted with other content; a person decides."
            )
            return Answer(Outcome.CONFLICT, ruling.known.shard, ruling.known.number, problem)
        case Outcome.DUPLICATE | Outcome.REPORT:
            assert ruling.known is not None
            return Answer(Outcome.DUPLICATE, ruling.known.shard, ruling.known.number)


def count(answers: Sequence[Answer]) -> None:
    """Count what became of events."""
    for outcome, amount in Counter(answer.outcome for answer in answers).items():
        METRICS.count("dukao_events_total", amount, outcome=outcome.value)
