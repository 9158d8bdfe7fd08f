"""What a region costs whose risk rose: all roles or nobody, each problem once."""

from decimal import Decimal

from services.scoring.domain.incidents.deciding import Doubt
from services.scoring.domain.incidents.facts import Question, Ruling
from services.scoring.domain.incidents.rules import rules_of
from tests.scoring_domain.incidents import (
    INCIDENTS,
    RISE,
    WITH_RISES,
    applied,
    decided,
    document,
    lost,
    rose,
)


def test_a_region_that_rose_costs_all_roles_by_who_was_responsible_at_the_months_end():
    may, june = rose("may", ends="2021-05-31T23:59:59"), rose("june", ends="2021-06-30T23:59:59", unit="b2")
    decision = decided(may, june, rulings=applied(may, june), rules=WITH_RISES)
    assert lost(decision) | {"d1": None} == {
        "b1": ("bureau", "bureau_linked", 5, Decimal(2)),
        "i1": ("inspectorate", "inspectorate_linked", 5, Decimal(2)),
        "b2": ("bureau", "bureau_linked", 6, Decimal(2)),
        "i2": ("inspectorate", "inspectorate_linked", 6, Decimal(2)),
        "d1": None,
    }
    department = [one.month % 12 + 1 for one in decision.deductions if one.unit == "d1" and one.counts]
    assert department == [5, 6], "two regions are two problems"


def test_rises_of_one_region_in_one_year_are_one_problem_and_cost_once():
    both = rose("feb"), rose("apr", ends="2021-04-30T23:59:59")
    found = decided(*both, rulings=applied(*both), rules=WITH_RISES)
    assert lost(found)["b1"] == ("bureau", "bureau_linked", 2, Decimal(2))
    assert sum(one.counts for one in found.deductions) == 3


def test_a_rise_that_lacks_a_role_costs_nobody_and_is_named():
    nobody = {**INCIDENTS, "rises": [RISE], "jurisdictions": []}
    decision = decided(rose("feb"), rules=(rules_of(document(nobody)),))
    assert decision.deductions == ()
    assert [(one.question.trigger, one.why) for one in decision.waiting] == [("c", Doubt.NO_INSPECTORATE)]


def test_a_rise_of_another_scheme_or_of_no_code_costs_nothing():
    facts = [rose("x", scheme="other"), rose("y", code="d"), rose("z", ends="2020-12-31T23:59:59")]
    assert decided(*facts, rulings=applied(*facts), rules=WITH_RISES).deductions == ()
    assert decided(*facts, rulings=applied(*facts)).deductions == ()


def test_a_rise_waits_for_a_second_person_and_costs_nobody_until_then_nor_when_it_is_dismissed():
    feb = rose("feb")
    question = Question(("dukao/scoring", "feb"), "c", ("dukao/scoring", "feb"))
    waits = decided(feb, rules=WITH_RISES)
    assert waits.deductions == ()
    assert [(one.question, one.why) for one in waits.waiting] == [(question, Doubt.SECOND_PERSON)]
    assert waits.at_stake == {("dukao/scoring", "feb"): {"b1", "d1", "i1"}}
    gone = decided(feb, rulings={question: Ruling.DISMISSED}, rules=WITH_RISES)
    assert (gone.deductions, gone.waiting, gone.at_stake) == ((), (), waits.at_stake)
