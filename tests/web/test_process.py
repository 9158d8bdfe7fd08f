"""A process answers until it is told to stop, and ends when one of its parts fails."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from shared.runtime.process import PARTS_END_S
from tests.waiting import until

PROGRAM = """
import asyncio, sys, threading
from shared.runtime.process import serve
from shared.telemetry.logs import configure
from shared.web.app import create_app
from shared.web.gate import Gate
from shared.web.rates import Rate

async def ready():
    return {}

async def steady():
    try:
        await asyncio.Event().wait()
    finally:
        print("part ended", flush=True)

async def failing():
    await asyncio.sleep(float(sys.argv[2]))
    raise ZeroDivisionError

async def cancelled():
    waited = asyncio.get_running_loop().create_future()
    waited.cancel()
    await waited

async def stubborn():
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            print("no", flush=True)

async def deaf():
    threading.Thread(target=threading.Event().wait).start()
    await asyncio.Event().wait()

async def close():
    print("closed", flush=True)

async def close_and_fail():
    print("closed", flush=True)
    raise MemoryError

configure("test")
gate = Gate(tokens=None, client_rate=Rate(2), address_rate=Rate(2))
app = create_app(
    title="t", service="test", routers=[], readiness=ready, tokens=None, gate=gate
)
parts = [steady, failing] if float(sys.argv[2]) >= 0 else [steady]
parts += [part for part in (stubborn, cancelled, deaf) if part.__name__ in sys.argv[3:]]
serve(app, gate, "127.0.0.1", int(sys.argv[1]), parts, [close_and_fail if "unclosed" in sys.argv else close])
"""
DEADLINE_S = 20


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def start(port: int, fail_after_s: float = -1, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(port), str(fail_after_s), *more],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_live(port: int) -> None:
    def live() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/livez").status_code == 200
        except httpx.TransportError:
            return False

    until(live, DEADLINE_S)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_server_parts_and_resources_in_order(number: signal.Signals) -> None:
    port = free_port()
    with start(port) as process:
        wait_live(port)
        process.send_signal(number)
        out, log = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, out) == (0, "part ended\nclosed\n"), log


def test_a_failing_part_ends_the_process_by_name() -> None:
    with start(free_port(), 0.1) as process:
        out, log = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, out) == (1, "part ended\nclosed\n"), log
    events = [json.loads(line) for line in log.splitlines()]
    (failure,) = [event for event in events if event["event"] == "part failed"]
    assert (failure["part"], failure["service"], failure["level"]) == ("failing", "test", "error")
    assert "ZeroDivisionError" in failure["exception"]


def test_a_part_that_is_cancelled_by_something_within_it_ends_the_process() -> None:
    with start(free_port(), -1, "cancelled") as process:
        try:
            out, log = process.communicate(timeout=DEADLINE_S)
        finally:
            process.kill()
    assert (process.returncode, out) == (1, "part ended\nclosed\n"), log
    assert '"part": "cancelled"' in log


@pytest.mark.parametrize("fail_after_s", [-1, pytest.param(0.1, marks=pytest.mark.long)])
def test_a_part_that_does_not_end_is_left_behind(fail_after_s: float) -> None:
    port = free_port()
    with start(port, fail_after_s, "stubborn") as process:
        if fail_after_s < 0:
            wait_live(port)
            process.send_signal(signal.SIGTERM)
        try:
            out, log = process.communicate(timeout=PARTS_END_S + DEADLINE_S / 2)
        finally:
            process.kill()
    assert process.returncode == 1
    assert sorted(out.split("\n")) == ["", "no", "part ended"]
    assert '"parts": ["stubborn"]' in log


@pytest.mark.parametrize("more", [("deaf",), ("deaf", "unclosed")])
def test_a_thread_that_never_ends_does_not_keep_the_process(more: tuple[str, ...]) -> None:
    with start(free_port(), 0.1, *more) as process:
        try:
            out, log = process.communicate(timeout=DEADLINE_S)
        finally:
            process.kill()
    assert (process.returncode, out) == (1, "part ended\nclosed\n"), log
    assert ("MemoryError" in log) is ("unclosed" in more)


def test_a_taken_port_ends_the_process() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with start(int(taken.getsockname()[1])) as process:
            out, log = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, out) == (1, "part ended\nclosed\n"), log
    assert '"part": "server"' in log


def test_a_request_without_a_host_is_400_at_the_real_server() -> None:
    port = free_port()
    with start(port) as process:
        wait_live(port)
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n")
            answer = connection.makefile("rb").read()
        process.terminate()
        process.communicate(timeout=DEADLINE_S)
    assert answer.startswith(b"HTTP/1.1 400")
    assert b'"code":"host"' in answer


def test_an_address_that_a_header_names_is_not_the_callers() -> None:
    port = free_port()
    with start(port) as process:
        wait_live(port)
        statuses = [404]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            while statuses[-1] == 404 and len(statuses) < 99:
                named = f"10.0.0.{len(statuses)}"
                headers = {"x-forwarded-for": named, "forwarded": f"for={named}"}
                statuses.append(client.get("/nothing", headers=headers).status_code)
        process.terminate()
        process.communicate(timeout=DEADLINE_S)
    assert statuses[-1] == 429, "each address had an account of its own"
