"""Notify on a real PostgreSQL: one notice per event, rule and recipient."""

from tests.notify.facts import DUE, OVERDUE, RULES, SIGN_DUE, SIGN_LATE, Feed

ARCHIVE = {"code": "archive", "on": "item-state", "severity": "info", "to": ["webhook:archive"]}


async def test_an_extension_that_is_asked_for_is_told_to_who_assesses_until_it_waits_no_more(service):
    rule = {"code": "extension", "on": "item-extension-asked", "severity": "warning", "role": "approver"}
    await service.adopt({"rules": [rule | {"to": ["assessor"]}]})
    feed = Feed()
    asked = "2021-04-28T02:00:00.000000Z"
    waits = {"asked": asked, "day": "2021-05-07", "lapses": "2021-05-07T16:00:00.000000Z"}
    await service.apply(feed.item(assessor="d1", extension=waits))
    told = ("extension", "inbox", "d1", f"item-extension-asked/i1/{asked}")
    assert await service.notices() == [(*told, False)]
    await service.apply(feed.item(assessor="d1"))
    assert await service.notices() == [(*told, True)]


async def test_an_item_that_is_assigned_is_told_to_its_lead_and_its_co_handler(service):
    await service.adopt(RULES)
    await service.apply(Feed().item())
    assert await service.notices() == [
        ("assigned", "inbox", "b1", "item-state/i1/1", False),
        ("assigned", "inbox", "b2", "item-state/i1/1", False),
    ]


async def test_a_rung_fires_once_and_is_cancelled_when_the_state_changes(service):
    feed = Feed()
    await service.adopt(RULES)
    await service.apply(feed.item(state="signed"), feed.item(state="signed", late=1))
    first = ("overdue", "inbox", "b1", f"item-late/i1/{DUE}/1", False)
    assert await service.notices() == [first]
    await service.apply(feed.item(state="signed", late=2))
    assert await service.notices() == [first], "the second day is no rung, and nothing else changed"
    await service.apply(feed.item(state="submitted", late=2))
    assert await service.notices() == [(*first[:4], True)]
    await service.apply(feed.item(state="sent_back", late=2), feed.item(state="sent_back", late=3))
    assert await service.notices() == [
        (*first[:4], True),
        ("overdue", "inbox", "b1", f"item-late/i1/{DUE}/3", False),
    ]


async def test_what_an_endpoint_is_sent_is_written_once_with_its_notice(service):
    feed = Feed()
    await service.adopt({"rules": [ARCHIVE]})
    one = feed.item()
    await service.apply(one)
    before = await service.state()
    assert len(before["deliveries"]) == len(before["notices"]) == 1
    await service.apply(one)
    assert await service.state() == before


async def test_a_rung_that_was_reached_and_left_between_two_looks_is_written_as_over(service):
    feed = Feed()
    await service.adopt(RULES)
    await service.apply(feed.item(state="signed"), feed.item(state="completed", light="done_late", late=3))
    assert await service.notices() == [
        ("overdue", "inbox", "b1", f"item-late/i1/{DUE}/{day}", True) for day in (1, 3)
    ]


async def test_an_endpoint_is_not_sent_a_reminder_that_was_over_when_it_was_written(service):
    feed = Feed()
    await service.adopt({"rules": [OVERDUE | {"to": ["webhook:archive"]}]})
    await service.apply(feed.item(state="signed"), feed.item(state="completed", light="done_late", late=1))
    assert len(await service.notices()) == 1
    assert (await service.state())["deliveries"] == []
    await service.apply(feed.item("i2", state="signed", late=1))
    assert len((await service.state())["deliveries"]) == 1


async def test_a_limit_of_signing_that_passed_is_told_once_and_ends_with_the_signature_alone(service):
    feed = Feed()
    await service.adopt({"rules": [SIGN_LATE, OVERDUE]})
    late = {"sign_due": SIGN_DUE, "sign_late": True}
    waits, passed = feed.item(sign_due=SIGN_DUE), feed.item(**late)
    await service.apply(waits, passed)
    first = ("sign-late", "inbox", "b1", f"item-sign-late/i1/{SIGN_DUE}")
    assert await service.notices() == [(*first, False)]
    before = await service.state()
    await service.apply(passed)
    assert await service.state() == before
    await service.apply(feed.item(light="yellow", **late), feed.item(late=1, **late))
    overdue = ("overdue", "inbox", "b1", f"item-late/i1/{DUE}/1")
    assert sorted(await service.notices()) == [(*overdue, False), (*first, False)]
    await service.apply(feed.item(due="2021-05-07T16:00:00.000000Z", **late))
    assert sorted(await service.notices()) == [(*overdue, True), (*first, False)]
    await service.apply(feed.item(state="signed"))
    assert sorted(await service.notices()) == [(*overdue, True), (*first, True)]


async def test_a_signature_in_time_tells_nobody_of_its_limit(service):
    feed = Feed()
    await service.adopt({"rules": [SIGN_LATE]})
    await service.apply(feed.item(sign_due=SIGN_DUE), feed.item(state="signed"))
    assert await service.notices() == []


async def test_a_reminder_of_a_survey_is_told_once_to_whom_the_rule_names(service):
    rule = {"code": "survey", "on": "survey-turned", "severity": "info", "to": ["unit:b1"]}
    await service.adopt({"rules": [rule | {"when": {"turn": ["reminded"], "survey": ["ratings"]}}]})
    feed = Feed()
    told = feed.survey()
    await service.apply(feed.adopted(), feed.survey("opened"), told)
    await service.apply(told)
    (notice,) = await service.notices()
    assert notice[:3] == ("survey", "inbox", "b1")
    async with service.door() as door:
        (entry,) = await door.entries(unit="b1")
    assert entry["text"] == "测评“多维测评”正在进行，请尚未参加的测评主体尽快作答，截止 2021年3月25日。"
    assert entry["link"].endswith("/scoring/v1/surveys/mini~ratings~2021-03")
