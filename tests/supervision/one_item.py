"""One item of eight working days, and what facts of it come to."""

from datetime import date
from decimal import Decimal

from services.supervision.domain.items import (
    APPROVAL_DAYS,
    Act,
    Kind,
    Opening,
    Taken,
    fold,
)
from services.supervision.domain.seen import see
from services.supervision.domain.worktime import WorkingDays, lapses
from tests.supervision.facts import CALENDAR, at

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
