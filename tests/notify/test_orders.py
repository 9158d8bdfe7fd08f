"""However the records of several shards and streams meet, and however often they come, the notices are the same."""

import random

import pytest

from services.notify.handlers import Notify
from tests.notify.facts import ASSIGNED, OVERDUE, RULES, Feed

TIERS = {"code": "tier", "on": "tier-changed", "severity": "info", "to": ["unit", "webhook:archive"]}
LIGHTS = {"code": "yellow", "on": "item-light", "when": {"light": ["yellow", "red"]}, "severity": "warning"}
EVERYTHING = {"rules": [*RULES["rules"], TIERS, LIGHTS | {"to": ["unit", "assessor", "webhook:archive"]}]}
STATES = ("assigned", "signed", "in_progress", "submitted", "sent_back", "completed")
TABLES = ("notices", "items", "units", "schemes", "deliveries")


def lived(seed):
    """Return the records of several shards, each list in the order of its stream and shard."""
    chance = random.Random(seed)
    lists = []
    for shard in (0, 1, 2):
        feed = Feed(shard)
        items = []
        for n in range(20):
            late = chance.randrange(5)
            items.append(
                feed.item(
                    f"i{shard}-{chance.randrange(3)}",
                    at=f"2021-05-01T00:{n:02}:00Z",
                    state=chance.choice(STATES),
                    late=late,
                    light="red" if late else chance.choice(("green", "yellow")),
                    assessor="d1",
                )
            )
        tiers = [
            feed.tier(f"b{chance.randrange(3)}", new=chance.choice(("first", "third"))) for _ in range(6)
        ]
        lists += [items, tiers, [feed.adopted()]]
    return lists


def mixed(lists, chance):
    """Yield batches in which each list keeps its order and some records come twice."""
    left = [list(one) for one in lists]
    while any(left):
        batch = []
        for one in chance.sample(left, chance.randint(1, len(left))):
            count = chance.randint(0, 5)
            batch += one[:count]
            del one[:count]
        if batch:
            yield batch
            if chance.random() < 0.3:
                yield batch


async def emptied(service):
    async with service.exchange.begin(actor="test", action="empty") as tx:
        for table in TABLES:
            await tx.execute(f"TRUNCATE {table} CASCADE")
    service.handler = Notify()


@pytest.mark.parametrize("seed", range(4))
async def test_every_order_and_batching_gives_the_same_notices(service, seed):
    await service.adopt(EVERYTHING)
    lists = lived(seed)
    await service.apply(*(record for one in lists for record in one))
    expected = await service.state()
    assert len(expected["notices"]) > 30
    for turn in range(5):
        await emptied(service)
        for batch in mixed(lists, random.Random(100 * seed + turn)):
            await service.apply(*batch)
        assert await service.state() == expected


async def test_a_replay_of_all_events_sends_nothing_even_if_the_state_of_items_was_lost(service):
    await service.adopt(EVERYTHING)
    lists = lived(7)
    records = [record for one in lists for record in one]
    await service.apply(*records)
    expected = await service.state()
    for lost in ("", "TRUNCATE items", "TRUNCATE items, units, schemes"):
        async with service.exchange.begin(actor="test", action="lose") as tx:
            if lost:
                await tx.execute(lost)
        service.handler = Notify()
        await service.apply(*records)
        assert await service.state() == expected


async def test_rules_count_for_what_follows_them_whenever_it_is_applied_again(service):
    feed, other = Feed(0), Feed(1)
    await service.begin()
    await service.adopt({"rules": [ASSIGNED]})
    before = [feed.item("old"), other.item("late", late=1)]
    await service.apply(*before)
    await service.adopt({"rules": [ASSIGNED | {"severity": "urgent"}, OVERDUE]})
    after = [feed.item("new", late=1), other.item("late", late=1, state="signed"), other.item("late", late=3)]
    await service.apply(*after)
    told = await service.notices()
    assert [(rule, event) for rule, _, _, event, _ in told if rule == "overdue"] == [
        ("overdue", f"item-late/late/{feed_due(3)}"),
        ("overdue", f"item-late/new/{feed_due(1)}"),
    ], "the first day of `late` was before the rule, and the second is no rung of it"
    expected = await service.state()
    await emptied(service)
    await service.apply(*before, *after)
    assert await service.state() == expected, "one batch over both versions tells each by its own rules"


def feed_due(day):
    return f"2021-04-29T16:00:00.000000Z/{day}"
