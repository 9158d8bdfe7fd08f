"""Calls the services of a running platform with development tokens of its own issuer."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Self
from urllib.parse import quote

import httpx

from deploy.control import addresses, running, token
from deploy.issuing import DEVELOPER, DEVELOPER_ROLES, REFRESH_S
from deploy.state import State

TIMEOUT_S = 30.0
MOST_PAGES = 10_000


@dataclass(frozen=True, slots=True)
class Who:
    """A person or account of the development issuer."""

    subject: str
    roles: tuple[str, ...]


EVERYBODY = Who(DEVELOPER, DEVELOPER_ROLES)
AUTHOR = Who("author", ("author",))
APPROVER = Who("approver", ("approver",))
CLOSER = Who("closer", ("closer",))
SECOND_CLOSER = Who("second-closer", ("closer",))


class RefusedError(Exception):
    """A service answered with a problem."""

    def __init__(self, status: int, body: Mapping[str, Any], service: str) -> None:
        super().__init__(str(body.get("detail") or body.get("title") or f"HTTP {status}"))
        self.status = status
        self.code = str(body.get("code", f"http_{status}"))
        self.detail = str(self)
        self.pointer: str | None = body.get("pointer")
        self.findings: Sequence[Mapping[str, str]] = body.get("findings") or ()
        self.possible: Sequence[str] = body.get("possible") or ()
        self.service = service


class UnansweredError(RefusedError):
    """A service is there and cannot answer now."""


class AwayError(Exception):
    """A service of a platform that is said to run does not answer."""

    def __init__(self, service: str) -> None:
        super().__init__(f"{service} does not answer.")


class FailedError(Exception):
    """Something of ours did not work; the message says what and where to look."""


def minted(state: State, who: Who) -> str:
    """Return a new development token; in production there are none."""
    try:
        return token(state, who.subject, who.roles)
    except RuntimeError as error:
        raise FailedError(str(error)) from error


@dataclass(slots=True)
class Tokens:
    """Development tokens, kept for as long as a service's own are."""

    state: State
    _kept: dict[Who, tuple[float, str]] = field(default_factory=dict[Who, tuple[float, str]])

    def of(self, who: Who) -> str:
        """Return a token that is good for some minutes yet."""
        until, kept = self._kept.get(who, (0.0, ""))
        if time.monotonic() >= until:
            kept = minted(self.state, who)
            self._kept[who] = (time.monotonic() + REFRESH_S, kept)
        return kept


class Client:
    """A caller of all services; raises `RefusedError` for a problem and `AwayError` for silence.

    A problem of the service's own is an `UnansweredError`.

    `in_order` says whether events must come in their order: where the time is that of the feed, what is
    overtaken is received later.
    """

    def __init__(self, state: State, timeout_s: float = TIMEOUT_S) -> None:
        record = running(state)
        self.bases = addresses(record)
        self.in_order = record.options.clock == "replay"
        self.tokens = Tokens(state)
        self._http = httpx.Client(timeout=timeout_s, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, service: str, path: str, who: Who = EVERYBODY, **query: Any) -> Any:
        """Read what a service has under a path."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._ask("GET", service, path, who, params=given)

    def pages(self, service: str, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Yield the pages of a list; the cursor of a page is `next` of the one before."""
        after: Any = None
        for _ in range(MOST_PAGES):
            page: dict[str, Any] = self.get(service, path, after=after, **query)
            yield page
            after = page.get("next")
            if after is None:
                return

    def first(self, service: str, path: str, *, most: int, page: int, **query: Any) -> list[dict[str, Any]]:
        """Return the first entries of a list, at most `most`, asked for in pages of `page`."""
        pages = self.pages(service, path, limit=min(most, page), **query)
        return list(islice((one for found in pages for one in found["items"]), most))

    def post(self, service: str, path: str, body: Any = None, who: Who | None = EVERYBODY) -> Any:
        """Ask a service to do something; `None` sends no token."""
        return self._ask("POST", service, path, who, json=body)

    def put(self, service: str, path: str, body: Any, who: Who = EVERYBODY) -> Any:
        """Put something in the place of what a service has there."""
        return self._ask("PUT", service, path, who, json=body)

    def delete(self, service: str, path: str, who: Who = EVERYBODY) -> None:
        """Ask a service to remove something."""
        self._ask("DELETE", service, path, who)

    def _ask(self, method: str, service: str, path: str, who: Who | None, **more: Any) -> Any:
        headers = {} if who is None else {"authorization": f"Bearer {self.tokens.of(who)}"}
        try:
            answer = self._http.request(method, self.bases[service] + path, headers=headers, **more)
        except httpx.TransportError:
            raise AwayError(service) from None
        return answered(answer, service)


def below(*steps: str | int) -> str:
    """Return a path of these steps, whatever characters they hold."""
    return "".join(f"/{quote(str(step), safe='')}" for step in steps)


def answered(answer: httpx.Response, service: str) -> Any:
    """Return the body of an answer, or raise what it refuses."""
    told = answer.content and "json" in answer.headers.get("content-type", "")
    body: Any = answer.json() if told else {}
    if answer.is_success:
        return body
    refused = UnansweredError if answer.is_server_error else RefusedError
    raise refused(answer.status_code, body if isinstance(body, dict) else {}, service)
