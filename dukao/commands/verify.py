"""Proving on a live system that what is shown follows from what was accepted."""

import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from dukao.client import Client, FailedError, Who
from dukao.exits import Exit
from dukao.options import Output, examples, state_of
from dukao.output import Format, columns, say, show, show_lines, stderr
from dukao.telling.languages import Lang, Language, Words

app = typer.Typer(no_args_is_help=True)

VERIFICATIONS = "/v1/operations/verifications"
POLL_S = 0.3
UNDER_WAY = {"waiting", "proving"}
WRONG: Words = {
    "partial": ("合计与所存事实不符", "a sum is not what its stored facts come to"),
    "input": ("收到的合计与发出的不符", "a sum was handed on as another"),
    "cell": ("得分与算式不符", "a value is not that of its formula"),
    "figure": ("分段得分与算式不符", "a figure made of parts is not that of its formula"),
    "entries": ("分录不相衔接或不合计为得分", "entries do not go on, or do not end at the value"),
    "cause": ("分录的起因不成立", "an entry names no numbers, or others"),
    "published": ("台账与已发布的不符", "the ledger is not what was published"),
    "chain": ("哈希链断裂", "the chain of digests is broken"),
    "silent": ("数据源静默所报与所存不符", "a feed was told to be silent, or not to be, and is otherwise"),
    "rise": ("地区研判与 T 前所收数据不符", "what was judged of a region is not what facts before T come to"),
}
_CSV = columns("what", "cells", "where", "found", "expected")


@app.callback()
def verify() -> None:
    """Prove what the platform shows from what it has stored."""


@app.command(
    epilog=examples(
        "dukao verify scores",
        "dukao verify scores --scheme national --unit B110000 --period 2021-03",
        "dukao verify scores --output json",
    )
)
def scores(
    ctx: typer.Context,
    *,
    scheme: Annotated[str | None, typer.Option(help="Only cells of this scheme.")] = None,
    unit: Annotated[str | None, typer.Option(help="Only cells of this unit.")] = None,
    period: Annotated[str | None, typer.Option(help="Only months of this period.")] = None,
    person: Annotated[
        str, typer.Option("--as", help="In development: the person who does it.", metavar="SUBJECT")
    ] = "operator",
    lang: Language = Lang.ZH,
    output: Output = Format.TABLE,
) -> None:
    """Compute every cell anew from the stored facts and compare bit for bit, at the positions of one moment.

    Entries must go on from one another, end at their cell, name numbers that were read, and be those that
    were published, whose chain of digests must hold. Workers go on meanwhile. Ends with 6 on any finding.
    """
    scope = {"scheme": scheme, "unit": unit, "period": period}
    who = Who(person, ("operator",))
    with Client(state_of(ctx)) as client:
        found = _followed(client, {name: value for name, value in scope.items() if value is not None}, who)
    if found["state"] == "failed":
        raise FailedError(f"The proof failed: {found['detail']}")
    if output is Format.TABLE:
        show_lines(told(found, lang))
    else:
        show([_line(one) for one in found["findings"]], _CSV, output, whole=found)
        for line in _left_out(found, lang):
            say(line)
    if found["state"] == "broken":
        raise typer.Exit(Exit.INVALID)


def told(found: Mapping[str, Any], lang: Lang) -> list[str]:
    """Return what a person reads of a proof that has ended."""
    at = found["as_of"][:12]
    if not found["findings"]:
        return [lang.of((f"已证实，未发现不符（位置 {at}）", f"proved: nothing is wrong (positions {at})"))]
    count = sum(found["found"].values())
    lines = [lang.of((f"发现 {count} 处不符（位置 {at}）", f"{count} things are wrong (positions {at})"))]
    for one in found["findings"]:
        lines.append(f"{lang.word(WRONG, one['what'])} · {_cells(one) or one['where']}")
        lines.append(f"    {one['where']}: {one['found']}")
        lines.append(f"    {lang.of(('应为', 'expected'))}: {one['expected']}")
    return [*lines, *_left_out(found, lang)]


def _left_out(found: Mapping[str, Any], lang: Lang) -> list[str]:
    """Return how many findings are not listed, and how they come to be; nothing where all are."""
    more = sum(found["found"].values()) - len(found["findings"])
    if more <= 0:
        return []
    zh = f"另有 {more} 处未列出；用 --scheme、--unit、--period 缩小范围后再证"
    return [lang.of((zh, f"{more} more are not listed; prove less at once by --scheme, --unit, --period"))]


def _followed(client: Client, scope: Mapping[str, str], who: Who) -> dict[str, Any]:
    """Start a proof and show how far it is until it ends."""
    console = stderr()
    shown = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    found = client.post("scoring", VERIFICATIONS, scope, who)
    with Progress(*shown, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("waiting")
        while found["state"] in UNDER_WAY:
            phase = found["phase"] or "waiting"
            bar.update(task, description=phase, completed=found["done"], total=found["total"])
            time.sleep(POLL_S)
            found = client.get("scoring", f"{VERIFICATIONS}/{found['id']}", who)
    return found


def _line(one: Mapping[str, Any]) -> dict[str, Any]:
    return {**one, "cells": _cells(one)}


def _cells(one: Mapping[str, Any]) -> str:
    names = [
        " ".join(part for part in (c["scheme"], c["month"], c["unit"], c["indicator"]) if part)
        for c in one["cells"]
    ]
    return ", ".join(names)
