"""The fold of an item's facts: the worked case, every illegal step, any order."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.supervision.domain.calendar_document import CalendarDocument, compiled
from services.supervision.domain.items import (
    APPROVAL_DAYS,
    Act,
    Kind,
    NotPossible,
    Opening,
    Taken,
    Terms,
    fold,
    follow,
    judge,
    possible_now,
)
from services.supervision.domain.machine import RULES, State, Who
from services.supervision.domain.seen import Light, see
from services.supervision.domain.worktime import NamedDate, NamedInstant, WorkingDays, lapses
from tests.supervision.facts import CALENDAR, at, calendar

ONE = {"b1": Decimal(1)}
OPENED = Opening(
    Kind.DOCUMENT, "督办", "b1", ONE, at("2021-04-20 09:00"), WorkingDays(8), event=("office", "open")
)
LATE = [date(2021, 4, 30), *(date(2021, 5, day) for day in (6, 7, 8, 10))]


def done(text, number=0):
    return Taken(Act.COMPLETE, at(text), "office", number)


def act(name, text, person="unit", **more):
    if name == "ask-extension":
        more = {"lapses": lapses(CALENDAR, at(text), APPROVAL_DAYS)} | more
    return Taken(Act(name), at(text), person, **more)


def seen(facts, now="2021-12-31 00:00", opening=OPENED):
    item = fold(opening, facts)
    return item, see(CALENDAR, item, at(now))


def test_the_worked_case_is_due_29_april_and_five_days_late():
    item, found = seen([done("2021-05-10 16:00")])
    assert found.due.instant == at("2021-04-30 00:00")
    assert list(found.late) == LATE
    assert (item.state, found.light, found.completed) == (State.COMPLETED, Light.DONE_LATE, date(2021, 5, 10))


def test_extended_in_time_by_two_persons_it_is_late_on_two_days():
    facts = [
        act("ask-extension", "2021-04-29 10:00", "unit", day=date(2021, 5, 7)),
        act("approve-extension", "2021-04-29 11:00", "li"),
        act("approve-extension", "2021-05-01 11:00", "wang"),
        done("2021-05-10 16:00"),
    ]
    _, found = seen(facts)
    assert found.due.instant == at("2021-05-08 00:00")
    assert list(found.late) == [date(2021, 5, 8), date(2021, 5, 10)]
    _, once = seen([facts[0], facts[1], facts[3]])
    assert list(once.late) == LATE


@pytest.mark.parametrize(
    ("approvals", "code"),
    [
        ([("unit", "2021-04-29 11:00")], "same_person"),
        ([("li", "2021-04-29 11:00"), ("li", "2021-04-29 12:00")], "already_approved"),
        ([("li", "2021-04-29 11:00"), ("wang", "2021-05-08 11:00")], "illegal_step"),
    ],
)
def test_nobody_approves_their_own_or_twice_or_after_the_limit(approvals, code):
    facts = [act("ask-extension", "2021-04-29 10:00", day=date(2021, 5, 7))]
    facts += [act("approve-extension", when, person) for person, when in approvals]
    item, found = seen(facts)
    assert item.lines[-1].refused == code
    assert found.due.instant == at("2021-04-30 00:00")


def test_an_extension_asked_for_at_the_due_time_is_too_late():
    item, _ = seen([])
    late = act("ask-extension", "2021-04-30 00:00", day=date(2021, 5, 7))
    assert judge(CALENDAR, item, late) == NotPossible(
        "extension_too_late", "An extension is asked for before the due time."
    )
    in_time = act("ask-extension", "2021-04-29 23:59", day=date(2021, 5, 7))
    assert not isinstance(judge(CALENDAR, item, in_time), NotPossible)
    assert Act.ASK_EXTENSION not in {name for name, _ in possible_now(CALENDAR, item, at("2021-04-30 00:00"))}


@pytest.mark.parametrize(
    ("day", "taken"),
    [("2021-03-01", False), ("2021-04-29", False), ("2021-04-30", True), ("2021-05-01", True)],
)
def test_an_extension_asks_for_a_later_day(day, taken):
    item, _ = seen([])
    judged = judge(CALENDAR, item, act("ask-extension", "2021-04-28 10:00", day=date.fromisoformat(day)))
    if taken:
        assert isinstance(judged, Taken)
        assert (judged.due, judged.lapses) == (at("2021-04-30 00:00"), at("2021-05-07 00:00"))
    else:
        assert isinstance(judged, NotPossible)
        assert judged.code == "extension_not_later"


EXTENDED = [
    act("ask-extension", "2021-04-29 10:00", "unit", day=date(2021, 5, 7)),
    act("approve-extension", "2021-04-29 11:00", "li"),
    act("approve-extension", "2021-05-06 11:00", "wang"),
]


@pytest.mark.parametrize(
    "days",
    [
        {"2021-04-24": "make-up", "2021-04-25": "make-up"},
        {"2021-05-01": "make-up", "2021-05-02": "make-up"},
        {},
    ],
    ids=["due before the asking", "lapsed before the approval", "no holidays"],
)
def test_what_was_asked_and_approved_in_time_stands_whatever_calendar_comes(days):
    item = fold(OPENED, [*EXTENDED, done("2021-05-10 16:00")])
    assert [line.refused for line in item.lines] == [None] * 4
    other = compiled(CalendarDocument.model_validate(calendar(2, days=days)))
    assert see(other, item, at("2021-12-31 00:00")).due.instant == at("2021-05-08 00:00")


def test_what_was_taken_stands_when_a_correction_gives_fewer_days():
    fewer = replace(OPENED, budget=WorkingDays(2))
    _, found = seen([*EXTENDED, done("2021-05-07 16:00")], opening=fewer)
    assert (found.due.instant, found.late) == (at("2021-05-08 00:00"), ())


def test_the_state_is_asked_again_by_facts_that_were_not_known_at_the_door():
    item = fold(OPENED, [done("2021-04-28 16:00"), *EXTENDED])
    assert [line.refused for line in item.lines] == [None, *["illegal_step"] * 3]


def test_an_extension_that_waits_is_seen_until_it_is_approved_refused_or_lapses():
    for facts, now, waits, changes in (
        (EXTENDED[:1], "2021-04-29 12:00", True, "2021-04-30 00:00"),
        (EXTENDED[:2], "2021-05-07 12:00", True, "2021-05-08 00:00"),
        (EXTENDED[:2], "2021-05-08 00:00", False, "2021-05-10 00:00"),
        (EXTENDED, "2021-05-07 12:00", False, "2021-05-08 00:00"),
        ([*EXTENDED[:1], act("refuse-extension", "2021-04-29 11:00", "li")], "2021-04-29 12:00", False, None),
        ([*EXTENDED[:1], act("cancel", "2021-04-29 11:00", "issuer")], "2021-04-29 12:00", False, None),
    ):
        _, found = seen(facts, now)
        assert (found.asked is not None) is waits
        assert changes is None or found.changes == at(changes)


def test_what_was_submitted_is_looked_at_again_when_its_extension_lapses():
    item, found = seen([*EXTENDED[:1], done("2021-04-29 16:00")], "2021-04-29 17:00")
    assert (item.state, found.changes) == (State.COMPLETED, at("2021-05-08 00:00"))


def test_while_it_is_paused_an_extension_follows_what_would_be_due():
    paused = [act("sign", "2021-04-20 10:00"), act("pause", "2021-04-21 10:00", "issuer")]
    item, _ = seen(paused)
    for day, taken in ((date(2021, 5, 6), False), (date(2021, 5, 7), True)):
        after = judge(CALENDAR, item, act("ask-extension", "2021-04-23 10:00", day=day))
        assert isinstance(after, NotPossible) is not taken


def test_the_clock_stops_at_the_submission_that_is_accepted_in_the_end():
    way = [act("sign", "2021-04-20 10:00"), act("submit", "2021-04-28 10:00")]
    item, found = seen([*way, act("accept", "2021-05-20 10:00", "li")])
    assert (item.state, found.light, found.late) == (State.CLEARED, Light.DONE, ())
    back = [*way, act("send-back", "2021-05-07 10:00", "li")]
    item, found = seen([*back, act("submit", "2021-05-08 10:00"), act("accept", "2021-06-01 10:00", "li")])
    assert found.due.instant == at("2021-05-09 00:00"), "28 to 30 April and 6 May were the checker's"
    assert (found.completed, found.light) == (date(2021, 5, 8), Light.DONE)


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


def test_a_completion_after_the_acceptance_changes_nothing():
    first = [done("2021-04-28 16:00"), act("accept", "2021-04-29 10:00", "li")]
    item, found = seen([*first, done("2021-05-10 16:00")])
    assert (item.state, found.completed, found.light, found.late) == (
        State.CLEARED,
        date(2021, 4, 28),
        Light.DONE,
        (),
    )
    assert [line.refused for line in item.lines] == [None, None, "illegal_step"]
    again = act("reopen", "2021-04-30 10:00", "li")
    item, found = seen([*first, again, done("2021-05-10 16:00")])
    assert (item.state, found.completed) == (State.COMPLETED, date(2021, 5, 10))


def test_a_completion_does_not_move_the_submission_of_a_person_that_waits():
    way = [act("sign", "2021-04-20 10:00"), act("submit", "2021-04-28 10:00"), done("2021-05-10 16:00")]
    item, found = seen(way)
    assert (item.state, found.completed, found.late) == (State.SUBMITTED, date(2021, 4, 28), ())
    assert item.lines[-1].refused == "illegal_step"
    item, found = seen([*way, act("accept", "2021-05-20 10:00", "li")])
    assert (item.state, found.completed, found.light) == (State.CLEARED, date(2021, 4, 28), Light.DONE)


@pytest.mark.parametrize(
    ("accept", "state"), [(False, State.COMPLETED), (True, State.SUBMITTED)], ids=["at once", "waits"]
)
def test_of_completions_alone_the_last_counts(accept, state):
    opening = replace(OPENED, terms=Terms(accept=accept))
    item, found = seen([done("2021-04-28 16:00", 1), done("2021-05-10 16:00", 2)], opening=opening)
    assert (item.state, found.completed, list(found.late)) == (state, date(2021, 5, 10), LATE)


def test_who_submitted_does_not_accept():
    item, _ = seen([act("sign", "2021-04-20 10:00"), act("submit", "2021-04-28 10:00", "zhao")])
    refused = judge(CALENDAR, item, act("accept", "2021-04-28 11:00", "zhao"))
    assert isinstance(refused, NotPossible)
    assert refused.code == "same_person"


def test_an_act_that_only_follows_what_lies_ahead_of_it_is_refused_at_the_door():
    item, _ = seen([done("2021-04-28 10:03", 1)], opening=replace(OPENED, terms=Terms(accept=True)))
    accepted = judge(CALENDAR, item, act("accept", "2021-04-28 10:01", "wang"))
    assert isinstance(accepted, NotPossible)
    assert accepted.code == "illegal_step"
    assert judge(CALENDAR, item, act("accept", "2021-04-28 10:04", "wang")).act is Act.ACCEPT


def test_what_was_handed_in_late_and_cancelled_keeps_the_day_of_its_submission():
    submitted = [act("sign", "2021-04-20 10:00"), act("submit", "2021-05-10 10:00", "zhao")]
    _, before = seen(submitted)
    _, after = seen([*submitted, act("cancel", "2021-05-20 10:00", "issuer")])
    _, same_day = seen([*submitted, act("cancel", "2021-05-10 17:00", "issuer")])
    assert (list(before.late), list(after.late), list(same_day.late)) == (LATE, LATE, LATE[:-1])


def test_a_late_cancelling_leaves_the_days_before_it():
    item, found = seen([act("cancel", "2021-05-07 10:00", "issuer")])
    assert (item.state, found.light) == (State.CANCELLED, Light.OFF)
    assert list(found.late) == LATE[:2]


def test_lights_follow_the_clock_and_say_when_they_change_next():
    item = fold(replace(OPENED, terms=Terms(yellow_days=2)), [])
    lights, moments, now = [], [], at("2021-04-20 09:00")
    for _ in range(6):
        found = see(CALENDAR, item, now)
        lights.append((found.light, len(found.late)))
        assert found.changes is not None
        now = found.changes
        moments.append(now)
    assert lights == [
        (Light.GREEN, 0),
        (Light.YELLOW, 0),
        (Light.RED, 1),
        (Light.RED, 2),
        (Light.RED, 3),
        (Light.RED, 4),
    ]
    assert moments[:3] == [at("2021-04-28 00:00"), at("2021-04-30 00:00"), at("2021-05-06 00:00")]


EVERY = [rule.act for rule in RULES]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.act)
def test_an_act_leads_where_the_table_says_and_from_no_other_state(rule):
    base, _ = seen([])
    taken = act(rule.act, "2021-04-21 10:00", "x", day=date(2021, 5, 7), unit="b2")
    for state in State:
        done_at = None if state in {*(s for s in State if s in _open())} else at("2021-04-20 12:00")
        item = replace(base, state=state, done=done_at)
        if rule.clock.value == "paused":
            item = replace(item, paused_since=at("2021-04-20 11:00"))
        if rule.request.value == "asked":
            asked = follow(base, act("ask-extension", "2021-04-20 10:00", "y", day=date(2021, 5, 7)))
            assert not isinstance(asked, NotPossible)
            item = replace(item, requests=asked.requests)
        after = follow(item, taken)
        if state in rule.begins:
            assert not isinstance(after, NotPossible)
            assert after.state == (rule.leads or state)
        else:
            assert isinstance(after, NotPossible)
            assert after.code == "illegal_step"


def _open():
    from services.supervision.domain.machine import OPEN_STATES

    return OPEN_STATES


PEOPLE = ("unit", "li", "wang")
MINUTES = st.integers(0, 60 * 24 * 40)
ACTS = st.builds(
    lambda name, minutes, person, number: Taken(
        name,
        OPENED.given + timedelta(minutes=minutes),
        person,
        number,
        day=date(2021, 5, 14),
        unit="b2",
        lapses=OPENED.given + timedelta(minutes=minutes, days=3),
    ),
    st.sampled_from(EVERY),
    MINUTES,
    st.sampled_from(PEOPLE),
    st.integers(1, 10_000),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(ACTS, max_size=8, unique_by=lambda one: one.number), st.randoms(use_true_random=False), MINUTES
)
def test_any_order_of_arrival_makes_the_same_item(facts, random, minutes):
    shuffled = random.sample(facts, len(facts))
    item, other = fold(OPENED, facts), fold(OPENED, shuffled)
    assert item == other
    now = OPENED.given + timedelta(minutes=minutes)
    found = see(CALENDAR, item, now)
    assert found.changes is None or found.changes > now
    assert list(found.late) == sorted(set(found.late))
    assert [one.first for one in found.borne][:1] == list(found.late)[:1]
    assert len(item.lines) == len(facts)
    offered = {name for name, who in possible_now(CALENDAR, item, now) if who is not Who.EVENT}
    later = max([now, *(one.at for one in facts)])
    for name in offered if later == now else ():
        tried = judge(
            CALENDAR, item, Taken(name, now, "somebody else", 20_000, day=date(2021, 12, 1), unit="b1")
        )
        assert not isinstance(tried, NotPossible)
