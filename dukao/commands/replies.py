"""Replies (绩效沟通): a unit says something to an entry of the ledger, its assessor answers with a date."""

from typing import Annotated

import typer

from dukao.client import AUTHOR, Client, Who, below
from dukao.filed import ENTRY, PAGE, Indicator, Kind, Limit, Scheme, Unit, by
from dukao.options import As, Output, examples, state_of
from dukao.output import Format, columns, say

app = typer.Typer(no_args_is_help=True)

ASSESSOR = Who("assessor", AUTHOR.roles)
_REPLIES = Kind(
    door="/v1/replies",
    none="no such reply: dukao replies send sends one",
    listed=columns("number", "entry", "unit", "indicator", "month", "at", "person", "says", "answer"),
    line=dict,
)

Number = Annotated[int, typer.Argument(min=1, help="The number of a reply, as dukao replies list names it.")]
Says = Annotated[str, typer.Option("--says", help="What is said, at most 2,000 characters.")]


@app.command(epilog=examples("dukao replies send 1742 --says 整改已按时报送 --as wang"))
def send(
    ctx: typer.Context,
    entry: Annotated[int, typer.Argument(min=1, help=ENTRY)],
    says: Says,
    subject: As = None,
    output: Output = Format.TABLE,
) -> None:
    """Say something to an entry of the own unit; a retry answers with the first."""
    with Client(state_of(ctx)) as client:
        found = client.post("scoring", _REPLIES.door, {"entry": entry, "says": says}, by(subject, AUTHOR))
    say(f"reply {found['number']}; the assessor answers: dukao replies answer")
    _REPLIES.show(found, output)


@app.command(
    name="list", epilog=examples("dukao replies list --open", "dukao replies list --unit b1 -o json")
)
def list_replies(
    ctx: typer.Context,
    *,
    answered: Annotated[
        bool | None, typer.Option("--answered/--open", help="Only those that were answered, or were not.")
    ] = None,
    scheme: Scheme = None,
    unit: Unit = None,
    indicator: Indicator = None,
    limit: Limit = PAGE,
    output: Output = Format.TABLE,
) -> None:
    """List replies and their answers, of the own units and of those that they assess."""
    only = {
        "answered": None if answered is None else str(answered).lower(),
        "scheme": scheme,
        "unit": unit,
        "indicator": indicator,
    }
    _REPLIES.list(ctx, only, limit, output)


@app.command(name="show", epilog=examples("dukao replies show 3"))
def show_reply(ctx: typer.Context, number: Number, output: Output = Format.TABLE) -> None:
    """Show a reply and its dated answer."""
    _REPLIES.find(ctx, number, output)


@app.command(epilog=examples("dukao replies answer 3 --says 已转交复核 --as zhao"))
def answer(
    ctx: typer.Context, number: Number, says: Says, subject: As = None, output: Output = Format.TABLE
) -> None:
    """Answer a reply, once; by people of the indicator's assessor."""
    with Client(state_of(ctx)) as client:
        path = f"{_REPLIES.door}{below(number)}:answer"
        found = client.post("scoring", path, {"says": says}, by(subject, ASSESSOR))
    say(f"reply {number} was answered on {found['answered_at'][:10]}")
    _REPLIES.show(found, output)
