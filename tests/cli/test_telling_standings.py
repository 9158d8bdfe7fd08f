"""What an official reads below the lines of a standing, and of what is not assessed, in Chinese or English."""

from dukao.standings import changes, lines, notes
from dukao.telling.languages import Lang

LINE = {
    "not_assessed": [],
    "not_applicable": [],
    "carried": {},
    "unranked": None,
    "not_due": [],
    "stale": [],
}


def test_a_standing_says_below_its_lines_what_is_stale():
    standing = {"overlays": [], "units": [LINE | {"unit": "b1", "name": "一局", "stale": ["tasks"]}]}
    assert list(notes(standing, Lang.ZH)) == ["一局 b1: 数据源逾期未报 tasks"]
    assert list(notes(standing, Lang.EN)) == ["一局 b1: a feed is stale tasks"]


def test_a_standing_says_below_its_lines_what_is_missing_not_due_or_does_not_apply():
    plain = LINE | {"not_due": ["year"]}
    standing = {
        "overlays": [],
        "units": [
            plain | {"unit": "b1", "name": "一局"},
            plain
            | {"unit": "b2", "name": "二局", "not_assessed": ["late"], "not_applicable": ["ports"]}
            | {"carried": {"party": "260.00"}, "unranked": "not_assessed", "not_due": ["year", "half"]},
        ],
    }
    assert list(notes(standing, Lang.ZH)) == [
        "未到考评期 year",
        "二局 b2: 未考 late; 不适用，分值在板块内折算 ports; 未到考评期 half; 板块 party 不适用，260.00",
        "分由其他板块承担",
    ]
    assert next(notes(standing, Lang.EN)) == "not due in this period year"


def test_what_is_not_assessed_is_told_in_the_language_that_is_asked_for():
    open_ = {
        "unit": "b1",
        "name": "B1",
        "points": None,
        "range": ["0.00", "10.00"],
        "rank": None,
        "tier": None,
    }
    assert [one["points"] for one in lines({"units": [open_]})] == ["0.00–10.00 未考"]
    assert [one["points"] for one in lines({"units": [open_]}, Lang.EN)] == ["0.00–10.00 not yet assessed"]
    scored = {"points": "9.00", "range": None, "rank": 1, "tier": None}
    one = {"unit": "b1", "name": "B1", "closed": open_, "restated": scored, "points": None}
    restated = {"state": "restated", "differences": [one]}
    assert list(changes(restated, Lang.EN)) == ["B1 b1: 0.00–10.00 not yet assessed → 9.00 1"]
    overlay = {
        "code": "audit",
        "title": "Audit",
        "first": "2021-01",
        "last": "2021-03",
        "points": "5",
        "counts": "added",
    }
    special = {
        "overlays": [overlay],
        "units": [LINE | {"unit": "b1", "name": "B1", "overlays": {"audit": None}}],
    }
    assert " ".join(notes(special, Lang.EN)).endswith(": B1 b1 not yet assessed")
    assert " ".join(notes(special, Lang.ZH)).endswith(": B1 b1 未考")
