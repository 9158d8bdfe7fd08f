"""How a standing reads: its heading, its lines, what is not in them, and up to when events are in it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dukao.telling.languages import Lang, Pair
from dukao.telling.paper import hanging
from dukao.telling.words import FIGURES

CODES_NAMED = 8
UNRANKED: Mapping[str, Pair] = {
    "nothing_due": ("本期无应考指标，不排名", "nothing is due in this period, not ranked"),
    "below_minimum_volume": ("业务量不足，不排名", "below the minimum volume, not ranked"),
}
SIMULATED = "模拟 / simulated"
NOT_ASSESSED = FIGURES["not_assessed"]
STATES: Mapping[str, Pair] = {
    "live": ("实时", "live"),
    "as_of": ("按 {day} 所知", "as known on {day}"),
    "closed": ("已关账（截至 {day}）", "closed as known on {day}"),
    "restated": ("重述", "restated"),
}


def heading(standing: Mapping[str, Any], lang: Lang = Lang.ZH) -> str:
    """Return what a standing is of, and whether it is live, closed (已关账), restated (重述) or simulated."""
    parts = [
        f"{standing['scheme']} v{standing['version']}",
        standing["group"],
        standing["period"],
        lang.word(STATES, standing["state"]).format(day=standing["known_on"]),
    ]
    return " · ".join([*parts, *([SIMULATED] if standing["simulated"] else [])])


def freshness(standing: Mapping[str, Any], lang: Lang = Lang.ZH) -> str:
    """Return up to when events are in a standing; a closed one stands on nothing that moves."""
    fresh, positions = standing["fresh_at"], standing["as_of"]
    if not fresh:
        return lang.of(("尚无事件", "no event has come yet"))
    told = lang.of((f"数据截至 {fresh}", f"fresh at {fresh}"))
    return f"{told} · {lang.of(('位置', 'as of'))} {positions[:12]}" if positions else told


def changes(standing: Mapping[str, Any], lang: Lang) -> Iterator[str]:
    """Yield what a restated standing has otherwise than the closed one, unit by unit."""
    if standing["state"] != "restated":
        return
    found = standing["differences"]
    if not found:
        yield lang.of(("与关账时一致", "as it was closed"))
    for one in found:
        old, new = (_place(one[side], lang) for side in ("closed", "restated"))
        points = "" if one["points"] is None else f" ({one['points']})"
        yield from hanging("", f"{one['name']} {one['unit']}: {old} → {new}{points}")


def _place(place: Mapping[str, Any] | None, lang: Lang) -> str:
    """Write points or range, rank and tier; nothing where the unit does not stand."""
    if place is None:
        return "—"
    told = (_points(place, lang), place["rank"], place["tier"])
    return " ".join(str(one) for one in told if one is not None)


def lines(standing: Mapping[str, Any], lang: Lang = Lang.ZH) -> list[dict[str, Any]]:
    """Return the lines of a standing as they are printed; what is not assessed shows its range."""
    return [unit | {"points": _points(unit, lang)} for unit in standing["units"]]


def notes(standing: Mapping[str, Any], lang: Lang) -> Iterator[str]:
    """Yield what overlays come to, and why points are not there, are not due or do not apply."""
    units = standing["units"]
    for one in standing["overlays"]:
        yield from _overlay(one, units, lang)
    shared = set.intersection(*(set(unit["not_due"]) for unit in units)) if units else set[str]()
    if shared:
        yield from hanging("", _named(("未到考评期", "not due in this period"), sorted(shared), lang))
    for unit in units:
        not_due = [code for code in unit["not_due"] if code not in shared]
        told = [
            _named(pair, codes, lang)
            for pair, codes in (
                (NOT_ASSESSED, unit["not_assessed"]),
                (
                    ("不适用，分值在板块内折算", "not applicable, rescaled inside its board"),
                    unit["not_applicable"],
                ),
                (("未到考评期", "not due in this period"), not_due),
                (("数据源逾期未报", "a feed is stale"), unit["stale"]),
            )
            if codes
        ]
        told += [
            lang.of(
                (
                    f"板块 {board} 不适用，{points} 分由其他板块承担",
                    f"nothing of board {board} applies, the others carry its {points} points",
                )
            )
            for board, points in unit["carried"].items()
        ]
        if unit["unranked"] in UNRANKED:
            told.append(lang.word(UNRANKED, unit["unranked"]))
        if told:
            yield from hanging("", f"{unit['name']} {unit['unit']}: {'; '.join(told)}")


def _overlay(one: Mapping[str, Any], units: Sequence[Mapping[str, Any]], lang: Lang) -> Iterator[str]:
    """Yield a special assessment on a line of its own, with what it comes to for each unit."""
    counts = lang.of(
        ("计入总分", "inside the total")
        if one["counts"] == "added"
        else ("单列，不计入总分、不影响名次", "beside the total, moves no rank")
    )
    heading = lang.of(("专项考评", "special assessment"))
    told = [
        f"{unit['name']} {unit['unit']} {unit['overlays'][one['code']] or lang.of(NOT_ASSESSED)}"
        for unit in units
        if one["code"] in unit["overlays"]
    ]
    months = f"{one['first']}–{one['last']}"
    begin = f"{heading} {one['title']} {one['code']} ({months}, {one['points']}, {counts})"
    yield from hanging("", f"{begin}: {'; '.join(told)}")


def _named(pair: Pair, codes: Sequence[str], lang: Lang) -> str:
    """Return what is said of indicators with their codes, of many the first and how many there are."""
    listed = ", ".join(codes[:CODES_NAMED])
    if len(codes) > CODES_NAMED:
        listed += lang.of((f" 等 {len(codes)} 项", f" and others, {len(codes)} in all"))
    return f"{lang.of(pair)} {listed}"


def _points(unit: Mapping[str, Any], lang: Lang) -> str | None:
    possible = unit.get("range")
    return f"{possible[0]}–{possible[1]} {lang.of(NOT_ASSESSED)}" if possible else unit["points"]
