"""Shows what is read again whenever it has changed: in place on a terminal, else one after the other."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Annotated, TypeVar

import typer
from rich.console import RenderableType
from rich.live import Live

from dukao.output import Format, stdout

WATCH_S = 1.0
Watch = Annotated[
    bool, typer.Option("--watch", "-w", help="Show it again whenever it has changed, until Ctrl-C.")
]
Found = TypeVar("Found")


def watch(
    read: Callable[[], Found],
    *,
    drawn: Callable[[Found], RenderableType],
    tell: Callable[[Found], None],
    form: Format,
    moved: Callable[[Found], object] = lambda found: found,
    every_s: float = WATCH_S,
) -> None:
    """Show what is read until Ctrl-C ends the command with 130.

    A terminal has it `drawn` in place; without one each is told below the other, JSON as one line. `moved`
    is the part whose change counts.
    """
    if form is Format.TABLE and stdout().is_terminal:
        with Live(console=stdout(), auto_refresh=False) as live:
            for found in changes(read, moved, every_s):
                live.update(drawn(found), refresh=True)
        return
    for found in changes(read, moved, every_s):
        if form is Format.JSON:
            sys.stdout.write(json.dumps(found, ensure_ascii=False, default=str) + "\n")
        else:
            tell(found)
        sys.stdout.flush()


def changes(read: Callable[[], Found], moved: Callable[[Found], object], every_s: float) -> Iterator[Found]:
    """Yield what is read, for ever, whenever what may move of it is another than before."""
    seen: list[object] = []
    while True:
        found = read()
        if [moved(found)] != seen:
            seen = [moved(found)]
            yield found
        time.sleep(every_s)
