"""Replies (绩效沟通): a unit says something to an entry of the ledger, its assessor answers with a date."""

from typing import Annotated, Any

import typer

from dukao.client import AUTHOR, Client, Who, below
from dukao.options import As, Output, examples, state_of
from dukao.output import Format, columns, say, show

app = typer.Typer(no_args_is_help=True)

PAGE = 200
DOOR = "/v1/replies"
ASSESSOR = Who("assessor", AUTHOR.roles)
_LIST = columns("number", "entry", "unit", "indicator", "month", "at", "person", "says", "answer")

Number = Annotated[int, typer.Argument(min=1, help="The number of a reply, as dukao replies list names it.")]
Says = Annotated[str, typer.Option("--says", help="What is said, at most 2,000 characters.")]


@app.command(epilog=examples("dukao replies send 1742 --says 整改已按时报送 --as wang"))
def send(
    ctx: typer.Context,
    entry: Annotated[int, typer.Argument(min=1, help="The id of an entry of the ledger.")],
    says: Says,
    subject: As = None,
    output: Output = Format.TABLE,
) -> None:
    """Say something to an entry of the own unit; a retry answers with the first."""
    with Client(state_of(ctx)) as client:
        found = client.post("scoring", DOOR, {"entry": entry, "says": says}, _who(subject, AUTHOR))
    say(f"reply {found['number']}; the assessor answers: dukao replies answer")
    _show(found, output)


@app.command(
    name="list", epilog=examples("dukao replies list --open", "dukao replies list --unit b1 -o json")
)
def list_replies(
    ctx: typer.Context,
    *,
    answered: Annotated[
        bool | None, typer.Option("--answered/--open", help="Only those that were answered, or were not.")
    ] = None,
    scheme: Annotated[str | None, typer.Option(help="Only those of a scheme.")] = None,
    unit: Annotated[str | None, typer.Option(help="Only those of a unit.")] = None,
    indicator: Annotated[str | None, typer.Option(help="Only those of an indicator.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")] = PAGE,
    output: Output = Format.TABLE,
) -> None:
    """List replies and their answers, of the own units and of those that they assess."""
    only = {
        "answered": None if answered is None else str(answered).lower(),
        "scheme": scheme,
        "unit": unit,
        "indicator": indicator,
    }
    with Client(state_of(ctx)) as client:
        found = client.first("scoring", DOOR, most=limit, page=PAGE, **only)
    show(found, _LIST, output, whole=found, none="no such reply")


@app.command(name="show", epilog=examples("dukao replies show 3"))
def show_reply(ctx: typer.Context, number: Number, output: Output = Format.TABLE) -> None:
    """Show a reply and its dated answer."""
    with Client(state_of(ctx)) as client:
        _show(client.get("scoring", f"{DOOR}{below(number)}"), output)


@app.command(epilog=examples("dukao replies answer 3 --says 已转交复核 --as zhao"))
def answer(
    ctx: typer.Context, number: Number, says: Says, subject: As = None, output: Output = Format.TABLE
) -> None:
    """Answer a reply, once; by people of the indicator's assessor."""
    with Client(state_of(ctx)) as client:
        found = client.post(
            "scoring", f"{DOOR}{below(number)}:answer", {"says": says}, _who(subject, ASSESSOR)
        )
    say(f"reply {number} was answered on {found['answered_at'][:10]}")
    _show(found, output)


def _who(subject: str | None, default: Who) -> Who:
    return Who(subject, default.roles) if subject else default


def _show(found: dict[str, Any], output: Format) -> None:
    told = [{"field": name, "value": value} for name, value in found.items() if value is not None]
    show(told, columns("field", "value"), output, whole=found)
