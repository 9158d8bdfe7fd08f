"""Each rung of an item is one event: whatever brings it, however often was looked, and only once."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain import document
from services.notify.domain.happenings import Happening, Kind
from services.notify.domain.items import Item, ended, happened
from services.notify.domain.notices import notices
from services.notify.domain.rules import Recipient, Rule, Severity, recipients
from shared.contracts.ingest import DayTurned, FeedTurned
from shared.contracts.supervision import LATE_DAYS_TOLD, ItemKind, ItemState, Light

BEGIN = datetime(2021, 4, 30, tzinfo=UTC)
DUES = ("2021-04-29T16:00:00.000000Z", "2021-05-07T16:00:00.000000Z", None)
OPEN = ("assigned", "signed", "in_progress", "sent_back")


def item(version=1, **changes):
    told = {
        "item": "i1",
        "version": version,
        "at": BEGIN + timedelta(hours=version),
        "kind": "document",
        "title": "公文督办",
        "state": "signed",
        "light": "red" if changes.get("late") else "green",
        "unit": "b1",
        "others": ("b2",),
        "assessor": "d1",
        "scheme": "mini",
        "indicator": "k1",
        "due": DUES[0],
        "zone": "Asia/Shanghai",
        "late": 0,
        "sign_due": None,
        "sign_late": False,
        "asked": None,
        "asked_day": None,
        "lapses": None,
    } | changes
    return Item(**told)


def rule(on, *to, **when):
    return Rule(
        "r", on, Severity.INFO, "operator", to, {name: frozenset(values) for name, values in when.items()}
    )


def events(history):
    """Return what happens over versions of an item, as often as it happens."""
    found, old = [], None
    for new in history:
        found += [one.event for one in happened(old, new)]
        old = new
    return found


SEEN = st.tuples(
    st.sampled_from(OPEN), st.sampled_from(DUES), st.integers(0, 6), st.sampled_from(("b1", "b3"))
)


def history(seen):
    return [
        item(n, state=state, due=due, late=late if due else 0, unit=unit)
        for n, (state, due, late, unit) in enumerate(seen, 1)
    ]


@given(st.lists(SEEN, min_size=1, max_size=12))
def test_a_rung_has_one_name_for_each_due_time_and_every_other_event_happens_once(seen):
    found = events(history(seen))
    rungs = {
        one for one in found if one.startswith(("item-late/", "item-light/i1/2021", "item-light/i1/None"))
    }
    others = [one for one in found if one not in rungs]
    assert len(others) == len(set(others))
    most = {due: max((late for _, d, late, _ in seen if d == due), default=0) for due in DUES[:2]}
    assert {one for one in rungs if one.startswith("item-late/")} == {
        f"item-late/i1/{due}/{day}" for due, late in most.items() for day in range(1, late + 1)
    }


@given(st.lists(st.integers(0, 3), min_size=1, max_size=10), st.data())
def test_the_rungs_that_are_reached_do_not_depend_on_how_often_was_looked(steps, data):
    late = [sum(steps[: n + 1]) for n in range(len(steps))]
    whole = [item(n, late=days) for n, days in enumerate(late, 1)]
    kept = sorted(data.draw(st.sets(st.integers(0, len(whole) - 1))) | {len(whole) - 1})
    looked = [whole[n] for n in kept]
    rungs = [{one for one in events(seen) if one.startswith("item-late/")} for seen in (whole, looked)]
    assert rungs[0] == rungs[1]


@given(st.lists(SEEN, min_size=2, max_size=12))
def test_a_reminder_ends_exactly_when_state_hands_light_or_due_time_are_others(seen):
    versions = history(seen)
    for old, new in pairwise(versions):
        same = all(getattr(old, name) == getattr(new, name) for name in ("state", "light", "unit", "due"))
        assert (Kind.ITEM_LATE in ended(old, new)) is not same
        assert (Kind.ITEM_LIGHT in ended(old, new)) is not same
    assert ended(None, versions[0]) == ()


SIGN_DUES = ("2021-04-22T16:00:00.000000Z", "2021-04-26T16:00:00.000000Z")
SIGNING = st.tuples(
    st.sampled_from(SIGN_DUES),
    st.booleans(),
    st.sampled_from(("green", "yellow", "red")),
    st.sampled_from(DUES),
)


@given(st.lists(SIGNING, min_size=1, max_size=12))
def test_a_limit_of_signing_that_passed_is_one_event_and_ends_by_nothing_but_itself(seen):
    versions = [
        item(n, state="assigned", sign_due=sign_due, sign_late=late, light=light, due=due)
        for n, (sign_due, late, light, due) in enumerate(seen, 1)
    ]
    rungs = {one for one in events(versions) if one.startswith("item-sign-late/")}
    assert rungs == {f"item-sign-late/i1/{sign_due}" for sign_due, late, *_ in seen if late}
    for old, new in pairwise(versions):
        same = (old.sign_due, old.sign_late) == (new.sign_due, new.sign_late)
        assert (Kind.ITEM_SIGN_LATE in ended(old, new)) is not same


def test_a_limit_of_signing_is_told_at_once_and_not_again_with_every_version():
    late = {"state": "assigned", "sign_due": SIGN_DUES[0], "sign_late": True}
    versions = [item(1, **late), item(2, **late, light="yellow"), item(3, **late, light="red")]
    assert [one for one in events(versions) if one.startswith("item-sign-late/")] == [
        f"item-sign-late/i1/{SIGN_DUES[0]}"
    ]
    (told,) = [one for one in happened(None, versions[0]) if one.kind is Kind.ITEM_SIGN_LATE]
    assert (told.reminder, told.over, told.told["sign_due"]) == (True, False, SIGN_DUES[0])
    assert Kind.ITEM_SIGN_LATE in ended(versions[2], item(4, state="signed", light="red"))
    assert Kind.ITEM_SIGN_LATE in ended(versions[2], item(4, **late, light="red", unit="b3"))


ASKED = {"asked": "2021-04-28T02:00:00.000000Z", "asked_day": "2021-05-07", "lapses": SIGN_DUES[1]}


def test_an_extension_that_waits_is_told_once_and_ends_when_it_waits_no_more():
    versions = [item(1), item(2, **ASKED), item(3, **ASKED, light="yellow"), item(4), item(5, **ASKED)]
    name = f"item-extension-asked/i1/{ASKED['asked']}"
    assert [one for one in events(versions[:4]) if one.startswith("item-extension-asked/")] == [name]
    (told,) = [one for one in happened(*versions[:2]) if one.kind is Kind.ITEM_EXTENSION_ASKED]
    assert (told.reminder, told.over, told.told["day"], told.told["lapses"]) == (
        True,
        False,
        "2021-05-07",
        SIGN_DUES[1],
    )
    found = [Kind.ITEM_EXTENSION_ASKED in ended(old, new) for old, new in pairwise(versions[:4])]
    assert found == [True, False, True]
    assert Kind.ITEM_EXTENSION_ASKED in ended(
        versions[2], item(4, **ASKED | {"asked": "2021-04-29T02:00:00Z"})
    )


PARTS = st.text(st.sampled_from("ab/:"), min_size=1, max_size=4)


@given(st.lists(st.tuples(PARTS, PARTS, PARTS), min_size=2, max_size=6, unique=True))
def test_the_identity_of_a_notice_is_that_of_event_rule_and_recipient(names):
    ids = set()
    for event, code, unit in names:
        happening = Happening(Kind.TIER_CHANGED, event, BEGIN, {}, unit=unit)
        one = Rule(code, Kind.TIER_CHANGED, Severity.INFO, "operator", ("unit",), {})
        (notice,) = notices([one], happening)
        ids.add(notice.id)
    assert len(ids) == len(names)


def test_an_endpoint_and_a_unit_of_the_same_name_are_two_recipients_and_nobody_is_one_twice():
    (happening,) = [one for one in happened(None, item()) if one.kind is Kind.ITEM_STATE]
    told = rule(Kind.ITEM_STATE, "unit", "co-handlers", "assessor", "unit:b1", "unit:d1", "webhook:b1")
    assert recipients(told, happening) == [
        Recipient("b1"),
        Recipient("b2"),
        Recipient("d1"),
        Recipient("b1", "webhook:b1"),
    ]
    assert len({one.id for one in notices([told], happening)}) == 4


def test_a_rule_takes_only_what_it_names_and_an_absent_value_is_none_of_them():
    (happening,) = [one for one in happened(None, item(indicator=None)) if one.kind is Kind.ITEM_STATE]
    assert rule(Kind.ITEM_STATE, "unit", state=["signed"], kind=["document"]).takes(happening)
    assert not rule(Kind.ITEM_STATE, "unit", state=["assigned"]).takes(happening)
    assert not rule(Kind.ITEM_STATE, "unit", indicator=["None", "k1"]).takes(happening)
    assert not rule(Kind.ITEM_LIGHT, "unit").takes(happening)


def test_the_words_of_rules_are_those_of_the_contracts():
    assert {state.value for state in ItemState} == document.STATES
    assert {light.value for light in Light} == document.LIGHTS
    assert {kind.value for kind in ItemKind} == document.KINDS
    assert {*map(str, range(1, LATE_DAYS_TOLD + 1))} == document.LATE_DAYS
    assert set(get_args(FeedTurned.model_fields["state"].annotation)) == document.FEED_STATES
    assert set(get_args(DayTurned.model_fields["state"].annotation)) == document.DAY_STATES
    assert set(document.SHAPES) == set(Kind)
