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
) -> None:
    """Show what is read until Ctrl-C ends the command with 130.

    A terminal has it `drawn` in place; without one each is told below the other, JSON as one line.
    """
    if form is Format.TABLE and stdout().is_terminal:
        with Live(console=stdout(), auto_refresh=False) as live:
            for found in changes(read):
                live.update(drawn(found), refresh=True)
        return
    for found in changes(read):
        if form is Format.JSON:
            sys.stdout.write(json.dumps(found, ensure_ascii=False, default=str) + "\n")
        else:
            tell(found)
        sys.stdout.flush()


def changes(read: Callable[[], Found]) -> Iterator[Found]:
    """Yield what is read, for ever, whenever it is another than before."""
    seen: list[Found] = []
    while True:
        found = read()
        if [found] != seen:
            seen = [found]
            yield found
        time.sleep(WATCH_S)
