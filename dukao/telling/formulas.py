"""Formulas in the language of who reads them: they come in English from the service."""

import re

from dukao.telling.languages import Lang

_CYCLES = {"month": "月", "quarter": "季度", "half-year": "半年", "year": "年度"}
_PHRASES = tuple(
    (re.compile(phrase), chinese)
    for phrase, chinese in (
        (r": no data yet$", r"：尚无数据"),
        (r": no data, which counts as zero,", r"：无数据，方案规定计零分"),
        (r": no data, which counts as full,", r"：无数据，方案规定计满分"),
        (r"^the band of (.+?)(?=：|$)", r"\1 所在的档"),
        (r"(\S+) if ([^;]+)", r"\2 得 \1"),
        (r"0, as the best of the group, (.+), is not above 0,", r"0（组内最好值 \1 不大于 0）"),
        (r", as every unit of the group that has a value has (.+),", r"（组内有值的单位都是 \1）"),
        (r", as (.+) is rank (\d+) of (\d+),", r"（\1 在 \3 个中排第 \2）"),
        (r", as (.+) is below 0,", r"（\1 小于 0）"),
        (r", as (.+),", r"（\1）"),
        (r", and 0 where one of them is not above 0", r"，其中有不大于 0 的则为 0"),
        (r", and w where that is not above 0", r"，实际值不大于 0 则为 w"),
        (r", and w where max = min", r"，最大等于最小则为 w"),
        (r", and w where n = 1", r"，n 为 1 则为 w"),
        (r", and 0 below 0", r"，小于 0 则为 0"),
        (r"\bbest of the group\b", r"组内最好值"),
        (r"\bbonus events\b", r"加分事项数"),
        (r"\bevents\b", r"事项数"),
        (r"\bpoints\b", r"所扣分"),
        (r"\beach\b", r"每项"),
        (r"\bfloor\b", r"下限"),
        (r"\bcap\b", r"上限"),
        (r"\bnumerator/denominator\b", r"分子/分母"),
        (r"\bactual\b", r"实际值"),
        (r"\btarget\b", r"目标"),
        (r"\blimit\b", r"限值"),
        (r"\bstep\b", r"步长"),
        (r"\bbase\b", r"基数"),
        (r"\blow\b", r"低限"),
        (r"\bhigh\b", r"高限"),
        (r"\btolerance\b", r"容差"),
        (r"\brank\b", r"名次"),
    )
)
_NO_DAY = re.compile(r"not due: none of its days \((.+)\) lies in this period")
_NOT_DUE = re.compile(r"not due: its cycle \((.+)\) does not end in this period")
_OUTSIDE = re.compile(r"not due: the months of its overlay \((.+) to (.+)\) lie outside this period")


def formula(text: str, lang: Lang) -> str:
    """Return a formula, or what stands in its place, in a language; max, min, w and n stay as they are."""
    if lang is Lang.EN:
        return text
    no_day = _NO_DAY.fullmatch(text)
    if no_day is not None:
        return f"未到期：所列日期（{no_day[1]}）不在本期内"
    not_due = _NOT_DUE.fullmatch(text)
    if not_due is not None:
        return f"未到期：周期（{_CYCLES.get(not_due[1], not_due[1])}）不在本期内结束"
    outside = _OUTSIDE.fullmatch(text)
    if outside is not None:
        return f"未到期：本期不在其专项考评月份（{outside[1]} 至 {outside[2]}）之内"
    for phrase, chinese in _PHRASES:
        text = phrase.sub(chinese, text)
    return text
