"""What an official reads of a cell: 100 columns, the scheme's zone, Chinese or English."""

import pytest
from rich.cells import cell_len

from dukao.commands.explain import told
from dukao.commands.verify import WRONG
from dukao.commands.verify import told as proof_told
from dukao.standings import changes, lines, notes
from dukao.telling import totals
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


def test_more_reports_than_are_shown_are_counted():
    one = row("T-1", met=True)
    many = one | {"reports": one["reports"] * 5, "reports_total": 140}
    assert "另有 137 份报告" in printed(explained([many]))


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


def part(code, *, lost="1.000000000000", value="9.000000000000", state="scored"):
    return {
        "indicator": code,
        "name": "按期办结率",
        "board": "work",
        "overlay": None,
        "points": "10",
        "value": value,
        "published": None if value is None else value[:4],
        "lost": None if value is None else lost,
        "state": state,
        "stale": False,
        "reason": None,
        "method": "target",
        "measure": "tasks",
        "measure_version": 2,
        "cell": "/v1/cells/2021-03/B110000/tasks?scheme=national&version=1",
        "explain": "/v1/cells/2021-03/B110000/tasks/explain?scheme=national&version=1",
    }


def total(*parts, **more):
    head = explained([])
    names = ("scheme", "version", "zone", "period", "unit", "unit_name", "state", "as_of", "fresh_at")
    return (
        {name: head[name] for name in names}
        | {
            "board": None,
            "board_title": None,
            "overlay": None,
            "overlay_title": None,
            "known_on": None,
            "rank": 3,
            "ranked": 36,
            "points": "20",
            "value": "18.000000000000",
            "published": "18.00",
            "range": None,
            "lost": "2.000000000000",
            "rescaled": [],
            "overlays": [],
            "formula": "Σ of 2 = 18.000000000000 → 18.000000000 → 18.00 (2 places)",
            "parts": list(parts),
            "parts_total": 40,
            "next": 2,
        }
        | more
    )


def test_a_total_lists_the_dearest_loss_first_with_its_cell_by_name():
    answer = total(part("tasks"), part("late", value=None, state="not_assessed"))
    text = "\n".join(totals.told(answer, Lang.ZH))
    assert "北京市税务局 B110000 · 总分 · 2021-03" in text
    assert "18.00，满分 20，失 2" in text
    assert "第 3 名，共 36 名" in text
    assert "  1. 按期办结率 tasks · work · 失 1，得 9.00/10 · target · 口径 tasks 第 2 版" in text
    assert "未考 (10)" in text
    assert "以上 2 项，共 40 项" in text
    english = "\n".join(totals.told(answer, Lang.EN))
    assert "lost 1, 9.00/10 · target · tasks v2" in english
    assert "3 of 36" in english


RESCALED = {
    "board": "reform",
    "title": "税收改革发展",
    "points": "440",
    "not_applicable": "15",
    "gained": "0",
    "applies": True,
    "value": "422.400000000000",
    "formula": "408 · (425 + 15) / 425",
}


def test_a_total_says_what_does_not_apply_why_and_how_its_board_was_rescaled():
    absent = part("ports", value=None, state="not_applicable") | {"reason": "本省无口岸"}
    carried = RESCALED | {"title": "党的全面领导", "points": "260", "applies": False}
    answer = total(absent, rescaled=[RESCALED, carried])
    text = "\n".join(totals.told(answer, Lang.ZH))
    assert "折算  税收改革发展：15 分不适用; 408 · (425 + 15) / 425 = 422.4" in text
    assert "党的全面领导：整个板块不适用，260 分由其他板块承担" in text
    assert "不适用 (10) 本省无口岸" in text
    english = "\n".join(totals.told(answer, Lang.EN))
    assert "15 do not apply; 408 · (425 + 15) / 425 = 422.4" in english
    assert "nothing applies, the others carry its 260 points" in english


def test_a_total_as_of_a_day_says_so_in_both_languages():
    then = total(part("tasks")) | {"state": "as_of", "known_on": "2021-04-10"}
    assert "按当日所知 2021-04-10" in "\n".join(totals.told(then, Lang.ZH))
    assert "as known then 2021-04-10" in "\n".join(totals.told(then, Lang.EN))


def test_a_total_marks_what_is_of_a_stale_feed():
    answer = total(part("tasks") | {"stale": True})
    assert "得 9.00/10 · 数据源逾期未报" in "\n".join(totals.told(answer, Lang.ZH))
    assert "9.00/10 · a feed is stale" in "\n".join(totals.told(answer, Lang.EN))


def test_a_standing_says_below_its_lines_what_is_stale():
    line = {"not_assessed": [], "not_applicable": [], "carried": {}, "unranked": None, "not_due": []}
    standing = {"overlays": [], "units": [line | {"unit": "b1", "name": "一局", "stale": ["tasks"]}]}
    assert list(notes(standing, Lang.ZH)) == ["一局 b1: 数据源逾期未报 tasks"]
    assert list(notes(standing, Lang.EN)) == ["一局 b1: a feed is stale tasks"]


