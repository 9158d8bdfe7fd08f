"""Reads a producer's outbox: over HTTP from another service, directly within one's own."""

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import httpx

from shared.kernel.errors import Unavailable
from shared.kernel.records import Reached, Record
from shared.storage.exchange import Exchange

TIMEOUT_S = 3


class HttpArchive:
    """The archive of another service; `token` returns a bearer token for it."""

    def __init__(self, base_url: str, token: Callable[[], str]) -> None:
        self._client = httpx.AsyncClient(base_url=base_url, timeout=TIMEOUT_S, trust_env=False)
        self._token = token

    async def read(self, stream: str, shard: int, after: int, limit: int) -> list[Record]:
        """Return up to `limit` records that follow `after`."""
        page = await self._get(stream, f"/{shard}", after=after, limit=limit)
        return [
            Record(stream, shard, row["number"], base64.b64decode(row["body"]), bytes.fromhex(row["chain"]))
            for row in page["records"]
        ]

    async def reached(self, stream: str) -> dict[int, Reached]:
        """Return how far each shard of a stream has come, within TIMEOUT_S: who asks holds leases."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                found = await self._get(stream, "")
        except TimeoutError as error:
            raise Unavailable(f"the archive of {stream} does not answer in time") from error
        return {row["shard"]: Reached(row["number"], row["published"]) for row in found["shards"]}

    async def _get(self, stream: str, below: str, **query: int) -> Any:
        try:
            answer = await self._client.get(
                f"/internal/v1/streams/{stream}{below}",
                params=query,
                headers={"Authorization": f"Bearer {self._token()}"},
            )
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise Unavailable(f"the archive of {stream} does not answer: {type(error).__name__}") from error
        return answer.json()

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


class OwnArchive:
    """The archive of one's own service."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def read(self, stream: str, shard: int, after: int, limit: int) -> list[Record]:
        """Return up to `limit` records that follow `after`."""
        async with self._exchange.reading() as tx:
            return await tx.read(stream, shard, after, limit)

    async def reached(self, stream: str) -> dict[int, Reached]:
        """Return how far each shard of a stream has come."""
        async with self._exchange.reading() as tx:
            return await tx.reached(stream)
