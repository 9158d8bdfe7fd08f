"""Every kind of event has a sentence in both languages and a link, from what is told of it alone."""

import pytest

from services.notify.domain.document import DAY_STATES, FEED_STATES, LIGHTS, STATES
from services.notify.domain.happenings import Kind
from services.notify.domain.links import link_of
from services.notify.domain.texts import Lang, text_of

ITEM = {"item": "a/1", "title": "公文", "state": "assigned", "light": "red", "due": None, "late_day": 3}
ITEM |= {"zone": "Asia/Shanghai"}
TOLD = {
    Kind.ITEM_STATE: [ITEM | {"state": one} for one in STATES],
    Kind.ITEM_LIGHT: [ITEM | {"light": one} for one in LIGHTS],
    Kind.ITEM_LATE: [ITEM | {"due": "2021-04-29T16:00:00.000000Z"}],
    Kind.ITEM_SIGN_LATE: [ITEM | {"sign_due": "2021-04-22T16:00:00.000000Z"}],
    Kind.ITEM_EXTENSION_ASKED: [ITEM | {"day": "2021-05-07", "lapses": "2021-05-07T16:00:00.000000Z"}],
    Kind.TIER_CHANGED: [
        {"scheme": "m", "group": "g", "period": "2021", "unit": "b1", "old": None, "new": "first"}
    ],
    Kind.SCHEME_ADOPTED: [{"scheme": "m", "version": 2, "effective": "2021-07"}],
    Kind.FEED_TURNED: [{"source": "core", "feed": "refunds", "state": one} for one in FEED_STATES],
    Kind.DAY_TURNED: [{"source": "core", "day": "2021-03-31", "state": one} for one in DAY_STATES],
    Kind.CONFLICT_FOUND: [{"source": "core", "id": "e1"}],
    Kind.INBOUND_REFUSED: [{"source": None, "topic": "in.core", "code": one} for one in ("json", "empty")],
}


@pytest.mark.parametrize("kind", Kind)
def test_each_says_something_of_its_own_in_both_languages(kind):
    for lang in Lang:
        said = [text_of(kind, told, lang) for told in TOLD[kind]]
        assert len(set(said)) == len(said)
        assert all(("None" not in one and one.isascii() is False) or lang is Lang.EN for one in said)
    assert all(link_of(kind, told).startswith("/") for told in TOLD[kind])


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


def test_what_was_not_signed_for_is_told_with_its_limit():
    told = ITEM | {"sign_due": "2021-04-22T16:00:00.000000Z"}
    said = [text_of(Kind.ITEM_SIGN_LATE, told, lang) for lang in (Lang.ZH, Lang.EN)]
    assert said == [
        "督考事项“公文”签收逾期，签收期限 2021年4月22日 24:00。",
        "Item “公文” is not signed for, which was due 22 April 2021 24:00.",
    ]


def test_an_extension_is_told_with_its_day_and_until_when_it_is_approved():
    told = ITEM | {"day": "2021-05-11", "lapses": "2021-05-07T16:00:00.000000Z"}
    said = [text_of(Kind.ITEM_EXTENSION_ASKED, told, lang) for lang in (Lang.ZH, Lang.EN)]
    assert said == [
        "督考事项“公文”申请延期至 2021年5月11日，审批期限 2021年5月7日 24:00。",
        "Item “公文” asks for an extension to 11 May 2021, to be approved until 7 May 2021 24:00.",
    ]


def test_an_id_with_a_stroke_stays_one_step_of_the_link():
    assert link_of(Kind.ITEM_LATE, ITEM) == "/supervision/v1/items/a%2F1"
