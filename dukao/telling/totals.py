"""A total or board, and an entry of the ledger, as a person reads them."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from dukao.telling import cells, trials
from dukao.telling.languages import Lang
from dukao.telling.paper import hanging, joined, labelled
from dukao.telling.times import local
from dukao.telling.words import FIGURES, STALE, STATES
from shared.kernel.points import text as written

Answer = Mapping[str, Any]


def told(answer: Answer, lang: Lang) -> Iterator[str]:
    """Yield a total or board: what it comes to, then each indicator, the dearest loss first."""
    yield from trials.marked(answer, lang)
    yield from _heading(answer, lang)
    for at, part in enumerate(answer["parts"], 1):
        yield from _part(at, part, answer, lang)
    if answer["next"] is not None:
        count, of = len(answer["parts"]), answer["parts_total"]
        yield lang.of((f"以上 {count} 项，共 {of} 项；全部：--all", f"{count} of {of}; all: --all"))


def entry(answer: Answer, lang: Lang) -> Iterator[str]:
    """Yield an entry: what it changed, when that was known, and the events that did it."""
    one, zone = answer["entry"], answer["zone"]
    yield from hanging(
        "", f"{answer['unit_name']} {answer['unit']} · {answer['indicator_name']} {one['month']}"
    )
    none = lang.of(("无", "none"))
    causes = "; ".join(f"{c['stream']} #{c['shard']}/{c['first']}–{c['last']}" for c in one["cause"])
    change = answer["change"] or ""
    if change and not change.startswith("-"):
        change = f"+{change}"
    told = [
        (("分录", "entry"), str(one["id"])),
        (("变动", "change"), f"{one['old'] or none} → {one['new'] or none} {change}".rstrip()),
        (("知悉", "known"), local(one["known_at"], zone) if one["known_at"] else none),
        (("起因", "causes"), causes),
        (("方案", "adopted"), ", ".join(f"#{c['shard']}/{c['first']}" for c in answer["adopted"])),
    ]
    yield from labelled([(lang.of(label), text) for label, text in told])
    for at, row in enumerate(answer["rows"], 1):
        yield ""
        yield from cells.row(at, row, answer, lang)
    if answer["next"] is not None:
        yield lang.of(("尚有更多：--all", "there is more: --all"))


def entries(answer: Answer, lang: Lang) -> Iterator[str]:
    """Yield what a cell is or was known to be, and the entries that led there."""
    figure, known = answer["figure"], answer["known"]
    names = f"{answer['unit_name']} {answer['unit']} · {answer['indicator_name']} {answer['indicator']}"
    yield from hanging("", f"{names} · {answer['period']}")
    value = figure["published"] or lang.word(FIGURES, figure["state"])
    if known is None:
        yield lang.of((f"现为 {value}", f"is {value}"))
    else:
        said = known["said_by"] or lang.of(("尚无分录", "no entry yet"))
        yield lang.of(
            (f"截至 {known['asked']} 为 {value}（{said}）", f"as of {known['asked']}: {value} ({said})")
        )
    none = lang.of(("无", "none"))
    for one in answer["entries"]:
        at = local(one["known_at"], answer["zone"]) if one["known_at"] else ""
        yield f"{one['id']:>8}  {one['month']}  {at:<16}  {one['old'] or none} → {one['new'] or none}"
    yield from earlier(answer, lang)


def earlier(answer: Answer, lang: Lang) -> Iterator[str]:
    """Yield how entries before those that are listed are read; nothing where all are."""
    if answer["truncated"]:
        count, first = len(answer["entries"]), answer["entries"][0]
        rest = f"--as-of {first['id'] - 1}"
        if answer["period"] != first["month"]:
            rest = lang.of(("按月查看", "ask for its months"))
        zh, en = f"以上为最近 {count} 条分录；更早的：{rest}", f"the newest {count} entries; earlier: {rest}"
        yield lang.of((zh, en))


def _heading(answer: Answer, lang: Lang) -> Iterator[str]:
    what = answer["board_title"] or answer["overlay_title"] or lang.of(("总分", "total"))
    yield from hanging("", f"{answer['unit_name']} {answer['unit']} · {what} · {answer['period']}")
    value = answer["published"] or "–".join(answer["range"])
    state = lang.word(STATES, answer["state"]) + (f" {answer['known_on']}" if answer["known_on"] else "")
    fresh = lang.of(("尚无事件", "no event yet"))
    if answer["fresh_at"]:
        fresh = f"{local(answer['fresh_at'], answer['zone'])} ({answer['zone']})"
    missing = answer["value"] is None and Decimal(answer["points"])
    open_zh, open_en = ("（未考）", " (not yet assessed)") if missing else ("", "")
    rank = lang.of(
        (f"第 {answer['rank']} 名，共 {answer['ranked']} 名", f"{answer['rank']} of {answer['ranked']}")
    )
    told = [
        (
            ("得分", "points"),
            lang.of(
                (
                    f"{value}{open_zh}，满分 {_short(answer['points'])}，失 {_short(answer['lost'])}",
                    f"{value}{open_en} of {_short(answer['points'])}, {_short(answer['lost'])} lost",
                )
            ),
        ),
        (("名次", "rank"), rank if answer["rank"] is not None else ""),
        *((("折算", "rescaled"), _rescaled(one, lang)) for one in answer["rescaled"]),
        *((("专项考评", "special"), _overlay(one, lang)) for one in answer["overlays"]),
        (("合计", "sum"), _sum(answer, lang)),
        (
            ("依据", "stands on"),
            lang.of(
                (
                    f"方案 {answer['scheme']} 第 {answer['version']} 版 · {state} · 数据截至 {fresh}",
                    f"scheme {answer['scheme']} v{answer['version']} · {state} · fresh at {fresh}",
                )
            ),
        ),
    ]
    yield from labelled([(lang.of(label), text) for label, text in told])


def _sum(answer: Answer, lang: Lang) -> str:
    """Return how the sum comes about; with something missing, between what it lies."""
    if answer["value"] is not None or lang is Lang.EN:
        return str(answer["formula"])
    if not Decimal(answer["points"]):
        return "本期无应考且适用的指标"
    return f"尚有指标未考，合计在 {answer['range'][0]} 至 {answer['range'][1]} 之间"


def _overlay(one: Answer, lang: Lang) -> str:
    """Return what a special assessment comes to, and whether that is inside the total."""
    value = one["published"] or "–".join(one["range"])
    open_zh, open_en = ("（未考）", " (not yet assessed)") if one["value"] is None else ("", "")
    is_added, points = one["counts"] == "added", _short(one["points"])
    counts = lang.of(
        ("计入总分", "inside the total")
        if is_added
        else ("单列，不计入总分", "beside the total, moves no rank")
    )
    months = f"{one['first']}–{one['last']}"
    return lang.of(
        (
            f"{one['title']} {one['overlay']}（{months}，{counts}）：{value}{open_zh}，满分 {points}",
            f"{one['title']} {one['overlay']} ({months}, {counts}): {value}{open_en} of {points}",
        )
    )


def _rescaled(one: Answer, lang: Lang) -> str:
    """Return how a board was rescaled, or that the others carry it."""
    if not one["applies"]:
        return lang.of(
            (
                f"{one['title']}：整个板块不适用，{one['points']} 分由其他板块承担",
                f"{one['title']}: nothing applies, the others carry its {one['points']} points",
            )
        )
    why: list[str] = []
    if one["not_applicable"] != "0":
        why.append(lang.of((f"{one['not_applicable']} 分不适用", f"{one['not_applicable']} do not apply")))
    if one["gained"] != "0":
        why.append(lang.of((f"承担他板块 {one['gained']} 分", f"{one['gained']} of others carried")))
    value = lang.word(FIGURES, "not_assessed") if one["value"] is None else _short(one["value"])
    return f"{one['title']}{lang.of(('：', ': '))}{', '.join(why)}; {one['formula']} = {value}"


def _part(at: int, part: Answer, answer: Answer, lang: Lang) -> Iterator[str]:
    points = _short(part["points"])
    if part["value"] is None:
        why = f" {part['reason']}" if part["reason"] else ""
        worth = f"{lang.word(FIGURES, part['state'])} ({points}){why}"
    else:
        lost = _short(part["lost"])
        worth = lang.of(
            (f"失 {lost}，得 {part['published']}/{points}", f"lost {lost}, {part['published']}/{points}")
        )
    worth += lang.of(STALE) if part["stale"] else ""
    measure = lang.of(
        (
            f"口径 {part['measure']} 第 {part['measure_version']} 版",
            f"{part['measure']} v{part['measure_version']}",
        )
    )
    parts = [f"{part['name']} {part['indicator']}", worth, part["method"], measure]
    if answer["board"] is None and answer["overlay"] is None and (part["board"] or part["overlay"]):
        parts.insert(1, part["board"] or part["overlay"])
    yield from joined(f"{at:>3}. ", parts)


def _short(points: str) -> str:
    text = written(Decimal(points))
    return text.rstrip("0").rstrip(".") if "." in text else text
