"""Triggers: when a finding costs others too; all roles lose or none, and a person is asked where the scheme says so."""

from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.incident_section import FactName
from services.scoring.domain.incidents.conditions import FACTS
from services.scoring.domain.incidents.deciding import Doubt
from services.scoring.domain.incidents.facts import Question, Ruling
from services.scoring.domain.incidents.rules import rules_of
from tests.scoring_domain.incidents import (
    INCIDENTS,
    LINKED,
    MISSED,
    OTHER_FINDER,
    RISE,
    ROLES,
    SAME_OBJECT,
    SAME_YEARS,
    applied,
    asked,
    decided,
    document,
    finding,
    gone,
    inspection,
    loss,
    points_of,
    rose,
)


def test_the_report_that_reached_us_after_the_inspection_fires_nothing():
    assert points_of(decided(asked(), inspection("i"))) == {"b1": Decimal("0.1")}


def test_a_discovery_after_the_inspection_ended_fires_for_all_roles():
    early = inspection("i", started="2021-01-11", ended="2021-02-28")
    assert points_of(decided(asked(), early)) == LINKED
    assert {one.unit: one.month for one in decided(asked(), early).deductions if one.counts} == dict.fromkeys(
        LINKED, 2021 * 12 + 6
    )


def test_a_problem_of_a_year_that_was_not_inspected_fires_nothing():
    early = inspection("i", started="2021-01-11", ended="2021-02-28")
    later = asked(first_year=2021, last_year=2021)
    assert points_of(decided(later, early)) == {"b1": Decimal("0.1")}


def test_one_year_of_the_problem_inside_the_inspected_years_is_enough():
    early = inspection("i", started="2021-01-11", ended="2021-02-28")
    assert points_of(decided(asked(first_year=2020, last_year=2021), early)) == LINKED


def test_the_same_day_waits_for_a_person_and_deducts_nobody_until_then():
    same = inspection("i", started="2021-01-11", ended="2021-03-10")
    decision = decided(asked(), same)
    assert points_of(decision) == {"b1": Decimal("0.1")}
    question = Question(("s", "f"), "b", ("s", "i"))
    assert [(one.question, one.why) for one in decision.waiting] == [(question, Doubt.SAME_DAY)]
    applied = decided(asked(), same, rulings={question: Ruling.APPLIES})
    assert (points_of(applied), applied.waiting) == (LINKED, ())
    dismissed = decided(asked(), same, rulings={question: Ruling.DISMISSED})
    assert (points_of(dismissed), dismissed.waiting) == ({"b1": Decimal("0.1")}, ())


def test_the_day_is_one_in_the_zone_of_the_scheme():
    ended = inspection("i", started="2021-01-11", ended="2021-03-09T17:00:00+00:00")
    assert [one.why for one in decided(asked(), ended).waiting] == [Doubt.SAME_DAY]


def test_who_inspected_does_not_fire_trigger_b_by_finding_it_later():
    early = inspection("i", started="2021-01-11", ended="2021-02-28")
    assert points_of(decided(asked(finder="i1"), early)) == {"b1": Decimal("0.1")}


def test_of_whom_nobody_knows_whether_it_found_it_nobody_loses_and_the_report_is_named():
    """Who sent a report is not who found the problem: the inspectorate's own finding may come by any source."""
    early = inspection("i", started="2021-01-11", ended="2021-02-28")
    decision = decided(asked(finder=None), early)
    assert (points_of(decision), [one.name[1] for one in decision.unread]) == ({}, ["f"])


def test_an_inspection_that_found_something_fires_nothing():
    early = inspection("i", started="2021-01-11", ended="2021-02-28", found=1)
    assert points_of(decided(asked(), early)) == {"b1": Decimal("0.1")}


@pytest.mark.parametrize(("by", "fires"), [("i1", True), ("i2", True), ("b1", False), ("d2", False)])
def test_only_what_an_inspectorate_missed_costs_others(by, fires):
    """Whoever of them inspected, the one that was responsible loses."""
    early = inspection("i", started="2021-01-11", ended="2021-02-28", content="vat", by=by)
    assert points_of(decided(asked(severity=3), early)) == (LINKED if fires else {"b1": Decimal("0.1")})
    same_day = inspection("i", started="2021-01-11", ended="2021-03-10", by=by)
    assert len(decided(asked(), same_day).waiting) == fires


