"""`python -m benchmarks.wall`: a door that does nothing, to tell what a flood costs the machine by itself.

It takes every connection, reads what comes, throws it away and answers each reading with one 429; it looks
at no token, counts nothing and keeps nothing. It prints its port and ends when its stdin does.
"""

import asyncio
import contextlib
import sys

READ_BYTES = 64 << 10
ANSWER = b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n"


async def _turn_away(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while read := await reader.read(READ_BYTES):
            writer.write(ANSWER)
            if b"connection: close" in read:
                break
    writer.close()


async def main() -> None:
    """Stand until stdin ends."""
    server = await asyncio.start_server(_turn_away, "127.0.0.1", 0)
    async with server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
