"""A broker that asks who is there: the whole thread by users of their own, and what each of them may not."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, TopicAuthorizationFailedError

from deploy.admitting import admit
from deploy.control import addresses
from deploy.platform import kafka_access
from deploy.state import Options
from shared.messaging.kafka_access import KafkaAccess
from shared.messaging.kafka_login import Login
from tests.scoring.test_stages import TYPES
from tests.system.rig import Event, Rig, platform, until
from tests.thread.test_event_to_standing import EVENTS, TIERED

pytestmark = [pytest.mark.system, pytest.mark.kafka, pytest.mark.long]

STANDING = [("b1", "20.00", 1, "first"), ("b2", "19.50", 2, "second")]


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with platform(options=Options(secure=True)) as running:
        yield running


def access_of(rig: Rig, user: str) -> KafkaAccess:
    return kafka_access(rig.state, rig.record.part("kafka").port, user, secure=True)


async def write(access: KafkaAccess, topic: str, events: Sequence[Event]) -> None:
    """Write as a source does, with a client of its own."""
    producer = AIOKafkaProducer(**access.options(), request_timeout_ms=5_000)
    try:
        await producer.start()
        for event in events:
            await producer.send_and_wait(topic, json.dumps(event).encode(), partition=0)
    finally:
        await producer.stop()


async def standing(rig: Rig) -> list[tuple[str, str, int, str]]:
    answer = await rig.ask("GET", "ranking", "/v1/standings/mini/bureaus/2021-03", "reader")
    lines = answer.json()["units"] if answer.is_success else []
    return [(line["unit"], line["points"], line["rank"], line["tier"]) for line in lines]


async def readiness(rig: Rig, service: str) -> tuple[int, dict[str, bool]]:
    async with httpx.AsyncClient(trust_env=False) as client:
        try:
            answer = await client.get(f"{addresses(rig.record)[service]}/readyz")
        except httpx.TransportError:
            return 0, {}
    return answer.status_code, answer.json()["parts"]


async def test_everybody_writes_their_own_topic_and_no_other_and_the_standing_is_the_same(rig: Rig) -> None:
    await rig.adopt_types(TYPES)
    await rig.adopt_scheme(TIERED)
    source, other = [(await asyncio.to_thread(admit, rig.state, name)).user for name in ("s", "other")]
    await write(access_of(rig, source), "in.s", EVENTS)

    async def there() -> bool:
        return await standing(rig) == STANDING

    await until(there)
    for user, topic in (
        (other, "in.s"),
        (source, "in.other"),
        (source, "ingest.accepted"),
        ("ranking", "in.s"),
        ("ranking", "scoring.entries"),  # which it reads
        ("scoring", "ranking.standings"),
        ("notify", "supervision.items"),
    ):
        with pytest.raises(TopicAuthorizationFailedError):
            await write(access_of(rig, user), topic, EVENTS[:1])
    login = Login(access_of(rig, "ranking"), reads=["scoring.entries", "in.s"], writes=["scoring.entries"])
    assert not await login.look()
    assert login.refusal is not None
    assert login.refusal.reason == "not allowed: READ in.s, WRITE scoring.entries"
    with pytest.raises(KafkaConnectionError):
        await write(KafkaAccess(rig.kafka), "in.s", EVENTS[:1])
    assert await readiness(rig, "ingest") == (200, {"database": True, "kafka": True})
    passwords = [file.read_text() for file in (rig.state.folder / "passwords").iterdir()]
    logs = "".join(file.read_text() for file in (rig.state.folder / "logs").iterdir())
    assert [one for one in passwords if one in logs] == []


async def test_a_password_that_is_refused_is_said_and_taken_once_it_is_mended(rig: Rig) -> None:
    file = access_of(rig, "ranking").password_file
    assert file is not None
    right, log = file.read_text(), rig.state.log("ranking")
    file.write_text("wrong")
    await rig.kill(["ranking"])

    async def refused() -> bool:
        lines = log.read_text().splitlines()
        return any("Kafka refuses us" in line and "SaslAuthenticationFailed" in line for line in lines)

    await until(refused)
    assert await readiness(rig, "ranking") == (503, {"database": True, "kafka": False})
    assert rig.record.part("ranking").state == "starting"
    told = [json.loads(line) for line in log.read_text().splitlines() if "Kafka refuses us" in line][-1]
    assert (told["level"], told["user"], told["mechanism"]) == ("error", "ranking", "SCRAM-SHA-512")
    assert "SaslAuthenticationFailed" in told["reason"]
    assert str(file) in told["remedy"]

    restarts = rig.record.part("ranking").restarts
    file.write_text(right)
    await rig.ready()
    assert rig.record.part("ranking").restarts == restarts
    assert "Kafka takes us again" in log.read_text()
