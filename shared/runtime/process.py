"""One process: its HTTP door and its parts live and end together."""

import asyncio
import contextlib
import gc
import os
import signal
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from typing import NoReturn

import uvicorn
import uvloop
from fastapi import FastAPI

from shared.runtime.protocol import protocol_of
from shared.telemetry.logs import logger
from shared.telemetry.metrics import METRICS
from shared.web.gate import Gate

Part = Callable[[], Awaitable[None]]

GRACE_S = 10
PARTS_END_S = 4
KEEP_ALIVE_S = 30
COLLECT_AFTER_OBJECTS = 100_000
LAG_PROBE_S = 0.05
LAG_TOLD_S = 5.0
LAG_ALARM_S = 1.0
BACKLOG_CONNECTIONS = 2048

_LOG = logger(__name__)


class PartError(Exception):
    """A part of the process failed; the message names it."""


class _Server(uvicorn.Server):
    """A server that leaves the signals to the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def serve(
    app: FastAPI,
    gate: Gate,
    host: str,
    port: int,
    parts: Sequence[Part] = (),
    closing: Sequence[Part] = (),
    grace_s: int = GRACE_S,
) -> NoReturn:
    """Run until SIGTERM or SIGINT (exit 0) or until a part fails (exit 1); then close what was opened.

    Nothing is waited for after that: a thread that hangs, or cannot be started, would keep the process.
    """
    _collect_seldom()
    failed = True
    try:
        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        failed = runner.run(run(app, gate, host, port, parts, closing, grace_s))
    except BaseException:  # noqa: BLE001 - whatever it is, the process ends and says why
        _LOG.exception("the process did not close what it opened")
    finally:
        os._exit(1 if failed else 0)


async def run(
    app: FastAPI,
    gate: Gate,
    host: str,
    port: int,
    parts: Sequence[Part] = (),
    closing: Sequence[Part] = (),
    grace_s: int = GRACE_S,
) -> bool:
    """Run the server and the parts in one TaskGroup; tell whether a part failed.

    At the end the server first answers what it has taken, then the parts are cancelled; both have a bound.
    """
    server = _Server(_config(app, gate, host, port, grace_s))
    failed = False
    try:
        async with _signals(server), asyncio.TaskGroup() as group:
            tasks = [group.create_task(_named(part), name=name_of(part)) for part in (*parts, watch_loop)]
            try:
                await _serve(server)
            finally:
                _leave_after(PARTS_END_S, tasks)
            for task in tasks:
                task.cancel()
    except* PartError as errors:
        for error in errors.exceptions:
            _LOG.error("part failed", part=str(error), exc_info=error.__cause__)
        failed = True
    finally:
        for close in closing:
            await close()
    return failed


async def watch_loop(told_s: float = LAG_TOLD_S) -> None:
    """Measure how late the event loop wakes, and tell the worst of each `told_s`: batches hold it shortly."""
    while True:
        worst_s, end = 0.0, time.monotonic() + told_s
        while (now := time.monotonic()) < end:
            await asyncio.sleep(LAG_PROBE_S)
            lag_s = time.monotonic() - now - LAG_PROBE_S
            worst_s = max(worst_s, lag_s)
            if lag_s > LAG_ALARM_S:
                _LOG.warning("event loop blocked", lag_s=round(lag_s, 3))
        METRICS.set("dukao_loop_lag_seconds", worst_s)


def _collect_seldom() -> None:
    """Look for cycles seldom: a batch makes many objects, none in a cycle, and each would be walked."""
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER_OBJECTS)


def name_of(part: Part) -> str:
    """Return the name of a part for logs: that of its function or class."""
    return getattr(part, "__qualname__", None) or type(part).__qualname__


async def _named(part: Part) -> None:
    """Run a part; a CancelledError of something within it would else end it, and it alone, unseen."""
    try:
        await part()
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise PartError(name_of(part)) from error
    except Exception as error:
        raise PartError(name_of(part)) from error


async def _serve(server: _Server) -> None:
    try:
        await server.serve()
    except SystemExit:
        raise PartError("server") from None
    if not server.started:
        raise PartError("server")


def _leave_after(seconds: float, parts: Sequence[asyncio.Task[None]]) -> None:
    """Leave as a kill would, which loses nothing: a driver may wait without end for a server that hangs."""

    def leave() -> None:
        left = [part.get_name() for part in parts if not part.done()]
        _LOG.error("the process did not end in time", parts=left)
        os._exit(1)

    asyncio.get_running_loop().call_later(seconds, leave)


@contextlib.asynccontextmanager
async def _signals(server: uvicorn.Server) -> AsyncGenerator[None]:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def _config(app: FastAPI, gate: Gate, host: str, port: int, grace_s: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=protocol_of(gate),
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=grace_s,
    )
