"""What is another between two versions, in words of both languages."""

import copy

from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.difference_words import in_words
from services.scoring.domain.differences import differences, splits
from services.scoring.domain.reading import read
from tests.scoring.surveys import scheme as surveyed
from tests.scoring.test_stages import SCHEME


def changed(*changes):
    document = copy.deepcopy(SCHEME)
    document["scheme"]["version"] = 2
    for path, value in changes:
        at = document
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = value
    return document


def told(newer, lang="en", older=SCHEME):
    return [in_words(one, lang) for one in differences(read(older), read(newer))]


def test_another_version_alone_is_no_difference():
    assert told(changed()) == []


def test_another_order_is_no_difference():
    document = changed()
    for section in ("units", "indicators"):
        document[section] = document[section][::-1]
    assert told(document) == []


def test_changed_points_and_target_are_told_in_both_languages_with_the_parts_they_make():
    document = changed(
        (("indicators", 0, "points"), "12"), (("indicators", 0, "method"), {"target": {"target": "0.95"}})
    )
    assert told(document) == [
        "Indicator ontime (On time): points from 10 to 12 (scored in parts)",
        "Indicator ontime (On time): target from 0.98 to 0.95 (scored in parts)",
    ]
    assert told(document, "zh") == [
        "指标 ontime（On time）：分值由 10 改为 12（分段计分）",
        "指标 ontime（On time）：目标值由 0.98 改为 0.95（分段计分）",
    ]


def test_what_is_new_and_what_is_gone_are_told_with_their_points():
    document = changed()
    document["indicators"][1] = document["indicators"][1] | {"code": "answered", "name": "Answered"}
    assert told(document) == [
        "Indicator missed (Missed) is gone, it had 10 points",
        "Indicator answered (Answered) is new, with 10 points",
    ]
    assert told(document, "zh") == [
        "取消指标 missed（Missed），原 10 分",
        "新增指标 answered（Answered），10 分",
    ]


def test_another_method_is_told_as_what_it_takes_away_and_what_it_brings():
    document = changed((("indicators", 0, "method"), {"deduct": {"each": "1"}}))
    assert "Indicator ontime (On time): target from 0.98 to none (scored in parts)" in told(document)
    assert "Indicator ontime (On time): deduction for each from none to 1 (scored in parts)" in told(document)


def test_only_the_indicators_whose_points_method_or_measure_changed_are_scored_in_parts():
    renamed = changed((("indicators", 0, "name"), "Punctual"), (("measures", "ontime", "owner"), "hq"))
    assert splits(read(SCHEME), read(renamed)) == frozenset()
    assert told(renamed) == [
        "Indicator ontime (Punctual): name from On time to Punctual",
        "Measure ontime: owner from none to hq",
    ]
    counted = changed((("measures", "missed", "numerator"), "count(*) FILTER (WHERE time IS NOT NULL)"))
    assert splits(read(SCHEME), read(counted)) == {"missed"}


def test_a_number_that_is_written_otherwise_is_told_as_no_change_and_splits_nothing():
    older = changed((("indicators", 1, "method"), {"deduct": {"each": "0.5", "floor": "-1"}}))
    newer = copy.deepcopy(older)
    newer["indicators"][0] |= {"points": "10.0", "method": {"target": {"target": "0.980"}}}
    newer["indicators"][1]["method"] = {"deduct": {"each": "0.50", "floor": "-1.00"}}
    assert splits(read(older), read(newer)) == frozenset()
    assert told(newer, older=older) == []
    newer["indicators"][0]["points"] = "10.01"
    assert splits(read(older), read(newer)) == {"ontime"}


def test_a_name_that_is_a_number_is_told_as_it_is_written():
    older = changed((("indicators", 0, "name"), "1"))
    newer = changed((("indicators", 0, "name"), "1.0"))
    assert told(newer, older=older) == ["Indicator ontime (1.0): name from 1 to 1.0"]


def over_a_view(**more):
    """Return a version whose `ontime` reads a case view with more columns."""
    columns = {
        "unit": {"last": "subject", "of": "levy.done.v1"},
        "done": {"last": "time", "of": "levy.done.v1"},
        "good": {"min": "ontime", "of": "levy.done.v1"},
    }
    ontime = {
        "over": "levy",
        "period_by": "done",
        "numerator": "count(*) FILTER (WHERE good)",
        "denominator": "count(*)",
    }
    events = sorted({one["of"] for one in (columns | more).values()})
    return changed(
        (("views",), {"levy": {"events": events, "columns": columns | more}}),
        (("measures", "ontime"), ontime),
    )


