"""What a notice says to a person, in Chinese or English, from what was told of the event alone."""

from collections.abc import Callable, Mapping
from datetime import date, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from zoneinfo import ZoneInfo

from services.notify.domain.happenings import Kind, Told
from shared.kernel import instants

Words = Mapping[str, tuple[str, str]]
Sentence = Callable[[Told], tuple[str, str]]


class Lang(StrEnum):
    """The languages of a text."""

    ZH = "zh"
    EN = "en"


SEVERITIES: Words = {"info": ("提示", "info"), "warning": ("警示", "warning"), "urgent": ("紧急", "urgent")}
STATES: Words = {
    "registered": ("已登记", "registered"),
    "assigned": ("已交办", "assigned"),
    "signed": ("已签收", "signed for"),
    "in_progress": ("办理中", "in progress"),
    "submitted": ("已报送", "submitted"),
    "sent_back": ("已退回", "sent back"),
    "completed": ("已办结", "completed"),
    "cleared": ("已销号", "cleared"),
    "cancelled": ("已取消", "cancelled"),
    "withdrawn": ("已撤回", "withdrawn"),
}
LIGHTS: Words = {
    "green": ("转为绿灯", "is green"),
    "yellow": ("临近到期（黄灯）", "is about to be due (yellow)"),
    "red": ("已逾期（红灯）", "is overdue (red)"),
    "done": ("已办结", "is done"),
    "done_late": ("逾期办结", "was done late"),
    "off": ("不再督办", "is no longer supervised"),
}
DAYS: Words = {
    "missing": ("缺报", "events are missing"),
    "surplus": ("多报", "there are more events than it says"),
    "different": ("不符", "they differ"),
    "agreed": ("已相符", "they agree again"),
}
TURNS: Words = {
    "opened": ("已开始", "is open"),
    "reminded": ("正在进行，请尚未参加的测评主体尽快作答", "is open: those who have not answered, please do"),
    "closed": ("已结束", "is closed"),
}
HALVES = ("上半年", "first half"), ("下半年", "second half")
QUARTERS = (
    ("第一季度", "first quarter"),
    ("第二季度", "second quarter"),
    ("第三季度", "third quarter"),
    ("第四季度", "fourth quarter"),
)
NO_NAMES: Mapping[str, str] = MappingProxyType({})
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def text_of(kind: Kind, told: Told, lang: Lang, names: Mapping[str, str] = NO_NAMES) -> str:
    """Return the sentence of a notice; due times are those of the item's time zone.

    `names` are what the scheme calls what is told; without one a code stands for itself.
    """
    named = {f"{name}_name": found for name, found in names.items()}
    zh, en = _SENTENCES[kind]({**told, **named})
    return zh if lang is Lang.ZH else en


def _item_state(told: Told) -> tuple[str, str]:
    zh, en = STATES[str(told["state"])]
    due_zh, due_en = _due(told)
    return f"督考事项“{told['title']}”{zh}{due_zh}。", f"Item “{told['title']}” is {en}{due_en}."


def _item_light(told: Told) -> tuple[str, str]:
    zh, en = LIGHTS[str(told["light"])]
    due_zh, due_en = _due(told)
    return f"督考事项“{told['title']}”{zh}{due_zh}。", f"Item “{told['title']}” {en}{due_en}."


def _item_late(told: Told) -> tuple[str, str]:
    day, (due_zh, due_en) = told["late_day"], _due(told)
    return (
        f"督考事项“{told['title']}”逾期第 {day} 个工作日{due_zh}。",
        f"Item “{told['title']}” is late by {day} working days{due_en}.",
    )


def _item_sign_late(told: Told) -> tuple[str, str]:
    zh, en = _until(told, "sign_due")
    return (
        f"督考事项“{told['title']}”签收逾期，签收期限 {zh}。",
        f"Item “{told['title']}” is not signed for, which was due {en}.",
    )


def _item_extension_asked(told: Told) -> tuple[str, str]:
    day, (zh, en) = date.fromisoformat(str(told["day"])), _until(told, "lapses")
    return (
        f"督考事项“{told['title']}”申请延期至 {_day_zh(day)}，审批期限 {zh}。",
        f"Item “{told['title']}” asks for an extension to {_day_en(day)}, to be approved until {en}.",
    )


def _tier_changed(told: Told) -> tuple[str, str]:
    when_zh, when_en = _period(str(told["period"]))
    unit = _named(told, "unit")
    whole = unit if unit == told["unit"] else f"{unit} ({told['unit']})"
    moved_zh = f"由{_named(told, 'old') or '未列段'}变为{_named(told, 'new') or '未列段'}"
    moved_en = f"went from {told['old'] or 'no tier'} to {told['new'] or 'no tier'}"
    place_zh = f"“{_named(told, 'group')}”组{when_zh}考评"
    return (
        f"{unit}在{place_zh}中{moved_zh}（方案“{_named(told, 'scheme')}”）。",
        f"{whole} {moved_en} among {told['group']} of {told['scheme']}, {when_en}.",
    )


