"""Consultation on a draft (征求意见): rounds, comments of units, an answer to each."""

from typing import Annotated, Any

import typer

from dukao.adoption import author
from dukao.client import EVERYBODY, Client, Who, below
from dukao.commands.scheme import Code, Version
from dukao.options import As, Output, examples, state_of
from dukao.output import Format, columns, say, show

app = typer.Typer()

_ROUNDS = columns("round", "opened_by", "opened", "closed_by", "closed", "digest", numbers=("round",))
_COMMENTS = columns(
    "comment", "round", "unit", "person", "text", "answer", "answered_by", numbers=("comment", "round")
)
_VERSION = columns("code", "version", "state", "rounds", "rounds_wanted", "unanswered", "possible")


def _path(code: str, version: int) -> str:
    return f"/v1/schemes{below(code, version)}"


@app.command(epilog=examples("dukao scheme consult national 2 --as ada"))
def consult(
    ctx: typer.Context, code: Code, version: Version, subject: As = None, output: Output = Format.TABLE
) -> None:
    """Open the next round of consultation on a draft; while it is open the draft stands still."""
    with Client(state_of(ctx)) as client:
        opened = client.post("scoring", f"{_path(code, version)}/rounds", who=author(subject))
    say(f'units comment: dukao scheme comment {code} {version} --unit UNIT --text "…"')
    show([opened], _ROUNDS, output, whole=opened)


@app.command(name="close-round", epilog=examples("dukao scheme close-round national 2 --as ada"))
def close_round(
    ctx: typer.Context, code: Code, version: Version, subject: As = None, output: Output = Format.TABLE
) -> None:
    """Close the open round; the draft may be changed again, comments still wait for their answers."""
    with Client(state_of(ctx)) as client:
        closed = client.post("scoring", f"{_path(code, version)}/rounds:close", who=author(subject))
    show([closed], _ROUNDS, output, whole=closed)


@app.command(
    epilog=examples('dukao scheme comment national 2 --unit B310000 --text "目标值建议下调" --as li')
)
def comment(
    ctx: typer.Context,
    code: Code,
    version: Version,
    unit: Annotated[str, typer.Option("--unit", help="The unit for which it is said.")],
    text: Annotated[str, typer.Option("--text", help="What it says.")],
    *,
    subject: As = None,
    output: Output = Format.TABLE,
) -> None:
    """Say something for a unit in the open round; it stands in the consultation beside its answer."""
    said = {"unit": unit, "text": text}
    who = Who(subject, EVERYBODY.roles) if subject else EVERYBODY
    with Client(state_of(ctx)) as client:
        kept = client.post("scoring", f"{_path(code, version)}/comments", said, who)
    show([kept], _COMMENTS, output, whole=kept)


@app.command(epilog=examples('dukao scheme answer national 2 1 --text "采纳，改为 0.95" --as ada'))
def answer(
    ctx: typer.Context,
    code: Code,
    version: Version,
    number: Annotated[int, typer.Argument(min=1, help="The number of the comment.", metavar="COMMENT")],
    text: Annotated[str, typer.Option("--text", help="The answer.")],
    *,
    subject: As = None,
    output: Output = Format.TABLE,
) -> None:
    """Answer a comment; nobody answers their own. A draft with a comment that waits is not adopted."""
    path = f"{_path(code, version)}/comments/{number}:answer"
    with Client(state_of(ctx)) as client:
        kept = client.post("scoring", path, {"text": text}, author(subject))
    show([kept], _COMMENTS, output, whole=kept)


@app.command(epilog=examples("dukao scheme consultation national 2"))
def consultation(ctx: typer.Context, code: Code, version: Version, output: Output = Format.TABLE) -> None:
    """Show where a version stands, what is possible now, and every comment with its answer."""
    with Client(state_of(ctx)) as client:
        found: Any = client.get("scoring", f"{_path(code, version)}/consultation")
    if output is not Format.TABLE:
        show(found["comments"], _COMMENTS, output, whole=found)
        return
    show([found | {"possible": ", ".join(found["possible"])}], _VERSION, output)
    show(found["held"], _ROUNDS, output)
    show(found["comments"], _COMMENTS, output, none="no comment yet")
