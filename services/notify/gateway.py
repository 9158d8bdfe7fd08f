"""The outside world of webhooks: a name is resolved once, every address judged, one of them spoken to."""

import asyncio
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

import httpx

from services.notify.domain.networks import Network, first_denied
from services.notify.domain.retries import Outcome, Reply
from services.notify.domain.targets import Target, read_target, refused
from shared.kernel.errors import Refused

TOTAL_S = 15.0
RESOLVE_S = 5.0
MOST_ADDRESSES = 4
TIMEOUT = httpx.Timeout(10.0, connect=5.0)
LONGEST_ERROR = 200
SUCCESS = range(200, 300)
LONGEST_RETRY_AFTER = 64
FIXED_HEADERS = {
    "content-type": "application/json",
    "user-agent": "dukao-webhooks/1",
    "accept": "*/*",
    "accept-encoding": "identity",
}

_NO_FAULT = (ssl.SSLWantReadError, ssl.SSLWantWriteError)  # how a wait for the network looks

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]


class Resolver:
    """The machine's resolver, after names that only this installation knows."""

    def __init__(self, hosts: Mapping[str, str]) -> None:
        self._hosts = hosts

    async def __call__(self, host: str, port: int) -> list[str]:
        """Return the addresses of a name, none twice; OSError if there are none."""
        if host in self._hosts:
            return [self._hosts[host]]
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Gateway:
    """Sends to targets whose addresses are all allowed; `trust` says whose certificates are good."""

    def __init__(self, resolve: Resolve, allowed: Sequence[Network], trust: ssl.SSLContext) -> None:
        self._resolve = resolve
        self._allowed = allowed
        self._trust = trust

    async def check(self, target: Target) -> None:
        """Refuse with `url` a target whose name is unknown now, or leads where nothing is sent."""
        try:
            addresses = await self._addresses(target)
        except OSError:
            raise refused("The name is not known.") from None
        denied = first_denied(addresses, self._allowed)
        if denied is not None:
            raise refused(f"{denied}; nothing is sent there.")

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Post a message to an address that was judged, and to no other; redirects are not followed."""
        started = time.perf_counter()
        try:
            reply = await self._reply(read_target(url), headers, body)
        except Refused as refusal:  # it was saved when less was refused
            reply = Reply(Outcome.BLOCKED, error=f"blocked: {refusal}")
        return replace(reply, latency_ms=int(1000 * (time.perf_counter() - started)))

    async def _reply(self, target: Target, headers: Mapping[str, str], body: bytes) -> Reply:
        try:
            async with asyncio.timeout(TOTAL_S):
                addresses = await self._addresses(target)
                denied = first_denied(addresses, self._allowed)
                if denied is not None:
                    return Reply(Outcome.BLOCKED, error=f"blocked: {denied}")
                status, retry_after = await self._posted(addresses, target, headers, body)
        except (OSError, httpx.TransportError) as error:
            return Reply(Outcome.FAILED, error=_error(error))
        if status in SUCCESS:
            return Reply(Outcome.DELIVERED, status)
        return Reply(Outcome.REFUSED, status, retry_after, f"status: {status}")

    async def _addresses(self, target: Target) -> Sequence[str]:
        """Return the addresses of a name; an error of the resolver is an OSError, a slow one too."""
        async with asyncio.timeout(RESOLVE_S):
            addresses = await self._resolve(target.host, target.port)
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        return addresses

    async def _posted(
        self, addresses: Sequence[str], target: Target, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, str | None]:
        """Post to the first address that takes a connection; return the status and `retry-after`."""
        *others, last = addresses[:MOST_ADDRESSES]
        for address in others:
            try:
                return await self._post(address, target, headers, body)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                if _tls_error(error) is not None:
                    raise
        return await self._post(last, target, headers, body)

    async def _post(
        self, address: str, target: Target, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, str | None]:
        """Post to one address, with the name in SNI and Host; of the answer only the head is read.

        A client of its own for each message keeps cookies and connections of receivers apart.
        """
        place = f"[{address}]" if ":" in address else address
        fixed = {**FIXED_HEADERS, **headers, "host": target.authority, "connection": "close"}
        async with (
            httpx.AsyncClient(verify=self._trust, trust_env=False, timeout=TIMEOUT) as client,
            client.stream(
                "POST",
                f"https://{place}:{target.port}{target.path}",
                headers=fixed,
                content=body,
                extensions={"sni_hostname": target.host},
                follow_redirects=False,
            ) as answer,
        ):
            retry_after = answer.headers.get("retry-after")
            return answer.status_code, retry_after and retry_after[:LONGEST_RETRY_AFTER]


def _error(error: Exception) -> str:
    """Return why nothing was answered: a code, and what the library says."""
    tls = _tls_error(error)
    match error:
        case _ if tls is not None:
            told = f"tls: {tls}"
        case TimeoutError() | httpx.TimeoutException():
            told = f"timeout: {type(error).__name__}"
        case socket.gaierror():
            told = "resolve: the name is not known"
        case httpx.ConnectError():
            told = "connect: no connection"
        case _:
            told = f"connection: {type(error).__name__} {error}"
    return "".join(one if one.isprintable() else " " for one in told)[:LONGEST_ERROR]


def _tls_error(error: BaseException | None) -> ssl.SSLError | None:
    """Return what TLS found wrong, if that is what the library's error was made from."""
    while error is not None:
        if isinstance(error, ssl.SSLError) and not isinstance(error, _NO_FAULT):
            return error
        error = error.__cause__ or error.__context__
    return None
