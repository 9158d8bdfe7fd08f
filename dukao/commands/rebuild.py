"""Rebuilding: folds a service's archives anew beside its live state, compares bit for bit, and may swap."""

import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from dukao.client import Client, FailedError, Who
from dukao.exits import Exit
from dukao.options import Output, examples, state_of
from dukao.output import Format, columns, say, show, show_json, show_lines, stderr

app = typer.Typer()

REBUILDS = "/v1/operations/rebuilds"
POLL_S = 0.5
UNDER_WAY = {"waiting", "folding", "comparing"}

_TABLES = columns(
    "table", "rows=alike", "only_live", "only_shadow", numbers=("rows", "only_live", "only_shadow")
)


@app.command(
    epilog=examples(
        "dukao rebuild scoring                        folds and compares; the live state is only read",
        "dukao rebuild ranking --swap --reason 'a disk lied'   after dukao consumers pause ranking",
    )
)
def rebuild(
    ctx: typer.Context,
    service: Annotated[str, typer.Argument(help="ingest, scoring, supervision, ranking or notify.")],
    swap: Annotated[
        bool, typer.Option("--swap/--shadow", help="Replace what differs, or only compare.")
    ] = False,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why live rows are replaced.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Replace without being asked again.")] = False,
    person: Annotated[
        str, typer.Option("--as", help="In development: the person who does it.", metavar="SUBJECT")
    ] = "operator",
    output: Output = Format.TABLE,
) -> None:
    """Fold all that a service ever took into a shadow schema and compare every table and outbox chain.

    Ends with 6 if they differ. Swapping needs every consumer of the service paused. It leaves what others
    told too, such as conflicts and manifests: such tables that differ are named, and it ends with 6 as well.
    Tables that no event makes, such as drafts and what was refused, are not compared; they are named.
    """
    if swap and not reason:
        raise typer.BadParameter("--swap needs a --reason")
    who = Who(person, ("operator",))
    with Client(state_of(ctx)) as client:
        if service not in client.bases:
            raise typer.BadParameter(f"there is no service {service}: {', '.join(client.bases)}")
        found = _followed(client, service, who)
        if found["state"] == "failed":
            raise FailedError(f"The rebuild failed: {found['detail']}")
        if swap and found["state"] == "differs":
            if not yes:
                _confirm(found)
            found = client.post(service, f"{REBUILDS}/{found['id']}:swap", {"reason": reason}, who)
            say(f"swapped: {', '.join(_replaced(found))}; let it go on: dukao consumers resume")
            for line in _left(found):
                say(line)
    _show(found, output)
    if found["state"] == "differs" or found["left"]:
        raise typer.Exit(Exit.INVALID)


def _followed(client: Client, service: str, who: Who) -> dict[str, Any]:
    """Start a rebuild and show how far it is until it ends."""
    console = stderr()
    shown = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    found: dict[str, Any] = client.post(service, REBUILDS, None, who)
    with Progress(*shown, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("waiting")
        while found["state"] in UNDER_WAY:
            bar.update(task, description=found["state"], completed=found["applied"], total=found["total"])
            time.sleep(POLL_S)
            found = client.get(service, f"{REBUILDS}/{found['id']}", who)
    return found


def _confirm(found: Mapping[str, Any]) -> None:
    """Show a person what differs, and go on only if that is to be replaced; nothing of it is data.

    Where nothing would be, the service says why.
    """
    for line in [*_differences(found), *_left(found)]:
        say(line)
    tables = ", ".join(_replaced(found))
    if tables:
        typer.confirm(f"Replace the live rows of {tables}?", abort=True, err=True)


def _show(found: Mapping[str, Any], output: Format) -> None:
    if output is Format.JSON:
        show_json(found)
        return
    show(found["tables"], _TABLES, output, title=f"{found['state']} · {found['applied']} records folded")
    if output is Format.TABLE:
        show_lines([*_differences(found), *_left(found), *_not_compared(found)])


def _replaced(found: Mapping[str, Any]) -> list[str]:
    """Return the tables that a swap replaces."""
    differing = [one["table"] for one in found["tables"] if one["only_live"] or one["only_shadow"]]
    return [table for table in differing if table not in found["left"]]


def _left(found: Mapping[str, Any]) -> list[str]:
    tables = ", ".join(found["left"])
    return [f"differ and stay, as others told what is in them: {tables}"] if tables else []


def _not_compared(found: Mapping[str, Any]) -> list[str]:
    return [f"not compared, as no event makes them: {', '.join(found['copied'])}"] if found["copied"] else []


def _differences(found: Mapping[str, Any]) -> list[str]:
    rows = [
        f"{one['table']} {side}: {row}"
        for one in found["tables"]
        for side in ("live", "shadow")
        for row in one[side]
    ]
    chains = [
        f"{one['stream']}/{one['shard']} parts at {one['number']}, live {one['live']}, shadow {one['shadow']}"
        for one in found["chains"]
    ]
    return [*rows, *chains]