def test_a_standing_says_below_its_lines_what_is_missing_not_due_or_does_not_apply():
    plain = {"not_assessed": [], "not_applicable": [], "carried": {}, "unranked": None, "not_due": ["year"]}
    plain |= {"stale": []}
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
    plain = {
        "not_assessed": [],
        "not_applicable": [],
        "carried": {},
        "unranked": None,
        "not_due": [],
        "stale": [],
    }
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
        "units": [plain | {"unit": "b1", "name": "B1", "overlays": {"audit": None}}],
    }
    assert " ".join(notes(special, Lang.EN)).endswith(": B1 b1 not yet assessed")
    assert " ".join(notes(special, Lang.ZH)).endswith(": B1 b1 未考")


def test_a_board_that_has_no_value_yet_shows_its_range():
    open_ = {
        "value": None,
        "published": None,
        "range": ["17.00", "27.00"],
        "board": "work",
        "board_title": "工作",
    }
    text = "\n".join(totals.told(total(part("tasks"), rank=None, next=None, **open_), Lang.ZH))
    assert "工作 · 2021-03" in text
    assert "17.00–27.00（未考）" in text
    assert "合计  尚有指标未考，合计在 17.00 至 27.00 之间" in text
    nothing = open_ | {"range": ["0.00", "0.00"], "points": "0"}
    text = "\n".join(totals.told(total(rank=None, next=None, **nothing), Lang.ZH))
    assert "本期无应考且适用的指标" in text
    assert "（未考）" not in text
    assert "名次" not in text


ENTRY = {
    "id": 17,
    "month": "2021-03",
    "old": "10.000000000000",
    "new": "9.500000000000",
    "cause": [{"stream": "ingest.accepted", "shard": 3, "first": 7, "last": 9}],
    "known_at": "2021-04-01T01:00:00.000000Z",
}


def test_a_figure_of_a_stale_feed_is_marked():
    answer = explained([])
    silent = answer | {"figure": answer["figure"] | {"stale": True}}
    assert "9.00 分，满分 10 分，失 1.00 分 · 数据源逾期未报" in "\n".join(told(silent, Lang.ZH))
    assert "a feed is stale" in "\n".join(told(silent, Lang.EN))
    assert "数据源" not in "\n".join(told(answer, Lang.ZH))


def test_an_entry_says_what_it_changed_when_that_was_known_and_by_which_events():
    answer = explained([row("T-1", met=False)]) | {"entry": ENTRY, "change": "-0.500000000000", "adopted": []}
    text = "\n".join(totals.entry(answer, Lang.ZH))
    assert "变动  10.000000000000 → 9.500000000000 -0.500000000000" in text
    assert "知悉  2021-04-01 09:00" in text
    assert "起因  ingest.accepted #3/7–9" in text
    assert " 1. T-1 · 未达标" in text


def test_what_a_cell_was_known_to_be_is_told_with_the_entry_that_said_so():
    known = {"asked": "2021-04-10", "said_by": "entry 17", "known_at": ENTRY["known_at"]}
    answer = explained([]) | {"entries": [ENTRY], "known": known, "truncated": False}
    assert "截至 2021-04-10 为 9.00（entry 17）" in "\n".join(totals.entries(answer, Lang.ZH))
    now = "\n".join(totals.entries(answer | {"known": None}, Lang.EN))
    assert "is 9.00" in now
    assert "17  2021-03  2021-04-01 09:00  10.000000000000 → 9.500000000000" in now


def test_what_is_not_shown_is_said_with_how_it_is_read():
    answer = explained([]) | {"entries": [ENTRY], "known": None, "truncated": True}
    assert list(totals.entries(answer, Lang.ZH))[-1] == "以上为最近 1 条分录；更早的：--as-of 16"
    merged = list(totals.entries(answer | {"period": "2021-Q1"}, Lang.EN))
    assert merged[-1] == "the newest 1 entries; earlier: ask for its months"
    case = row("T-1", met=True)
    case["reports"] *= 5
    for total, wanted in (
        (5, "- 另有 2 份报告（全部：--output json）"),
        (9, "- 另有 6 份报告（前 5 份：--output json）"),
    ):
        assert wanted in printed(explained([case | {"reports_total": total}]))
    cell = {"scheme": "mini@1", "month": "2021-03", "unit": "b1", "indicator": None}
    one = {"what": "cell", "cells": [cell], "where": "cells", "found": "9.5", "expected": "9.4"}
    broken = {"as_of": "0123456789abcdef", "found": {"cell": 2, "chain": 3}, "findings": [one]}
    assert proof_told(broken, Lang.ZH)[-1] == "另有 4 处未列出；用 --scheme、--unit、--period 缩小范围后再证"


def test_a_proof_names_what_it_found_with_its_cell():
    cell = {"scheme": "mini@1", "month": "2021-03", "unit": "b1", "indicator": "ontime"}
    found = {"what": "cell", "cells": [cell], "where": "cells", "found": "9.5", "expected": "9.4"}
    broken = {"as_of": "0123456789abcdef", "found": {"cell": 1}, "findings": [found]}
    assert proof_told(broken, Lang.ZH) == [
        "发现 1 处不符（位置 0123456789ab）",
        "得分与算式不符 · mini@1 2021-03 b1 ontime",
        "    cells: 9.5",
        "    应为: 9.4",
    ]
    proved = {"as_of": "0123456789abcdef", "found": {}, "findings": []}
    assert proof_told(proved, Lang.EN) == ["proved: nothing is wrong (positions 0123456789ab)"]


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
