"""What an official reads of a cell and of a proof: 100 columns, the scheme's zone, Chinese or English."""

import pytest
from rich.cells import cell_len

from dukao.commands.explain import told
from dukao.commands.verify import WRONG
from dukao.commands.verify import told as proof_told
from dukao.telling.formulas import formula
from dukao.telling.languages import Lang
from dukao.telling.paper import COLUMNS, hanging, joined, labelled
from dukao.telling.times import local
from services.scoring.domain.proof import Wrong
from tests.cli.explained import explained, row

DEDUCT = {
    "symbolic": "max(floor, w − each · events)",
    "with_numbers": "max(0, 10 − 0.5 · 2) = 9.00",
    "method": {"target": None, "deduct": {"each": "0.5", "floor": "0"}},
}


def printed(answer, lang=Lang.ZH):
    return "\n".join(told(answer, lang))


def test_each_case_is_a_block_with_its_times_in_the_zone_of_the_scheme():
    text = printed(explained([row("T-1", met=False)]))
    assert " 1. T-1 · 未达标 · 2021-03" in text
    assert "期限 2021-03-05 24:00" in text
    assert "- 2021-03-02 00:30  task.done.v1  simulated/T-1-1  #3/7" in text
    assert "数据截至 2021-04-01 00:00 (Asia/Shanghai)" in text
    assert "得分  9.00 分，满分 10 分，失 1.00 分" in text


def test_a_report_says_which_columns_of_its_case_take_it():
    one = row("T-1", met=True)
    one["reports"][0]["taken_by"] = ["done", "times"]
    assert "#3/7，取入 done, times" in printed(explained([one]))
    assert "#3/7, taken by done, times" in printed(explained([one]), Lang.EN)


def test_the_same_is_told_in_english():
    text = printed(explained([row("T-1", met=True)]), Lang.EN)
    assert " 1. T-1 · met · 2021-03" in text
    assert "9.00 of 10, 1.00 lost" in text
    assert "deadline 2021-03-05 24:00" in text


def test_a_deduction_says_what_each_event_cost_and_what_does_not_count_says_why():
    rows = [row("T-1", numerator="2", denominator=None), row("T-2", reason="withdrawn")]
    answer = explained(rows, formula=DEDUCT)
    assert " 1. T-1 · 扣 1 分 · 2021-03" in printed(answer)
    assert " 2. T-2 · 不计入：已撤回 · 2021-03" in printed(answer)
    assert " 2. T-2 · does not count: was retracted" in printed(answer, Lang.EN)


def test_points_of_items_are_told_in_the_words_of_officials():
    columns = {"day": "2021-05-06", "state": "cleared", "light": "done_late", "due": "2021-04-29T16:00:00Z"}
    method = {"deduct": {"each": None, "floor": "0"}}
    rows = [row("item", columns=columns, numerator="0.2")]
    text = printed(explained(rows, formula=DEDUCT | {"method": method}))
    assert "扣 0.2 分" in text
    assert "逾期日 2021-05-06 · 状态 已销号 · 亮灯 办结(逾期) · 期限 2021-04-29 24:00" in text


def test_a_column_is_read_by_the_title_of_its_field_in_chinese_and_by_its_code_in_english():
    columns = {"level": "high", "deadline": "2021-03-05T16:00:00Z", "note": "n"}
    answer = explained([row("T-1", columns=columns)], titles={"level": "风险等级", "deadline": "答复期限"})
    assert "风险等级 high · 答复期限 2021-03-05 24:00 · note n" in printed(answer)
    assert "level high · deadline 2021-03-05 24:00 · note n" in printed(answer, Lang.EN)


def test_more_reports_than_are_shown_are_counted_with_how_they_are_read():
    one = row("T-1", met=True)
    many = one | {"reports": one["reports"] * 5, "reports_total": 140}
    assert "另有 137 份报告" in printed(explained([many]))
    for reports, wanted in (
        (5, "- 另有 2 份报告（全部：--output json）"),
        (9, "- 另有 6 份报告（前 5 份：--output json）"),
    ):
        assert wanted in printed(explained([many | {"reports_total": reports}]))


def test_what_has_no_data_is_named_and_an_unknown_word_stands_as_it_is():
    figure = {"points": "10", "value": None, "published": None, "state": "not_assessed", "stale": False}
    assert "未考（满分 10）" in printed(explained([], figure=figure))
    assert "not yet assessed (of 10)" in printed(explained([], figure=figure), Lang.EN)
    assert "不计入：brand_new" in printed(explained([row("T-1", reason="brand_new")]))


def test_no_line_is_wider_than_a_hundred_columns():
    columns = {f"column_{at}": "汉字" * at for at in range(40)}
    rows = [row("T" * 130, met=False, columns=columns), row("税" * 70, met=True)]
    for lang in Lang:
        assert all(cell_len(line) <= COLUMNS for line in told(explained(rows), lang))


