"""Standings as they move."""

import time
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.live import Live
from rich.text import Text

from dukao.client import Client, below
from dukao.options import Output, examples, state_of
from dukao.output import Format, columns, show, show_json, show_lines, stdout, table
from dukao.standings import freshness, heading, lines

app = typer.Typer()

WATCH_S = 1.0
NO_STANDING = "no standing yet: dukao types apply FILE, dukao scheme apply FILE, then dukao send FILE"

_LIST = columns("scheme", "group", "period")
_UNITS = columns(
    "rank",
    "unit",
    "name",
    "points",
    "tier",
    "covered",
    "volume",
    numbers=("rank", "points", "covered", "volume"),
)


@app.command(
    epilog=examples(
        "dukao standings",
        "dukao standings boston311 departments 2011-09",
        "dukao standings boston311 departments 2011-Q3 --watch",
        "dukao standings boston311 city 2011-09 --output csv",
    )
)
def standings(
    ctx: typer.Context,
    scheme: Annotated[str | None, typer.Argument(help="The code of the scheme.", show_default=False)] = None,
    group: Annotated[str | None, typer.Argument(help="A group of it.", show_default=False)] = None,
    period: Annotated[
        str | None, typer.Argument(help="2021-03, 2021-Q1, 2021-H1 or 2021.", show_default=False)
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Show every move until Ctrl-C.")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Show the live standing of a group, or list all standings there are.

    A unit that is not yet assessed (未考) shows the range its points can lie in and follows unranked.
    """
    if scheme is not None and (group is None or period is None):
        raise typer.BadParameter("name scheme, group and period, or none of them")
    with Client(state_of(ctx)) as client:
        if scheme is None or group is None or period is None:
            items = [one for page in client.pages("ranking", "/v1/standings") for one in page["items"]]
            show(items, _LIST, output, none=NO_STANDING)
            return
        path = f"/v1/standings{below(scheme, group, period)}"
        if watch:
            _watch(client, path, output)
        else:
            _show(client.get("ranking", path), output)


def _show(standing: Mapping[str, Any], output: Format) -> None:
    if output is Format.TABLE:
        show_lines([heading(standing)])
    show(lines(standing), _UNITS, output, whole=standing)
    if output is Format.TABLE:
        show_lines([freshness(standing)])


def _watch(client: Client, path: str, output: Format) -> None:
    """Show a standing again whenever it has moved; on a terminal in place."""
    if output is not Format.TABLE or not stdout().is_terminal:
        for standing in _moves(client, path):
            _show(standing, output) if output is not Format.JSON else show_json(standing)
        return
    with Live(console=stdout(), auto_refresh=False) as live:
        for standing in _moves(client, path):
            live.update(
                Group(Text(heading(standing)), table(lines(standing), _UNITS), Text(freshness(standing))),
                refresh=True,
            )


def _moves(client: Client, path: str) -> Iterator[Mapping[str, Any]]:
    seen: object = None
    while True:
        standing = client.get("ranking", path)
        if standing["units"] != seen:
            seen = standing["units"]
            yield standing
        time.sleep(WATCH_S)
