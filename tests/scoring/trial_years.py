"""A year in which a version begins, adopted or tried: what happens from February to October, in any order."""

import random

from tests.scoring.test_derived import item
from tests.scoring.test_stages import levy, missed
from tests.scoring.trials import batched, feed, first, stricter

TIERS = [
    {"code": "first", "title": "第一段", "share": "0.5"},
    {"code": "second", "title": "第二段", "share": "0.5"},
]
JUNE_AND_JULY = tuple(f"2021-06-{day}" for day in (21, 22, 23, 24, 25)) + tuple(
    f"2021-07-0{day}" for day in (1, 2, 5, 6, 7)
)


def tiered(document, effective="2021-01"):
    document["scheme"]["effective"] = effective
    document["tiers"] = TIERS
    return document


def facts_of(seed):
    """Return what happened from February to October, in the order in which it comes."""
    chance = random.Random(seed)
    made = [
        levy(100 + at, unit=f"b{1 + at % 4}", ontime=chance.random() < 0.7)
        | {"time": f"2021-{2 + at % 9:02d}-1{at % 10}T08:00:00+08:00"}
        for at in range(36)
    ]
    lost = [
        missed(200 + at, f"2021-{2 + at:02d}-05T08:00:00+08:00", unit=f"b{1 + at % 4}") for at in range(9)
    ]
    late = [item(days=JUNE_AND_JULY), item(name="i2", unit="b2", days=JUNE_AND_JULY[7:])]
    return chance.sample([*made, *lost, *late], len(made) + len(lost) + len(late))


def with_cities(document, *cities):
    """Return a version in which some of b1..b4 are cities; `ontime` is of bureaus alone, `prompt` of cities."""
    document["groups"]["cities"] = {"level": "city", "title": "Cities"}
    for one in document["units"]:
        if one["code"] in cities:
            one["level"] = "city"
    ontime, *others = document["indicators"]
    for one in others:
        one["groups"] = ["bureaus", "cities"]
    prompt = ontime | {"code": "prompt", "name": "Prompt", "groups": ["cities"]}
    document["indicators"] = [ontime, prompt, *others]
    return document


def unmoved(document, *_):
    """Return a version whose units stay where they are."""
    return document


async def drove(fresh, seed, begins, moved=unmoved):
    """Run a scheme of the year; in the middle of what happens, something begins: b1 joins b4."""
    driver = await fresh(moved(tiered(first()), "b4"))
    happened = facts_of(seed)
    for place, batch in enumerate(batched(happened, [9, 11, 8])):
        if place == 2:
            await begins(driver.exchange, moved(tiered(stricter(), "2021-07"), "b1", "b4"))
        await feed(driver.exchange, batch)
        await driver.run()
    return driver.exchange
