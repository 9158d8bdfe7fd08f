"""What a source may say: its types, its units, its accounts; and what a catalogue of sources must be."""

import copy
from datetime import UTC, datetime, timedelta

import pytest

from services.ingest.domain.catalogue import compile_catalogue, parse
from services.ingest.domain.envelope import candidate
from services.ingest.domain.sources import TOPIC, Sender
from shared.kernel.errors import Refused

FIELDS = {"number": {"type": "code", "required": True}, "amount": {"type": "decimal", "scale": 2}}
TYPES = {
    "task.done.v1": {"title": "Done", "fields": FIELDS},
    "task.begun.v1": {"title": "Begun", "fields": FIELDS},
}
ANN = Sender("ann", "client-a")


def document(**source):
    return {"types": TYPES, "sources": {"desk": {"title": "Desk"} | source}}


def catalogue(**source):
    return compile_catalogue(parse(document(**source)))


def event(**changes):
    made = {"specversion": "1.0", "id": "e1", "source": "desk", "type": "task.done.v1", "subject": "1101"}
    return made | {"time": "2021-03-01T00:00:00Z", "data": {"number": "n1", "amount": "1.50"}} | changes


def refusal(adopted, sender=TOPIC, **changes):
    """Return the code and place of what is refused; None for what is taken."""
    try:
        candidate(event(**changes), adopted, sender)
    except Refused as refused:
        return refused.problem.status, refused.problem.code, refused.problem.pointer
    return None


UNIT = (403, "source_scope", "/subject")
SOURCE = (403, "source_scope", "/source")


def test_a_source_speaks_of_its_units_only_by_code_or_by_beginning():
    scoped = catalogue(units=["11*", "2202"])
    assert [refusal(scoped, subject=unit) for unit in ("1101", "11", "11-new", "2202")] == [None] * 4
    assert [refusal(scoped, subject=unit) for unit in ("2201", "22021", "1", "x11")] == [UNIT] * 4
    assert refusal(catalogue(), subject="nobody-knows-it") is None
    assert refusal(catalogue(units=[]), subject="1101") == UNIT


def test_a_source_sends_its_types_only():
    scoped = catalogue(types=["task.done.v1"])
    assert refusal(scoped) is None
    assert refusal(scoped, type="task.begun.v1") == SOURCE
    assert refusal(scoped, source="other") == SOURCE


def test_only_its_accounts_speak_for_a_source_and_its_topic_is_its_own():
    scoped = catalogue(clients=["client-a"])
    assert refusal(scoped, ANN) is None
    assert refusal(scoped, Sender("ann", "client-b")) == SOURCE
    assert refusal(scoped, TOPIC) is None
    assert refusal(catalogue(), Sender("ann", "client-b")) is None


def test_what_comes_later_than_its_source_is_allowed_is_a_backfill():
    bounded = catalogue(lateness_days=30)
    assert candidate(event(), bounded).late_after == datetime(2021, 3, 1, tzinfo=UTC) + timedelta(days=30)
    assert candidate(event(), catalogue()).late_after is None
    revising = event(correctssource="desk", correctsid="e0", revision=1)
    assert candidate(revising, bounded).late_after == candidate(event(), bounded).late_after


HOURS = {"zone": "Asia/Shanghai", "opens": "08:30", "closes": "17:30"}
WRONG = {
    "a type that is none": {"types": ["task.lost.v1"]},
    "units that are no codes": {"units": ["１１*"]},
    "a star inside": {"units": ["1*1"]},
    "a feed of another type": {
        "types": ["task.done.v1"],
        "feeds": {"f": {"types": ["task.begun.v1"], "within_minutes": 5}},
    },
    "a feed without a bound": {"feeds": {"f": {}}},
    "a feed that may wait for years": {"feeds": {"f": {"within_minutes": 10**7}}},
    "no such zone": {"feeds": {"f": {"within_minutes": 5, "hours": HOURS | {"zone": "Asia/Nowhere"}}}},
    "a zone that is a path": {"manifest": {"zone": "../../etc/passwd"}},
    "hours that end before they begin": {
        "feeds": {"f": {"within_minutes": 5, "hours": HOURS | {"closes": "08:00"}}}
    },
    "hours without a day": {"feeds": {"f": {"within_minutes": 5, "hours": HOURS | {"days": []}}}},
    "totals of another type": {"manifest": {"totals": {"task.lost.v1": []}}},
    "totals of a code": {"manifest": {"totals": {"task.done.v1": ["number"]}}},
    "a negative bound": {"lateness_days": -1},
}


@pytest.mark.parametrize("case", WRONG)
def test_a_source_that_cannot_be_is_refused(case):
    with pytest.raises(Refused) as refused:
        parse(copy.deepcopy(document(**WRONG[case])))
    assert (refused.value.problem.status, refused.value.problem.code) == (422, "catalogue")


def test_a_source_with_everything_is_taken():
    made = catalogue(
        types=["task.done.v1"],
        units=["11*"],
        clients=["client-a"],
        lateness_days=30,
        feeds={"f": {"within_minutes": 60, "hours": HOURS | {"closed": ["2021-05-03"]}}},
        manifest={"zone": "Asia/Shanghai", "totals": {"task.done.v1": ["amount"]}},
    )
    assert made.feeds == {("desk", "task.done.v1"): ("f",)}
    counted = candidate(event(time="2021-03-01T16:30:00Z"), made).counted
    assert counted is not None
    assert (counted.day, [(name, str(value)) for name, value in counted.values]) == (
        "2021-03-02",
        [("amount", "1.50")],
    )
