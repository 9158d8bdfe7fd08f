"""A broker that lets us wait or is not there yet: what lies in a topic is told all the same, later."""

import asyncio
import gc
import itertools
import random
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Float64, Int16, Int32, Schema, String

from services.ingest.domain.binding import topic_of
from services.ingest.fetching import lying_at
from services.ingest.gateway import InboundTopics
from shared.kernel.errors import Unavailable
from shared.messaging.kafka_access import KafkaAccess

NUMBERS = itertools.count(1)
BYTES_A_SECOND = 10_000
VALUE = random.Random(1).randbytes(4_000)  # so that the broker is asked to wait for half a second at most
ENTITY = Array(("type", String()), ("name", String()))


@pytest.fixture
async def topic(kafka_bootstrap):
    made = topic_of(f"fetching{next(NUMBERS)}")
    await InboundTopics(KafkaAccess(kafka_bootstrap)).ensure([made])
    return made


class Altered(Response):
    API_KEY, API_VERSION = 49, 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("entries", Array(("error_code", Int16), ("error_message", String()), ("entity", ENTITY))),
    )


class AlterV0(RequestStruct):
    API_KEY, API_VERSION, RESPONSE_TYPE = 49, 0, Altered
    SCHEMA = Schema(
        (
            "entries",
            Array(
                ("entity", ENTITY),
                ("ops", Array(("key", String()), ("value", Float64), ("remove", Boolean))),
            ),
        ),
        ("validate_only", Boolean),
    )


class AlterQuotas(Request[AlterV0]):
    """Lets a client, by its id, have so many bytes a second; aiokafka has no such request."""

    API_KEY = 49

    def __init__(self, client_id, bytes_a_second):
        self._entry = [("client-id", client_id)], [("consumer_byte_rate", bytes_a_second, False)]

    def build(self, made):
        return made([self._entry], False)


class Noting(AIOKafkaClient):
    """A client that notes how many topics each answer had."""

    def __init__(self, bootstrap, client_id):
        super().__init__(bootstrap_servers=bootstrap, client_id=client_id)
        self.had = []

    async def send(self, node_id, request, **more):
        answer = await super().send(node_id, request, **more)
        self.had.append(len(answer.topics))
        return answer


@pytest.mark.kafka
async def test_what_lies_at_an_offset_is_told_though_the_broker_lets_us_wait(kafka_bootstrap, topic):
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as producer:
        await producer.send_and_wait(topic, VALUE, partition=0)
    client = Noting(kafka_bootstrap, topic)
    await client.bootstrap()
    try:
        await client.set_topics({topic})
        altered = await AIOKafkaClient.send(
            client, client.get_random_node(), AlterQuotas(topic, BYTES_A_SECOND)
        )
        assert [code for code, *_ in altered.entries] == [0]
        async with asyncio.timeout(30):
            while 0 not in client.had:
                found = await lying_at(client, "desk", (topic, 0), 0)
                assert found.value == VALUE
        assert client.had[-1] == 1
    finally:
        await client.close()


class Door:
    """Turns clients away after their first words until it is open, and then leads them to a broker."""

    def __init__(self, broker):
        self._broker = broker
        self.is_open = False
        self.turned_away = 0
        self.port = 0

    @asynccontextmanager
    async def stands(self):
        server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _meet(self, reader, writer):
        try:
            if self.is_open:
                other, to_broker = await asyncio.open_connection(*self._broker.split(":"))
                async with asyncio.TaskGroup() as group:
                    group.create_task(_carry(reader, to_broker))
                    group.create_task(_carry(other, writer))
            else:
                await reader.read(1)
                self.turned_away += 1
        finally:
            writer.close()


async def _carry(reader, writer):
    while said := await reader.read(1 << 16):
        writer.write(said)
    writer.close()


@pytest.mark.kafka
async def test_a_client_that_asks_and_does_not_start_leaves_nothing_open_and_the_next_one_does(
    kafka_bootstrap, topic
):
    told = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context))
    async with Door(kafka_bootstrap).stands() as door:
        topics = InboundTopics(KafkaAccess(f"127.0.0.1:{door.port}"))
        with pytest.raises(Unavailable):
            await topics.ends([(topic, 0)])
        gc.collect()
        assert (door.turned_away, told) == (1, [])
        door.is_open = True
        assert await topics.ends([(topic, 0)]) == {(topic, 0): 0}
        await topics.close()
