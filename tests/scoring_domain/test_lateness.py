"""The lateness case of the domain: what March and April are at the cut and later, in all orders of processing."""

import itertools
from datetime import UTC, date, datetime
from decimal import Decimal

from services.ingest.domain.admission import Outcome
from services.scoring.domain.document import SchemeDocument
from shared.kernel.periods import Month
from shared.kernel.points import of_parts, published
from tests.scoring_domain.anew import recomputed
from tests.scoring_domain.core import Intake, Scoring
from tests.scoring_domain.forces import Scheme
from tests.simulator.folded import statutory_calendar

GRACE_DAYS = 5
MARCH, APRIL = Month(2021, 3), Month(2021, 4)
FULL = Decimal(10)
TYPES = {
    "types": {
        "risk.missed.v1": {
            "title": "A risk was not answered",
            "business_key": ["risk"],
            "fields": {"risk": {"type": "text", "required": True}},
        }
    },
    "sources": {"s": {"title": "S"}},
}
DOCUMENT = SchemeDocument.model_validate(
    {
        "scheme": {
            "code": "mini",
            "version": 1,
            "effective": "2021-01",
            "until": "2021-12",
            "zone": "Asia/Shanghai",
            "total": "10",
            "title": "Mini",
        },
        "units": [{"code": "b1", "name": "B1", "level": "bureau"}],
        "trees": {"organisation": "unit"},
        "groups": {"bureaus": {"level": "bureau", "title": "Bureaus"}},
        "boards": [{"code": "work", "title": "Work", "points": "10"}],
        "measures": {"missed": {"over": "risk.missed.v1", "period_by": "time", "numerator": "count(*)"}},
        "indicators": [
            {
                "code": "missed",
                "name": "Missed",
                "board": "work",
                "points": "10",
                "groups": ["bureaus"],
                "measure": "missed",
                "method": {"deduct": {"each": "0.5"}},
            }
        ],
    }
)
SCHEME = Scheme.of(DOCUMENT, TYPES)


def missed(name, time, risk=None):
    return {
        "specversion": "1.0",
        "source": "s",
        "id": name,
        "type": "risk.missed.v1",
        "subject": "b1",
        "time": time,
        "data": {"risk": risk or name},
    }


E1 = missed("e1", "2021-03-31T23:59:59+08:00")
SENT = (
    (E1, "2021-04-02T12:00:00+08:00"),
    (missed("e2", "2021-03-31T16:00:00Z"), "2021-04-01T09:00:00+08:00"),
    (missed("e3", "2021-03-15T10:00:00+08:00"), "2021-04-08T23:30:00+08:00"),
    (missed("e4", "2021-03-20T10:00:00+08:00"), "2021-04-09T00:10:00+08:00"),
    (E1, "2021-04-03T12:00:00+08:00"),
    (E1 | {"id": "e6"}, "2021-04-06T12:00:00+08:00"),
)


def cut():
    """Return T: the end of the last working day of grace."""
    calendar = statutory_calendar()
    return calendar.ends(calendar.after(date(2021, 3, 31), GRACE_DAYS)).astimezone(UTC)


def processed(order):
    """Admit in an order, each event with its own stamp, and fold what is accepted as it comes."""
    intake, scoring = Intake(TYPES), Scoring(TYPES)
    scoring.adopt(SCHEME)
    outcomes, accepted = [], []
    for event, received in order:
        outcome, told = intake.take(event, datetime.fromisoformat(received).astimezone(UTC).isoformat())
        outcomes.append(outcome)
        if told is not None:
            accepted.append(told)
            scoring.arrive(told)
    return scoring, accepted, outcomes


def lost(state, month):
    """Return what a month's figure is below its points, as published."""
    return published(of_parts(state["mini@1", "bureaus", "b1", str(month), "missed"])) - FULL


def test_march_closes_at_the_end_of_8_april_as_3_to_5_april_are_off():
    assert cut() == datetime.fromisoformat("2021-04-09T00:00:00+08:00")


def test_march_is_one_point_down_at_the_cut_and_its_adjustment_stands_in_april_in_all_720_orders():
    """−1.0 as of T; April −0.5; restated March −1.5, hence −0.5 for March where e4 was received."""
    at, orders, judged = cut(), 0, set()
    for order in itertools.permutations(SENT):
        scoring, accepted, outcomes = processed(order)
        state = scoring.ledger.state
        known = [one for one in accepted if datetime.fromisoformat(one.received) < at]
        closed = recomputed(scoring.force, scoring.catalogue, known)
        assert state == recomputed(scoring.force, scoring.catalogue, accepted)
        assert lost(closed, MARCH) == Decimal("-1.00")
        assert lost(state, APRIL) == lost(closed, APRIL) == Decimal("-0.50")
        assert lost(state, MARCH) == Decimal("-1.50")
        late = [datetime.fromisoformat(one.received) for one in accepted if one not in known]
        assert {one.astimezone(at.tzinfo).month for one in late} == {APRIL.month}
        assert lost(state, MARCH) - lost(closed, MARCH) == Decimal("-0.50")
        assert scoring.ledger.summed == scoring.ledger.cells
        judged.add(tuple(sorted(outcomes)))
        orders += 1
    created, repeated = [Outcome.CREATED] * 4, [Outcome.DUPLICATE, Outcome.REPORT]
    assert (orders, judged) == (720, {tuple(sorted([*created, *repeated]))})


def test_what_is_processed_up_to_the_cut_is_what_the_cut_folds_in_all_120_orders():
    """The incremental state after only what was received before T is March's −1.0, before anything is late."""
    at = cut()
    early = [one for one in SENT if datetime.fromisoformat(one[1]) < at]
    for order in itertools.permutations(early):
        scoring, _, _ = processed(order)
        assert lost(scoring.ledger.state, MARCH) == Decimal("-1.00")
        assert lost(scoring.ledger.state, APRIL) == Decimal("-0.50")
