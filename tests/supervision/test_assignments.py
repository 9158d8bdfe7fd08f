"""Who is given an item: the limit of signing, who bears its late days, and where its clock begins."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from services.supervision.domain.items import (
    Act,
    Terms,
    possible_now,
)
from services.supervision.domain.machine import State
from services.supervision.domain.seen import Light
from services.supervision.domain.worktime import NamedDate, NamedInstant, WorkingDays
from tests.supervision.facts import CALENDAR, at
from tests.supervision.one_item import LATE, OPENED, act, seen

SIGNED_IN_TWO = replace(OPENED, terms=Terms(sign_days=2))


@pytest.mark.parametrize(
    ("facts", "now", "due", "late", "changes"),
    [
        ([], "2021-04-20 10:00", "2021-04-23 00:00", False, "2021-04-23 00:00"),
        ([], "2021-04-22 23:59", "2021-04-23 00:00", False, "2021-04-23 00:00"),
        ([], "2021-04-23 00:00", "2021-04-23 00:00", True, "2021-04-29 00:00"),
        ([("sign", "2021-04-22 10:00")], "2021-04-22 23:59", None, False, "2021-04-29 00:00"),
        ([("sign", "2021-04-23 10:00")], "2021-04-23 23:59", None, False, "2021-04-29 00:00"),
        ([("pause", "2021-04-21 10:00")], "2021-04-23 10:00", None, False, None),
        (
            [("pause", "2021-04-21 10:00"), ("resume", "2021-04-23 10:00")],
            "2021-04-23 11:00",
            "2021-04-26 00:00",
            False,
            "2021-04-26 00:00",
        ),
        ([("pause", "2021-04-23 10:00")], "2021-04-23 11:00", "2021-04-23 00:00", True, None),
    ],
)
def test_the_limit_of_signing_passes_while_it_waits_and_a_pause_stops_it(facts, now, due, late, changes):
    acts = [act(name, when, "unit" if name == "sign" else "issuer") for name, when in facts]
    _, found = seen(acts, now, SIGNED_IN_TWO)
    wanted = [None if one is None else at(one) for one in (due, changes)]
    assert [found.sign_due, found.changes, found.sign_late] == [*wanted, late]


def test_the_limit_of_signing_is_looked_at_where_the_due_time_is_provisional_or_stands():
    given = at("2021-12-30 09:00")
    opening = replace(SIGNED_IN_TWO, given=given, budget=WorkingDays(30))
    _, found = seen([], "2022-01-01 00:00", opening)
    assert found.due.provisional
    assert (found.sign_late, found.changes) == (False, found.sign_due)
    late = replace(opening, budget=WorkingDays(2), terms=Terms(sign_days=5, yellow_days=0))
    _, found = seen([], "2022-01-05 00:00", late)
    assert (found.due.passed(at("2022-01-05 00:00")), found.due.provisional) == (True, True)
    assert found.changes == found.sign_due
    _, found = seen([], "2022-02-01 00:00", late)
    assert found.sign_late


def borne(found):
    return [
        (one.first.isoformat(), {unit: str(share) for unit, share in one.shares.items()})
        for one in found.borne
    ]


def test_late_days_stay_with_who_had_the_item_when_the_day_began():
    both = {"b1": Decimal("0.4"), "b2": Decimal("0.6")}
    facts = [
        act("assign", "2021-05-06 17:00", "issuer", unit="b2", shares=both),
        act("assign", "2021-05-10 00:00", "issuer", unit="b2"),
    ]
    _, found = seen(facts, "2021-05-11 00:00")
    assert list(found.late) == [*LATE, date(2021, 5, 11)]
    assert borne(found) == [
        ("2021-04-30", {"b1": "1"}),
        ("2021-05-07", {"b1": "0.4", "b2": "0.6"}),
        ("2021-05-11", {"b2": "1"}),
    ]


def test_a_day_on_which_it_was_due_is_borne_by_who_had_it_then():
    opening = replace(OPENED, budget=NamedInstant(at("2021-04-28 12:00")))
    for when, first in (("2021-04-28 11:59", "b2"), ("2021-04-28 12:00", "b1")):
        _, found = seen([act("assign", when, "issuer", unit="b2")], "2021-04-28 13:00", opening)
        assert borne(found) == [("2021-04-28", {first: "1"})]


BY_HAND = replace(OPENED, event=None)


def test_what_a_person_opened_runs_from_its_first_assignment():
    item, found = seen([], opening=BY_HAND)
    assert (item.state, found.due.instant, found.light, found.late) == (
        State.REGISTERED,
        None,
        Light.GREEN,
        (),
    )
    assert [name for name, _ in possible_now(CALENDAR, item, at("2021-12-31 00:00"))] == [
        Act.ASSIGN,
        Act.CANCEL,
    ]
    facts = [act("assign", f"2021-04-{day} 09:00", "issuer", unit="b1") for day in (27, 28)]
    _, found = seen(facts, "2021-05-12 00:00", BY_HAND)
    assert found.due.instant == at("2021-05-12 00:00"), "the second assignment begins no other"
    assert found.late == (date(2021, 5, 12),)


def test_a_named_date_that_passed_before_the_assignment_is_late_from_the_day_after_it():
    opening = replace(BY_HAND, budget=NamedDate(date(2021, 4, 27)))
    _, found = seen([act("assign", "2021-04-29 09:00", "issuer", unit="b2")], "2021-05-06 00:00", opening)
    assert (found.due.instant, found.light) == (at("2021-04-28 00:00"), Light.RED)
    assert found.late == (date(2021, 4, 30), date(2021, 5, 6))
    assert borne(found) == [("2021-04-30", {"b2": "1"})]


def test_what_was_never_assigned_is_registered_again_when_it_is_reopened():
    facts = [act("cancel", "2021-04-21 10:00", "issuer"), act("reopen", "2021-04-22 10:00", "li")]
    item, found = seen(facts, opening=BY_HAND)
    assert (item.state, found.due.instant) == (State.REGISTERED, None)


def test_another_assignment_is_another_limit_of_signing():
    again = act("assign", "2021-04-23 10:00", "issuer", unit="b2")
    _, found = seen([again], "2021-04-23 11:00", SIGNED_IN_TWO)
    assert (found.sign_due, found.sign_late) == (at("2021-04-27 00:00"), False)
