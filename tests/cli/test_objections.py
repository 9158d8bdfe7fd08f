"""What was said to entries, as the command line shows it beside an explanation."""

from dukao.objections import objections

REVIEW = {
    "id": "17-1",
    "state": "changed",
    "asked_at": "2021-05-10T01:00:00.000000Z",
    "asked_by": "wang",
    "asked": "已按时报送",
    "decided_at": "2021-06-01T01:00:00.000000Z",
    "decided_by": "sun",
    "decided": "属实",
    "difference": {"points": "0.5"},
}
WAITING = REVIEW | {"id": "18-1", "state": "asked", "decided_at": None, "decided_by": None, "decided": None}
REPLY = {
    "number": 3,
    "at": "2021-05-11T01:00:00.000000Z",
    "person": "wang",
    "says": "已整改",
    "answered_at": "2021-05-12T01:00:00.000000Z",
    "answered_by": "zhao",
    "answer": "已转交",
}
OPEN = REPLY | {"number": 4, "answered_at": None, "answered_by": None, "answer": None}


def test_each_has_its_date_its_person_and_what_came_of_it():
    assert list(objections({"reviews": [REVIEW, WAITING], "replies": [REPLY, OPEN], "truncated": False})) == [
        "review   17-1 2021-05-10 wang: 已按时报送",
        "         变更 points 0.5, 2021-06-01 sun: 属实",
        "review   18-1 2021-05-10 wang: 已按时报送",
        "         待复核",
        "reply    3 2021-05-11 wang: 已整改",
        "         2021-05-12 zhao: 已转交",
        "reply    4 2021-05-11 wang: 已整改",
        "         未答复",
    ]


def test_where_nothing_was_said_nothing_is_shown():
    assert list(objections({"reviews": [], "replies": [], "truncated": False})) == []


def test_where_there_are_more_it_says_where_all_are():
    (line,) = objections({"reviews": [], "replies": [], "truncated": True})
    assert "dukao replies list" in line
