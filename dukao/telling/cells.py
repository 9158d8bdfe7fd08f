"""An explained cell as a person reads it: the figure, then a block for each case or event behind it."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from dukao.telling.formulas import formula
from dukao.telling.languages import Lang
from dukao.telling.paper import hanging, joined, labelled
from dukao.telling.times import is_instant, local
from dukao.telling.words import COLUMNS, FIGURES, NOT_COUNTED, STALE, STATES, TRANSLATED, VALUES
from shared.kernel.points import text as written

REPORTS_SHOWN = 3
INDENT = 4
OF_THE_HEAD = frozenset({"subject", "unit", "region"})
TOLD_APART = frozenset({"version", "owner", "effective", "source", "verified"})
Answer = Mapping[str, Any]


def heading(answer: Answer, lang: Lang) -> Iterator[str]:
    """Yield which cell it is, what it is worth, how that comes about, and on what it stands."""
    measure = answer["measure"]
    symbolic, with_numbers = (formula(answer["formula"][part], lang) for part in ("symbolic", "with_numbers"))
    names = f"{answer['unit_name']} {answer['unit']} · {answer['indicator_name']} {answer['indicator']}"
    yield from hanging("", f"{names} · {answer['period']}")
    version = lang.of(
        (
            f"第 {measure['version']} 版，自 {measure['effective']} 起",
            f"v{measure['version']} from {measure['effective']}",
        )
    )
    if measure["owner"]:
        version = lang.of((f"{version}，{measure['owner']} 主管", f"{version} of {measure['owner']}"))
    definition = ", ".join(
        f"{name}: {part}" for name, part in measure["definition"].items() if part and name not in TOLD_APART
    )
    told = [
        (("得分", "points"), _worth(answer["figure"], lang)),
        (("公式", "formula"), f"{symbolic}{lang.of(('（w 为满分）', ' (w: its points)'))}"),
        (("代入", "numbers"), with_numbers),
        *((("分段", "part"), _part_of(part, lang)) for part in answer.get("parts", ())),
        (("数据", "inputs"), _inputs(answer["inputs"], lang)),
        (("口径", "measure"), f"{measure['name']} {version}: {definition}"),
        (("依据", "stands on"), _stands_on(answer, lang)),
    ]
    yield from labelled([(lang.of(label), text) for label, text in told])


def row(at: int, one: Answer, answer: Answer, lang: Lang) -> Iterator[str]:
    """Yield a case or event: whether it counts and what it cost, what it is, and which reports say so."""
    start = f"{at:>2}. "
    name = one["case"] or one["reports"][0]["id"]
    parts = [name, lang.of(_counts(one, answer)), one["month"] or ""]
    if one.get("measure"):
        parts.append(one["measure"])
    if one["unit"] != answer["unit"]:
        parts.append(one["unit"])
    yield from joined(start, [part for part in parts if part])
    yield from joined(" " * INDENT, _columns(one, answer, lang))
    for report in one["reports"][:REPORTS_SHOWN]:
        yield from hanging(" " * INDENT + "- ", _report(report, answer["zone"], lang))
    more = one["reports_total"] - min(len(one["reports"]), REPORTS_SHOWN)
    if more > 0:
        where = lang.of(("全部", "all"))
        if one["reports_total"] > len(one["reports"]):
            where = lang.of((f"前 {len(one['reports'])} 份", f"the first {len(one['reports'])}"))
        zh, en = f"- 另有 {more} 份报告（{where}：--output json）", f"- and {more} more reports"
        yield " " * INDENT + lang.of((zh, f"{en} ({where}: --output json)"))


def cost(one: Answer, answer: Answer) -> Decimal | None:
    """Return the points that a row cost by itself, before cap and floor; None where its method has none."""
    deduct = answer["formula"]["method"].get("deduct")
    if deduct is None:
        return None
    each = deduct.get("each")
    return Decimal(one["numerator"]) * (1 if each is None else Decimal(each))


def _worth(figure: Answer, lang: Lang) -> str:
    worth = _scored(figure, lang)
    return worth + (lang.of(STALE) if figure["stale"] else "")


def _scored(figure: Answer, lang: Lang) -> str:
    state = lang.word(FIGURES, figure["state"])
    if figure["value"] is None:
        return lang.of((f"{state}（满分 {figure['points']}）", f"{state} (of {figure['points']})"))
    lost = Decimal(figure["points"]) - Decimal(figure["published"])
    zh = f"{figure['published']} 分，满分 {figure['points']} 分"
    en = f"{figure['published']} of {figure['points']}"
    if lost > 0:
        zh, en = f"{zh}，失 {written(lost)} 分", f"{en}, {written(lost)} lost"
    return lang.of((zh, en))


def _part_of(part: Answer, lang: Lang) -> str:
    """Return the versions and months of a part, how many months so far it counts for, and its formula."""
    versions, months = ", ".join(map(str, part["versions"])), f"{part['months'][0]} – {part['months'][-1]}"
    weight = part["weight"]
    told = f"第 {versions} 版 {months}，计 {weight} 个月", f"version {versions}, {months}, {weight} months"
    return f"{lang.of(told)}: {formula(part['formula'], lang)}"


def _inputs(inputs: Answer, lang: Lang) -> str:
    months = inputs["months"]
    span = months[0] if len(months) == 1 else f"{months[0]} – {months[-1]}"
    zh, en = f"分子 {inputs['numerator']}", f"numerator {inputs['numerator']}"
    if inputs["denominator"] is not None:
        zh, en = f"{zh}，分母 {inputs['denominator']}", f"{en}, denominator {inputs['denominator']}"
    return f"{lang.of((zh, en))} ({span})"


def _stands_on(answer: Answer, lang: Lang) -> str:
    """Say of which scheme, how fresh and on what positions."""
    zone, fresh = answer["zone"], answer["fresh_at"]
    none = lang.of(("尚无事件", "no event yet"))
    fresh = none if fresh is None else f"{local(fresh, zone)} ({zone})"
    told = [
        (
            f"方案 {answer['scheme']} 第 {answer['version']} 版",
            f"scheme {answer['scheme']} v{answer['version']}",
        ),
        (state := lang.word(STATES, answer["state"]), state),
        (f"数据截至 {fresh}", f"fresh at {fresh}"),
        (f"位置 {answer['as_of'][:12]}", f"positions {answer['as_of'][:12]}"),
    ]
    return " · ".join(map(lang.of, told))


def _counts(one: Answer, answer: Answer) -> tuple[str, str]:
    if not one["counted"]:
        zh, en = NOT_COUNTED.get(one["reason"], (one["reason"], one["reason"]))
        return f"不计入：{zh}", f"does not count: {en}"
    points = cost(one, answer)
    if points is not None:
        return f"扣 {_short(points)} 分", f"cost {_short(points)} points"
    if one["met"] is None:
        return f"计 {one['numerator']}", f"counts {one['numerator']}"
    if one["met"]:
        return "达标", "met"
    return "未达标", "missed"


def _columns(one: Answer, answer: Answer, lang: Lang) -> Iterator[str]:
    """Yield columns by what people call them: the title of the field is Chinese, as the scheme is."""
    titles = answer.get("titles", {})
    for name, value in one["columns"].items():
        if value is not None and name not in OF_THE_HEAD and value != one["case"]:
            word = lang.word(COLUMNS, name)
            yield f"{lang.of((titles.get(name, word), word))} {_value(name, value, answer['zone'], lang)}"


def _value(name: str, value: Any, zone: str, lang: Lang) -> str:
    if isinstance(value, bool):
        return lang.of(("是", "yes") if value else ("否", "no"))
    if is_instant(value):
        return local(value, zone, name)
    return lang.word(VALUES, value) if name in TRANSLATED else value


def _report(report: Answer, zone: str, lang: Lang) -> str:
    name = f"{report['source']}/{report['id']}"
    told = f"{local(report['time'], zone)}  {report['type']}  {name}  #{report['shard']}/{report['number']}"
    if not report["left_out"]:
        taken = ", ".join(report["taken_by"])
        return told + (lang.of((f"，取入 {taken}", f", taken by {taken}")) if taken else "")
    return f"{told} ({lang.word(NOT_COUNTED, report['left_out'])})"


def _short(points: Decimal) -> str:
    text = written(points)
    return text.rstrip("0").rstrip(".") if "." in text else text