@pytest.mark.parametrize(("severity", "fires"), [(1, False), (2, True), (3, True)])
def test_at_the_gate_is_past_the_gate(severity, fires):
    """Trigger a: the same content was checked, whoever finds the problem, of whatever year."""
    early = inspection(
        "i", started="2021-01-11", ended="2021-02-28", content="vat", first_year=2015, last_year=2016
    )
    found = points_of(decided(asked(severity=severity, finder="i1"), early))
    assert found == ({**LINKED, "b1": Decimal("1.5")} if fires else {"b1": Decimal("0.1")})


SECOND_LOOK = {
    "code": "d",
    "title": "A second look of the audit finds what a look of the same inspectorate had left open",
    "gate": 1,
    "when": [
        SAME_OBJECT,
        {"fact": "finding.type", "is": ["finding.audit.v1"]},
        {"fact": "inspection.type", "is": ["inspection.ended.v1"]},
        {"fact": "finding.unit", "is": ["b1"]},
        {"fact": "inspection.found", "at_least": 1},
        {"fact": "finding.severity", "at_most": 2},
        {"fact": "inspection.started", "before": "finding.discovered", "same_day": "not_before"},
    ],
    "roles": {**ROLES, "department": loss("department_linked", "0.5")},
}
SECOND = {"d1": Decimal("0.5"), "b1": Decimal(2), "i2": Decimal(2)}


@pytest.mark.parametrize(
    ("told", "looked", "fires"),
    [
        ({}, {}, True),
        ({"severity": 2}, {"found": 7}, True),
        ({"severity": 0}, {}, False),
        ({"severity": 3}, {}, False),
        ({"indicator": "petition"}, {}, False),
        ({"unit": "b2"}, {}, False),
        ({}, {"found": 0}, False),
        ({}, {"taxpayer": "t2"}, False),
        ({"discovered": "2021-06-07"}, {}, False),
        ({"discovered": "2021-06-08"}, {}, True),
        ({"status": "checked"}, {}, False),
    ],
)
def test_a_fourth_trigger_is_data_alone(told, looked, fires):
    rules = (rules_of(document({**INCIDENTS, "triggers": [*INCIDENTS["triggers"], SECOND_LOOK]})),)
    facts = {"discovered": "2021-06-20", "severity": 1} | told
    found = finding("f", points="0.1", time="2021-07-20", **facts)
    before = inspection("i", started="2021-06-07", ended="2021-07-30", **{"found": 1} | looked)
    decision = decided(found, before, rules=rules)
    assert {one.unit: one.points for one in decision.deductions if one.trigger} == (
        {unit: points * 1_000_000 for unit, points in SECOND.items()} if fires else {}
    )
    assert decision.waiting == ()


def by_code(decision):
    return {
        (one.trigger, one.unit, one.indicator, one.points)
        for one in decision.deductions
        if one.trigger is not None
    }, {(one.question.trigger, one.why) for one in decision.waiting}


@pytest.mark.parametrize("names", [{"a": "b", "b": "a"}, {"a": "x9", "b": "x1"}, {"a": "c", "b": "d"}])
@pytest.mark.parametrize("ended", ["2021-02-28", "2021-03-10", "2021-04-01"])
def test_what_a_trigger_is_called_says_nothing(names, ended):
    """Were any name of a trigger known to the program, another of the same rules would come to something else."""
    renamed = [{**one, "code": names[one["code"]]} for one in INCIDENTS["triggers"]]
    facts = asked(severity=3), inspection("i", started="2021-01-11", ended=ended, content="vat")
    deductions, waiting = by_code(decided(*facts))
    found, waits = by_code(decided(*facts, rules=(rules_of(document({**INCIDENTS, "triggers": renamed})),)))
    assert waits == {(names[code], why) for code, why in waiting}
    assert sorted(one[1:] for one in found) == sorted(one[1:] for one in deductions)
    assert {one[0] for one in found} == {names[one[0]] for one in deductions}


@pytest.mark.parametrize(("same_day", "fires"), [("before", True), ("not_before", False), ("person", None)])
def test_what_holds_on_the_same_day_is_data(same_day, fires):
    order = {"fact": "inspection.ended", "before": "finding.discovered", "same_day": same_day}
    trigger = {**INCIDENTS["triggers"][1], "when": [SAME_OBJECT, order]}
    rules = (rules_of(document({**INCIDENTS, "triggers": [trigger]})),)
    same = inspection("i", started="2021-01-11", ended="2021-03-10")
    decision = decided(asked(), same, rules=rules)
    assert (points_of(decision) == LINKED, bool(decision.waiting)) == (fires is True, fires is None)


