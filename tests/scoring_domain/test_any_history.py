"""Any history of events, duplicates, corrections, retractions, late arrivals, points that persons give, reviews and
scheme changes, on the pure cores.

What was folded event by event is at every look what everything folded anew comes to, under the versions in force,
each in the months that it rules; what was known at an earlier number is what the events up to it come to; entries
telescope and sum to their cells.
`HISTORIES=20000` runs that many instead of 500.
"""

import copy
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, precondition, rule

from services.ingest.domain.admission import ACCEPTED_OUTCOMES, Outcome
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.manual import Given
from services.scoring.domain.measures import MANUAL_POINTS
from services.scoring.domain.reviewed import Reviewed
from shared.kernel.points import MILLIONTHS, PARTS
from tests.scoring.test_stages import SCHEME
from tests.scoring.test_stages import TYPES as MINI
from tests.scoring_domain.anew import recomputed
from tests.scoring_domain.core import Intake, Scoring
from tests.scoring_domain.forces import Scheme

HISTORIES = int(os.environ.get("HISTORIES", "500"))
STEPS = 25
MOST_VERSIONS = 4
LONGER_FROM = 3
TAKEN_BACK = 2
FIRSTS = ("2021-01", "2021-02", "2021-03")
BEGUN = datetime(2021, 4, 1, tzinfo=UTC)
TYPES = {
    "types": {
        "levy.done.v1": MINI["types"]["levy.done.v1"],
        "risk.missed.v1": MINI["types"]["risk.missed.v1"]
        | {"fields": {"grade": {"type": "code"}, "cost": {"type": "decimal", "scale": 2}}},
        "task.given.v1": {
            "title": "A task was given",
            "case": "required",
            "fields": {"due": {"type": "time"}, "cost": {"type": "decimal", "scale": 2}},
        },
        "task.done.v1": {
            "title": "A task was done",
            "case": "required",
            "fields": {"good": {"type": "boolean"}},
        },
    },
    "sources": MINI["sources"],
}
MORE = {
    "levies": {"no_data": "zero"},
    "grades": {"cycle": "point", "dates": ["2021-01-31", "2021-03-01"]},
    "risky": {"no_data": "full"},
}
BASE = SCHEME | {
    "scheme": SCHEME["scheme"] | {"code": "any", "until": "2021-03", "total": "80"},
    "groups": {"whole": {"level": "headquarters", "title": "Whole"}} | SCHEME["groups"],
    "boards": [{"code": "work", "title": "Work", "points": "80"}],
    "views": {
        "task": {
            "events": ["task.given.v1", "task.done.v1", "risk.missed.v1"],
            "columns": {
                "unit": {"last": "subject", "of": "task.given.v1"},
                "given": {"first": "time", "of": "task.given.v1"},
                "due": {"last": "due", "of": "task.given.v1"},
                "done": {"last": "time", "of": "task.done.v1", "where": "time >= task.given"},
                "good": {"min": "good", "of": "task.done.v1"},
                "cost": {"sum": "cost", "of": "task.given.v1"},
                "risks": {
                    "count": "*",
                    "of": "risk.missed.v1",
                    "where": "time <= task.done OR cost > task.cost",
                },
            },
        }
    },
    "measures": SCHEME["measures"]
    | {
        "levies": {"over": "levy.done.v1", "period_by": "time", "numerator": "count(*)"},
        "grades": {
            "over": "risk.missed.v1",
            "period_by": "time",
            "numerator": "count(DISTINCT grade) FILTER (WHERE grade IN ('a', 'b'))",
        },
        "done_in_time": {
            "over": "task",
            "period_by": "due",
            "numerator": "count(*) FILTER (WHERE done <= due AND good)",
            "denominator": "count(*)",
            "over_months": "mean",
        },
        "waiting": {
            "over": "task",
            "kind": "stock",
            "period_by": {"from": "given", "until": "done"},
            "numerator": "sum(cost)",
        },
        "risky": {"over": "task", "period_by": "given", "numerator": "sum(risks)"},
        "conduct": {"manual": "points"},
    },
    "indicators": [
        {"code": code, "name": code, "board": "work", "points": "10", "groups": groups, "measure": code}
        | {"method": method, "cycle": cycle}
        | MORE.get(code, {})
        for code, groups, cycle, method in (
            ("ontime", ["whole", "bureaus"], "month", {"target": {"target": "0.9"}}),
            ("levies", ["whole", "bureaus"], "month", {"excess": {"limit": "0", "step": "1"}}),
            ("missed", ["whole", "bureaus"], "month", {"deduct": {"each": "0.5"}}),
            ("grades", ["whole", "bureaus"], "month", {"excess": {"limit": "0", "step": "2"}}),
            ("done_in_time", ["whole", "bureaus"], "quarter", {"target": {"target": "1"}}),
            ("waiting", ["whole", "bureaus"], "month", {"excess": {"limit": "5", "step": "0.25"}}),
            ("risky", ["whole", "bureaus"], "month", {"rank": {"step": "0.1"}}),
            ("conduct", ["bureaus"], "month", {"deduct": {}}),
        )
    ],
}


