"""Whatever the order of facts: one decision, each problem costs a unit once, what is apart stays apart."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scoring_domain.incidents import (
    FINDINGS,
    INSPECTIONS,
    NAMES,
    WITH_RISES,
    applied,
    decided,
    finding,
    once,
    retracted,
    rose,
)


@settings(max_examples=200, deadline=None)
@given(st.lists(FINDINGS, max_size=6), st.lists(INSPECTIONS, max_size=2), st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_same_decision(findings, inspections, random):
    facts = once([*findings, *inspections])
    facts += [retracted(one) for one in facts if random.random() < 0.2]
    shuffled = list(facts)
    random.shuffle(shuffled)
    assert decided(*shuffled) == decided(*facts)


OF_REGIONS = st.builds(
    finding, NAMES, taxpayer=st.just("b1"), first_year=st.just(2021), last_year=st.just(2021)
)
RISES = st.builds(
    rose,
    st.sampled_from(["r1", "r2"]),
    unit=st.sampled_from(["b1", "b2"]),
    ends=st.sampled_from(["2021-02-28T23:59:59", "2021-04-30T23:59:59"]),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(OF_REGIONS, max_size=3), st.lists(RISES, max_size=3), st.randoms(use_true_random=False))
def test_rises_and_findings_in_any_order_give_the_same_and_cost_each_problem_and_unit_once(
    findings, risen, random
):
    facts = once([*findings, *risen])
    shuffled = list(facts)
    random.shuffle(shuffled)
    ruled = applied(*(one for one in facts if random.random() < 0.7))
    decision = decided(*facts, rulings=ruled, rules=WITH_RISES)
    assert decided(*shuffled, rulings=ruled, rules=WITH_RISES) == decision
    counting = [(decision.problem_of[one.key], one.unit) for one in decision.deductions if one.counts]
    assert len(set(counting)) == len(counting)


@settings(max_examples=200, deadline=None)
@given(st.lists(FINDINGS, max_size=6), st.lists(INSPECTIONS, max_size=2))
def test_every_problem_costs_a_unit_once_and_the_most(findings, inspections):
    decision = decided(*once([*findings, *inspections]))
    by_problem = {}
    for one in decision.deductions:
        by_problem.setdefault((decision.problem_of[one.key], one.unit), []).append(one)
    for rivals in by_problem.values():
        counting = [one.points for one in rivals if one.counts]
        assert counting == [max(one.points for one in rivals)]
        assert {one.suppressed_by for one in rivals if not one.counts} <= {
            one.finding for one in rivals if one.counts
        }
    roles = {}
    for one in decision.deductions:
        if one.trigger is not None:
            roles.setdefault((one.finding, one.trigger, one.inspection), set()).add(one.role.value)
    assert all(found == {"department", "bureau", "inspectorate"} for found in roles.values())


@settings(max_examples=100, deadline=None)
@given(st.lists(FINDINGS, max_size=6), st.lists(INSPECTIONS, max_size=2))
def test_what_does_not_hang_together_is_decided_apart(findings, inspections):
    """An object with all that names it may be decided alone; this is what the service does."""
    facts = once([*findings, *inspections])
    whole = decided(*facts)
    apart = [decided(*[one for one in facts if one.data["taxpayer"] == name]) for name in ("t1", "t2")]
    assert set(whole.deductions) == {one for part in apart for one in part.deductions}
    assert set(whole.waiting) == {one for part in apart for one in part.waiting}
