"""A column of a case takes the events that its filter keeps, by their fields and by other columns of the case."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.document import ViewSpec
from services.scoring.domain.facts import Report, standing
from services.scoring.domain.plan import event_types
from services.scoring.domain.rows import event_row, typed
from services.scoring.domain.views import view_of
from shared.kernel.errors import Refused
from shared.kernel.instants import parse_micros

TOLD, PAID = "fine.notified.v1", "fine.paid.v1"
TYPES = event_types(
    {
        "types": {
            TOLD: {"title": "Told", "fields": {}},
            PAID: {"title": "Paid", "fields": {"amount": {"type": "decimal", "scale": 2}}},
        }
    }
)
COLUMNS = {
    "first_after": {"first": "time", "of": PAID, "where": "time >= fine.told"},
    "told": {"last": "time", "of": TOLD},
    "largest": {"max": "amount", "of": PAID},
    "largest_at": {"first": "time", "of": PAID, "where": "amount = fine.largest"},
    "paid_later": {"sum": "amount", "of": PAID, "where": "time > fine.first_after"},
    "not_told": {"count": "*", "of": PAID, "where": "fine.told IS NULL OR time < fine.told"},
}
DAYS = [f"2021-03-{day:02d}" for day in (1, 5, 9, 20)]


def view(**columns):
    spec = ViewSpec.model_validate({"events": [TOLD, PAID], "columns": columns or COLUMNS})
    return view_of("fine", spec, TYPES)


def report(number, kind, day, amount=None, revises=None):
    """Return a report; of a revision the one that it corrects, and without an amount a payment is taken back."""
    gone = kind == PAID and amount is None
    return Report(
        source="s",
        id=f"e{number}",
        type=kind,
        subject="desk",
        time=parse_micros(f"{day}T00:00:00Z"),
        shard=0,
        number=number,
        data=None if gone else typed({} if amount is None else {"amount": amount}, TYPES[kind]),
        corrects=None if revises is None else ("s", f"e{revises}"),
        revision=0 if revises is None else 1,
    )


def row_of(reports, made=None):
    facts = standing(reports).facts
    return (made or view()).row([(fact.type, event_row(fact)) for fact in facts])


def at(day):
    return None if day is None else parse_micros(f"{day}T00:00:00Z")


def test_the_first_payment_on_or_after_the_notification_is_another_than_the_first():
    reports = [
        report(1, PAID, "2021-03-01", "5.00"),
        report(2, TOLD, "2021-03-05"),
        report(3, PAID, "2021-03-05", "7.00"),
        report(4, PAID, "2021-03-09", "1.50"),
    ]
    row = row_of(reports)
    assert row["first_after"] == at("2021-03-05")
    assert row["paid_later"] == 1_500_000
    assert row["largest_at"] == at("2021-03-05")


def test_a_column_of_which_nothing_is_known_keeps_no_event_unless_the_filter_asks_for_that():
    row = row_of([report(1, PAID, "2021-03-01", "5.00"), report(2, PAID, "2021-03-05", "7.00")])
    assert (row["first_after"], row["paid_later"], row["not_told"]) == (None, None, 2_000_000)


def test_what_an_event_gives_is_told_by_the_columns_that_take_it():
    reports = [
        report(1, PAID, "2021-03-01", "5.00"),
        report(2, TOLD, "2021-03-05"),
        report(3, PAID, "2021-03-09", "5.00"),
    ]
    facts = standing(reports).facts
    taken = view().taken([(fact.type, event_row(fact)) for fact in facts])
    assert {at: sorted(names) for at, names in taken.items()} == {
        0: ["largest", "largest_at", "not_told"],
        1: ["told"],
        2: ["first_after"],
    }


EVENT = st.tuples(st.sampled_from([TOLD, PAID]), st.sampled_from(DAYS), st.sampled_from(["1.00", "5.00"]))
CHANGE = st.tuples(st.integers(0, 2), st.sampled_from(DAYS), st.sampled_from(["1.00", "5.00", None]))


@given(st.lists(EVENT, min_size=3, max_size=3), CHANGE)
def test_all_24_orders_of_three_events_and_what_changes_one_give_the_row_that_a_plain_reading_gives(
    events, change
):
    reports = [
        report(number, kind, day, amount if kind == PAID else None)
        for number, (kind, day, amount) in enumerate(events)
    ]
    which, day, amount = change
    kind = events[which][0]
    reports.append(report(9, kind, day, amount if kind == PAID else None, revises=which))
    now = [*events[:which], *events[which + 1 :]]
    if kind == TOLD or amount is not None:
        now.append((kind, day, amount))
    expected, made = plain(now), view()
    for order in permutations(reports):
        assert row_of(order, made) == expected


def plain(events):
    """Return the row as a person reads it off a list of payments and notifications."""
    told = max((day for kind, day, _ in events if kind == TOLD), default=None)
    paid = sorted((day, int(amount[0])) for kind, day, amount in events if kind == PAID)
    after = [day for day, _ in paid if told is not None and day >= told]
    first = after[0] if after else None
    largest = max((amount for _, amount in paid), default=None)
    later = [amount for day, amount in paid if first is not None and day > first]
    return {
        "first_after": at(first),
        "told": at(told),
        "largest": None if largest is None else largest * 1_000_000,
        "largest_at": at(min((day for day, amount in paid if amount == largest), default=None)),
        "paid_later": sum(later) * 1_000_000 if later else None,
        "not_told": sum(told is None or day < told for day, _ in paid) * 1_000_000,
    }


def test_of_some_columns_only_those_are_made_that_they_stand_on():
    assert [name for name, _, _ in view().beneath(["paid_later"])] == ["told", "first_after", "paid_later"]
    assert view().beneath(["told", "largest"]) == ()


@pytest.mark.parametrize(
    "column",
    [
        {"count": "*", "of": PAID, "where": "fine.other > 0"},
        {"count": "*", "of": PAID, "where": "amount > fine.told"},
        {"count": "*", "of": PAID, "where": "told <= time"},
        {"count": "*", "of": PAID, "where": "amount"},
    ],
)
def test_a_view_that_cannot_be_asked_is_not_made(column):
    with pytest.raises(Refused):
        view(told=COLUMNS["told"], one=column)
    with pytest.raises(Refused):
        view(one={"count": "*", "of": PAID, "where": "fine.one > 0"})
