"""Incidents: one problem deducts once for each unit, only confirmed findings do, triggers take all roles or none."""

from dataclasses import replace
from decimal import Decimal
from itertools import permutations
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.incident_section import FactName
from services.scoring.domain.incidents.conditions import FACTS
from services.scoring.domain.incidents.deciding import Doubt
from services.scoring.domain.incidents.facts import Key, Question, Ruling, join_of
from services.scoring.domain.incidents.problems import Why
from services.scoring.domain.incidents.reading import Unreadable
from services.scoring.domain.incidents.rules import rules_of
from tests.scoring_domain.incidents import (
    INCIDENTS,
    MISSED,
    OTHER_FINDER,
    ROLES,
    RULES,
    SAME_OBJECT,
    SAME_YEARS,
    decided,
    document,
    finding,
    inspection,
    loss,
    lost,
    retracted,
    revised,
    rose,
)

THREE = (
    finding("f2", "audit", points="2"),
    finding("f15", "petition", points="1.5", time="2021-04-02"),
    finding("f3", "patrol", points="3", time="2021-05-04"),
)


def of_unit(decision, unit="b1"):
    return [lost(decision)[unit]] if unit in lost(decision) else []


@pytest.mark.parametrize("order", list(permutations(THREE)))
def test_of_one_incident_only_the_highest_deduction_counts(order):
    assert lost(decided(*order)) == {"b1": ("own", "patrol", 5, Decimal(3))}


def test_what_was_suppressed_revives_when_the_highest_is_revoked():
    two, fifteen, three = THREE
    facts = [*THREE, retracted(three)]
    assert lost(decided(*facts)) == {"b1": ("own", "audit", 3, Decimal(2))}
    facts.append(revised(two, 1, {**two.data, "status": "dropped"}))
    assert lost(decided(*facts)) == {"b1": ("own", "petition", 4, Decimal("1.5"))}
    assert lost(decided(*facts, retracted(fifteen))) == {}


def test_the_others_are_recorded_with_the_reason():
    found = {one.finding[1]: (one.why, one.suppressed_by) for one in decided(*THREE).deductions}
    assert found == {
        "f3": (None, None),
        "f2": (Why.SUPPRESSED, ("s", "f3")),
        "f15": (Why.SUPPRESSED, ("s", "f3")),
    }


@pytest.mark.parametrize("status", ["alleged", "checked", "dropped"])
def test_only_a_confirmed_finding_deducts(status):
    facts = [inspection("i", ended="2021-03-01", started="2021-02-01"), finding("f", status=status)]
    assert decided(*facts).deductions == ()


def test_the_highest_revision_of_a_finding_counts():
    told = finding("f", status="alleged")
    assert lost(decided(told)) == {}
    confirmed = revised(told, 2, {**told.data, "status": "confirmed"})
    checked = revised(told, 1, {**told.data, "status": "checked"})
    for order in permutations([told, confirmed, checked]):
        assert lost(decided(*order)) == {"b1": ("own", "audit", 3, Decimal(2))}


def test_of_equals_the_first_by_indicator_then_by_time_then_by_name_counts():
    by_code = [finding("x", "petition"), finding("y", "audit", time="2021-06-01")]
    assert of_unit(decided(*by_code)) == [("own", "audit", 6, Decimal(2))]
    by_time = [finding("x", time="2021-06-01"), finding("y", time="2021-05-01")]
    assert of_unit(decided(*by_time)) == [("own", "audit", 5, Decimal(2))]
    by_name = [finding("y"), finding("x"), finding("a", source="t")]
    assert [one.finding for one in decided(*by_name).deductions if one.counts] == [("s", "x")]


def test_another_object_content_or_year_is_another_incident():
    facts = [
        finding("f1"),
        finding("f2", taxpayer="t2"),
        finding("f3", content="export"),
        finding("f4", first_year=2020, last_year=2020),
    ]
    assert sum(one.counts for one in decided(*facts).deductions) == 4


