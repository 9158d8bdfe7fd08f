"""Who comes too often waits, what cannot be stored is not read, and all goes on by itself afterwards."""

import asyncio
from collections import Counter

import httpx
import pytest
from prometheus_client import REGISTRY

from services.ingest.api import door as doors
from services.ingest.api.door import Door
from services.ingest.closings import Closings
from services.ingest.committing import Admission
from services.ingest.intake import Intake
from services.ingest.storage import Room, Storage
from shared.kernel.errors import Unavailable
from shared.messaging import committer as committing
from shared.messaging.committer import Committer
from shared.web.rates import BURST_S, CALLERS, Rate, Rates
from tests.ingest.serving import Served, database_of, serving
from tests.waiting import LIMIT_S, becomes, until

CONNECTIONS = 10


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_a_caller_has_its_rate_and_a_burst_and_nobody_elses():
    clock = Clock()
    rates = Rates(clock)
    rate = Rate(10)
    assert [rates.wait_s("a", rate) for _ in range(20)] == [0.0] * 20
    assert rates.wait_s("a", rate) == pytest.approx(0.1)
    assert rates.wait_s("b", rate) == 0.0
    clock.now += 0.5
    assert [rates.wait_s("a", rate) > 0 for _ in range(6)] == [False] * 5 + [True]
    clock.now += 1000
    assert sum(rates.wait_s("a", rate) == 0.0 for _ in range(100)) == 10 * BURST_S


def test_as_many_callers_as_are_kept_do_not_grow():
    rates = Rates(Clock())
    for number in range(CALLERS + 500):
        rates.wait_s(str(number), Rate(1))
    assert len(rates._due) == CALLERS


@pytest.fixture(scope="module")
def slow(postgres_url, tmp_path_factory):
    """A service with low rates, so that a test need not send many requests."""
    rates = {"client_requests_per_s": 5, "address_requests_per_s": 5}
    with serving(database_of(postgres_url), tmp_path_factory.mktemp("slow"), **rates) as served:
        yield served


async def hammer(served: Served, headers, path: str, stop: asyncio.Event, found: Counter, waits: set):
    limits = httpx.Limits(max_connections=CONNECTIONS)
    base = f"http://127.0.0.1:{served.port}"
    async with httpx.AsyncClient(
        base_url=base, headers=headers, trust_env=False, limits=limits, timeout=30
    ) as client:

        async def one():
            while not stop.is_set():
                answer = await client.get(path)
                found[answer.status_code] += 1
                if answer.status_code == 429:
                    waits.add(int(answer.headers["retry-after"]))
                    assert answer.json()["code"] == "too_many_requests"

        async with asyncio.TaskGroup() as group:
            for _ in range(CONNECTIONS):
                group.create_task(one())


