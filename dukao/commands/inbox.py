"""Inboxes of units: what was told to whom, and signing for it (签收)."""

from typing import Annotated, Any

import typer

from dukao import watching
from dukao.client import EVERYBODY, Client, Who, below
from dukao.options import As, Output, examples, state_of
from dukao.output import Format, columns, say, show, table
from dukao.telling.languages import Lang, Language
from dukao.watching import Watch

app = typer.Typer(no_args_is_help=True)

PAGE = 200
STATES = {"open": "待签收", "signed": "已签收", "cancelled": "已撤销"}
_LIST = columns("id", "at", "severity", "unit", "state", "text")

Notice = Annotated[str, typer.Argument(help="The id of the entry: dukao inbox list.", metavar="ID")]


@app.command(
    name="list",
    epilog=examples(
        "dukao inbox list --state open",
        "dukao inbox list --unit B310000 --severity urgent --lang en",
        "dukao inbox list --state open --watch",
        "dukao inbox list --state open --output json",
    ),
)
def list_inbox(
    ctx: typer.Context,
    *,
    unit: Annotated[str | None, typer.Option(help="Only what this unit was told.")] = None,
    state: Annotated[str | None, typer.Option(help="Only open, signed or cancelled.")] = None,
    severity: Annotated[str | None, typer.Option(help="Only info, warning or urgent.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")] = PAGE,
    lang: Language = Lang.ZH,
    watch: Watch = False,
    output: Output = Format.TABLE,
) -> None:
    """List inbox entries, the newest first.

    An entry is open until a person of its unit signs for it. A reminder whose item has moved on is cancelled.
    """
    only = {"unit": unit, "state": state, "severity": severity, "lang": lang}
    with Client(state_of(ctx)) as client:
        if watch:
            watching.watch(
                lambda: client.first("notify", "/v1/inbox", most=limit, page=PAGE, **only),
                drawn=lambda found: table([_line(one) for one in found], _LIST),
                tell=lambda found: _show_list(found, output),
                form=output,
            )
        else:
            _show_list(client.first("notify", "/v1/inbox", most=limit, page=PAGE, **only), output)


@app.command(
    name="show",
    epilog=examples("dukao inbox show 3f0c1b6e9e3f4d0f7c0a1d5b2e8f9a6c --lang en"),
)
def show_entry(
    ctx: typer.Context, notice: Notice, lang: Language = Lang.ZH, output: Output = Format.TABLE
) -> None:
    """Show an entry: the event, the rule that told it, who may sign and who did, and where it leads."""
    with Client(state_of(ctx)) as client:
        _show(client.get("notify", f"/v1/inbox{below(notice)}", lang=lang), output)


@app.command(epilog=examples("dukao inbox sign 3f0c1b6e9e3f4d0f7c0a1d5b2e8f9a6c --as zhao"))
def sign(ctx: typer.Context, notice: Notice, subject: As = None, output: Output = Format.TABLE) -> None:
    """Sign for an entry (签收).

    The first signature stays; signing again answers with it.
    """
    who = Who(subject, EVERYBODY.roles) if subject else EVERYBODY
    with Client(state_of(ctx)) as client:
        found = client.post("notify", f"/v1/inbox{below(notice)}:sign", None, who)
    say(f"signed for by {found['signed']['person']} at {found['signed']['at']}")
    _show(found, output)


def _show_list(found: list[dict[str, Any]], output: Format) -> None:
    none = "nothing was told: rules say what is, dukao rules show"
    show([_line(one) for one in found], _LIST, output, whole=found, none=none)


def _line(one: dict[str, Any]) -> dict[str, Any]:
    return one | {"state": STATES[one["state"]], "severity": one["severity_name"]}


def _show(entry: dict[str, Any], output: Format) -> None:
    """Show an entry for people field by field; JSON has all of it."""
    shown = {name: value for name, value in _line(entry).items() if name != "severity_name"}
    fields = [{"field": name, "value": value} for name, value in shown.items() if value not in (None, {})]
    show(fields, columns("field", "value"), output, whole=entry)
