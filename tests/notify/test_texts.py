"""Every kind of event has a sentence in both languages and a link, from what is told of it alone."""

import pytest

from services.notify.domain.document import DAY_STATES, FEED_STATES, LIGHTS, STATES, SURVEY_TURNS
from services.notify.domain.happenings import Kind
from services.notify.domain.links import link_of
from services.notify.domain.texts import Lang, text_of

ITEM = {"item": "a/1", "title": "公文", "state": "assigned", "light": "red", "due": None, "late_day": 3}
ITEM |= {"zone": "Asia/Shanghai"}
TIER = {"scheme": "m", "group": "g", "period": "2021", "unit": "b1", "old": None, "new": "first"}
SURVEY = {"round": "m~ratings~2021-03", "title": "多维测评", "closes": "2021-03-25"}
NAMES = {"scheme": "2021 年方案", "group": "省级税务局", "unit": "甲省局", "old": "第二段", "new": "第一段"}
SAID = [
    (Kind.ITEM_STATE, {"state": "registered"}, "督考事项“公文”已登记。", "Item “公文” is registered."),
    (Kind.ITEM_STATE, {"state": "assigned"}, "督考事项“公文”已交办。", "Item “公文” is assigned."),
    (Kind.ITEM_STATE, {"state": "signed"}, "督考事项“公文”已签收。", "Item “公文” is signed for."),
    (Kind.ITEM_STATE, {"state": "in_progress"}, "督考事项“公文”办理中。", "Item “公文” is in progress."),
    (Kind.ITEM_STATE, {"state": "submitted"}, "督考事项“公文”已报送。", "Item “公文” is submitted."),
    (Kind.ITEM_STATE, {"state": "sent_back"}, "督考事项“公文”已退回。", "Item “公文” is sent back."),
    (Kind.ITEM_STATE, {"state": "completed"}, "督考事项“公文”已办结。", "Item “公文” is completed."),
    (Kind.ITEM_STATE, {"state": "cleared"}, "督考事项“公文”已销号。", "Item “公文” is cleared."),
    (Kind.ITEM_STATE, {"state": "cancelled"}, "督考事项“公文”已取消。", "Item “公文” is cancelled."),
    (Kind.ITEM_STATE, {"state": "withdrawn"}, "督考事项“公文”已撤回。", "Item “公文” is withdrawn."),
    (
        Kind.ITEM_STATE,
        {"state": "assigned", "due": "2021-04-29T16:00:00.000000Z"},
        "督考事项“公文”已交办，期限 2021年4月29日 24:00。",
        "Item “公文” is assigned, due 29 April 2021 24:00.",
    ),
    (Kind.ITEM_LIGHT, {"light": "green"}, "督考事项“公文”转为绿灯。", "Item “公文” is green."),
    (
        Kind.ITEM_LIGHT,
        {"light": "yellow"},
        "督考事项“公文”临近到期（黄灯）。",
        "Item “公文” is about to be due (yellow).",
    ),
    (Kind.ITEM_LIGHT, {"light": "red"}, "督考事项“公文”已逾期（红灯）。", "Item “公文” is overdue (red)."),
    (Kind.ITEM_LIGHT, {"light": "done"}, "督考事项“公文”已办结。", "Item “公文” is done."),
    (Kind.ITEM_LIGHT, {"light": "done_late"}, "督考事项“公文”逾期办结。", "Item “公文” was done late."),
    (Kind.ITEM_LIGHT, {"light": "off"}, "督考事项“公文”不再督办。", "Item “公文” is no longer supervised."),
    (
        Kind.ITEM_LATE,
        {"late_day": 3},
        "督考事项“公文”逾期第 3 个工作日。",
        "Item “公文” is late by 3 working days.",
    ),
    (
        Kind.ITEM_SIGN_LATE,
        {"sign_due": "2021-04-22T16:00:00.000000Z"},
        "督考事项“公文”签收逾期，签收期限 2021年4月22日 24:00。",
        "Item “公文” is not signed for, which was due 22 April 2021 24:00.",
    ),
    (
        Kind.ITEM_EXTENSION_ASKED,
        {"day": "2021-05-07", "lapses": "2021-05-07T16:00:00.000000Z"},
        "督考事项“公文”申请延期至 2021年5月7日，审批期限 2021年5月7日 24:00。",
        "Item “公文” asks for an extension to 7 May 2021, to be approved until 7 May 2021 24:00.",
    ),
    (
        Kind.TIER_CHANGED,
        TIER | {"old": "second", "period": "2021-Q2"},
        "甲省局在“省级税务局”组2021年第二季度考评中由第二段变为第一段（方案“2021 年方案”）。",
        "甲省局 (b1) went from second to first among g of m, second quarter of 2021.",
    ),
    (
        Kind.SCHEME_ADOPTED,
        {"scheme": "m", "version": 2, "effective": "2021-07"},
        "方案“2021 年方案”第 2 版已通过，自2021年7月起施行。",
        "Scheme m v2 is in force from July 2021.",
    ),
    (
        Kind.PERIOD_CLOSED,
        {"scheme": "m", "group": "g", "period": "2021-03"},
        "“省级税务局”组2021年3月考评已关账（方案“2021 年方案”），逾期数据只计入重述。",
        "g of m is closed, March 2021; what comes late is only restated.",
    ),
    (
        Kind.FEED_TURNED,
        {"source": "core", "feed": "refunds", "state": "stale"},
        "数据源 core/refunds 逾时未报。",
        "The feed core/refunds is stale.",
    ),
    (
        Kind.FEED_TURNED,
        {"source": "core", "feed": "refunds", "state": "fresh"},
        "数据源 core/refunds 恢复报送。",
        "The feed core/refunds is fresh again.",
    ),
    (
        Kind.DAY_TURNED,
        {"source": "core", "day": "2021-03-31", "state": "missing"},
        "core 2021年3月31日的清单与存档比对：缺报。",
        "Manifest of core for 2021-03-31 and archive: events are missing.",
    ),
    (
        Kind.DAY_TURNED,
        {"source": "core", "day": "2021-03-31", "state": "surplus"},
        "core 2021年3月31日的清单与存档比对：多报。",
        "Manifest of core for 2021-03-31 and archive: there are more events than it says.",
    ),
    (
        Kind.DAY_TURNED,
        {"source": "core", "day": "2021-03-31", "state": "different"},
        "core 2021年3月31日的清单与存档比对：不符。",
        "Manifest of core for 2021-03-31 and archive: they differ.",
    ),
    (
        Kind.DAY_TURNED,
        {"source": "core", "day": "2021-03-31", "state": "agreed"},
        "core 2021年3月31日的清单与存档比对：已相符。",
        "Manifest of core for 2021-03-31 and archive: they agree again.",
    ),
    (
        Kind.SURVEY_TURNED,
        SURVEY | {"turn": "opened"},
        "测评“多维测评”已开始，截止 2021年3月25日。",
        "The survey “多维测评” is open; its last day: 25 March 2021.",
    ),
    (
        Kind.SURVEY_TURNED,
        SURVEY | {"turn": "reminded"},
        "测评“多维测评”正在进行，请尚未参加的测评主体尽快作答，截止 2021年3月25日。",
        "The survey “多维测评” is open: those who have not answered, please do; its last day: 25 March 2021.",
    ),
    (
        Kind.SURVEY_TURNED,
        SURVEY | {"turn": "closed"},
        "测评“多维测评”已结束，截止 2021年3月25日。",
        "The survey “多维测评” is closed; its last day: 25 March 2021.",
    ),
    (
        Kind.CONFLICT_FOUND,
        {"source": "core", "id": "e1"},
        "事件 core e1 与已接收的内容矛盾，待人工处理。",
        "The event core e1 contradicts an accepted one and waits for a person.",
    ),
    (
        Kind.INBOUND_REFUSED,
        {"source": None, "topic": "in.core", "code": "json"},
        "报送主题 in.core 有记录被拒收（json），待人工处理。",
        "Records of in.core are refused (json) and wait for a person.",
    ),
]