def test_a_finding_over_several_years_is_an_incident_per_year_and_holds_them_together():
    apart = [finding("f1", points="1"), finding("f2", points="2", first_year=2020, last_year=2020)]
    assert [one.counts for one in decided(*apart).deductions] == [True, True]
    bridge = finding("f3", points="1.5", first_year=2019, last_year=2020)
    decision = decided(*apart, bridge)
    assert of_unit(decision) == [("own", "audit", 3, Decimal(2))]
    assert sum(one.counts for one in decision.deductions) == 1
    assert set(decision.problem_of) == {Key("t1", "vat", 2019), Key("t1", "vat", 2020)}
    assert sum(one.counts for one in decided(*apart, bridge, retracted(bridge)).deductions) == 2


def test_an_alleged_finding_holds_nothing_together():
    apart = [finding("f1", points="1"), finding("f2", points="2", first_year=2020, last_year=2020)]
    bridge = finding("f3", points="1.5", first_year=2019, last_year=2020, status="alleged")
    assert sum(one.counts for one in decided(*apart, bridge).deductions) == 2


def test_persons_join_what_hangs_together_otherwise():
    apart = [finding("f1", points="1"), finding("f2", points="2", taxpayer="t-1")]
    assert sum(one.counts for one in decided(*apart).deductions) == 2
    join = join_of(Key("t1", "vat", 2019), Key("t-1", "vat", 2019))
    assert [one.finding[1] for one in decided(*apart, joins=[join]).deductions if one.counts] == ["f2"]


LINKED = {"d1": Decimal(1), "b1": Decimal(2), "i1": Decimal(2)}


def points_of(decision):
    return {unit: points for unit, (_, _, _, points) in lost(decision).items()}


def asked(**more):
    """The problem of 2019, discovered on 10 March by an audit whose own deduction is small."""
    told = {"discovered": "2021-03-10", "severity": 1} | more
    return finding("f", points="0.1", time="2021-07-20", **told)


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


def test_three_sources_report_one_incident_and_each_unit_concerned_loses_once():
    early = inspection("i", started="2021-01-11", ended="2021-02-28", content="vat")
    for order in permutations([*THREE, early]):
        found = lost(decided(*order))
        assert found == {
            "b1": ("own", "patrol", 5, Decimal(3)),
            "d1": ("department", "department_linked", 3, Decimal(1)),
            "i1": ("inspectorate", "inspectorate_linked", 3, Decimal(2)),
        }


def test_a_deduction_that_no_indicator_takes_is_recorded_and_suppresses_nothing():
    facts = [finding("f1", unit="d1", points="9"), finding("f2", points="1")]
    decision = decided(*facts)
    assert [(one.finding[1], one.why) for one in decision.deductions] == [
        ("f2", None),
        ("f1", Why.NOT_SCORED),
    ]


def gone(*units, **months):
    return [{"units": list(units), "reason": "None here", **months}]


def test_a_deduction_on_an_indicator_that_does_not_apply_to_the_unit_suppresses_nothing():
    rules = (rules_of(document(absent={"audit": gone("b1", until="2021-03")})),)
    facts = [finding("f1", "audit", points="3"), finding("f2", "petition", points="2")]
    decision = decided(*facts, rules=rules)
    assert lost(decision) == {"b1": ("own", "petition", 3, Decimal(2))}
    assert {one.why for one in decision.deductions if not one.counts} == {Why.NOT_SCORED}
    april = [finding("f1", "audit", points="3", time="2021-04-01"), facts[1]]
    assert lost(decided(*april, rules=rules)) == {"b1": ("own", "audit", 4, Decimal(3))}
    others = [replace(one, subject="b2") for one in facts]
    assert lost(decided(*others, rules=rules)) == {"b2": ("own", "audit", 3, Decimal(3))}


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
    assert {one.role.value for one in decided(august, rules=rules).deductions} == {
        "department",
        "bureau",
        "inspectorate",
    }


def test_what_cannot_be_read_is_told():
    facts = [
        finding("f1", status="rumour"),
        finding("f2", first_year=2020, last_year=2019),
        finding("f3", time="2020-12-31"),
        finding("f4", taxpayer="t1\n"),
        finding("f5", content="of vat"),
        inspection("i", started="2021-03-02", ended="2021-03-01"),
    ]
    assert {one.name[1]: one.why for one in decided(*facts).unread} == {
        "f1": Unreadable.STATUS,
        "f2": Unreadable.YEARS,
        "f3": Unreadable.NO_SCHEME,
        "f4": Unreadable.FIELDS,
        "f5": Unreadable.FIELDS,
        "i": Unreadable.DAYS,
    }


