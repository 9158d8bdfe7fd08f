"""`python -m benchmarks.flooder`: asks a door too often; prints how often it asked and what it was answered.

With `--fresh` every request comes over a connection of its own; without, over a few that are kept and take
turns, each request sent before the last is answered, so that nothing but the door slows them. A token comes
by stdin.
"""

import argparse
import asyncio
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

CONNECTIONS = 160
TICK_S = 0.05
ANSWER_S = 5.0
READ_BYTES = 64 << 10
UNSENT_BYTES = 64 << 10
SAID = re.compile(rb"HTTP/1\.1 (\d{3})|\r\n(retry-after): \d")
LONGEST_SAID = len(b"\r\nretry-after: 0")


def main() -> None:
    """Flood a door for some seconds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flooder", description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--rate", type=int, required=True, help="requests a second")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--fresh", action="store_true", help="a connection for every request")
    given = parser.parse_args()
    request = _request(given.port, sys.stdin.read().strip(), keep=not given.fresh)
    flood = _fresh if given.fresh else _kept
    asked, answers = asyncio.run(flood(given.port, request, given.rate, given.seconds))
    print(json.dumps({"asked": asked, "answers": answers}))


def _request(port: int, token: str, *, keep: bool) -> bytes:
    lines = ["GET /v1/refusals?limit=1 HTTP/1.1", f"host: 127.0.0.1:{port}"]
    if token:
        lines.append(f"authorization: Bearer {token}")
    if not keep:
        lines.append("connection: close")
    return "\r\n".join([*lines, "", ""]).encode("ascii")


async def _kept(port: int, request: bytes, rate: int, seconds: float) -> tuple[int, dict[str, int]]:
    """Send over connections that are kept, and opened again where the door closes them."""
    answers: Counter[str] = Counter()
    async with asyncio.TaskGroup() as group:
        senders = [
            group.create_task(_send(port, request, partial(sent_by, rate, place), seconds, answers))
            for place in range(CONNECTIONS)
        ]
    return sum(sender.result() for sender in senders), dict(answers)


async def _send(
    port: int, request: bytes, due_by: Callable[[float], int], seconds: float, answers: Counter[str]
) -> int:
    """Send at a rate whether or not anything is answered; what the door does not take is passed over."""
    asked, start = 0, time.monotonic()
    while (passed_s := time.monotonic() - start) < seconds:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        reading = asyncio.create_task(count_answers(reader, answers))
        while (passed_s := time.monotonic() - start) < seconds and not reading.done():
            due = due_by(passed_s) - asked
            if writer.transport.get_write_buffer_size() < UNSENT_BYTES:
                writer.write(request * due)
            asked += due
            await asyncio.sleep(TICK_S)
        writer.transport.abort()
        await reading
    return asked


def sent_by(rate: int, place: int, passed_s: float) -> int:
    """Return how many of the requests of that time the connection at a place sends, if they take turns."""
    return (int(rate * passed_s) + CONNECTIONS - 1 - place) // CONNECTIONS


async def count_answers(reader: asyncio.StreamReader, answers: Counter[str]) -> None:
    """Count the answers of a connection by status, and those that say when to come again.

    What falls across two reads is counted once.
    """
    rest = b""
    try:
        while chunk := await reader.read(READ_BYTES):
            seen = rest + chunk
            end = 0
            for one in SAID.finditer(seen):
                answers[(one[1] or one[2]).decode()] += 1
                end = one.end()
            rest = seen[max(end, len(seen) - LONGEST_SAID + 1) :]
    except ConnectionError:
        answers["reset"] += 1


async def _fresh(port: int, request: bytes, rate: int, seconds: float) -> tuple[int, dict[str, int]]:
    """Send every request over a connection of its own, whether or not those before were answered."""
    answers: Counter[str] = Counter()
    asked, start = 0, time.monotonic()
    async with asyncio.TaskGroup() as group:
        while (passed_s := time.monotonic() - start) < seconds:
            due = round(rate * passed_s) - asked
            for _ in range(due):
                group.create_task(_once(port, request, answers))
            asked += due
            await asyncio.sleep(TICK_S)
    return asked, dict(answers)


async def _once(port: int, request: bytes, answers: Counter[str]) -> None:
    try:
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            await count_answers(reader, answers)
            writer.close()
    except (TimeoutError, OSError) as error:
        answers[type(error).__name__] += 1


if __name__ == "__main__":
    main()
