"""What is said of a trial: marked as one, in Chinese and in English, with ranges where something is not assessed."""

from dukao.telling import trials
from dukao.telling.languages import Lang

PLACE = {"points": "7.50", "range": None, "rank": 2, "tier": "second"}
MISSING = {"points": None, "range": ["0.00", "10.00"], "rank": None, "tier": None}
UNIT = {
    "unit": "b1",
    "name": "北京市税务局",
    "real": PLACE,
    "trial": MISSING,
    "points": None,
    "places": None,
    "tier_moves": True,
}
DIFF = {
    "mark": "试考评",
    "state": "whole",
    "folded": 64,
    "shards": 64,
    "scheme": "mini",
    "trial": "strict",
    "version": 2,
    "real_version": 1,
    "before": [],
    "group": "bureaus",
    "period": "2021-03",
    "fresh_at": "2021-04-01T00:00:00.000000Z",
    "first": "2021-01",
    "last": "2021-06",
    "never_due": ["budget"],
    "indicators": ["ontime"],
    "moved": {"points": 1, "rank": 1, "tier": 1},
    "units": [UNIT],
}


def test_a_trial_is_marked_and_says_that_nothing_in_force_moves():
    assert trials.heading(DIFF, Lang.ZH) == (
        "【试考评】 mini/strict · bureaus · 2021-03 · 草案第 2 版 / 现行第 1 版"
    )
    assert list(trials.closing(DIFF, Lang.ZH)) == [
        "1 个单位：1 个得分、1 个名次、1 个段次不同；仅供比较，不影响现行成绩",
        "草案变动的指标：ontime",
        "试行月份 2021-01–2021-06 内无周期届满、未作比较的指标：budget",
        "数据截至 2021-04-01T00:00:00.000000Z",
    ]
    assert "[trial, without effect]" in trials.heading(DIFF, Lang.EN)
    english = list(trials.closing(DIFF, Lang.EN))
    assert "nothing in force moves" in english[0]
    assert english[2] == "no cycle ends in the months tried (2021-01–2021-06), so not compared: budget"
    whole = list(trials.closing(DIFF | {"never_due": []}, Lang.EN))
    assert whole == [*english[:2], "fresh at 2021-04-01T00:00:00.000000Z"]
    joined = list(trials.closing(DIFF | {"never_due": [], "before": [2, 1]}, Lang.ZH))
    assert joined[2] == "本期内草案之前的月份按第 1 2 版计"
    assert trials.heading(DIFF | {"real_version": None}, Lang.ZH).endswith("无现行方案")


def test_a_line_shows_both_sides_and_a_range_where_something_is_not_assessed():
    row = trials.line(UNIT, Lang.ZH)
    assert (row["real_points"], row["real_rank"], row["trial_points"]) == ("7.50", 2, "0.00–10.00 未考")
    assert trials.line(UNIT, Lang.EN)["trial_points"] == "0.00–10.00 not yet assessed"
    assert trials.line(UNIT | {"real": None}, Lang.ZH)["real_points"] is None
    assert set(row) == {column.key for column in trials.columns(Lang.ZH)}


def test_a_trial_that_is_not_folded_whole_says_how_far_it_is_and_compares_nothing():
    running = DIFF | {"state": "running", "folded": 12, "moved": None}
    told = list(trials.closing(running, Lang.ZH))
    assert told[0] == "试算中：12/64 个分片已完成；得分为目前所得，名次、段次与差异待全部完成后给出"
    assert told[1:] == list(trials.closing(DIFF, Lang.ZH))[1:]
    assert next(trials.progress(running, Lang.EN)).startswith("running: 12 of 64 shards are folded")
    assert list(trials.progress(DIFF, Lang.EN)) == []


def test_an_explained_cell_of_a_trial_is_marked_and_one_in_force_is_not():
    cell = {"mark": "试考评", "scheme": "mini", "trial": "strict", "folded": 64, "shards": 64}
    assert list(trials.marked(cell, Lang.ZH)) == ["【试考评】 mini/strict"]
    assert list(trials.marked(cell | {"folded": 3}, Lang.EN))[1].startswith("running: 3 of 64")
    assert list(trials.marked({"scheme": "mini"}, Lang.ZH)) == []