def test_each_finding_is_judged_by_the_version_of_its_own_month():
    halves = (
        rules_of(document(until="2021-06")),
        rules_of(document({**INCIDENTS, "triggers": []}, version=2, effective="2021-07")),
    )
    early = inspection("i", started="2021-01-11", ended="2021-02-28")
    march = decided(finding("f", severity=1, points="0.1", discovered="2021-03-10"), early, rules=halves)
    july = decided(asked(), early, rules=halves)
    assert (points_of(march), points_of(july)) == (LINKED, {"b1": Decimal("0.1")})


RISE = {
    "code": "c",
    "title": "Regional risk",
    "group": "bureaus",
    "measure": "none",
    "baseline_months": 3,
    "minimum": 5,
    "alpha": "0.01",
    "grace_days": 5,
    "content": "vat",
    "roles": ROLES,
}
WITH_RISES = (rules_of(document({**INCIDENTS, "rises": [RISE]})),)


def test_a_region_that_rose_costs_all_roles_by_who_was_responsible_at_the_months_end():
    may, june = rose("may", ends="2021-05-31T23:59:59"), rose("june", ends="2021-06-30T23:59:59", unit="b2")
    decision = decided(may, june, rules=WITH_RISES)
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
    found = decided(rose("feb"), rose("apr", ends="2021-04-30T23:59:59"), rules=WITH_RISES)
    assert lost(found)["b1"] == ("bureau", "bureau_linked", 2, Decimal(2))
    assert sum(one.counts for one in found.deductions) == 3


def test_a_rise_that_lacks_a_role_costs_nobody_and_is_named():
    nobody = {**INCIDENTS, "rises": [RISE], "jurisdictions": []}
    decision = decided(rose("feb"), rules=(rules_of(document(nobody)),))
    assert decision.deductions == ()
    assert [(one.question.trigger, one.why) for one in decision.waiting] == [("c", Doubt.NO_INSPECTORATE)]


def test_a_rise_of_another_scheme_or_of_no_code_costs_nothing():
    facts = [rose("x", scheme="other"), rose("y", code="d"), rose("z", ends="2020-12-31T23:59:59")]
    assert decided(*facts, rules=WITH_RISES).deductions == ()
    assert decided(*facts).deductions == ()


NAMES = st.sampled_from(["f1", "f2", "f3", "f4"])
FINDINGS = st.builds(
    finding,
    NAMES,
    st.sampled_from(["audit", "petition", "patrol"]),
    time=st.sampled_from(["2021-03-10", "2021-04-02", "2021-05-04"]),
    points=st.sampled_from(["1", "2", "2.5"]),
    unit=st.sampled_from(["b1", "b2"]),
    source=st.sampled_from(["s", "t"]),
    status=st.sampled_from(["alleged", "confirmed", "confirmed", "dropped"]),
    taxpayer=st.sampled_from(["t1", "t1", "t2"]),
    severity=st.sampled_from([0, 1, 2]),
    first_year=st.sampled_from([2018, 2019]),
    last_year=st.sampled_from([2019, 2020]),
)
INSPECTIONS = st.builds(
    inspection,
    st.sampled_from(["i1", "i2"]),
    started=st.sampled_from(["2021-01-11", "2021-02-01"]),
    ended=st.sampled_from(["2021-02-28", "2021-03-10", "2021-04-02"]),
    taxpayer=st.sampled_from(["t1", "t2"]),
    content=st.sampled_from([None, "vat", "export"]),
    found=st.sampled_from([0, 0, 1]),
)


def once(reports):
    return list({(one.source, one.id): one for one in reports}.values())


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
    decision = decided(*facts, rules=WITH_RISES)
    assert decided(*shuffled, rules=WITH_RISES) == decision
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


def test_a_scheme_without_incidents_has_no_rules():
    assert rules_of(document().model_copy(update={"incidents": None})) is None
    assert RULES[0] is not None
