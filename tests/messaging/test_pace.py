"""A batch is as large as about a second allows, and one that is too large gets smaller until it passes."""

from hypothesis import given
from hypothesis import strategies as st

from shared.messaging.broker import MemoryBroker
from shared.messaging.pace import FIRST_RECORDS, LEAST_RECORDS, MOST_RECORDS, REST_S, Pace
from tests.messaging.flow import Tally, consumer_of, publish, reaches, running

TOO_LARGE = 50


class Frail(Tally):
    """A handler whose session is ended when its batch is too large."""

    async def __call__(self, tx, batch):
        if len(batch) > TOO_LARGE:
            raise ConnectionError("idle in transaction")
        return await super().__call__(tx, batch)


async def test_a_batch_that_is_too_large_gets_smaller_until_it_passes(exchange):
    broker = MemoryBroker()
    await publish(exchange, broker, 2 * TOO_LARGE)
    async with running(consumer_of(exchange, broker, handler=Frail())):
        await reaches(exchange, 2 * TOO_LARGE)


def test_quick_batches_grow_to_the_most_and_a_slow_one_shrinks_to_what_fits():
    pace = Pace()
    while pace.records < MOST_RECORDS:
        before = pace.records
        pace.took(before, 0.01)
        assert pace.records == min(2 * before, MOST_RECORDS)
    pace.took(MOST_RECORDS, 8.0)
    assert pace.records == MOST_RECORDS // 8


def test_slowness_alone_makes_no_batch_smaller_than_the_first():
    pace = Pace()
    for _ in range(10):
        pace.took(pace.records, 9.0)
    assert pace.records == FIRST_RECORDS
    pace.failed()
    pace.took(pace.records, 9.0)
    assert pace.records == FIRST_RECORDS // 4


def test_after_failures_records_are_tried_one_by_one():
    pace = Pace()
    for _ in range(6):
        pace.failed()
    assert pace.records == 1


def test_a_small_batch_tells_nothing_of_what_would_fit():
    pace = Pace()
    pace.took(3, 0.9)
    assert pace.records == FIRST_RECORDS


def test_a_consumer_that_keeps_up_waits_for_company_and_one_that_is_behind_does_not():
    pace = Pace()
    assert pace.rest_s(3) == REST_S
    assert Pace(0.25).rest_s(3) == 0.25
    assert pace.rest_s(pace.records) == 0
    assert pace.rest_s(0) == 0


@given(st.lists(st.one_of(st.none(), st.tuples(st.integers(1, MOST_RECORDS), st.floats(0, 60)))))
def test_a_batch_is_never_empty_and_never_unbounded(history):
    pace = Pace()
    for one in history:
        if one is None:
            pace.failed()
        else:
            pace.took(*one)
        assert LEAST_RECORDS <= pace.records <= MOST_RECORDS
