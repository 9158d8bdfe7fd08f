"""Simulated events: the same for the same seed, believable in their faults, and folded to exactly what happened."""

import json
import random
from collections import Counter
from dataclasses import replace
from datetime import date, datetime
from itertools import count, pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dukao.simulator import season
from dukao.simulator.desk import ONE, Desk
from dukao.simulator.nation import habits, load
from dukao.simulator.stream import Settings, problem, simulate
from dukao.simulator.truth import Figure, Truth
from services.ingest.domain.admission import Outcome
from services.scoring.domain.figures import compared_worth, worth
from services.scoring.domain.plan import measure_id
from shared.kernel.figures import FigureState
from shared.kernel.periods import JANUARY
from tests.simulator.folded import Folding

NATION = load()
FOLDING = Folding(NATION)
PERIODS = list(Truth(NATION.scheme).periods())
SMALL = Settings(units=6, days=120, rate=8, seed=5)
WHOLE = Settings(units=98, days=200, rate=2, seed=5)
small_settings = st.builds(
    Settings,
    units=st.sampled_from([1, 4, 40, 60, 98]),
    days=st.integers(1, 20),
    rate=st.integers(1, 3),
    seed=st.integers(0, 2**32),
    start=st.dates(date(2021, 1, 1), date(2021, 11, 1)),
)


def as_they_arrive(events):
    return events


def shuffled(events):
    return random.Random(3).sample(events, len(events))


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


@pytest.fixture(scope="module")
def whole():
    return run(WHOLE)


def test_the_same_arguments_give_the_same_bytes():
    def written(chosen):
        return "\n".join(json.dumps(event, ensure_ascii=False) for event in simulate(chosen, NATION)).encode()

    once = written(SMALL)
    assert once == written(SMALL)
    assert once != written(Settings(units=6, days=120, rate=8, seed=6))


def test_there_are_about_as_many_events_as_asked_for(small):
    events, _ = small
    assert 6 * 120 * 8 <= len(events) <= 6 * 120 * 8 + 50


def test_every_unit_and_event_type_of_the_sample_is_at_work(whole):
    events, _ = whole
    assert {event["type"] for event in events} == NATION.types["types"].keys()
    assert {event["subject"] for event in events} == {unit.code for unit in NATION.units}
    assert {event["source"] for event in events} == NATION.types["sources"].keys()


def test_spring_festival_is_quiet_and_the_filing_period_is_not(whole):
    events, _ = whole
    days = Counter(event["time"][:10] for event in events if event["type"] == "declaration.handled.v1")
    assert max(days[f"2021-02-{day}"] for day in range(11, 18)) < min(
        days[f"2021-01-{day:02d}"] for day in (6, 13)
    )


def test_an_alleged_finding_is_confirmed_or_dropped_by_a_correction(whole):
    events, _ = whole
    told = {}
    for event in events:
        if event["type"] == "finding.reported.v1" and "data" in event:
            told.setdefault(event["data"]["finding_no"], {})[event.get("revision", 0)] = event["data"][
                "status"
            ]
    courses = {tuple(status for _, status in sorted(found.items())) for found in told.values()}
    assert {("confirmed",), ("alleged", "confirmed"), ("alleged", "dropped")} <= courses


def test_an_inspectorate_inspects_whom_it_is_responsible_for_on_that_day(whole):
    events, _ = whole
    planned = [
        event for event in events if event["type"] == "inspection.planned.v1" and "revision" not in event
    ]
    moved = {(e["subject"], e["time"] >= "2021-07-01") for e in planned if e["data"]["bureau"] == "B370000"}
    assert moved <= {("S-SH", False), ("S-BJ", True)}
    assert moved


def test_matters_have_budgets_of_working_days_that_skip_holidays():
    given = season.midnight(date(2021, 4, 20))
    assert season.written(season.end_of_working_days(given, 8)) == "2021-04-29T23:59:59+08:00"
    assert season.written(season.end_of_working_days(given, 10)) == "2021-05-06T23:59:59+08:00"


