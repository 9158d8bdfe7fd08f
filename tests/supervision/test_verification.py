"""An alleged finding is a verification item with a limit, and what its source says of it later closes it."""

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.supervision.domain.items import fold
from services.supervision.domain.machine import State
from services.supervision.domain.matters import item_id, matters_of
from services.supervision.domain.plans import plan_of
from services.supervision.domain.seen import see
from shared.kernel.facts import Report
from shared.kernel.instants import micros
from tests.supervision.facts import CALENDAR, Feed, at, scheme

FINDING = "finding.reported.v1"
RULE = {
    "kind": "alleged_finding",
    "title": "实地查核",
    "opens": {"type": FINDING, "when": {"status": ["alleged"]}},
    "due": {"working_days": 8},
    "completes": {"type": FINDING, "when": {"status": ["checked", "confirmed", "dropped"]}},
    "indicator": "k1",
}
PLAN = plan_of(scheme(check=RULE))
ITEM = item_id("mini", "check", "WT-1")


def said(status, revision=0, *, told="2021-04-20 10:00", time="2021-04-20 09:00", source="audit", **more):
    """Return the finding of 20 April as its source says it; due is 29 April."""
    original = (source, "WT-1") if revision else None
    name = f"WT-1r{revision}" if revision else "WT-1"
    data = None if status is None else {"status": status}
    moments = micros(at(time)), 0, 1, data
    return Report(source, name, FINDING, "b1", *moments, None, original, revision, micros(at(told)), **more)


ALLEGED = said("alleged")
CHECKED = said("checked", 1, told="2021-04-28 16:00")
CONFIRMED = said("confirmed", 2, told="2021-06-01 10:00")


def item_of(*reports):
    """Return state, day of completion and how many late days, at the year's end."""
    found = matters_of([PLAN], "WT-1", reports)
    if not found:
        return None
    matter = found[ITEM]
    if matter.is_withdrawn:
        return "withdrawn"
    item = fold(matter.opening, matter.completions)
    seen = see(CALENDAR, item, at("2021-12-31 00:00"))
    return item.state, seen.completed and seen.completed.isoformat(), len(seen.late)


def test_an_alleged_finding_opens_a_verification_item_with_a_limit():
    matter = matters_of([PLAN], "WT-1", [ALLEGED])[ITEM]
    assert (matter.opening.kind.value, matter.opening.unit) == ("alleged_finding", "b1")
    assert see(CALENDAR, fold(matter.opening, ()), at("2021-04-21 00:00")).due.instant == at(
        "2021-04-30 00:00"
    )
    assert item_of(ALLEGED)[:2] == (State.ASSIGNED, None)


def test_a_finding_that_was_confirmed_from_the_first_asks_for_no_verification():
    assert item_of(said("confirmed")) is None


@pytest.mark.parametrize("status", ["checked", "confirmed", "dropped"])
def test_what_is_checked_on_site_confirmed_or_refuted_closes_it_on_the_day_on_which_it_was_told(status):
    in_time = said(status, 1, told="2021-04-29 23:59")
    assert item_of(ALLEGED, in_time) == (State.COMPLETED, "2021-04-29", 0)
    late = said(status, 1, told="2021-04-30 00:00")
    assert item_of(ALLEGED, late) == (State.COMPLETED, "2021-04-30", 1)


@pytest.mark.parametrize("order", list(permutations([ALLEGED, CHECKED, CONFIRMED])))
def test_what_is_confirmed_after_the_check_does_not_make_the_check_late(order):
    assert item_of(*order) == (State.COMPLETED, "2021-04-28", 0)


def test_a_check_that_is_taken_back_leaves_the_item_open_until_the_next():
    back = said("alleged", 2, told="2021-04-29 10:00")
    assert item_of(ALLEGED, CHECKED, back)[:2] == (State.ASSIGNED, None)
    again = said("confirmed", 3, told="2021-04-30 10:00")
    assert item_of(ALLEGED, CHECKED, back, again) == (State.COMPLETED, "2021-04-30", 1)


def test_a_finding_that_is_withdrawn_takes_its_item_with_it():
    assert item_of(ALLEGED, said(None, 1)) == "withdrawn"
    assert item_of(ALLEGED, CHECKED, said(None, 2)) == "withdrawn"


def test_one_finding_that_two_offices_report_is_closed_by_what_either_says_of_it():
    twice = [replace(ALLEGED, fact='["WT-1"]'), replace(ALLEGED, source="antifraud", fact='["WT-1"]')]
    for order in permutations([*twice, CHECKED]):
        assert item_of(*order) == (State.COMPLETED, "2021-04-28", 0)


REVISIONS = st.lists(
    st.tuples(
        st.sampled_from(["alleged", "checked", "confirmed", "dropped", None]),
        st.sampled_from(["2021-04-22 10:00", "2021-04-29 10:00", "2021-05-12 10:00"]),
    ),
    max_size=5,
)


@settings(max_examples=200, deadline=None)
@given(REVISIONS, st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_same_item(revisions, random):
    reports = [ALLEGED, *(said(status, n, told=told) for n, (status, told) in enumerate(revisions, 1))]
    shuffled = list(reports)
    random.shuffle(shuffled)
    assert item_of(*shuffled) == item_of(*reports)
    if reports[-1].data is None:
        assert item_of(*reports) == "withdrawn"
    else:
        closed = reports[-1].data["status"] != "alleged"
        assert item_of(*reports)[0] is (State.COMPLETED if closed else State.ASSIGNED)


async def test_the_item_is_told_open_late_and_closed_as_the_finding_goes_on(service):
    feed = Feed("WT-1")
    await service.apply(feed.types(), feed.adopted(scheme(check=RULE)))
    opened = feed.event(FINDING, "WT-1", "2021-04-20 09:00", data={"status": "alleged"})
    told = (await service.apply(opened))[ITEM]
    assert (told["kind"], told["state"]) == ("alleged_finding", "assigned")
    told = (await service.apply(feed.tick("2021-05-07 00:00")))[ITEM]
    assert (told["light"], len(told["late_days"])) == ("red", 3)
    back = {"correctssource": "office", "correctsid": "WT-1", "revision": 1}
    checked = feed.event(
        FINDING,
        "WT-1r1",
        "2021-04-20 09:00",
        received="2021-05-07 08:00",
        recorded=at("2021-04-30 09:00").isoformat(),
        data={"status": "checked"},
        **back,
    )
    told = (await service.apply(checked))[ITEM]
    assert (told["state"], told["light"], told["late_days"]) == ("completed", "done_late", ["2021-04-30"])
