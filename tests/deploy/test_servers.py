"""Both servers are started for real, by the machine's programs and by those of the wheels."""

import asyncio
import os
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.embedded.files import server_account
from deploy.embedded.java import find_java
from deploy.embedded.kafka import Kafka, kafka_running, start_kafka
from deploy.embedded.postgres import Postgres, find_postgres, postgres_running, start_postgres
from deploy.table import OWNER
from shared.messaging.kafka_access import KafkaAccess
from shared.messaging.kafka_broker import ensure_topics


async def ask(server: Postgres, statement: str) -> object:
    connection = await asyncpg.connect(server.url.replace("+asyncpg", ""))
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def account_name(pid: int) -> str:
    return psutil.Process(pid).username()


def expected_account() -> str:
    account = server_account()
    return account.name if account else psutil.Process().username()


@pytest.mark.parametrize(("choice", "origins"), [("auto", {"machine", "wheel"}), ("wheel", {"wheel"})])
def test_postgres_runs_unprivileged_keeps_its_data_and_leaves_no_process(
    server_folder: Path, choice: str, origins: set[str]
) -> None:
    with postgres_running(server_folder, choice=choice) as first:
        children = psutil.Process(first.process.pid).children(recursive=True)
        assert account_name(first.process.pid) == expected_account()
        assert asyncio.run(ask(first, "SELECT current_setting('fsync')")) == "on"
        assert asyncio.run(ask(first, "SELECT current_user")) == OWNER
        asyncio.run(ask(first, "CREATE TABLE kept (n int)"))
    assert not any(psutil.pid_exists(child.pid) for child in children)
    assert not psutil.pid_exists(first.process.pid)
    with postgres_running(server_folder, choice=choice) as second:
        assert asyncio.run(ask(second, "SELECT count(*) FROM kept")) == 0
        assert first.binaries == second.binaries == find_postgres(choice, server_account())
        assert second.binaries.origin in origins


def test_postgres_refuses_a_wrong_password(server_folder: Path) -> None:
    server = start_postgres(server_folder)
    try:
        with pytest.raises(asyncpg.InvalidPasswordError):
            asyncio.run(asyncpg.connect(server.url_of(OWNER, "wrong").replace("+asyncpg", "")))
    finally:
        server.stop()


def test_postgres_keeps_what_was_committed_when_it_is_killed(server_folder: Path) -> None:
    server = start_postgres(server_folder)
    asyncio.run(ask(server, "CREATE TABLE kept AS SELECT 7 AS n"))
    server.process.kill()
    server.process.wait()
    with postgres_running(server_folder) as again:
        assert asyncio.run(ask(again, "SELECT n FROM kept")) == 7


async def round_trip(server: Kafka, value: bytes) -> list[bytes]:
    await ensure_topics(KafkaAccess(server.bootstrap), ["a.topic"])
    producer = AIOKafkaProducer(bootstrap_servers=server.bootstrap, acks="all")
    await producer.start()
    await producer.send_and_wait("a.topic", value, partition=3)
    await producer.stop()
    consumer = AIOKafkaConsumer(bootstrap_servers=server.bootstrap)
    await consumer.start()
    try:
        place = TopicPartition("a.topic", 3)
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        end = (await consumer.end_offsets([place]))[place]
        values: list[bytes] = []
        while len(values) < end:
            found = await consumer.getmany(timeout_ms=1000)
            values += [message.value for messages in found.values() for message in messages]
        return values
    finally:
        await consumer.stop()


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("java", "origins"),
    [("auto", {"machine", "wheel"}), pytest.param("wheel", {"wheel"}, marks=pytest.mark.long)],
)
def test_kafka_runs_unprivileged_keeps_its_log_and_leaves_no_process(
    server_folder: Path, java: str, origins: set[str]
) -> None:
    with kafka_running(server_folder, java=java) as first:
        assert account_name(first.process.pid) == expected_account()
        assert asyncio.run(round_trip(first, b"one")) == [b"one"]
    assert not psutil.pid_exists(first.process.pid)
    with kafka_running(server_folder, java=java) as second:
        assert first.java == second.java == find_java(java, server_account())
        assert second.java.origin in origins
        assert asyncio.run(round_trip(second, b"two")) == [b"one", b"two"]


@pytest.mark.kafka
@pytest.mark.long
def test_kafka_keeps_what_it_acknowledged_when_it_is_killed(server_folder: Path) -> None:
    server = start_kafka(server_folder)
    assert asyncio.run(round_trip(server, b"one")) == [b"one"]
    os.kill(server.process.pid, 9)
    server.process.wait()
    with kafka_running(server_folder) as again:
        assert asyncio.run(round_trip(again, b"two")) == [b"one", b"two"]