def with_a_third_bureau(document):
    document["units"].append({"code": "b3", "parent": "hq", "name": "B3", "level": "bureau"})


def with_other_points_and_methods(document):
    document["indicators"][0] |= {"points": "8", "method": {"target": {"target": "0.5"}}}
    document["indicators"][2] |= {"points": "12", "method": {"deduct": {"each": "1", "floor": "6"}}}


def with_other_measures(document):
    document["measures"]["missed"] |= {"numerator": "count(*) FILTER (WHERE cost > 1)"}
    document["measures"]["ontime"] |= {"numerator": "count(*) FILTER (WHERE NOT ontime)"}
    document["views"]["task"]["columns"]["due"] = {"first": "due", "of": "task.given.v1"}


def with_a_bureau_in_the_other_group(document):
    document["units"][2]["level"] = "headquarters"


CHANGES = (
    with_a_third_bureau,
    with_other_points_and_methods,
    with_other_measures,
    with_a_bureau_in_the_other_group,
)


@lru_cache
def scheme(version, first, changes):
    """Return a version from a month on with some of the changes; from the third on it covers a month more."""
    document = copy.deepcopy(BASE)
    until = "2021-04" if version >= LONGER_FROM else "2021-03"
    document["scheme"] |= {"version": version, "effective": first, "until": until}
    for change in CHANGES:
        if change in changes:
            change(document)
    return Scheme.of(SchemeDocument.model_validate(document), TYPES)


