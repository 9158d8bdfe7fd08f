"""Incidents: one problem deducts once for each unit, and only confirmed findings do."""

from dataclasses import replace
from decimal import Decimal
from itertools import permutations

import pytest

from services.scoring.domain.incidents.facts import Key, join_of
from services.scoring.domain.incidents.problems import Why
from services.scoring.domain.incidents.reading import Unreadable
from services.scoring.domain.incidents.rules import rules_of
from tests.scoring_domain.incidents import (
    INCIDENTS,
    LINKED,
    RULES,
    THREE,
    asked,
    at,
    decided,
    document,
    finding,
    gone,
    inspection,
    lost,
    of_unit,
    points_of,
    retracted,
    revised,
)


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


def test_the_time_of_a_correction_is_that_of_the_finding_and_moves_what_it_costs():
    told = finding("f", time="2021-03-31")
    moved = replace(revised(told, 1, told.data), time=at("2021-04-01"))
    for order in permutations([told, moved]):
        assert lost(decided(*order)) == {"b1": ("own", "audit", 4, Decimal(2))}


def test_the_year_of_an_incident_is_that_of_the_problem_and_of_no_report():
    told = finding("f", time="2021-12-31", discovered="2021-12-30", first_year=2017, last_year=2017)
    assert set(decided(told).problem_of) == {Key("t1", "vat", 2017)}


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


def test_what_cannot_be_read_is_told():
    facts = [
        finding("f1", status="rumour"),
        finding("f2", first_year=2020, last_year=2019),
        finding("f3", time="2020-12-31"),
        finding("f4", taxpayer="t1\n"),
        finding("f5", content="of vat"),
        finding("f6", finder=None),
        finding("f7", finder=""),
        inspection("i", started="2021-03-02", ended="2021-03-01"),
    ]
    assert {one.name[1]: one.why for one in decided(*facts).unread} == {
        "f1": Unreadable.STATUS,
        "f2": Unreadable.YEARS,
        "f3": Unreadable.NO_SCHEME,
        "f4": Unreadable.FIELDS,
        "f5": Unreadable.FIELDS,
        "f6": Unreadable.FIELDS,
        "f7": Unreadable.FIELDS,
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


def test_a_scheme_without_incidents_has_no_rules():
    assert rules_of(document().model_copy(update={"incidents": None})) is None
    assert RULES[0] is not None
