"""What all reports of objects come to: incidents with their sources side by side, and what revives."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.incidents.facts import Key, Question, Ruling, join_of, key_of
from services.scoring.domain.incidents.reading import Unreadable
from services.scoring.domain.incidents.settling import Facts, Stage, settle
from tests.scoring_domain.incidents import (
    FINDINGS,
    INSPECTIONS,
    RULES,
    THREE,
    finding,
    inspection,
    once,
    retracted,
    revised,
)

OBJECTS = frozenset({"t1", "t2"})


def settled(*reports, objects=OBJECTS, joins=(), rulings=None):
    return settle([RULES], Facts(frozenset(objects), reports, frozenset(joins), rulings or {}))


def by_id(found):
    return {one.key.id: one for one in found.incidents}


def states(found):
    return {
        told.deduction.finding[1]: "revived" if told.revived else told.deduction.why or "counted"
        for one in found.incidents
        for told in one.deductions
    }


def test_what_counts_only_because_a_higher_one_was_revoked_is_revived():
    two, _, three = THREE
    assert states(settled(*THREE)) == {"f2": "suppressed", "f15": "suppressed", "f3": "counted"}
    wanted = {"f2": "revived", "f15": "suppressed"}
    assert states(settled(*THREE, retracted(three))) == wanted
    dropped = revised(three, 1, {**three.data, "status": "dropped"})
    assert states(settled(*THREE, dropped)) == wanted
    assert states(settled(two, retracted(two), three)) == {"f3": "counted"}


def test_a_finding_that_never_was_confirmed_revives_nothing_when_it_is_dropped():
    two, _, three = THREE
    alleged = finding("f3", "patrol", points="3", time="2021-05-04", status="alleged")
    dropped = revised(alleged, 1, {**three.data, "status": "dropped"})
    assert states(settled(two, alleged, dropped)) == {"f2": "counted"}


def test_sources_stand_side_by_side():
    says_no = finding("p", "petition", status="dropped", finder="petition")
    for beside, stage, contradicted in (
        ([], Stage.DROPPED, set()),
        ([finding("a", status="alleged")], Stage.ALLEGED, {"p"}),
        ([finding("a", status="alleged"), finding("b", status="checked")], Stage.CHECKED, {"p"}),
        ([finding("a"), finding("b", status="checked")], Stage.CONFIRMED, {"p"}),
    ):
        (one,) = settled(says_no, *beside).incidents
        assert one.stage is stage
        assert {seen.finding.name[1] for seen in one.findings if seen.contradicts} == contradicted


def test_what_was_withdrawn_is_still_shown_and_costs_nothing():
    two = THREE[0]
    (one,) = settled(two, retracted(two)).incidents
    assert (one.stage, one.deductions) == (Stage.WITHDRAWN, ())
    assert [(seen.finding.name, seen.withdrawn) for seen in one.findings] == [(("s", "f2"), True)]


def test_a_finding_of_several_years_is_shown_in_each_and_told_under_the_first():
    found = settled(finding("f", first_year=2018, last_year=2019))
    assert set(by_id(found)) == {"t1~vat~2018", "t1~vat~2019"}
    assert {one.problem for one in found.incidents} == {Key("t1", "vat", 2018)}
    assert list(found.decided()) == [(Key("t1", "vat", 2018), "b1")]


def test_what_is_about_another_object_is_left_to_it():
    assert settled(finding("f", taxpayer="t3")).incidents == ()


def test_what_cannot_be_read_is_told_with_its_reason():
    facts = [finding("f", status="rumour"), finding("g", severity=None)]
    assert {one.name[1]: one.why for one in settled(*facts).unread} == {
        "f": Unreadable.STATUS,
        "g": Unreadable.FIELDS,
    }


def test_the_name_of_an_incident_can_be_read_back():
    key = Key("91110000-X", "vat:refund", 2019)
    assert key_of(key.id) == key
    assert [key_of(text) for text in ("t1~vat", "t1~vat~19", "t 1~vat~2019", "~vat~2019")] == [None] * 4


REVISIONS = st.sampled_from([None, "dropped", "confirmed", "alleged"])


@st.composite
def reports(draw):
    facts = once([*draw(st.lists(FINDINGS, max_size=4)), *draw(st.lists(INSPECTIONS, max_size=2))])
    later = []
    for one in facts:
        for revision, status in enumerate(draw(st.lists(REVISIONS, max_size=2)), 1):
            data = None if status is None else {**one.data, "status": status}
            later.append(revised(one, revision, data))
    return facts + later


@settings(max_examples=150, deadline=None)
@given(reports(), st.randoms(use_true_random=False), st.booleans())
def test_the_order_of_reports_leaves_no_trace(facts, random, joined):
    joins = [join_of(Key("t1", "vat", 2019), Key("t2", "vat", 2019))] if joined else []
    question = Question(("s", "f1"), "b", ("s", "i1"))
    shuffled = random.sample(facts, len(facts))
    more = {"joins": joins, "rulings": {question: Ruling.APPLIES}}
    assert settled(*shuffled, **more) == settled(*facts, **more)


@settings(max_examples=150, deadline=None)
@given(reports())
def test_each_unit_loses_the_most_of_a_problem_once_and_what_revives_counts(facts):
    found = settled(*facts)
    lost = {}
    told = {id(told): told for one in found.incidents for told in one.deductions}
    problem = {one.key: one.problem for one in found.incidents}
    for one in told.values():
        place = problem[one.deduction.key], one.deduction.unit
        lost.setdefault(place, []).append(one.deduction)
        assert one.deduction.counts or not one.revived
    for rivals in lost.values():
        most = max(one.points for one in rivals)
        assert [one.points for one in rivals if one.counts] == [most]


@settings(max_examples=100, deadline=None)
@given(reports())
def test_objects_may_be_settled_apart(facts):
    """What the service does: an object with all that is joined to it at a time."""
    whole = settled(*facts)
    apart = [settled(*facts, objects={name}) for name in sorted(OBJECTS)]
    assert by_id(whole) == by_id(apart[0]) | by_id(apart[1])


def test_points_are_nominal_millionths():
    (one,) = settled(finding("f", points="2.5"), inspection("i", found=1)).incidents
    assert [Decimal(told.deduction.points) / 10**6 for told in one.deductions] == [Decimal("2.5")]
