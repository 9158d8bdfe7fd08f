"""The fold of an item's facts: the worked case, every illegal step, any order."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.supervision.domain.items import (
    Act,
    NotPossible,
    Taken,
    Terms,
    fold,
    follow,
    judge,
    possible_now,
)
from services.supervision.domain.machine import RULES, State, Who
from services.supervision.domain.seen import Light, see
from tests.supervision.facts import CALENDAR, at
from tests.supervision.one_item import LATE, OPENED, act, done, seen


def test_the_worked_case_is_due_29_april_and_five_days_late():
    item, found = seen([done("2021-05-10 16:00")])
    assert found.due.instant == at("2021-04-30 00:00")
    assert list(found.late) == LATE
    assert (item.state, found.light, found.completed) == (State.COMPLETED, Light.DONE_LATE, date(2021, 5, 10))


def test_the_clock_stops_at_the_submission_that_is_accepted_in_the_end():
    way = [act("sign", "2021-04-20 10:00"), act("submit", "2021-04-28 10:00")]
    item, found = seen([*way, act("accept", "2021-05-20 10:00", "li")])
    assert (item.state, found.light, found.late) == (State.CLEARED, Light.DONE, ())
    back = [*way, act("send-back", "2021-05-07 10:00", "li")]
    item, found = seen([*back, act("submit", "2021-05-08 10:00"), act("accept", "2021-06-01 10:00", "li")])
    assert found.due.instant == at("2021-05-09 00:00"), "28 to 30 April and 6 May were the checker's"
    assert (found.completed, found.light) == (date(2021, 5, 8), Light.DONE)


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