UNITS = st.sampled_from(["b1", "b1", "b2", "b3", "hq", "zz"])
CASES = st.sampled_from(["k1", "k2", "k3"])
TIMES = st.sampled_from(
    [
        "2020-12-31T15:59:59Z",
        "2020-12-31T16:00:00Z",
        "2021-01-31T15:59:59Z",
        "2021-01-31T16:00:00Z",
        "2021-02-10T08:00:00+08:00",
        "2021-02-28T16:00:00Z",
        "2021-03-31T23:59:59+08:00",
        "2021-04-01T00:00:00+08:00",
    ]
)
COSTS = st.sampled_from(["0.50", "1.00", "7.25"])
MONTHS = st.integers(2021 * 12, 2021 * 12 + 3)
CHANGED = st.sampled_from(
    [
        ("ontime", {"numerator": MILLIONTHS}),
        ("ontime", {"numerator": -MILLIONTHS, "denominator": 2 * MILLIONTHS}),
        ("missed", {"numerator": -MILLIONTHS}),
        ("missed", {"numerator": -3 * MILLIONTHS}),
        ("waiting", {"numerator": -MILLIONTHS // 2}),
        ("conduct", {"points": -PARTS}),
    ]
)
DATA = {
    "levy.done.v1": st.fixed_dictionaries(
        {"voucher": st.sampled_from(["v1", "v2", "v3", "v4"])}, optional={"ontime": st.booleans()}
    ),
    "risk.missed.v1": st.fixed_dictionaries(
        {}, optional={"grade": st.sampled_from(["a", "b", "c"]), "cost": COSTS}
    ),
    "task.given.v1": st.fixed_dictionaries({}, optional={"due": TIMES, "cost": COSTS}),
    "task.done.v1": st.fixed_dictionaries({}, optional={"good": st.booleans()}),
}


@st.composite
def events(draw):
    """Return an event without its id."""
    kind = draw(st.sampled_from(sorted(DATA)))
    event = {"specversion": "1.0", "source": "s", "type": kind, "subject": draw(UNITS), "time": draw(TIMES)}
    if kind.startswith("task") or (kind.startswith("risk") and draw(st.booleans())):
        event["case"] = draw(CASES)
    return event | {"data": draw(DATA[kind])}


class AnyHistory(RuleBasedStateMachine):
    """An archive and the two stages, and what was remembered of them on the way."""

    drafts = Bundle("drafts")
    sent = Bundle("sent")
    concluded = Bundle("concluded")

    def __init__(self):
        super().__init__()
        self.intake, self.scoring = Intake(TYPES), Scoring(TYPES)
        self.accepted, self.outcomes, self.remembered = [], {}, []
        self.versions = self.ids = 0

    def fresh(self):
        self.ids += 1
        return f"e{self.ids}"

    def send(self, event):
        """Take an event as it comes; what is not accepted leaves no trace."""
        received = BEGUN + timedelta(hours=self.ids)
        outcome, told = self.intake.take(event, received.isoformat())
        self.outcomes.setdefault(event["id"], outcome)
        if told is not None:
            self.accepted.append(told)
            self.scoring.arrive(told)
        return outcome

    def was_accepted(self, event):
        return self.outcomes.get(event["id"]) in ACCEPTED_OUTCOMES

    @rule(target=sent, event=events())
    def happens(self, event):
        event = event | {"id": self.fresh()}
        self.send(event)
        return event

    @rule(target=drafts, event=events())
    def happens_and_is_sent_late(self, event):
        return event | {"id": self.fresh()}

    @rule(target=sent, event=consumes(drafts))
    def comes_late(self, event):
        self.send(event)
        return event

    @rule(event=sent)
    def comes_again(self, event):
        expected = Outcome.DUPLICATE if self.was_accepted(event) else self.outcomes[event["id"]]
        assert self.send(event) is expected

    @rule(event=sent, time=TIMES)
    def comes_with_other_content(self, event, time):
        if self.was_accepted(event) and instant(time) != instant(event["time"]):
            assert self.send(event | {"time": time}) is Outcome.CONFLICT

    @rule(target=sent, event=sent)
    def is_reported_under_another_id(self, event):
        again = event | {"id": self.fresh()}
        outcome = self.send(again)
        if event["type"] == "levy.done.v1" and self.outcomes[event["id"]] is Outcome.CREATED:
            assert outcome in {Outcome.REPORT, Outcome.CONFLICT}
        return again

    @rule(event=st.one_of(sent, drafts), revision=st.integers(1, 3), time=TIMES, data=st.data())
    def is_corrected(self, event, revision, time, data):
        changed = data.draw(DATA[event["type"]])
        self.send(event | revising(event, revision) | {"id": self.fresh(), "time": time, "data": changed})

    @rule(event=st.one_of(sent, drafts), revision=st.integers(1, 3))
    def is_retracted(self, event, revision):
        retraction = event | revising(event, revision) | {"id": self.fresh()}
        del retraction["data"]
        self.send(retraction)

    @rule(target=concluded, unit=UNITS, month=MONTHS, amount=st.integers(1, 12))
    def a_person_gives_points(self, unit, month, amount):
        given = Given(
            key=self.fresh(),
            version=1,
            scheme="any",
            unit=unit,
            indicator="conduct",
            month=month,
            over=MANUAL_POINTS,
            amount=amount * MILLIONTHS,
            stands=True,
        )
        self.scoring.conclude(given)
        return given

    @rule(target=concluded, unit=UNITS, month=MONTHS, changed=CHANGED)
    def a_review_changes_a_cell(self, unit, month, changed):
        indicator, what = changed
        review = Reviewed(self.fresh(), 1, "any", unit, indicator, month, **what)
        self.scoring.conclude(review)
        return review

    @rule(one=concluded, version=st.integers(1, 3))
    def it_is_told_again_as_it_became(self, one, version):
        """A second version takes it back, a third lets it stand once more; they come in any order."""
        if isinstance(one, Given):
            told = replace(one, version=version, stands=version != TAKEN_BACK)
        else:
            gone = {"points": 0, "numerator": 0, "denominator": 0} if version == TAKEN_BACK else {}
            told = replace(one, version=version, **gone)
        self.scoring.conclude(told)

    @precondition(lambda self: self.versions < MOST_VERSIONS)
    @rule(first=st.sampled_from(FIRSTS), changes=st.frozensets(st.sampled_from(CHANGES)))
    def a_version_is_adopted(self, first, changes):
        self.versions += 1
        self.scoring.adopt(scheme(self.versions, first, changes))

    @precondition(lambda self: self.versions)
    @rule()
    def is_remembered(self):
        known = len(self.accepted), tuple(self.scoring.concluded.values())
        self.remembered.append((*known, self.scoring.force, self.scoring.ledger.state))

    @precondition(lambda self: self.versions)
    @rule()
    def is_looked_at(self):
        scoring = self.scoring
        assert scoring.ledger.state == recomputed(
            scoring.force, scoring.catalogue, self.accepted, scoring.concluded.values()
        )
        assert scoring.ledger.summed == scoring.ledger.cells

    def teardown(self):
        if self.versions:
            self.is_looked_at()
        for number, concluded, force, state in self.remembered:
            assert state == recomputed(force, self.scoring.catalogue, self.accepted[:number], concluded)


def instant(text):
    return datetime.fromisoformat(text)


def revising(event, revision):
    return {"correctssource": event["source"], "correctsid": event["id"], "revision": revision}


TestAnyHistory = pytest.mark.long(AnyHistory.TestCase)
TestAnyHistory.settings = settings(
    max_examples=HISTORIES, stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck)
)