@pytest.mark.parametrize(("kind", "told", "zh", "en"), SAID)
def test_each_is_said_in_both_languages(kind, told, zh, en):
    told = (ITEM | told) if kind.value.startswith("item-") else told
    said = [text_of(kind, told, lang, NAMES) for lang in (Lang.ZH, Lang.EN)]
    assert said == [zh, en]
    assert link_of(kind, told).startswith("/")


def test_nothing_that_can_be_told_is_without_its_sentence():
    assert {kind for kind, *_ in SAID} == set(Kind)
    for kind, field, known in (
        (Kind.ITEM_STATE, "state", STATES),
        (Kind.ITEM_LIGHT, "light", LIGHTS),
        (Kind.FEED_TURNED, "state", FEED_STATES),
        (Kind.DAY_TURNED, "state", DAY_STATES),
        (Kind.SURVEY_TURNED, "turn", SURVEY_TURNS),
    ):
        assert {told[field] for one, told, *_ in SAID if one is kind} == set(known)


@pytest.mark.parametrize(
    ("period", "zh", "en"),
    [
        ("2021", "2021年", "2021"),
        ("2021-H1", "2021年上半年", "first half of 2021"),
        ("2021-H2", "2021年下半年", "second half of 2021"),
        ("2021-Q4", "2021年第四季度", "fourth quarter of 2021"),
        ("2021-03", "2021年3月", "March 2021"),
    ],
)
def test_a_code_stands_for_itself_where_no_name_is_known_and_a_period_is_said_in_words(period, zh, en):
    told = TIER | {"period": period}
    assert text_of(Kind.TIER_CHANGED, told, Lang.ZH) == f"b1在“g”组{zh}考评中由未列段变为first（方案“m”）。"
    assert text_of(Kind.TIER_CHANGED, told, Lang.EN) == f"b1 went from no tier to first among g of m, {en}."