def test_a_new_column_of_a_view_splits_no_indicator_that_does_not_read_it():
    """Every indicator over the view would have had another year for the sake of a new measure."""
    risks = {"count": "*", "of": "risk.missed.v1"}
    assert splits(read(over_a_view()), read(over_a_view(risks=risks))) == frozenset()


@given(st.sampled_from(["done", "good", "unit"]))
def test_a_column_that_a_measure_reads_or_that_leads_into_a_tree_splits_it(name):
    field = {"done": "time", "good": "ontime", "unit": "subject"}[name]
    other = over_a_view(**{name: {"first": field, "of": "levy.done.v1"}})
    assert splits(read(over_a_view()), read(other)) == {"ontime"}


def test_a_filter_and_what_it_names_split_what_reads_the_column_and_are_told_in_words():
    first = {"first": "time", "of": "levy.done.v1"}
    done = {"last": "time", "of": "levy.done.v1"}
    plain, filtered = (
        over_a_view(first=first),
        over_a_view(first=first, done=done | {"where": "time > levy.first"}),
    )
    moved = over_a_view(first=first | {"where": "ontime"}, done=done | {"where": "time > levy.first"})
    assert splits(read(plain), read(over_a_view(first=first | {"where": "ontime"}))) == frozenset()
    assert splits(read(plain), read(filtered)) == splits(read(filtered), read(moved)) == {"ontime"}
    assert told(filtered, older=plain) == [
        "Case view levy: filter of column done from none to time > levy.first"
    ]
    assert told(moved, "zh", older=filtered) == ["案件视图 levy：列 first 的筛选条件由 无 改为 ontime"]


def test_a_measure_that_only_has_another_number_splits_nothing():
    renumbered = changed((("measures", "ontime", "version"), 2))
    assert splits(read(SCHEME), read(renumbered)) == frozenset()
    assert told(renumbered) == ["Measure ontime: version from 1 to 2"]


def test_another_title_or_day_of_a_survey_splits_nothing_and_another_weight_of_a_class_does():
    older = surveyed()
    newer = copy.deepcopy(older)
    newer["scheme"]["version"] = 2
    survey = next(iter(newer["surveys"].values()))
    survey["title"], survey["rounds"][0]["opens"] = "another", "2021-01-02"
    survey["raters"] = {code: f"{name} again" for code, name in survey["raters"].items()}
    assert splits(read(older), read(newer)) == frozenset()
    asked = next(one for one in newer["indicators"] if "survey" in one["method"])
    asked["method"]["survey"]["classes"][0]["minimum"] += 1
    assert splits(read(older), read(newer)) == {asked["code"]}


def test_another_meaning_of_no_data_splits():
    older, newer = (changed((("indicators", 0, "no_data"), word)) for word in ("zero", "full"))
    assert splits(read(older), read(newer)) == {"ontime"}
    said = changed((("indicators", 0, "no_data"), "not_assessed"))
    assert splits(read(SCHEME), read(said)) == frozenset()


def test_another_measure_of_a_bonus_splits_the_indicator_that_wins_by_it():
    bonus = {"deduct": {"each": "0.5", "bonus": {"measure": "praised", "each": "1", "cap": "2"}}}
    praised = {"over": "levy.done.v1", "period_by": "time", "numerator": "count(*)"}
    older = changed((("indicators", 1, "method"), bonus), (("measures", "praised"), praised))
    newer = copy.deepcopy(older)
    newer["measures"]["praised"]["numerator"] = "count(*) FILTER (WHERE ontime)"
    assert splits(read(older), read(older)) == frozenset()
    assert splits(read(older), read(newer)) == {"missed"}


def test_what_has_no_word_is_called_as_the_document_calls_it():
    gate = {"minimum_volume": {"measure": "ontime", "at_least": 20}}
    assert "Ranking: minimum_volume/at_least from none to 20" in told(changed((("ranking",), gate)))


@given(st.data())
def test_whatever_is_told_forwards_is_told_backwards_the_other_way_round(data):
    document = changed()
    for place in data.draw(st.sets(st.sampled_from([0, 1]))):
        document["indicators"][place]["points"] = str(data.draw(st.integers(1, 99)))
    if data.draw(st.booleans()):
        del document["indicators"][data.draw(st.integers(0, 1))]
    if data.draw(st.booleans()):
        document["units"].append({"code": "b3", "parent": "hq", "name": "B3", "level": "bureau"})
    there = differences(read(SCHEME), read(document))
    back = differences(read(document), read(SCHEME))
    turned = {"added": "removed", "removed": "added", "changed": "changed"}
    assert {(one.section, one.key, turned[one.change], one.place, one.new, one.old) for one in there} == {
        (one.section, one.key, one.change, one.place, one.old, one.new) for one in back
    }
