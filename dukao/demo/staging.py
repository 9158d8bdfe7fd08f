"""The platform of a demonstration: fresh, in a folder of its own, and taken down whatever happens."""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.control import addresses, bring_up, survey, take_down
from deploy.state import RECORD, Options, State
from dukao.adoption import (
    adopt_calendar,
    adopt_scheme,
    adopt_types,
    approver,
    author,
    draft_calendar,
    draft_scheme,
    draft_types,
    once_heard,
)
from dukao.client import AwayError, Client, RefusedError
from dukao.failures import FailedError
from dukao.output import say

PATIENCE_S = 120.0
BUSY_S = 60.0
NOT_YET = frozenset({404, 429, 503})
LOOK_AGAIN_S = 1.0
DIFFERENCES_NAMED = 5
LIVE = Options()


@dataclass(slots=True)
class Steps:
    """Tells each step with its number and when it began, in seconds from the start."""

    count: int
    _done: int = 0
    _began: float = field(default_factory=time.monotonic)

    def next(self, title: str) -> None:
        """Tell that the next step begins."""
        self._done += 1
        say(f"[{self._done}/{self.count}] {self.seconds:5.1f} s  {title}")

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many figures were compared with what they must be, and which differ."""

    compared: int
    differing: Sequence[str]


def beside(state: State) -> State:
    """Return the demonstration's own folder, beside the platform's; nothing else is ever in it."""
    return State(state.folder.with_name(f"{state.folder.name}-demo"))


@contextmanager
def platform(state: State, steps: Steps, *, keep: bool, options: Options = LIVE) -> Generator[Client]:
    """Bring a fresh platform up; take it down when the block ends, unless it ended well and is to stay."""
    steps.next("the platform: PostgreSQL, Kafka, five services")
    _forget(state)
    kept = False
    try:
        record = bring_up(state, options, lambda line: say(f"      {line}")).record
        with Client(state) as client:
            yield client
        steps.next("where to go on" if keep else "the end")
        for name, address in addresses(record).items():
            say(f"      {name:12} {address}/docs")
        kept = keep
    except BaseException:
        say(f"      taking the platform down; its logs stay in {state.folder / 'logs'}")
        raise
    finally:
        if not kept:
            take_down(state)
    _close(state, keep=keep)


def adopt(
    client: Client, types: Any, scheme: Mapping[str, Any], calendar: Mapping[str, Any] | None = None
) -> None:
    """Put types, a working calendar and a scheme in force: one person drafts, another adopts."""
    if calendar is not None:
        drafted = draft_calendar(client, calendar, author(None))
        adopt_calendar(client, drafted["zone"], drafted["version"], approver(None), drafted["digest"])
    adopt_types(client, draft_types(client, types, author(None)), approver(None))
    drafted = once_heard(
        lambda: draft_scheme(client, scheme, author(None)), lambda line: say(f"      {line}")
    )
    adopt_scheme(client, drafted["code"], drafted["version"], approver(None), drafted["digest"])
    say(f"      scheme {drafted['code']} v{drafted['version']}: drafted by author, adopted by approver")


def until_equal(
    compare: Callable[[], Comparison], *, patience_s: float = PATIENCE_S, every_s: float = LOOK_AGAIN_S
) -> Comparison:
    """Compare until nothing differs; end with what differs once it does not move any more."""
    last: Sequence[str] = ()
    until = 0.0
    while True:
        found = compare()
        if not found.differing:
            return found
        if found.differing != last:
            last, until = found.differing, time.monotonic() + patience_s
        elif time.monotonic() > until:
            named = "; ".join(last[:DIFFERENCES_NAMED])
            raise FailedError(f"figures still differ and did not move for {patience_s:.0f} s: {named}")
        time.sleep(every_s)


def read(client: Client, service: str, path: str, *, every_s: float = LOOK_AGAIN_S, **query: Any) -> Any:
    """Read what a service has; one that is busy, or has not heard of the scheme yet, is asked again."""
    until = time.monotonic() + BUSY_S
    while True:
        try:
            return client.get(service, path, **query)
        except AwayError:
            if time.monotonic() > until:
                raise
        except RefusedError as refused:
            if refused.status not in NOT_YET or time.monotonic() > until:
                raise
        time.sleep(every_s)


def _forget(state: State) -> None:
    if survey(state).supervisor is not None:
        say("      ending the demonstration that still runs")
    take_down(state)
    if (state.folder / RECORD).exists():
        state.wipe()


def _close(state: State, *, keep: bool) -> None:
    if keep:
        say(f"      it stays; standings:  dukao --state {state.folder} standings")
        say(f"      a token:              dukao --state {state.folder} token")
        say(f"      and to end it:        dukao --state {state.folder} down --wipe")
    else:
        state.wipe()
        say("      the platform is down and its folder removed; --keep (make demo KEEP=1) leaves it running")


def missing(folder: Path, names: Sequence[str]) -> str | None:
    """Return the first file that a folder should have and has not."""
    return next((name for name in names if not (folder / name).is_file()), None)
