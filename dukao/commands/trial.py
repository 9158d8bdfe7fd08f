"""Trials (试考评): a draft is scored beside the scheme in force, without effect."""

import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from dukao.adoption import author
from dukao.client import Client, RefusedError, below
from dukao.commands.scheme import Code, Version
from dukao.options import As, Output, examples, state_of
from dukao.output import Format, columns, say, show, show_lines, stderr
from dukao.telling import trials
from dukao.telling.languages import Lang, Language

app = typer.Typer(no_args_is_help=True)

DOOR = "/v1/trials"
NO_TRIAL = "no trial yet: dukao scheme draft FILE, then dukao trial start CODE VERSION NAME --reason …"
NOT_FOUND = 404
POLL_S = 1.0
NO_DRAFT = "0" * 64  # the door answers that there is no such version
NO_STANDING = "the trial has no standing yet: events or its beginning are on their way"

_LIST = columns(
    "scheme",
    "trial",
    "version",
    "state",
    "first",
    "last",
    "started_by",
    "reason",
    "ended_by",
    "end_reason",
    numbers=("version",),
)
_STANDINGS = columns("group", "period")

Name = Annotated[str, typer.Argument(help="The name of the trial.", metavar="TRIAL")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stands beside the trial and in the audit.")]


@app.command(
    epilog=examples(
        "dukao trial start national 2 stricter --reason 试行新目标值",
        "dukao trial start national 2 stricter --first 2021-01 --last 2021-06 --reason 回看上半年 --as ada",
    )
)
def start(
    ctx: typer.Context,
    code: Code,
    version: Version,
    name: Name,
    *,
    reason: Reason,
    first: Annotated[
        str | None, typer.Option(help="The first month tried; default: the draft's.", show_default=False)
    ] = None,
    last: Annotated[
        str | None, typer.Option(help="The last month tried; default: the draft's.", show_default=False)
    ] = None,
    digest: Annotated[
        str | None,
        typer.Option(
            help="The digest of the draft that was read; default: as it stands now.", show_default=False
        ),
    ] = None,
    subject: As = None,
    lang: Language = Lang.ZH,
    output: Output = Format.TABLE,
) -> None:
    """Score a draft on past and coming events of some months of a year, beside what is in force.

    Nothing in force moves: no cell, entry, standing or notice. The draft is tried as it stands; a redraft
    changes nothing of a trial that runs. Its name is used once.
    """
    with Client(state_of(ctx)) as client:
        listed = client.get("scoring", "/v1/schemes")["items"]
        now = [one["digest"] for one in listed if (one["code"], one["version"]) == (code, version)]
        body = {"scheme": code, "version": version, "trial": name, "reason": reason}
        body |= {"first": first, "last": last, "digest": digest or next(iter(now), NO_DRAFT)}
        begun = client.post("scoring", DOOR, body, author(subject))
    say(f"look at it: dukao trial diff {code} {name}")
    _show([begun], begun, lang, output)


@app.command(name="list", epilog=examples("dukao trial list", "dukao trial list --running --output json"))
def list_trials(
    ctx: typer.Context,
    *,
    running: Annotated[bool, typer.Option("--running", help="Only those that run.")] = False,
    lang: Language = Lang.ZH,
    output: Output = Format.TABLE,
) -> None:
    """List trials: which draft over which months, who started and ended it and why."""
    with Client(state_of(ctx)) as client:
        pages = client.pages("scoring", DOOR, running="true" if running else None)
        items = [one for page in pages for one in page["items"]]
    _show(items, items, lang, output)


@app.command(name="show", epilog=examples("dukao trial show national stricter"))
def show_trial(
    ctx: typer.Context, code: Code, name: Name, lang: Language = Lang.ZH, output: Output = Format.TABLE
) -> None:
    """Show a trial; JSON prints the digest of its draft and when it began and ended."""
    with Client(state_of(ctx)) as client:
        found = client.get("scoring", f"{DOOR}{below(code, name)}")
    _show([found], found, lang, output)


@app.command(
    epilog=examples(
        "dukao trial diff national stricter",
        "dukao trial diff national stricter bureaus 2021-03 --wait",
        "dukao trial diff national stricter bureaus 2021-Q1 --lang en --output csv",
    )
)
def diff(
    ctx: typer.Context,
    code: Code,
    name: Name,
    group: Annotated[str | None, typer.Argument(help="A group of the scheme.", show_default=False)] = None,
    period: Annotated[
        str | None, typer.Argument(help="2021-03, 2021-Q1, 2021-H1 or 2021.", show_default=False)
    ] = None,
    *,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until all shards have folded the trial, and show how far.")
    ] = False,
    lang: Language = Lang.ZH,
    output: Output = Format.TABLE,
) -> None:
    """Show for each unit what a trial would change: points, rank and tier.

    Without a group and period it lists those of which the trial has a standing. A period is compared that
    ends in the months of the trial. Until all shards have folded it there are only the points so far.
    """
    if (group is None) != (period is None):
        raise typer.BadParameter("name group and period, or neither")
    path = f"{DOOR}{below(code, name)}"
    with Client(state_of(ctx)) as client:
        if wait:
            _wait(client, path)
        if group is None or period is None:
            found = client.get("ranking", path)
            if output is Format.TABLE:
                show_lines(trials.progress(found, lang))
            show(found["items"], _STANDINGS, output, whole=found, none=NO_STANDING)
            return
        found = client.get("ranking", f"{path}{below(group, period)}")
    if output is Format.TABLE:
        show_lines([trials.heading(found, lang)])
    show([trials.line(one, lang) for one in found["units"]], trials.columns(lang), output, whole=found)
    if output is Format.TABLE:
        show_lines(trials.closing(found, lang))


@app.command(epilog=examples("dukao trial end national stricter --reason 已比较完毕 --as ada"))
def end(
    ctx: typer.Context,
    code: Code,
    name: Name,
    *,
    reason: Reason,
    subject: As = None,
    lang: Language = Lang.ZH,
    output: Output = Format.TABLE,
) -> None:
    """End a trial; of its sums, cells and standings nothing is left. Adoption of its draft ends it too."""
    with Client(state_of(ctx)) as client:
        path = f"{DOOR}{below(code, name)}:end"
        ended = client.post("scoring", path, {"reason": reason}, author(subject))
    _show([ended], ended, lang, output)


def _wait(client: Client, path: str) -> None:
    """Wait until every shard has folded a trial, with a bar on stderr."""
    shown = TextColumn("shards"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*shown, console=stderr(), transient=True) as bar:
        task = bar.add_task("", total=None)
        while (found := _so_far(client, path))["state"] != "whole":
            bar.update(task, completed=found["folded"], total=found["shards"])
            time.sleep(POLL_S)


def _so_far(client: Client, path: str) -> Mapping[str, Any]:
    """Return how far a running trial is; ranking may not have heard of it yet."""
    try:
        return client.get("ranking", path)
    except RefusedError as refused:
        if refused.status != NOT_FOUND or client.get("scoring", path)["state"] != "running":
            raise
    return {"state": "running", "folded": 0, "shards": None}


def _show(items: list[Mapping[str, Any]], whole: Any, lang: Lang, output: Format) -> None:
    """Print trials; a state is a word for people and a name for programs."""
    shown = items
    if output is Format.TABLE:
        shown = [one | {"state": lang.word(trials.STATES, one["state"])} for one in map(dict, items)]
    show(shown, _LIST, output, whole=whole, none=NO_TRIAL)
