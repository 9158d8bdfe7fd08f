"""The checker's own reading of a close sees each thing that makes it another."""

import hashlib
import json
from dataclasses import replace
from datetime import datetime

import pytest

from campaign.checker.closes import Close, altered, beside, moved, otherwise
from campaign.checker.days import Book
from campaign.checker.totals import Figures, Versions
from campaign.workload import ZONE, levy, scheme

CUT = "2025-03-31T16:00:00.000000Z"
JUST_BEFORE = "2025-03-31T15:59:59.999999Z"
LINE = {
    "unit": "u1",
    "points": "100.00",
    "range": None,
    "rank": 1,
    "tier": "second",
}  # a group of one has no first tier


def closed(**line) -> Close:
    content = json.dumps({"units": [LINE | line]}).encode()
    digest = hashlib.sha256(content).hexdigest()
    return Close("campaign", "bureaus", "2025-03", 1, CUT, "2025-03-31", content, digest)


def case(kind: str, **more):
    return {"type": kind, "source": "campaign", "id": kind, "subject": "u1", "case": "c1"} | more


def levied(name: str, received: str, **data):
    return levy(name, "u1", datetime(2025, 3, 31, tzinfo=ZONE), **data) | {"received": received}


EVENTS = [
    levied("on-time", JUST_BEFORE, amount="20000000.00"),
    case("risk.found.v1", received=JUST_BEFORE, data={"deadline": "2025-03-10T00:00:00+08:00"}),
    case("risk.answered.v1", received=JUST_BEFORE, time="2025-03-09T00:00:00+08:00"),
    levied("late", CUT, ontime=False),
]


def test_a_close_is_what_was_received_before_t_and_an_event_of_t_itself_is_not_in_it():
    assert beside(closed(), EVENTS) == []
    (wrong,) = beside(closed(), [event | {"received": JUST_BEFORE} for event in EVENTS])
    assert "before T it is" in wrong


def test_a_unit_that_a_close_leaves_out_is_seen():
    other = replace(closed(), content=b'{"units": []}')
    assert len(beside(other, EVENTS)) == 1


@pytest.mark.parametrize("line", [{"points": "99.99"}, {"rank": 2}, {"tier": "first"}])
def test_points_rank_and_tier_of_a_close_are_compared(line):
    assert len(beside(closed(**line), EVENTS)) == 1


def told_of(close: Close):
    names = ("scheme", "group", "period", "version", "cut", "day", "digest")
    return {name: getattr(close, name) for name in names}


def test_bytes_a_digest_or_a_record_that_became_another_is_seen():
    one = closed()
    assert altered([one], [told_of(one)]) == []
    other = closed(points="99.99")
    assert len(altered([replace(one, content=other.content)], [told_of(one)])) == 1
    assert len(altered([other], [told_of(one)])) == 1
    assert len(altered([one], [])) == len(altered([], [told_of(one)])) == 1
    assert moved([one], [one, replace(one, period="2025-Q1")]) == []
    assert len(moved([one], [other])) == len(moved([one], [])) == 1


WORTH = {"levied": "20", "ontime": "40", "answered": "20", "overdue": "20"}
RECORD = {"scheme": "campaign", "group": "bureaus", "version": 1, "fresh_at": JUST_BEFORE}


def kept(book: Book, close: Close):
    known = book.known(close.place, close.version, close.day)
    return {unit: Figures(one.worth, one.points) for unit, one in known.items()}


def test_a_close_is_what_its_figures_come_to_and_those_of_a_day_are_as_they_were_at_its_end():
    book, versions = Book({}, {}, {}, {}, {}), Versions({1: scheme()})
    figure = {"period": "2025-03", "unit": "u1", "values": WORTH, "volume": 4}
    book.add(RECORD | {"day": "2025-03-31", "figures": [figure]}, 1)
    assert otherwise(closed(), kept(book, closed()), versions) == []
    assert len(otherwise(closed(points="99.99"), kept(book, closed()), versions)) == 1
    book.add(RECORD | {"day": "2025-04-01", "figures": [figure | {"values": WORTH | {"ontime": "0"}}]}, 2)
    assert otherwise(closed(), kept(book, closed()), versions) == []
    known = kept(book, closed())["u1"]
    without = {"u1": replace(known, worth=known.worth | {"answered": None})}
    assert otherwise(closed(points=None, range=["80.00", "100.00"]), without, versions) == []
