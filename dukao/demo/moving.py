"""A standing shown while it moves: on a terminal in place, otherwise a line every few seconds."""

import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich.console import Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from dukao.client import AwayError, Client, FailedError, RefusedError
from dukao.demo.staging import NOT_YET
from dukao.feeds import Row
from dukao.output import columns, say, stderr, table
from dukao.sending import LARGEST_BATCH_EVENTS, Sender, Tally
from dukao.standings import SIMULATED, heading, lines

MOVES_S = 2.0
TOP, BOTTOM = 5, 3

_SHOWN = columns("rank", "unit", "name", "points", "tier", "volume", numbers=("rank", "points", "volume"))


@dataclass(slots=True)
class Moving:
    """Hears of every batch that is answered; looks at the standing now and then."""

    client: Client
    path: str
    bar: Progress
    task: TaskID
    live: Live | None
    looked: float = 0.0

    def sent(self, tally: Tally) -> None:
        """Move the bar, and show the standing if it was not shown for a while."""
        self.bar.update(self.task, completed=tally.answered)
        if time.monotonic() - self.looked < MOVES_S:
            return
        standing = _standing(self.client, self.path)
        self.looked = time.monotonic()
        if standing is not None:
            self._show(standing, tally)

    def _show(self, standing: Mapping[str, Any], tally: Tally) -> None:
        found = lines(standing)
        if self.live is None:
            told = f"{standing['period']}{f' · {SIMULATED}' if standing['simulated'] else ''}"
            say(f"      {tally.answered:>7} events · {told} · {_in_a_line(found)}")
            return
        shown = found if len(found) <= TOP + BOTTOM else [*found[:TOP], *found[-BOTTOM:]]
        self.live.update(Group(self.bar, Text(heading(standing)), table(shown, _SHOWN)), refresh=True)


def send_moving(client: Client, path: str, expected: int, rows: Iterable[Row]) -> Tally:
    """Send rows while the standing of a path is shown; all of them must be taken."""
    with _moving(client, path, expected) as board:
        sender = Sender(
            client.bases["ingest"],
            client.tokens,
            LARGEST_BATCH_EVENTS,
            board.sent,
            in_order=client.in_order,
        )
        tally = sender.send(rows)
    if tally.bad:
        raise FailedError(f"{tally.bad} events were not taken; the first: {tally.faults[0]}")
    return tally


@contextmanager
def _moving(client: Client, path: str, expected: int) -> Generator[Moving]:
    """Show a bar and a standing for as long as events are sent."""
    console = stderr()
    bar = Progress(
        BarColumn(), MofNCompleteColumn(), TextColumn("events"), TimeElapsedColumn(), console=console
    )
    task = bar.add_task("", total=expected)
    if not console.is_terminal:
        yield Moving(client, path, bar, task, None)
        return
    with Live(bar, console=console, transient=True) as live:
        yield Moving(client, path, bar, task, live)


def _standing(client: Client, path: str) -> Mapping[str, Any] | None:
    """Return a standing, or nothing while ranking is busy or has not heard of the scheme."""
    try:
        return client.get("ranking", path)
    except AwayError:
        return None
    except RefusedError as refused:
        if refused.status not in NOT_YET:
            raise
        return None


def _in_a_line(found: Sequence[Mapping[str, Any]]) -> str:
    ends = [found[0], found[-1]] if len(found) > 1 else found
    return " … ".join(f"{one['rank'] or '–'} {one['name']} {one['points']}" for one in ends)
