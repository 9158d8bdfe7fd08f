"""What persons gave: in any order and however often, the newest version of each request counts."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.check import findings
from services.scoring.domain.derived import fold_derived, newest, points_plan
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.manual import Given
from services.scoring.domain.measures import MANUAL_POINTS, MANUAL_VALUES
from services.scoring.domain.plan import compile_plan, event_types
from services.scoring.domain.requests import GONE, RULES, STANDING, State, Step, possible, rule_of, table
from shared.kernel.points import MILLIONTHS, PARTS
from tests.scoring.manual import scheme
from tests.scoring.test_stages import TYPES

MARCH = 2021 * 12 + 2


def plan_of(document):
    document = SchemeDocument.model_validate(document)
    return points_plan(document, compile_plan(document, event_types(TYPES)), TYPES)


PLANS = (plan_of(scheme()),)
AMOUNTS = st.integers(1, 5 * MILLIONTHS)


@st.composite
def facts(draw):
    """Return versions of requests: of points or values, some withdrawn, some told twice."""
    told = []
    for key in range(draw(st.integers(1, 6))):
        over, indicator = draw(
            st.sampled_from([(MANUAL_POINTS, "conduct"), (MANUAL_VALUES, "marks"), (MANUAL_POINTS, "marks")])
        )
        one = {
            "key": f"r{key}",
            "scheme": draw(st.sampled_from(["mini", "mini", "other"])),
            "unit": draw(st.sampled_from(["b1", "b2", "hq", "b9"])),
            "indicator": indicator,
            "month": draw(st.sampled_from([MARCH, MARCH + 1, MARCH + 24])),
            "over": over,
            "amount": draw(AMOUNTS),
        }
        told.append(Given(version=1, stands=True, **one))
        if draw(st.booleans()):
            told.append(Given(version=2, stands=False, **one))
    return told


def incremental(order):
    """Fold as stage A does: take back the version before, add the newer one."""
    cells, kept = {}, {}
    for fact in order:
        old = kept.get(fact.key)
        if old is None or old.version < fact.version:
            fold_derived(cells, PLANS, old, -1)
            fold_derived(cells, PLANS, fact)
            kept[fact.key] = fact
    return {cell: numbers for cell, numbers in cells.items() if any(numbers)}


def recomputed(told):
    """Return the sums by what is known in the end, written down once more."""
    by_key = {}
    for fact in told:
        by_key.setdefault(fact.key, []).append(fact)
    cells = {}
    for versions in by_key.values():
        one = newest(versions)
        counts = one.scheme == "mini" and one.unit in {"b1", "b2"} and one.month < MARCH + 24
        counts &= (one.over, one.indicator) in {(MANUAL_POINTS, "conduct"), (MANUAL_VALUES, "marks")}
        if counts and one.stands:
            wide = [0, 0] if one.over == MANUAL_POINTS else [0, 0, 0, 0, 0]
            numbers = cells.setdefault(("mini@1", one.over, one.unit, one.month), wide)
            numbers[0] += one.amount * (MILLIONTHS if one.over == MANUAL_POINTS else 1)
            numbers[1] += 1 if one.over == MANUAL_POINTS else MILLIONTHS
            if one.over == MANUAL_VALUES:
                numbers[2] += 1
    return cells


@settings(max_examples=300)
@given(data=st.data(), told=facts())
def test_any_order_and_any_repetition_of_facts_equals_their_recomputation(data, told):
    again = data.draw(st.lists(st.sampled_from(told), max_size=4))
    order = data.draw(st.permutations([*told, *again]))
    assert incremental(order) == recomputed(told)


def test_points_are_kept_in_parts_and_values_in_millionths():
    points = Given("a", 1, "mini", "b1", "conduct", MARCH, MANUAL_POINTS, MILLIONTHS // 2, stands=True)
    marks = Given("b", 1, "mini", "b1", "marks", MARCH, MANUAL_VALUES, 81 * MILLIONTHS, stands=True)
    assert incremental([points, marks]) == {
        ("mini@1", MANUAL_POINTS, "b1", MARCH): [PARTS // 2, 1],
        ("mini@1", MANUAL_VALUES, "b1", MARCH): [81 * MILLIONTHS, MILLIONTHS, 1, 0, 0],
    }


def test_what_is_given_to_a_unit_that_no_scheme_knows_or_in_no_month_of_it_waits_in_suspense():
    for unit, month, doubt in (
        ("b9", MARCH, ("unknown_unit", "b9")),
        ("b1", MARCH + 24, ("no_scheme", "2023-03")),
    ):
        fact = Given("a", 1, "mini", unit, "conduct", month, MANUAL_POINTS, 1, stands=True)
        traces = fold_derived({}, PLANS, fact)
        assert traces.doubts == {doubt}


@pytest.mark.parametrize(
    "taken_away",
    [
        {"not_applicable": [{"units": ["b1"], "reason": "r"}]},
        {"not_applicable": [{"units": ["b1"], "reason": "r", "from": "2021-03", "until": "2021-03"}]},
        {"units": ["b2"]},
        {"code": "other"},
        {"measure": "ontime", "method": {"target": {"target": "1"}}, "collection": "machine"},
    ],
)
def test_what_was_given_for_an_indicator_that_a_version_takes_away_waits_and_counts_again(taken_away):
    document = copy.deepcopy(scheme())
    document["indicators"][2] |= taken_away
    without = (plan_of(document),)
    fact = Given("a", 1, "mini", "b1", "conduct", MARCH, MANUAL_POINTS, MILLIONTHS, stands=True)
    cells = {}
    assert fold_derived(cells, without, fact).doubts == {("no_indicator", "conduct")}
    assert not any(any(numbers) for numbers in cells.values())
    assert fold_derived(cells, PLANS, fact).doubts == set()
    assert cells == {("mini@1", MANUAL_POINTS, "b1", MARCH): [PARTS, 1]}


def test_what_stands_and_what_is_gone_follows_from_the_table():
    assert {rule.leads for rule in RULES} | {State.ASKED} == set(State)
    for state in State:
        assert (possible(state) == ()) == (state in GONE)
    assert {State.ASKED} | STANDING | GONE == set(State)
    assert not STANDING & GONE
    assert all(rule.second for rule in RULES if rule.tells)
    assert rule_of(State.REFUSED, Step.APPROVE) is None


def test_the_page_has_the_table():
    from pathlib import Path

    page = Path(__file__).resolve().parents[2] / "docs/manual-points.md"
    assert table() in page.read_text("utf-8")


def checked(*changes):
    document = copy.deepcopy(scheme())
    for name, key, to in changes:
        one = next(one for one in document["indicators"] if one["code"] == name)
        one[key] = to
    return {(one.path, one.code) for one in findings(SchemeDocument.model_validate(document), TYPES)}


def test_the_scheme_of_these_tests_is_sound():
    assert checked() == set()


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        (("conduct", "assessor", ""), "/indicators/2/assessor", "no_assessor"),
        (("conduct", "assessor", "d9"), "/indicators/2/assessor", "unknown_unit"),
        (("marks", "collection", "machine"), "/indicators/3/collection", "not_manual"),
        (("marks", "measure", "praise"), "/indicators/4/measure", "measure_taken"),
        (
            ("conduct", "method", {"deduct": {"each": "1"}}),
            "/indicators/2/method/deduct/each",
            "each_of_points",
        ),
        (("conduct", "method", {"target": {"target": "1"}}), "/indicators/2/method", "points_are_deducted"),
        (("marks", "method", {"deduct": {}}), "/indicators/3/method/deduct/each", "each_missing"),
    ],
)
def test_check_refuses_a_manual_indicator_that_nobody_could_give(change, path, code):
    assert (path, code) in checked(change)


@pytest.mark.parametrize("written", [{"manual": "marks"}, {"manual": 1}, {"manual": "points", "over": "x"}])
def test_a_manual_measure_is_of_points_or_a_value_and_of_nothing_else(written):
    document = scheme()
    document["measures"]["conduct"] = written
    with pytest.raises(ValueError, match=r"manual|over"):
        SchemeDocument.model_validate(document)


def test_a_volume_is_counted_and_not_given():
    document = scheme()
    document["ranking"] = {"minimum_volume": {"measure": "marks", "at_least": 1}}
    found = findings(SchemeDocument.model_validate(document), TYPES)
    assert ("/ranking/minimum_volume/measure", "points") in {(one.path, one.code) for one in found}
