"""Extensions of an item: two persons approve what was asked for in time, whatever calendar comes."""

from dataclasses import replace
from datetime import date

import pytest

from services.supervision.domain.calendar_document import CalendarDocument, compiled
from services.supervision.domain.items import (
    Act,
    NotPossible,
    Taken,
    fold,
    judge,
    possible_now,
)
from services.supervision.domain.machine import State
from services.supervision.domain.seen import see
from services.supervision.domain.worktime import WorkingDays
from tests.supervision.facts import CALENDAR, at, calendar
from tests.supervision.one_item import LATE, OPENED, act, done, seen


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
