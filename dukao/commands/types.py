"""Event types: what there is, checks of a catalogue, and how one comes into force."""

from pathlib import Path
from typing import Annotated, Any

import typer

from dukao import yamls
from dukao.adoption import adopt_types, approver, author, draft_types
from dukao.checking import Paper, check_types, paper_of
from dukao.client import Client, below
from dukao.options import As, Document, Output, examples, state_of
from dukao.output import Format, columns, say, show
from dukao.reports import reading, report, stop_at

app = typer.Typer(no_args_is_help=True)

_VERSION = columns("version", "state", numbers=("version",))


@app.command(name="list", epilog=examples("dukao types list", "dukao types list --output csv"))
def list_types(ctx: typer.Context, output: Output = Format.TABLE) -> None:
    """List the event types in force, and the sources that may send them.

    The fields of a type are shown by dukao types show; JSON has the whole of every source.
    """
    with Client(state_of(ctx)) as client:
        found = client.get("ingest", "/v1/types")
    sources = ", ".join(f"{one['source']} ({one['title']})" for one in found["sources"])
    title = f"catalogue {found['version']} · sources: {sources or 'none'}"
    none = "no types in force: dukao types apply FILE, or dukao types draft FILE and another person's adopt"
    show(found["types"], columns("type", "title"), output, title=title, whole=found, none=none)


@app.command(name="show", epilog=examples("dukao types show case.opened.v1 --output json"))
def show_type(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The type with its version: case.opened.v1.")],
    output: Output = Format.TABLE,
) -> None:
    """Show a type's fields; JSON also has its closed JSON Schema."""
    with Client(state_of(ctx)) as client:
        found = client.get("ingest", f"/v1/types{below(name)}")
    spec = found["spec"]
    fields: list[dict[str, Any]] = [{"field": field} | declared for field, declared in spec["fields"].items()]
    title = f"{name} · {spec['title']} · case {spec['case']}"
    shown = columns(
        "field", "type", "required", "scale", "max", "minimum", numbers=("scale", "max", "minimum")
    )
    show(fields, shown, output, title=title, whole=found)


@app.command(epilog=examples("dukao types check samples/boston311/types.yaml"))
def check(file: Document, output: Output = Format.TABLE) -> None:
    """Check a catalogue of types and sources without a platform; findings end with 6."""
    with reading(file, output):
        report(check_types(paper_of(yamls.read(file))), file, output)


@app.command(epilog=examples("dukao types draft types.yaml --as ada"))
def draft(ctx: typer.Context, file: Document, subject: As = None, output: Output = Format.TABLE) -> None:
    """Draft a catalogue; another person adopts it.

    It stands for the whole: types and sources that it leaves out are no longer taken. A type that was ever
    adopted keeps its fields; another meaning is the next version of its name.
    """
    paper = _checked(file, output)
    with Client(state_of(ctx)) as client:
        version = draft_types(client, paper.document, author(subject))
    say(f"adopt it as another person: dukao types adopt {version}")
    _show_version(version, "draft", output)


@app.command(epilog=examples("dukao types adopt 3 --as bob"))
def adopt(
    ctx: typer.Context,
    version: Annotated[int, typer.Argument(min=1, help="The version that the draft was given.")],
    subject: As = None,
    output: Output = Format.TABLE,
) -> None:
    """Put a drafted catalogue in force; its author cannot."""
    with Client(state_of(ctx)) as client:
        adopt_types(client, version, approver(subject))
    _show_version(version, "adopted", output)


@app.command(epilog=examples("dukao types apply samples/boston311/types.yaml"))
def apply(ctx: typer.Context, file: Document, output: Output = Format.TABLE) -> None:
    """Draft a catalogue and adopt it at once, for development.

    Drafts as the subject author and adopts as the subject approver; two people do this in earnest.
    """
    paper = _checked(file, output)
    with Client(state_of(ctx)) as client:
        version = draft_types(client, paper.document, author(None))
        adopt_types(client, version, approver(None))
    say("for development: drafted as author, adopted as approver")
    _show_version(version, "adopted", output)


def _checked(file: Path, output: Format) -> Paper:
    with reading(file, output):
        paper = paper_of(yamls.read(file))
        stop_at(check_types(paper), file, output)
        return paper
    raise AssertionError("what cannot be read has ended the command")


def _show_version(version: int, state: str, output: Format) -> None:
    record = {"version": version, "state": state}
    show([record], _VERSION, output, whole=record)