def _period_closed(told: Told) -> tuple[str, str]:
    when_zh, when_en = _period(str(told["period"]))
    place_zh = f"“{_named(told, 'group')}”组{when_zh}考评"
    return (
        f"{place_zh}已关账（方案“{_named(told, 'scheme')}”），逾期数据只计入重述。",
        f"{told['group']} of {told['scheme']} is closed, {when_en}; what comes late is only restated.",
    )


def _scheme_adopted(told: Told) -> tuple[str, str]:
    when_zh, when_en = _period(str(told["effective"]))
    return (
        f"方案“{_named(told, 'scheme')}”第 {told['version']} 版已通过，自{when_zh}起施行。",
        f"Scheme {told['scheme']} v{told['version']} is in force from {when_en}.",
    )


def _survey_turned(told: Told) -> tuple[str, str]:
    zh, en = TURNS[str(told["turn"])]
    last = date.fromisoformat(str(told["closes"]))
    return (
        f"测评“{told['title']}”{zh}，截止 {_day_zh(last)}。",
        f"The survey “{told['title']}” {en}; its last day: {_day_en(last)}.",
    )


def _feed_turned(told: Told) -> tuple[str, str]:
    name = f"{told['source']}/{told['feed']}"
    if told["state"] == "stale":
        return f"数据源 {name} 逾时未报。", f"The feed {name} is stale."
    return f"数据源 {name} 恢复报送。", f"The feed {name} is fresh again."


def _day_turned(told: Told) -> tuple[str, str]:
    zh, en = DAYS[str(told["state"])]
    day = _day_zh(date.fromisoformat(str(told["day"])))
    return (
        f"{told['source']} {day}的清单与存档比对：{zh}。",
        f"Manifest of {told['source']} for {told['day']} and archive: {en}.",
    )


def _conflict_found(told: Told) -> tuple[str, str]:
    name = f"{told['source']} {told['id']}"
    return (
        f"事件 {name} 与已接收的内容矛盾，待人工处理。",
        f"The event {name} contradicts an accepted one and waits for a person.",
    )


def _inbound_refused(told: Told) -> tuple[str, str]:
    topic, code = told["topic"], told["code"]
    return (
        f"报送主题 {topic} 有记录被拒收（{code}），待人工处理。",
        f"Records of {topic} are refused ({code}) and wait for a person.",
    )


def _due(told: Told) -> tuple[str, str]:
    if told["due"] is None:
        return "", ""
    zh, en = _until(told, "due")
    return f"，期限 {zh}", f", due {en}"


def _until(told: Told, name: str) -> tuple[str, str]:
    """Return until when: what is due at midnight is due with the end of the day before, 24:00."""
    due = instants.parse(str(told[name])).astimezone(ZoneInfo(str(told["zone"])))
    ends_day = due.time() == time.min
    day = due.date() - timedelta(days=ends_day)
    hour = "24:00" if ends_day else f"{due:%H:%M}"
    return f"{_day_zh(day)} {hour}", f"{_day_en(day)} {hour}"


def _day_en(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def _day_zh(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _period(period: str) -> tuple[str, str]:
    """Return a month, quarter, half-year or year in words."""
    year, _, part = period.partition("-")
    match part[:1]:
        case "":
            return f"{year}年", year
        case "Q" | "H":
            zh, en = (QUARTERS if part[0] == "Q" else HALVES)[int(part[1:]) - 1]
            return f"{year}年{zh}", f"{en} of {year}"
        case _:
            return f"{year}年{int(part)}月", f"{MONTHS[int(part) - 1]} {year}"


def _named(told: Told, name: str) -> str | int | None:
    """Return what the scheme calls something, else its code."""
    return told.get(f"{name}_name") or told[name]


_SENTENCES: Mapping[Kind, Sentence] = {
    Kind.ITEM_STATE: _item_state,
    Kind.ITEM_LIGHT: _item_light,
    Kind.ITEM_LATE: _item_late,
    Kind.ITEM_SIGN_LATE: _item_sign_late,
    Kind.ITEM_EXTENSION_ASKED: _item_extension_asked,
    Kind.TIER_CHANGED: _tier_changed,
    Kind.PERIOD_CLOSED: _period_closed,
    Kind.SCHEME_ADOPTED: _scheme_adopted,
    Kind.SURVEY_TURNED: _survey_turned,
    Kind.FEED_TURNED: _feed_turned,
    Kind.DAY_TURNED: _day_turned,
    Kind.CONFLICT_FOUND: _conflict_found,
    Kind.INBOUND_REFUSED: _inbound_refused,
}
