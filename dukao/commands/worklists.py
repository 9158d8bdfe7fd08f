"""The work lists of ingest: what was refused, and what contradicts an accepted event."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from dukao.client import EVERYBODY, Client, Who, below
from dukao.options import As, Output, examples, json_of, state_of
from dukao.output import Column, Format, columns, say, show

refusals = typer.Typer(no_args_is_help=True)
conflicts = typer.Typer(no_args_is_help=True)

PAGE = 200
_REFUSALS = columns(
    "id", "at", "state", "code", "source", "client", "place", "times", "detail", numbers=("id", "times")
)
_CONFLICTS = columns(
    "id", "at", "state", "why", "source", "event_id", "times", "withdrawn", numbers=("id", "times")
)

Number = Annotated[int, typer.Argument(min=1, help="The number of the entry.", metavar="ID")]
State = Annotated[
    str | None,
    typer.Option(
        "--state", help="Only those that are open, fixed, replayed or dismissed.", show_default=False
    ),
]
Source = Annotated[str | None, typer.Option("--source", help="Only those of a source.", show_default=False)]
Code = Annotated[str | None, typer.Option("--code", help="Only those of a code.", show_default=False)]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the audit.")]


def _common(app: typer.Typer, noun: str, shown: Sequence[Column], about: Mapping[str, str]) -> None:
    """Add what both lists have: list, show and dismiss; `about` says what each does here."""

    @app.command(name="list", help=about["list"], epilog=examples(f"dukao {noun} list --state open"))
    def list_entries(
        ctx: typer.Context,
        state: State = None,
        source: Source = None,
        code: Code = None,
        output: Output = Format.TABLE,
    ) -> None:
        only = {"state": state, "source": source, "code": code}
        with Client(state_of(ctx)) as client:
            pages = client.pages("ingest", f"/v1/{noun}", limit=PAGE, **only)
            items = [one for page in pages for one in page["items"]]
        show(items, shown, output, none=f"no such {noun}")

    @app.command(name="show", help=about["show"], epilog=examples(f"dukao {noun} show 7 --output json"))
    def show_entry(ctx: typer.Context, number: Number, output: Output = Format.TABLE) -> None:
        with Client(state_of(ctx)) as client:
            _show(client.get("ingest", f"/v1/{noun}{below(number)}"), output)

    _step(app, noun, "dismiss", about["dismiss"], because="a test")


def _step(app: typer.Typer, noun: str, verb: str, about: str, *, because: str) -> None:
    """Add a decision that says nothing but its reason."""

    @app.command(name=verb, help=about, epilog=examples(f'dukao {noun} {verb} 7 --reason "{because}"'))
    def decide(
        ctx: typer.Context,
        number: Number,
        reason: Reason,
        subject: As = None,
        output: Output = Format.TABLE,
    ) -> None:
        _decide(ctx, noun, number, verb, {"reason": reason}, subject, output)


_common(
    refusals,
    "refusals",
    _REFUSALS,
    {
        "list": "List what ingest refused, oldest first.\n\n"
        "An entry is open until a person has sent the event corrected, replayed or dismissed it; what came "
        "from a topic has its place. What each code means is in docs/errors.md.",
        "show": "Show a refusal; the body is never kept, only its digest.",
        "dismiss": "Leave a refusal as it is.",
    },
)
_common(
    conflicts,
    "conflicts",
    _CONFLICTS,
    {
        "list": "List what contradicts an accepted event; where that was withdrawn since, on top.\n\n"
        "The first event counts until a person takes the second as a correction of it, or dismisses it.",
        "show": "Show the event that contradicts beside the one that counts.",
        "dismiss": "Let the first event count.",
    },
)


@refusals.command(epilog=examples('dukao refusals fix 7 corrected.json --reason "unit written wrong"'))
def fix(
    ctx: typer.Context,
    number: Number,
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="The corrected event.", metavar="FILE")
    ],
    reason: Reason,
    subject: As = None,
    output: Output = Format.TABLE,
) -> None:
    """Send the corrected event and link it to the refusal."""
    _decide(ctx, "refusals", number, "fix", {"event": json_of(file), "reason": reason}, subject, output)


_step(
    refusals,
    "refusals",
    "replay",
    "Take a refused record as it lies in its inbound topic, which keeps it for 30 days.\n\n"
    "Of use when not the record was wrong: its type came later, a scope was too narrow, a mistake was ours. "
    "What came by HTTP its client sends again.",
    because="the type is adopted now",
)


@conflicts.command(epilog=examples('dukao conflicts replay 3 --reason "the second report is right"'))
def replay(
    ctx: typer.Context,
    number: Number,
    reason: Reason,
    revision: Annotated[
        int | None,
        typer.Option(
            "--revision", min=1, help="The revision that it gets; else the next.", show_default=False
        ),
    ] = None,
    subject: As = None,
    output: Output = Format.TABLE,
) -> None:
    """Take the event that contradicts as a correction of the one that counts."""
    asked = {"reason": reason} | ({} if revision is None else {"revision": revision})
    _decide(ctx, "conflicts", number, "replay", asked, subject, output)


def _show(entry: dict[str, Any], output: Format) -> None:
    fields = [{"field": name, "value": value} for name, value in entry.items() if value is not None]
    show(fields, columns("field", "value"), output, whole=entry)


def _decide(
    ctx: typer.Context,
    noun: str,
    number: int,
    verb: str,
    asked: dict[str, Any],
    subject: str | None,
    output: Format,
) -> None:
    who = Who(subject, EVERYBODY.roles) if subject else EVERYBODY
    with Client(state_of(ctx)) as client:
        found = client.post("ingest", f"/v1/{noun}{below(number)}:{verb}", asked, who)
    say(f"{noun} {number}: {found['state']} by {found['decided_by']}")
    _show(found, output)
