"""Differences in words, in Chinese and English."""

import re
from collections.abc import Mapping
from typing import Literal

from services.scoring.domain.differences import Difference

Lang = Literal["zh", "en"]
Words = Mapping[str, tuple[str, str]]

SECTIONS: Words = {
    "scheme": ("方案", "Scheme"),
    "boards": ("板块", "Board"),
    "overlays": ("专项考评", "Special assessment"),
    "indicators": ("指标", "Indicator"),
    "measures": ("取数口径", "Measure"),
    "views": ("案件视图", "Case view"),
    "groups": ("考评组", "Group"),
    "units": ("单位", "Unit"),
    "trees": ("单位树", "Tree"),
    "tiers": ("段", "Tier"),
    "ranking": ("排名规则", "Ranking"),
    "incidents": ("同一问题规则", "Incidents"),
    "items": ("督考事项类型", "Kind of item"),
    "surveys": ("多维测评", "Survey"),
    "results": ("对账项", "Ready result"),
    "coverage": ("机考覆盖目标", "Coverage"),
    "parent": ("上级方案", "Parent"),
    "children": ("下级方案限额", "Budget of child schemes"),
}
PLACES: Words = {
    "": ("内容", "value"),
    "assessor": ("考评司局", "assessor"),
    "board": ("板块", "board"),
    "collection": ("采集方式", "collection"),
    "consultation_rounds": ("征求意见轮数", "rounds of consultation"),
    "counts": ("计入方式", "how it counts"),
    "counts_for": ("计入单位", "units that it counts for"),
    "cycle": ("考评周期", "cycle"),
    "dates": ("考评日期", "days at which it is assessed"),
    "decomposes": ("分解的上级指标", "indicator that it carries on"),
    "denominator": ("分母", "denominator"),
    "effective": ("生效月份", "first month"),
    "first_month": ("年度首月", "first month of a year"),
    "floor_above": ("须超过的占比", "share to exceed"),
    "from": ("开始月份", "first month"),
    "grace_days": ("宽限工作日", "working days of grace"),
    "groups": ("适用考评组", "groups"),
    "kind": ("类型", "kind"),
    "level": ("层级", "level"),
    "measure": ("取数口径", "measure"),
    "method/deduct/bonus/cap": ("加分上限", "cap of the bonus"),
    "method/deduct/bonus/each": ("每次加分", "bonus for each"),
    "method/deduct/each": ("每次扣分", "deduction for each"),
    "method/deduct/floor": ("最低得分", "floor"),
    "method/excess/limit": ("限值", "limit"),
    "method/excess/step": ("每超一个单位扣分", "deduction for each beyond the limit"),
    "method/survey/scale": ("满分", "best score"),
    "method/survey/trim": ("两端剔除比例", "share dropped at each end"),
    "method/target/direction": ("方向", "direction"),
    "method/target/target": ("目标值", "target"),
    "method/within/high": ("区间上限", "upper end"),
    "method/within/low": ("区间下限", "lower end"),
    "method/within/tolerance": ("容差", "tolerance"),
    "name": ("名称", "name"),
    "no_data": ("无数据时", "what no data means"),
    "not_applicable": ("不适用的单位", "to whom it does not apply"),
    "numerator": ("分子", "numerator"),
    "official": ("对方口径", "measure of what was published"),
    "ours": ("本方口径", "measure of the raw facts"),
    "overlay": ("专项考评", "special assessment"),
    "over_months": ("跨月取值", "value over months"),
    "over": ("取数范围", "what it runs over"),
    "owner": ("口径责任人", "owner"),
    "parent": ("上级单位", "unit above"),
    "period_by": ("归属期依据", "what places it in a period"),
    "places": ("公布小数位", "places"),
    "points": ("分值", "points"),
    "share": ("占比", "share"),
    "simulated": ("模拟方案", "simulated"),
    "source/clause": ("依据条款", "clause it comes from"),
    "source/document": ("依据文件", "document it comes from"),
    "title": ("标题", "title"),
    "tolerance": ("容差", "tolerance"),
    "total": ("总分", "total"),
    "units": ("适用单位", "units"),
    "until": ("截止月份", "last month"),
    "verified": ("已核对", "verified"),
    "version": ("版本", "version"),
    "zone": ("时区", "time zone"),
}
NOTHING: tuple[str, str] = "无", "none"
_COLUMN = re.compile(r"columns/(\w+)/where")


def in_words(one: Difference, lang: Lang) -> str:
    """Return a difference as a sentence; what has no word of its own is called as the document calls it."""
    return _chinese(one) if lang == "zh" else _english(one)


def _chinese(one: Difference) -> str:
    thing = _thing(one, 0)
    match one.change:
        case "added":
            return f"新增{thing}" + (f"，{one.new} 分" if one.new else "")
        case "removed":
            return f"取消{thing}" + (f"，原 {one.old} 分" if one.old else "")
        case "changed":
            told = f"{thing}：{_place(one, 0)}由 {one.old or NOTHING[0]} 改为 {one.new or NOTHING[0]}"
            return told + ("（分段计分）" if one.splits else "")


def _english(one: Difference) -> str:
    thing = _thing(one, 1)
    match one.change:
        case "added":
            return f"{thing} is new" + (f", with {one.new} points" if one.new else "")
        case "removed":
            return f"{thing} is gone" + (f", it had {one.old} points" if one.old else "")
        case "changed":
            told = f"{thing}: {_place(one, 1)} from {one.old or NOTHING[1]} to {one.new or NOTHING[1]}"
            return told + (" (scored in parts)" if one.splits else "")


def _thing(one: Difference, lang: int) -> str:
    section = SECTIONS.get(one.section, (one.section, one.section))[lang]
    named = f"（{one.name}）" if lang == 0 else f" ({one.name})"
    key = f" {one.key}" if one.key else ""
    return f"{section}{key}{named if one.name and one.key else ''}"


def _place(one: Difference, lang: int) -> str:
    column = _COLUMN.fullmatch(one.place)
    if column is not None:
        return (f"列 {column[1]} 的筛选条件", f"filter of column {column[1]}")[lang]
    return PLACES.get(one.place, (f" {one.place} ", one.place))[lang]
