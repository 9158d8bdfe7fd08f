"""What an official reads of a total and of the entries of a cell, in Chinese or English."""

from dukao.telling import totals
from dukao.telling.languages import Lang
from tests.cli.explained import explained, row


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


def test_earlier_entries_are_said_with_how_they_are_read():
    answer = explained([]) | {"entries": [ENTRY], "known": None, "truncated": True}
    assert list(totals.entries(answer, Lang.ZH))[-1] == "以上为最近 1 条分录；更早的：--as-of 16"
    merged = list(totals.entries(answer | {"period": "2021-Q1"}, Lang.EN))
    assert merged[-1] == "the newest 1 entries; earlier: ask for its months"