def test_late_days_are_worked_days_after_the_due_day_with_that_of_the_completion():
    deadline, done = (season.end_of_day(season.midnight(date(2021, *day))) for day in ((4, 29), (5, 10)))
    days = [season.written(day)[5:10] for day in season.late_days(deadline, done)]
    assert days == ["04-30", "05-06", "05-07", "05-08", "05-10"]
    on_a_holiday = season.end_of_day(season.midnight(date(2021, 5, 3)))
    assert [season.written(day)[5:10] for day in season.late_days(on_a_holiday, done)] == days[2:]
    assert list(season.late_days(deadline, deadline)) == []


def test_what_is_never_done_costs_no_more_than_its_cap():
    desk = Desk(Random(1), NATION, NATION.units[0], habits(Random(1), "bureau"), 0, 0, count())
    counts = list(desk.late("assignments_late", season.midnight(date(2021, 12, 25)), None))
    assert sum(one.numerator for one in counts) == ONE
    assert {one.month for one in counts} == {"2021-12", "2022-01"}
    assert {one.numerator for one in counts} == {ONE // 10}


def test_lazy_units_lose_more_by_late_items(whole):
    _, truth = whole
    rng = Random(WHOLE.seed)
    kept = [(habits(rng, unit.level).late, unit) for unit in NATION.units]
    ranked = [unit.code for _, unit in sorted(kept, key=lambda one: one[0]) if unit.level != "discipline"]
    lost = [
        sum(truth.of(unit, month, "decisions_late")[0] for month in truth.months()[:6]) for unit in ranked
    ]
    assert 2 * sum(lost[:20]) < sum(lost[-20:])


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


@pytest.mark.parametrize("order", [as_they_arrive, pytest.param(shuffled, marks=pytest.mark.long)])
def test_every_figure_of_every_unit_is_what_the_simulator_knows_it_is_worth(whole, order):
    events, truth = whole
    assert scored(FOLDING.sums(order(events))) == list(truth.figures())


def scored(sums):
    """Return every figure as the platform's pure core computes it."""
    worths = {
        (unit, period, indicator.code): found
        for indicator in NATION.scheme.indicators
        for units in _compared_with_each_other(indicator)
        for period in [JANUARY.parse(period) for period, _ in PERIODS]
        for unit, found in _worths(indicator, period, units, sums).items()
    }
    return [
        Figure(unit.code, str(period), indicator.code, found.value)
        for unit in NATION.units
        for period in [JANUARY.parse(period) for period, _ in PERIODS]
        for indicator in NATION.scheme.indicators
        if (found := worths.get((unit.code, period, indicator.code))) is not None
        if found.state is not FigureState.NOT_DUE
    ]


def _compared_with_each_other(indicator):
    """Return the units of an indicator by group."""
    for group in indicator.groups:
        members = [unit.code for unit in NATION.units if group in NATION.groups_of(unit)]
        yield [unit for unit in members if indicator.is_for(unit)]


def _worths(indicator, period, units, sums):
    measure = measure_id(NATION.scheme, indicator.measure)
    if indicator.method.comparing is not None:
        return compared_worth(NATION.scheme, indicator, period, {unit: sums[measure, unit] for unit in units})
    own = {unit: sums[measure, unit] for unit in units}
    if indicator.method.bonus is not None:
        own = {
            unit: {month: replace(of_month, more=(of_month.numerator,)) for month, of_month in months.items()}
            for unit, months in own.items()
        }
    return {unit: worth(NATION.scheme, indicator, period, own[unit]) for unit in units}


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
        (Settings(0, 10, 1, 1), "--units is 1 to 98"),
        (Settings(99, 10, 1, 1), "--units is 1 to 98"),
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
    assert len(document["measures"]) == 105 * 12 * len(NATION.scheme.measures)
    assert len(document["totals"]) == 98
    assert document["figures"]["B110000"]["2021-Q1"].keys() == {
        one.code
        for one in NATION.scheme.indicators
        if "bureaus" in one.groups
        and (one.cycle in {"month", "quarter"} or one.method.deduct or one.method.bonus)
    }
    assert document["settings"] == {
        "units": 6, "days": 120, "rate": 8, "seed": 5, "start": "2021-01-01",
    }  # fmt: skip
