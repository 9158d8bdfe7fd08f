"""What `scheme check` refuses of incidents: each with its path and code."""

import pytest
from pydantic import ValidationError

from services.scoring.domain.check import findings
from services.scoring.domain.document import SchemeDocument
from tests.scoring.incidents import TYPES, scheme
from tests.scoring.rises import RISE, looked_at


def checked(document):
    return {(one.path, one.code) for one in findings(SchemeDocument.model_validate(document), TYPES)}


SAME_CONTENT = {"fact": "finding.content", "meets": "inspection.content"}
SAME_OBJECT = {"fact": "finding.object", "meets": "inspection.object"}


def changed(*path, to):
    document = scheme()
    at = document
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = to
    return document


def test_the_scheme_of_the_worked_cases_is_sound():
    assert checked(scheme()) == set()


@pytest.mark.parametrize(
    ("path", "value", "where", "code"),
    [
        (("findings", 0, "type"), "rumour.v1", "findings/0/type", "unknown_type"),
        (("findings", 0, "object"), "who", "findings/0/object", "unknown_field"),
        (("findings", 0, "object"), "severity", "findings/0/object", "unknown_field"),
        (("findings", 0, "status"), "desk", "findings/0/status", "not_required"),
        (("findings", 0, "finder"), "desk", "findings/0/finder", "not_required"),
        (("findings", 2, "finder"), None, "triggers/1/when/2", "no_finder"),
        (("inspections", 0, "inspector"), "content", "inspections/0/inspector", "not_required"),
        (("findings", 0, "discovered"), "status", "findings/0/discovered", "unknown_field"),
        (("findings", 0, "deducts", "points"), "taxpayer", "findings/0/deducts/points", "unknown_field"),
        (
            ("findings", 0, "deducts", "indicator"),
            "none",
            "findings/0/deducts/indicator",
            "unknown_indicator",
        ),
        (("inspections", 0, "found"), "content", "inspections/0/found", "unknown_field"),
        (("inspections",), [], "triggers", "no_inspections"),
        (("contents", "vat"), "d9", "contents/vat", "unknown_unit"),
        (("triggers", 1, "code"), "a", "triggers/1/code", "duplicate"),
        (("triggers", 1, "when", 0), SAME_CONTENT, "triggers/1/when", "no_object"),
        (("triggers", 1, "when", 1), SAME_OBJECT, "triggers/1/when/1", "duplicate"),
        *(
            (("triggers", 1, "when", 1), {"fact": fact} | test, f"triggers/1/when/1/{where}", code)
            for fact, test, where, code in (
                ("finding.type", {"is": ["finding.audit.v1", "inspection.ended.v1"]}, "is/1", "unknown_type"),
                ("inspection.type", {"is": ["finding.audit.v1"]}, "is/0", "unknown_type"),
                ("finding.unit", {"is": ["b9"]}, "is/0", "unknown_unit"),
                ("finding.severity", {"is": ["high"]}, "is/0", "condition"),
                ("inspection.by", {"is": ["bureau"]}, "is/0", "condition"),
                ("finding.content", {"meets": "inspection.object"}, "meets", "condition"),
                ("finding.finder", {"differs": "finding.finder"}, "differs", "condition"),
                ("finding.years", {"differs": "inspection.years"}, "differs", "condition"),
                ("finding.finder", {"at_least": 1}, "at_least", "condition"),
                ("finding.years", {"at_most": 1}, "at_most", "condition"),
                (
                    "finding.severity",
                    {"before": "inspection.found", "same_day": "before"},
                    "before",
                    "condition",
                ),
            )
        ),
        (("jurisdictions", 0, "until"), "2021-06-01", "jurisdictions/1/units", "two_inspectorates"),
        (("jurisdictions", 0, "until"), "2019-12-31", "jurisdictions/0/until", "dates"),
        (("jurisdictions", 0, "inspectorate"), "i9", "jurisdictions/0/inspectorate", "unknown_unit"),
        (("jurisdictions", 0, "units"), ["b1", "b9"], "jurisdictions/0/units/1", "unknown_unit"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(path, value, where, code):
    assert checked(changed("incidents", *path, to=value)) == {(f"/incidents/{where}", code)}


@pytest.mark.parametrize(
    "condition",
    [
        {"fact": "finding.years"},
        {"fact": "finding.years", "meets": "inspection.years", "at_least": 1},
        {"fact": "finding.weight", "at_least": 1},
        {"fact": "finding.severity", "at_least": "1"},
        {"fact": "finding.discovered", "before": "inspection.started"},
        {"fact": "finding.severity", "at_least": 1, "same_day": "person"},
        {"fact": "finding.content", "is": []},
        {"fact": "finding.content", "is": ["vat"], "unless": "export"},
    ],
)
def test_a_condition_is_one_fact_and_one_test_of_it(condition):
    with pytest.raises(ValidationError) as refused:
        SchemeDocument.model_validate(changed("incidents", "triggers", 1, "when", 1, to=condition))
    assert {error["loc"][:5] for error in refused.value.errors()} == {("incidents", "triggers", 1, "when", 1)}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, set()),
        ({"group": "regions"}, {("group", "unknown_group")}),
        ({"measure": "none"}, {("measure", "unknown_measure")}),
        ({"measure": "audit"}, {("measure", "no_exposure")}),
        ({"content": "fees"}, {("content", "no_department")}),
        ({"alpha": "1"}, {("alpha", "alpha")}),
        ({"alpha": "0"}, {("alpha", "alpha")}),
    ],
)
def test_the_risk_of_regions_is_counted_against_exposure(change, found):
    document = looked_at()
    document["incidents"]["rises"] = [RISE | change]
    assert checked(document) == {(f"/incidents/rises/0/{where}", code) for where, code in found}


def test_a_risk_is_looked_at_once_under_a_code():
    document = looked_at()
    document["incidents"]["rises"] = [RISE, RISE]
    assert checked(document) == {("/incidents/rises/1/code", "duplicate")}
    document["incidents"]["rises"] = [RISE | {"code": "a"}]
    assert checked(document) == {("/incidents/rises/0/code", "duplicate")}


def test_what_a_rise_costs_is_lost_by_an_indicator_of_incidents():
    document = looked_at()
    roles = RISE["roles"] | {"bureau": {"indicator": "risk", "points": "1"}}
    document["incidents"]["rises"] = [RISE | {"roles": roles}]
    assert checked(document) == {("/incidents/rises/0/roles/bureau/indicator", "takes_no_incidents")}


@pytest.mark.parametrize("end", ["from", "until"])
def test_a_jurisdiction_runs_between_days_that_exist(end):
    with pytest.raises(ValidationError) as refused:
        SchemeDocument.model_validate(changed("incidents", "jurisdictions", 0, end, to="2021-02-30"))
    assert [error["loc"][-1] for error in refused.value.errors()] == [end]


def test_an_indicator_that_takes_no_incidents_cannot_lose_by_them():
    document = scheme()
    document["measures"]["audit"] = {"over": "finding.audit.v1", "period_by": "time", "numerator": "count(*)"}
    audit = next(one for one in document["indicators"] if one["code"] == "audit")
    audit["method"] = {"deduct": {"each": "1"}}
    assert checked(document) == {("/incidents/findings/0/deducts/indicator", "takes_no_incidents")}


def test_the_day_of_the_event_may_be_that_of_the_discovery():
    assert checked(changed("incidents", "inspections", 0, "ended", to="time")) == set()
