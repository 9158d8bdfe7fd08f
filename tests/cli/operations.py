"""What a command asked of the services, as operations of their OpenAPI."""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from dukao.documents import FOLDER
from dukao.operations import LOCAL, OPERATIONS

DOCUMENTS = {file.stem: json.loads(file.read_text("utf-8")) for file in (FOLDER / "openapi").glob("*.json")}
DESCRIBED = {
    f"{service}.{operation['operationId']}": (service, method.upper(), path)
    for service, document in DOCUMENTS.items()
    for path, methods in document["paths"].items()
    for method, operation in methods.items()
}
_WITHIN = re.compile(r"\\\{(\w+)\\\}")
_PATTERNS = {
    name: (service, method, re.compile(_WITHIN.sub(r"[^/:]+", re.escape(path))))
    for name, (service, method, path) in DESCRIBED.items()
}


def command_of(words: list[str]) -> str:
    """Return the command that a line names."""
    two, one = " ".join(words[:2]), " ".join(words[:1])
    return two if two in OPERATIONS or two in LOCAL else one


def operation_of(service: str, method: str, path: str) -> str | None:
    """Return the operation of a request; of several that fit, the one with the fewest variables."""
    fitting = [
        (pattern.pattern.count("[^/:]+"), name)
        for name, (of, verb, pattern) in _PATTERNS.items()
        if (of, verb) == (service, method) and pattern.fullmatch(path)
    ]
    return min(fitting)[1] if fitting else None


class _Heard(logging.Handler):
    """Keeps what httpx says of each request."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.requests: list[tuple[str, str, int]] = []

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.args, tuple) and len(record.args) == 5:
            method, url, _, status, _ = record.args
            self.requests.append((str(method), str(url), int(str(status))))


@contextmanager
def asked() -> Iterator[list[tuple[str, str, int]]]:
    """Hear every request (method, address, status) that this process makes meanwhile."""
    heard, log = _Heard(), logging.getLogger("httpx")
    before = log.level
    log.addHandler(heard)
    log.setLevel(logging.INFO)
    try:
        yield heard.requests
    finally:
        log.setLevel(before)
        log.removeHandler(heard)


def unlisted(words: list[str], requests: list[tuple[str, str, int]], ports: dict[int, str]) -> list[str]:
    """Return what a command asked that its row in dukao/operations.py does not say.

    A 404 of an address that is not described is how a command finds out which services have a door.
    """
    command = command_of(words)
    found = set()
    for method, url, status in requests:
        address = urlsplit(url)
        operation = operation_of(ports[address.port or 0], method, address.path)
        if operation is None and status == 404:
            continue
        if operation is None or operation not in OPERATIONS.get(command, ()):
            found.add(f"{command}: {operation or (method, address.path)}")
    return sorted(found)
