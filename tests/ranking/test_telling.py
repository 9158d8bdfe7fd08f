"""Ranking on a real PostgreSQL: what it keeps of figures and schemes, and what it tells of them."""

import itertools

import pytest

from services.ranking import store, versions
from services.ranking.contract import STANDING_MOVED, TIER_CHANGED
from services.ranking.domain.rows import Row
from shared.contracts.scoring import Cause
from shared.kernel.shards import PARTITIONS
from tests.ranking.rig import MARCH, adopted, figure, places, posted, scheme, service

__all__ = ["service"]


async def test_a_batch_is_told_once_per_group_with_every_period_that_moved(service):
    await service.apply(adopted(scheme()))
    told = await service.apply(
        posted(figure("b1", "9"), figure("b1", "9", period="2021-Q1")),
        posted(figure("b2", "8"), figure("b2", "8", period="2021-Q1")),
        posted(figure("b1", "7"), fresh_at="2021-04-01T00:00:01.000000Z"),
    )
    assert len(told[STANDING_MOVED]) == 1
    message = told[STANDING_MOVED][0]
    assert [one["period"] for one in message["standings"]] == [MARCH, "2021-Q1"]
    assert message["fresh_at"] == "2021-04-01T00:00:01.000000Z"
    assert places(told) == {"b1": (2, "second", "7.00"), "b2": (1, "first", "8.00"), "b3": (None, None, None)}


async def test_a_message_stays_small_whatever_a_batch_brings(service):
    units = [f"u{i}" for i in range(1_200)]
    await service.apply(adopted(scheme(units=units)))
    causes = [Cause(shard=i % 3, first=i + 1, last=i + 2) for i in range(3_000)]
    figures = [figure(unit, "9", period=period) for unit in units for period in (MARCH, "2021-Q1")]
    told = await service.apply(
        *(posted(*figures, cause=(cause,)) for cause in causes[:1]), posted(cause=causes)
    )
    assert [len(message["cause"]) for message in told[STANDING_MOVED]] == [3, 0]
    assert told[STANDING_MOVED][0]["cause"][0] == {
        "stream": "ingest.accepted",
        "shard": 0,
        "first": 1,
        "last": 2_999,
    }
    counts = [sum(len(one["places"]) for one in message["standings"]) for message in told[STANDING_MOVED]]
    assert counts == [2_000, 400]


async def test_what_does_not_move_is_not_told(service):
    await service.apply(adopted(scheme()), posted(figure("b1", "9"), figure("b2", "8"), figure("b3", "7")))
    assert await service.apply(posted(figure("b1", "9.001"))) == {STANDING_MOVED: [], TIER_CHANGED: []}
    assert places(await service.apply(posted(figure("b1", "9.01")))) == {"b1": (1, "first", "9.01")}


async def test_a_tier_that_changed_is_told_for_each_unit(service):
    figures = [figure("b1", "9"), figure("b2", "8"), figure("b3", "7")]
    first = await service.apply(adopted(scheme()), posted(*figures))
    assert [(one["unit"], one["old"], one["new"]) for one in first[TIER_CHANGED]] == [
        ("b1", None, "first"),
        ("b2", None, "first"),
        ("b3", None, "second"),
    ]
    then = await service.apply(posted(figure("b3", "8.50")))
    assert [(one["unit"], one["old"], one["new"]) for one in then[TIER_CHANGED]] == [
        ("b2", "first", "second"),
        ("b3", "second", "first"),
    ]
    unranked = await service.apply(posted(figure("b1", "9", volume=19)))
    assert ("b1", "first", None) in [(o["unit"], o["old"], o["new"]) for o in unranked[TIER_CHANGED]]


async def test_figures_that_come_before_their_scheme_are_told_with_it(service):
    assert await service.apply(posted(figure("b1", "9"))) == {STANDING_MOVED: [], TIER_CHANGED: []}
    assert places(await service.apply(adopted(scheme())))["b1"] == (1, "first", "9.00")


IN_ORDER = [
    order
    for order in itertools.permutations(("scheme 1", "figures 1", "figures 2", "scheme 2"))
    if order.index("scheme 1") < order.index("scheme 2")
    and order.index("figures 1") < order.index("figures 2")
]


