"""What calls a person is a gauge for as long as it lasts: halted shards, open gaps, records not applied."""

from prometheus_client import REGISTRY

from shared.messaging.consumer import Limits
from shared.messaging.lookout import Patience
from shared.messaging.relay import Relay
from tests.messaging.flow import CONSUMER, STREAM, applied, consumer_of, fill, publish, reaches, running
from tests.messaging.test_faults import rewrite
from tests.messaging.test_orders import Leaving, Stumbling, record_at
from tests.waiting import becomes

LOOKS_SOON = Limits(patience=Patience(every_s=0.1, again_s=0.1))


async def is_told(desk):
    """Wait until the desk knows of the halt, which a worker tells at its next beat."""

    async def there():
        return any(one.state == "halted" for one in (await desk.shards())[0])

    await becomes(there)


async def shows(name, value, **labels):
    labels = {"consumer": CONSUMER} | labels
    try:
        await becomes(lambda: REGISTRY.get_sample_value(name, labels) == value)
    except TimeoutError:
        assert REGISTRY.get_sample_value(name, labels) == value


def gaps_noticed():
    labels = {"consumer": CONSUMER, "stream": STREAM}
    return REGISTRY.get_sample_value("dukao_gaps_total", labels) or 0


async def test_a_failure_of_ours_is_shown_until_a_retry_is_done(exchange, broker, desk):
    handler = Stumbling((2, 4))
    await publish(exchange, broker, 60)
    async with running(consumer_of(exchange, broker, handler=handler, limits=LOOKS_SOON)):
        await shows("dukao_shards_halted", 1)
        await shows("dukao_consumer_lag_records", 9, stream=STREAM)
        await is_told(desk)
        noticed = gaps_noticed()
        handler.fails.clear()
        await desk.retry(CONSUMER, (None, None), "deployed 1.2", "olga")
        await shows("dukao_shards_halted", 0)
        await shows("dukao_consumer_lag_records", 0, stream=STREAM)
        await reaches(exchange, 60)
    assert gaps_noticed() == noticed


async def test_a_rewritten_record_is_shown_until_a_retry_is_done(exchange, broker, desk):
    await publish(exchange, broker, 60)
    rewrite(broker, 2, at=3)
    async with running(consumer_of(exchange, broker)):
        await is_told(desk)
        await shows("dukao_shards_halted", 1)
        await desk.retry(CONSUMER, (STREAM, 2), "the topic was tampered with", "olga")
        await shows("dukao_shards_halted", 0)
        await reaches(exchange, 60)


async def test_a_record_that_two_persons_skip_is_shown_until_then(exchange, broker, desk, skips):
    await publish(exchange, broker, 60)
    async with running(consumer_of(exchange, broker, handler=Stumbling((2, 4)))):
        await is_told(desk)
        await shows("dukao_shards_halted", 1)
        target = await record_at(exchange, 2, 4)
        order = await skips.ask(target, "its unit was dissolved", "olga")
        await shows("dukao_shards_halted", 1)
        await skips.approve(order.id, target["digest"], "otto")
        await shows("dukao_shards_halted", 0)
        assert (2, 4) not in await applied(exchange)


async def test_a_worker_that_has_no_partition_any_more_shows_nothing_of_them(exchange, broker):
    await publish(exchange, broker, 60)
    consumer = consumer_of(exchange, broker, handler=Stumbling((2, 4)), limits=LOOKS_SOON)
    async with running(consumer):
        await shows("dukao_shards_halted", 1)
        await shows("dukao_consumer_lag_records", 9, stream=STREAM)
    consumer.leases.held = {}
    await consumer._look_for_missing(idle=True)
    await shows("dukao_consumer_lag_records", 0, stream=STREAM)


async def test_a_gap_is_shown_while_nobody_fills_it(exchange, broker):
    archive = Leaving(exchange)
    archive.is_away = True
    await publish(exchange, broker, 60)
    del broker.records[STREAM, 2][4]
    noticed = gaps_noticed()
    async with running(consumer_of(exchange, broker, archive=archive)):
        await shows("dukao_gaps_open", 1)
        await shows("dukao_shards_halted", 0)
        archive.is_away = False
        await shows("dukao_gaps_open", 0)
        await reaches(exchange, 60)
    assert gaps_noticed() == noticed + 1


async def test_what_is_archived_and_not_sent_is_behind_too(exchange, broker):
    async with running(consumer_of(exchange, broker, limits=LOOKS_SOON)):
        await fill(exchange, 25)
        await shows("dukao_consumer_lag_records", 25, stream=STREAM)
        async with running(Relay(exchange, broker, [STREAM], "w1")):
            await shows("dukao_consumer_lag_records", 0, stream=STREAM)