def test_paper_wraps_behind_what_begins_a_line_and_tears_no_part_that_fits():
    lines = list(hanging("规则  ", "一" * 60))
    assert [cell_len(line) for line in lines] == [100, 32]
    assert lines[1].startswith("      一")
    parts = ["x" * 60, "y" * 60]
    assert list(joined("- ", parts)) == ["- " + "x" * 60, "  " + "y" * 60]
    assert list(labelled([("a", "1"), ("得分", "2"), ("b", "")])) == ["a     1", "得分  2"]


def test_midnight_ends_the_day_before_only_for_what_is_due():
    assert local("2021-04-29T16:00:00Z", "Asia/Shanghai", "due") == "2021-04-29 24:00"
    assert local("2021-04-29T16:00:00Z", "Asia/Shanghai", "time") == "2021-04-30 00:00"
    assert local("2021-04-29T15:59:59.999999Z", "Asia/Shanghai", "due") == "2021-04-29 23:59"


def test_a_figure_of_a_stale_feed_is_marked():
    answer = explained([])
    silent = answer | {"figure": answer["figure"] | {"stale": True}}
    assert "9.00 分，满分 10 分，失 1.00 分 · 数据源逾期未报" in "\n".join(told(silent, Lang.ZH))
    assert "a feed is stale" in "\n".join(told(silent, Lang.EN))
    assert "数据源" not in "\n".join(told(answer, Lang.ZH))


WRONG_CELL = {
    "what": "cell",
    "cells": [{"scheme": "mini@1", "month": "2021-03", "unit": "b1", "indicator": "ontime"}],
    "where": "cells",
    "found": "9.5",
    "expected": "9.4",
}


def test_a_proof_names_what_it_found_with_its_cell():
    broken = {"as_of": "0123456789abcdef", "found": {"cell": 1}, "findings": [WRONG_CELL]}
    assert proof_told(broken, Lang.ZH) == [
        "发现 1 处不符（位置 0123456789ab）",
        "得分与算式不符 · mini@1 2021-03 b1 ontime",
        "    cells: 9.5",
        "    应为: 9.4",
    ]
    proved = {"as_of": "0123456789abcdef", "found": {}, "findings": []}
    assert proof_told(proved, Lang.EN) == ["proved: nothing is wrong (positions 0123456789ab)"]


def test_what_a_proof_does_not_list_is_counted_with_how_it_is_read():
    unit = WRONG_CELL | {"cells": [WRONG_CELL["cells"][0] | {"indicator": None}]}
    more = {"as_of": "0123456789abcdef", "found": {"cell": 2, "chain": 3}, "findings": [unit]}
    assert proof_told(more, Lang.ZH)[-1] == "另有 4 处未列出；用 --scheme、--unit、--period 缩小范围后再证"


def test_every_kind_of_finding_and_every_reason_has_words_in_both_languages():
    assert WRONG.keys() == {one.value for one in Wrong}


FORMULAS = {
    "max(floor, w − each · events + min(cap, each · bonus events))": (
        "max(下限, w − 每项 · 事项数 + min(上限, 每项 · 加分事项数))"
    ),
    "max(floor, w − points)": "max(下限, w − 所扣分)",
    "w · min(1, (numerator/denominator) / target), and 0 below 0": (
        "w · min(1, (分子/分母) / 目标)，小于 0 则为 0"
    ),
    "w · max(0, 1 − max(0, low − actual, actual − high) / tolerance)": (
        "w · max(0, 1 − max(0, 低限 − 实际值, 实际值 − 高限) / 容差)"
    ),
    "0 if actual < 0.8; 10 if 0.8 ≤ actual": "actual < 0.8 得 0; 0.8 ≤ actual 得 10",
    "6, as 0.8 ≤ 0.9 ≤ 0.95, = 6.00": "6（0.8 ≤ 0.9 ≤ 0.95） = 6.00",
    "max(0, w − step · max(0, actual − limit))": "max(0, w − 步长 · max(0, 实际值 − 限值))",
    "w · actual / best of the group, and 0 where one of them is not above 0": (
        "w · 实际值 / 组内最好值，其中有不大于 0 的则为 0"
    ),
    "w · (base + (1 − base) · (actual − min)/(max − min)), and w where max = min": (
        "w · (基数 + (1 − 基数) · (实际值 − min)/(max − min))，最大等于最小则为 w"
    ),
    "max(5, 10 · (1 − 0.1 · (2 − 1))), as 8 is rank 2 of 4, = 9.00": (
        "max(5, 10 · (1 − 0.1 · (2 − 1)))（8 在 4 个中排第 2） = 9.00"
    ),
    "the band of (0/0): no data yet": "(0/0) 所在的档：尚无数据",
    "not due: its cycle (quarter) does not end in this period": "未到期：周期（季度）不在本期内结束",
    "not due: the months of its overlay (2021-04 to 2021-08) lie outside this period": (
        "未到期：本期不在其专项考评月份（2021-04 至 2021-08）之内"
    ),
}


@pytest.mark.parametrize(("told", "chinese"), FORMULAS.items())
def test_a_formula_is_read_in_chinese_by_officials(told, chinese):
    assert formula(told, Lang.ZH) == chinese.replace("actual", "实际值")
    assert formula(told, Lang.EN) == told