async def test_a_client_above_its_rate_is_told_to_wait_and_others_are_served(slow: Served):
    stop, found, waits = asyncio.Event(), Counter(), set()
    loop = asyncio.get_running_loop()
    took = []
    async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as group:
        group.create_task(hammer(slow, slow.headers("greedy"), "/v1/types", stop, found, waits))
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{slow.port}", headers=slow.headers("modest"), trust_env=False
        ) as modest:
            while found[429] < 2 * CONNECTIONS:
                begun = loop.time()
                assert (await modest.get("/v1/types")).status_code == 200
                took.append(loop.time() - begun)
                await asyncio.sleep(0.25)
        stop.set()
    assert found.keys() == {200, 429}
    assert min(waits) >= 1
    assert sorted(took)[len(took) // 2] < 1.0, took


async def test_an_address_without_a_token_is_told_to_wait(slow: Served):
    stop, found, waits = asyncio.Event(), Counter(), set()
    async with asyncio.TaskGroup() as group:
        group.create_task(hammer(slow, {"authorization": "Bearer x.y.z"}, "/v1/types", stop, found, waits))
        await becomes(lambda: found[429] >= CONNECTIONS)
        probed = httpx.AsyncClient(base_url=f"http://127.0.0.1:{slow.port}", trust_env=False)
        async with probed:
            assert (await probed.get("/livez")).status_code == 200
        stop.set()
    assert found.keys() == {401, 429}
    assert min(waits) >= 1


async def test_a_crowd_without_tokens_keeps_no_new_token_of_its_address_out(slow: Served):
    stop, found, waits = asyncio.Event(), Counter(), set()
    async with asyncio.TaskGroup() as group:
        group.create_task(hammer(slow, {}, "/v1/types", stop, found, waits))
        await becomes(lambda: found[429] >= 2 * CONNECTIONS)
        base = f"http://127.0.0.1:{slow.port}"
        async with httpx.AsyncClient(base_url=base, headers=slow.headers("late"), trust_env=False) as fresh:
            assert (await fresh.get("/v1/types")).status_code == 200
        stop.set()


@pytest.fixture
def door(exchange):
    admission = Admission(exchange, replay=False)
    return Door(admission, Committer(admission.commit), Storage(exchange, Room()), Closings(exchange))


def test_bodies_that_are_held_have_a_bound_and_room_comes_back(door):
    with door.holding(doors.BODIES_BYTES - 10):
        with pytest.raises(Unavailable), door.holding(11):
            pass
        with door.holding(10):
            pass
    with door.holding(doors.BODIES_BYTES):
        pass


async def test_a_full_queue_is_told_before_a_body_is_read(door, monkeypatch):
    door.check()
    monkeypatch.setattr(committing, "QUEUE_ITEMS", 0)
    with pytest.raises(Unavailable):
        door.check()


async def test_without_room_nothing_is_taken_and_with_room_again_it_is(exchange, tmp_path):
    async with exchange.reading() as tx:
        everything = await Room(folder=tmp_path).free_bytes(tx)
        used = 10**12 - await Room(capacity_bytes=10**12).free_bytes(tx)
    assert 0 < used < 10**11
    for short in (Room(tmp_path, None, everything * 2), Room(None, used + (1 << 20), 1 << 30)):
        storage = Storage(exchange, short)
        storage.check()
        await storage.look()
        with pytest.raises(Unavailable) as refused:
            storage.check()
        assert (refused.value.code, refused.value.retry_after_s) == ("storage", 2)
        assert REGISTRY.get_sample_value("dukao_storage_lacking") == 1
        storage._room = Room(tmp_path, 10**15, 1)
        await storage.look()
        storage.check()
        assert REGISTRY.get_sample_value("dukao_storage_lacking") == 0


async def test_the_intake_reads_nothing_while_nothing_can_be_stored(exchange, tmp_path):
    storage = Storage(exchange, Room(tmp_path, None, 1 << 62))
    await storage.look()

    class Untouched:
        """Topics that must not be asked."""

    with pytest.raises(Unavailable):
        await Intake(Admission(exchange, replay=False), Untouched(), storage.check).step()


def test_a_door_without_room_answers_503_before_it_reads(postgres_url, tmp_path):
    with serving(
        database_of(postgres_url), tmp_path, storage_folder=tmp_path, storage_floor_bytes=1 << 62
    ) as served:

        def refused():
            answer = served.raw(
                b"POST /v1/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1000\r\n"
                b"Content-Type: application/cloudevents+json\r\n"
                b"Authorization: " + served.headers()["authorization"].encode() + b"\r\n\r\n"
            )  # fmt: skip
            return (
                answer.startswith(b"HTTP/1.1 503")
                and b'"code":"storage"' in answer
                and b"retry-after" in answer
            )

        until(refused)
        with served.client() as client:
            lines = client.post(
                "/v1/events:stream", content=b"", headers={"content-type": "application/x-ndjson"}
            )
            assert (lines.status_code, lines.json()["code"]) == (503, "storage")
            assert client.get("/v1/types").status_code == 200
            assert "dukao_storage_free_bytes" in client.get("/metrics").text
    assert "no event is taken" in (tmp_path / "log").read_text()
