"""Named places at which a test of faults may end, stop or hinder this process; off unless a folder is set.

An armed point is a file of its name in the folder; what it holds says what happens at which passing:
`kill@3`, `block:20`. The file is removed before it acts, so that the process started next goes on, and
whoever armed it sees that it acted.
"""

import os
import re
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from shared.telemetry.logs import logger

FailPoint = Literal[
    # The batch is judged and its transaction open; no shard is locked yet.
    "ingest.before_lock",
    # Shards are locked, archive and keys written, nothing committed.
    "ingest.after_insert",
    # Committed; nobody was answered.
    "ingest.after_commit",
    # The broker acknowledged; the cursor stands where it was.
    "relay.after_send",
    # `skip` leaves a record in the middle of a batch out.
    "relay.skip_record",
    # Records were fetched; no position is locked yet.
    "consumer.before_lock",
    # Folded, answers and positions written, nothing committed.
    "consumer.before_commit",
    # Committed; what is cached was not touched since.
    "consumer.after_commit",
    # The receiver of a webhook has answered; the attempt has no outcome yet.
    "notify.after_send",
]
DEVELOPMENT = "dukao/development"

_LOG = logger(__name__)
_ARMED = re.compile(r"(kill|stop|block|raise|skip)(?::([0-9]{1,3}))?(?:@([0-9]{1,9}))?\Z")


class InjectedError(Exception):
    """A fail point raised it."""


class Armed(NamedTuple):
    """What a point does at its n-th passing; `seconds` are those of a block."""

    action: str
    seconds: int
    nth: int


class FailPoints:
    """The points of this process and how often each was passed since it was armed."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._passed: Counter[FailPoint] = Counter()

    def look_in(self, folder: Path | None, *, issuer: str) -> None:
        """Heed what is armed in the folder from now on; refuse unless tokens are those of development."""
        if folder is not None and issuer != DEVELOPMENT:
            raise RuntimeError("Fail points are for development: unset DUKAO_FAIL_POINTS.")
        if folder is not None:
            _LOG.warning("fail points are heeded", folder=str(folder))
        self._folder = folder
        self._passed.clear()

    def passing(self, name: FailPoint) -> bool:
        """Act if the point is due now; tell whether what follows is to be skipped."""
        return self._folder is not None and self._act(name, self._folder / name)

    def _act(self, name: FailPoint, file: Path) -> bool:
        try:
            armed = parse(file.read_text("ascii"))
        except FileNotFoundError:
            self._passed.pop(name, None)
            return False
        self._passed[name] += 1
        if self._passed[name] < armed.nth:
            return False
        file.unlink()
        _LOG.warning("fail point acts", point=name, action=armed.action)
        return _do(armed, name)


def parse(text: str) -> Armed:
    """Read what a point is armed with."""
    found = _ARMED.match(text.strip())
    if found is None:
        raise ValueError("A fail point is armed with kill, stop, block:<seconds>, raise or skip, then @<n>.")
    return Armed(found[1], int(found[2] or 0), int(found[3] or 1))


def _do(armed: Armed, name: FailPoint) -> bool:
    match armed.action:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "block":
            time.sleep(armed.seconds)
        case "raise":
            raise InjectedError(name)
        case _:
            return True
    return False


NAMES: tuple[FailPoint, ...] = get_args(FailPoint)
FAIL_POINTS = FailPoints()
