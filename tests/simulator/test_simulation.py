"""Simulated events: the same for the same seed, believable in their faults, and folded to exactly what happened."""

import json
import random
from datetime import date, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dukao.simulator.nation import load
from dukao.simulator.stream import Settings, problem, simulate
from dukao.simulator.truth import Truth
from services.ingest.domain.admission import Outcome
from services.scoring.domain.figures import worth
from services.scoring.domain.plan import measure_id
from shared.kernel.periods import Month, periods_containing
from tests.simulator.folded import Folding

NATION = load()
FOLDING = Folding(NATION)
SMALL = Settings(units=6, days=120, rate=8, seed=5)
small_settings = st.builds(
    Settings,
    units=st.integers(1, 4),
    days=st.integers(1, 50),
    rate=st.integers(1, 6),
    seed=st.integers(0, 2**32),
    start=st.dates(date(2021, 1, 1), date(2021, 11, 1)),
)


def run(chosen):
    truth = Truth(NATION.scheme)
    return list(simulate(chosen, NATION, truth)), truth


def assert_folded_as_it_happened(events, truth):
    sums = FOLDING.sums(events)
    for line in truth.lines():
        assert FOLDING.measured(sums, line) == (line.numerator, line.denominator), line
    return sums


@pytest.fixture(scope="module")
def small():
    return run(SMALL)


def test_the_same_arguments_give_the_same_bytes():
    def written(chosen):
        return "\n".join(json.dumps(event, ensure_ascii=False) for event in simulate(chosen, NATION)).encode()

    once = written(SMALL)
    assert once == written(SMALL)
    assert once != written(Settings(units=6, days=120, rate=8, seed=6))


def test_there_are_about_as_many_events_as_asked_for(small):
    events, _ = small
    assert 6 * 120 * 8 <= len(events) <= 6 * 120 * 8 + 50


def test_a_year_at_eight_a_day_is_a_hundred_thousand_events():
    assert sum(1 for _ in simulate(Settings(36, 365, 8, 1), NATION)) >= 100_000


def test_every_kind_of_fault_is_there(small):
    events, truth = small
    share = {kind: count / len(events) for kind, count in truth.kinds.items()}
    assert 0.01 < share["repeated"] < 0.04
    assert 0.005 < share["same_fact"] < 0.04
    assert 0.03 < share["late"] < 0.2
    assert 0.01 < share["corrections"] < 0.08
    assert 0.002 < share["retractions"] < 0.04
    assert share["corrections_first"] > 0.001
    assert {event.get("revision") for event in events} == {None, 1, 2}


def test_events_do_not_come_in_the_order_they_occurred(small):
    events, _ = small
    times = [datetime.fromisoformat(event["time"]) for event in events]
    assert sum(later < earlier for earlier, later in pairwise(times)) > len(events) / 50


def test_ingest_takes_every_event_and_finds_no_conflict(small):
    events, truth = small
    outcomes = FOLDING.outcomes(events)
    assert set(outcomes) == {Outcome.CREATED, Outcome.DUPLICATE, Outcome.REPORT}
    assert outcomes.count(Outcome.DUPLICATE) == truth.kinds["repeated"]
    assert outcomes.count(Outcome.REPORT) == truth.kinds["same_fact"]


def test_what_is_folded_is_what_happened_in_any_order(small):
    events, truth = small
    assert_folded_as_it_happened(events, truth)
    assert_folded_as_it_happened(random.Random(1).sample(events, len(events)), truth)


def test_every_cell_is_what_it_is_worth(small):
    events, truth = small
    sums = FOLDING.sums(events)
    compared = 0
    for bureau in NATION.bureaus[: SMALL.units]:
        for indicator in NATION.scheme.indicators:
            partials = sums[measure_id(NATION.scheme, indicator.measure), bureau.code]
            for period in {p for month in truth.months() for p in periods_containing(Month.parse(month))}:
                found = worth(NATION.scheme, indicator, period, partials)
                if str(found.state) != "not_due":
                    months = [str(month) for month in period.months()]
                    assert found.value == truth.worth(bureau.code, months, indicator), (
                        period,
                        indicator.code,
                    )
                    compared += 1
    assert compared > 1000


@settings(max_examples=15, deadline=None)
@given(small_settings, st.randoms(use_true_random=False))
def test_whatever_the_settings_the_truth_is_folded(chosen, shuffler):
    if problem(chosen, NATION) is not None:
        return
    events, truth = run(chosen)
    shuffler.shuffle(events)
    assert_folded_as_it_happened(events, truth)


@pytest.mark.parametrize(
    ("chosen", "reason"),
    [
        (Settings(0, 10, 1, 1), "--units is 1 to 36"),
        (Settings(37, 10, 1, 1), "--units is 1 to 36"),
        (Settings(1, 0, 1, 1), "--days is at least 1"),
        (Settings(1, 10, 0, 1), "--rate 1 to"),
        (Settings(1, 366, 1, 1), "within the scheme"),
        (Settings(1, 10, 1, 1, date(2020, 12, 30)), "within the scheme"),
    ],
)
def test_settings_that_cannot_be_simulated_are_named(chosen, reason):
    assert reason in problem(chosen, NATION)


def test_the_truth_covers_every_unit_month_and_measure(small):
    _, truth = small
    document = truth.document(SMALL.written())
    assert document["simulated"] is True
    assert len(document["measures"]) == 43 * 12 * len(NATION.scheme.measures)
    assert document["settings"] == {
        "units": 6, "days": 120, "rate": 8, "seed": 5, "start": "2021-01-01",
    }  # fmt: skip
