"""Trials in words: the head of a diff, its columns, and what it comes to."""

from collections.abc import Iterator, Mapping
from typing import Any

from dukao.output import Column
from dukao.telling.languages import Lang, Words
from dukao.telling.words import FIGURES

STATES: Words = {
    "running": ("试行中", "running"),
    "ended": ("已结束", "ended"),
    "adopted": ("已转正", "adopted"),
}
_COLUMNS: Words = {
    "unit": ("单位", "unit"),
    "name": ("名称", "name"),
    "real_points": ("现行得分", "points in force"),
    "trial_points": ("试考评得分", "points in trial"),
    "points": ("分差", "difference"),
    "real_rank": ("现行名次", "rank in force"),
    "trial_rank": ("试考评名次", "rank in trial"),
    "places": ("名次变化", "places gained"),
    "real_tier": ("现行段次", "tier in force"),
    "trial_tier": ("试考评段次", "tier in trial"),
}
_NUMBERS = {"real_points", "trial_points", "points", "real_rank", "trial_rank", "places"}


def columns(lang: Lang) -> tuple[Column, ...]:
    """Return the columns of a diff."""
    return tuple(Column(key, lang.word(_COLUMNS, key), key in _NUMBERS) for key in _COLUMNS)


def heading(diff: Mapping[str, Any], lang: Lang) -> str:
    """Return what is compared, marked as a trial."""
    real = lang.of(("无现行方案", "no scheme in force"))
    if diff["real_version"] is not None:
        real = lang.of((f"现行第 {diff['real_version']} 版", f"version {diff['real_version']} in force"))
    tried = lang.of((f"草案第 {diff['version']} 版", f"draft version {diff['version']}"))
    which = f"{diff['scheme']}/{diff['trial']} · {diff['group']} · {diff['period']}"
    return f"{_mark(diff, lang)} {which} · {tried} / {real}"


def closing(diff: Mapping[str, Any], lang: Lang) -> Iterator[str]:
    """Yield what the diff comes to, and up to when events are in it."""
    yield from progress(diff, lang)
    if diff["moved"] is not None:
        zh = "{count} 个单位：{points} 个得分、{rank} 个名次、{tier} 个段次不同；仅供比较，不影响现行成绩"
        en = "of {count} units {points} differ in points, {rank} in rank, {tier} in tier"
        en += "; nothing in force moves"
        yield lang.of((zh, en)).format(count=len(diff["units"]), **diff["moved"])
    named = " ".join(diff["indicators"])
    yield lang.of(
        (f"草案变动的指标：{named or '无'}", f"indicators that the draft changes: {named or 'none'}")
    )
    if diff["before"]:
        before = " ".join(str(one) for one in reversed(diff["before"]))
        zh = f"本期内草案之前的月份按第 {before} 版计"
        yield lang.of((zh, f"months of the period before the draft are of version {before}"))
    months = f"{diff['first']}–{diff['last']}"
    never = " ".join(diff["never_due"])
    if never:
        zh = f"试行月份 {months} 内无周期届满、未作比较的指标：{never}"
        yield lang.of((zh, f"no cycle ends in the months tried ({months}), so not compared: {never}"))
    yield lang.of((f"数据截至 {diff['fresh_at']}", f"fresh at {diff['fresh_at']}"))


def progress(found: Mapping[str, Any], lang: Lang) -> Iterator[str]:
    """Yield how far a trial's beginning is, nothing once it is whole."""
    if found["state"] == "running":
        zh = "试算中：{folded}/{shards} 个分片已完成；得分为目前所得，名次、段次与差异待全部完成后给出"
        en = "running: {folded} of {shards} shards are folded; points are those so far, no place counts yet"
        yield lang.of((zh, en)).format(**found)


def marked(told: Mapping[str, Any], lang: Lang) -> Iterator[str]:
    """Yield of what is explained of which trial it is, and how far its beginning is; of another nothing."""
    if "trial" in told:
        yield f"{_mark(told, lang)} {told['scheme']}/{told['trial']}"
        state = "whole" if told["folded"] == told["shards"] else "running"
        yield from progress({**told, "state": state}, lang)


def _mark(answer: Mapping[str, Any], lang: Lang) -> str:
    return lang.of((f"【{answer['mark']}】", "[trial, without effect]"))


def line(unit: Mapping[str, Any], lang: Lang) -> dict[str, Any]:
    """Return a unit as a row; what is not assessed shows its range."""
    row: dict[str, Any] = {name: unit[name] for name in ("unit", "name", "points", "places")}
    for side in ("real", "trial"):
        place = unit[side] or {"points": None, "range": None, "rank": None, "tier": None}
        spread = place["range"]
        shown = f"{spread[0]}–{spread[1]} {lang.word(FIGURES, 'not_assessed')}" if spread else None
        row |= {
            f"{side}_points": shown or place["points"],
            f"{side}_rank": place["rank"],
            f"{side}_tier": place["tier"],
        }
    return row