@pytest.mark.parametrize("order", IN_ORDER, ids=", ".join)
async def test_the_order_in_which_streams_merge_leaves_no_trace(service, order):
    messages = {
        "scheme 1": adopted(scheme()),
        "figures 1": posted(figure("b1", "9"), figure("b2", "8"), figure("b3", "1")),
        "figures 2": posted(figure("b1", "7"), figure("b2", "8"), version=2),
        "scheme 2": adopted(scheme(2, units=("b1", "b2"))),
    }
    known = {}
    for at in order:
        known |= places(await service.apply(messages[at]))
    known.setdefault("b3", (None, None, None))
    assert known == {"b1": (2, "second", "7.00"), "b2": (1, "first", "8.00"), "b3": (None, None, None)}


async def test_an_indicator_that_a_new_version_drops_counts_no_more(service):
    old = [figure("b1", "9"), figure("b1", "5", indicator="missed")]
    assert places(await service.apply(adopted(scheme()), posted(*old)))["b1"][2] == "14.00"
    told = await service.apply(adopted(scheme(2)), posted(figure("b1", "9"), version=2))
    assert places(told)["b1"][2] == "9.00"


async def test_late_figures_of_a_version_that_was_replaced_are_not_counted(service):
    await service.apply(adopted(scheme()), adopted(scheme(2)), posted(figure("b1", "9"), version=2))
    late = [figure("b1", "5", indicator="missed"), figure("b1", "1"), figure("b4", "10")]
    assert await service.apply(posted(*late)) == {STANDING_MOVED: [], TIER_CHANGED: []}


async def test_what_is_read_for_an_answer_is_of_one_moment(service):
    await service.apply(adopted(scheme()), posted(figure("b1", "9")))
    group = "mini", "bureaus"
    async with service.exchange.snapshot() as tx:
        schemes = await versions.in_force(tx, group, [MARCH])
        before = await store.figures(tx, group, schemes), await store.fresh_at(tx, group)
        await service.apply(posted(figure("b1", "5"), fresh_at="2021-04-02T00:00:00.000000Z"))
        assert (await store.figures(tx, group, schemes), await store.fresh_at(tx, group)) == before
    async with service.exchange.reading() as tx:
        assert await store.fresh_at(tx, group) == "2021-04-02T00:00:00.000000Z"


async def test_what_is_held_in_memory_is_what_is_kept(service):
    """A ranking that forgets between batches tells the same as one that remembers."""
    batches = [
        [adopted(scheme()), posted(figure("b1", "9"), figure("b2", "8"))],
        [posted(figure("b1", "9", volume=19), figure("b1", "7", period="2021-Q1"))],
        [posted(figure("b2", "9.5"), figure("b2", None, indicator="missed"))],
        [adopted(scheme(2, units=("b1", "b2"))), posted(figure("b2", "4"), version=2)],
        [posted(figure("b1", "10"), version=2), posted(figure("b1", "3"), version=1)],
    ]
    remembered = [await service.apply(*batch) for batch in batches]
    async with service.exchange.begin(actor="test", action="empty") as tx:
        for table in ("schemes", "groups", "figures", "places"):
            await tx.execute(f"DELETE FROM {table}")
    service.numbers = itertools.count(1)
    forgotten = []
    for batch in batches:
        service.ranking.forget(range(PARTITIONS))
        forgotten.append(await service.apply(*batch))
    assert remembered == forgotten
    assert places(remembered[-1])["b1"] == (1, "first", "10.00")


async def test_figures_that_stand_on_an_older_record_change_nothing(service):
    await service.apply(adopted(scheme()), posted(figure("b1", "9")))
    row = Row({"ontime": 1}, 20, 1)
    async with service.exchange.begin(actor="test", action="older") as tx:
        await store.save_rows(tx, ("mini", "bureaus"), {(1, MARCH, "b1"): row})
        found = await store.rows(tx, ("mini", "bureaus"), [(1, MARCH)])
    assert found[1, MARCH]["b1"].worth == {"ontime": 9 * 10**12}