@pytest.mark.parametrize(("content", "fires"), [("vat", True), (None, True), ("export", False)])
def test_an_inspection_of_every_content_is_one_of_each(content, fires):
    named = {"fact": "inspection.content", "is": ["vat"]}
    trigger = {**INCIDENTS["triggers"][1], "when": [SAME_OBJECT, named]}
    rules = (rules_of(document({**INCIDENTS, "triggers": [trigger]})),)
    looked = inspection("i", started="2021-01-11", ended="2021-02-28", content=content)
    assert (points_of(decided(asked(), looked, rules=rules)) == LINKED) is fires


def test_every_fact_that_a_scheme_can_name_is_read():
    assert set(get_args(FactName)) == FACTS.keys()


@given(st.permutations(range(6)), st.sampled_from(["2021-03-09", "2021-03-10", "2021-03-11"]))
def test_the_order_of_conditions_says_nothing(order, ended):
    when = [SAME_OBJECT, SAME_YEARS, OTHER_FINDER, *MISSED]
    trigger = {**INCIDENTS["triggers"][1], "when": [when[place] for place in order]}
    rules = (rules_of(document({**INCIDENTS, "triggers": [INCIDENTS["triggers"][0], trigger]})),)
    looked = inspection("i", started="2021-01-11", ended=ended)
    assert decided(asked(), looked, rules=rules) == decided(asked(), looked)


def test_trigger_a_on_the_same_day_waits_for_a_person_too():
    same = inspection(
        "i", started="2021-01-11", ended="2021-03-10", content="vat", first_year=2015, last_year=2016
    )
    decision = decided(asked(severity=3), same)
    assert points_of(decision) == {"b1": Decimal("0.1")}
    question = Question(("s", "f"), "a", ("s", "i"))
    assert [(one.question, one.why) for one in decision.waiting] == [(question, Doubt.SAME_DAY)]


def test_trigger_a_wants_the_same_content():
    early = inspection(
        "i", started="2021-01-11", ended="2021-02-28", content="export", first_year=2015, last_year=2016
    )
    assert points_of(decided(asked(severity=3), early)) == {"b1": Decimal("0.1")}


def test_responsible_is_who_was_on_the_first_day_of_the_inspection():
    across = inspection("i", started="2021-05-31", ended="2021-06-15")
    found = asked(discovered="2021-06-20")
    assert "i1" in points_of(decided(found, across))
    later = inspection("i", started="2021-06-01", ended="2021-06-15")
    assert {"i2", "d1", "b1"} == set(points_of(decided(found, later)))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"contents": {}}, Doubt.NO_DEPARTMENT),
        (
            {"jurisdictions": [{"inspectorate": "i1", "units": ["b2"], "from": "2020-01-01"}]},
            Doubt.NO_INSPECTORATE,
        ),
        ({"contents": {"vat": "b2"}}, Doubt.NOT_SCORED),
    ],
)
def test_a_trigger_deducts_all_its_roles_or_none(change, why):
    rules = (rules_of(document({**INCIDENTS, **change})),)
    early = inspection("i", started="2021-01-11", ended="2021-02-28")
    decision = decided(asked(), early, rules=rules)
    assert points_of(decision) == {"b1": Decimal("0.1")}
    assert [one.why for one in decision.waiting] == [why]


def test_two_triggers_and_the_finding_itself_cost_a_unit_the_highest_once():
    early = inspection("i", started="2021-01-11", ended="2021-02-28", content="vat")
    decision = decided(asked(severity=3), early)
    assert points_of(decision) == LINKED
    bureau = [one for one in decision.deductions if one.unit == "b1"]
    assert [(one.trigger, one.counts) for one in bureau] == [("b", True), ("a", False), (None, False)]


@pytest.mark.parametrize(
    ("indicator", "unit"),
    [("department_linked", "d1"), ("bureau_linked", "b1"), ("inspectorate_linked", "i1")],
)
def test_a_role_whose_indicator_does_not_apply_lets_nobody_lose(indicator, unit):
    rises = {**INCIDENTS, "rises": [RISE]}
    absent = {indicator: gone(unit, **{"from": "2021-02", "until": "2021-07"})}
    rules = (rules_of(document(rises, absent=absent)),)
    early = inspection("i", started="2021-01-11", ended="2021-02-28")
    decision = decided(asked(), early, rose("feb"), rules=rules)
    assert [one for one in decision.deductions if one.trigger] == []
    assert {(one.question.trigger, one.why) for one in decision.waiting} == {
        ("b", Doubt.NOT_SCORED),
        ("c", Doubt.NOT_SCORED),
    }
    august = rose("aug", ends="2021-08-31T23:59:59")
    found = decided(august, rulings=applied(august), rules=rules)
    assert {one.role.value for one in found.deductions} == {
        "department",
        "bureau",
        "inspectorate",
    }