@pytest.mark.parametrize(
    ("due", "zone", "zh", "en"),
    [
        ("2022-01-12T16:00:00.000000Z", "Asia/Shanghai", "2022年1月12日 24:00", "12 January 2022 24:00"),
        ("2022-01-12T09:30:00.000000Z", "Asia/Shanghai", "2022年1月12日 17:30", "12 January 2022 17:30"),
        ("2022-01-01T05:00:00.000000Z", "America/New_York", "2021年12月31日 24:00", "31 December 2021 24:00"),
    ],
)
def test_a_due_time_is_told_in_the_zone_and_ends_with_the_day(due, zone, zh, en):
    told = ITEM | {"due": due, "zone": zone}
    assert text_of(Kind.ITEM_LATE, told, Lang.ZH) == f"督考事项“公文”逾期第 3 个工作日，期限 {zh}。"
    assert text_of(Kind.ITEM_LATE, told, Lang.EN) == f"Item “公文” is late by 3 working days, due {en}."


def test_an_extension_is_told_with_its_day_and_until_when_it_is_approved():
    told = ITEM | {"day": "2021-05-11", "lapses": "2021-05-07T16:00:00.000000Z"}
    said = [text_of(Kind.ITEM_EXTENSION_ASKED, told, lang) for lang in (Lang.ZH, Lang.EN)]
    assert said == [
        "督考事项“公文”申请延期至 2021年5月11日，审批期限 2021年5月7日 24:00。",
        "Item “公文” asks for an extension to 11 May 2021, to be approved until 7 May 2021 24:00.",
    ]


def test_an_id_with_a_stroke_stays_one_step_of_the_link():
    assert link_of(Kind.ITEM_LATE, ITEM) == "/supervision/v1/items/a%2F1"
