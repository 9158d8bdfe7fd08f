"""Schemes: what there is, checks with line and reason, and how one comes into force."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from dukao import yamls
from dukao.adoption import (
    adopt_scheme,
    adopted_types,
    approver,
    author,
    draft_scheme,
    once_heard,
)
from dukao.checking import (
    Finding,
    Paper,
    as_scheme,
    check_beside,
    check_scheme,
    check_types,
    leaves_units,
    paper_of,
    read_scheme,
    refused_at,
)
from dukao.client import Client, RefusedError, below
from dukao.options import As, Document, Output, Read, examples, state_of
from dukao.output import Format, columns, say, show, show_json
from dukao.reports import reading, report, stop_at
from services.scoring.domain.document import SchemeDocument, json_schema
from shared.kernel.canonical import digest_hex

app = typer.Typer(no_args_is_help=True)

TYPES_BESIDE = "types.yaml"
Units = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        help="A CSV of units (unit_id,parent_id,name,level) for a scheme with `units: []`.",
        show_default=False,
    ),
]
Types = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        help="The catalogue of event types; default: types.yaml beside the scheme, else the one in force.",
        show_default=False,
    ),
]
Beside = Annotated[
    list[Path] | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        help="A version that is in force: what adopt refuses beside it is found. Once for each version.",
        show_default=False,
    ),
]
Code = Annotated[str, typer.Argument(help="The code of the scheme.")]
Version = Annotated[int, typer.Argument(min=1, help="Its version.")]

_STATE = columns("code", "version", "state", numbers=("version",))


@app.command(
    epilog=examples(
        "dukao scheme check samples/boston311/scheme.yaml --units units.csv",
        "dukao scheme check scheme.yaml --types types.yaml --output json",
        "dukao scheme check from-july.yaml --beside scheme.yaml",
    )
)
def check(
    ctx: typer.Context,
    file: Document,
    types: Types = None,
    units: Units = None,
    beside: Beside = None,
    output: Output = Format.TABLE,
) -> None:
    """Check a scheme as the service would; prints file:line, place, code and reason of each finding.

    Findings end with 6. Nothing is run to find out, and no platform is needed where types.yaml lies beside.
    """
    with reading(file, output):
        paper = read_scheme(file, units, may_have_own=any(map(leaves_units, beside or ())))
        found = check_scheme(paper, types_of(ctx, file, types, output))
    report(found or _beside(paper, beside or (), units, output), file, output)


@app.command(epilog=examples("dukao scheme draft scheme.yaml --as ada"))
def draft(
    ctx: typer.Context, file: Document, units: Units = None, subject: As = None, output: Output = Format.TABLE
) -> None:
    """Check a scheme and keep it as a draft; another person adopts it."""
    paper = _read(file, units, output)
    with Client(state_of(ctx)) as client:
        try:
            drafted = draft_scheme(client, paper.document, author(subject))
        except RefusedError as refused:
            stop_at(refused_at(paper, refused.findings), file, output)
            raise
    say(f"adopt it as another person: dukao scheme adopt {drafted['code']} {drafted['version']}")
    show([drafted], _STATE, output, whole=drafted)


@app.command(epilog=examples("dukao scheme adopt boston311 1 --as bob"))
def adopt(
    ctx: typer.Context,
    code: Code,
    version: Version,
    digest: Read = None,
    subject: As = None,
    output: Output = Format.TABLE,
) -> None:
    """Put a drafted scheme in force as it was read; its author cannot.

    Without --digest it is taken as it is now: dukao scheme list and show print the digest of what was read.
    """
    with Client(state_of(ctx)) as client:
        say(f"adopted with digest {adopt_scheme(client, code, version, approver(subject), digest)}")
    _show_adopted(code, version, output)


@app.command(epilog=examples("dukao scheme apply samples/boston311/scheme.yaml --units units.csv"))
def apply(ctx: typer.Context, file: Document, units: Units = None, output: Output = Format.TABLE) -> None:
    """Check a scheme against the types in force, draft it and adopt it at once, for development.

    Drafts as the subject author and adopts as the subject approver; two people do this in earnest.
    """
    paper = _read(file, units, output)
    with Client(state_of(ctx)) as client:
        stop_at(check_scheme(paper, adopted_types(client)), file, output)
        drafted = once_heard(lambda: draft_scheme(client, paper.document, author(None)), say)
        adopt_scheme(client, drafted["code"], drafted["version"], approver(None), drafted["digest"])
    say("for development: drafted as author, adopted as approver")
    _show_adopted(drafted["code"], drafted["version"], output)


@app.command(name="list", epilog=examples("dukao scheme list"))
def list_schemes(ctx: typer.Context, output: Output = Format.TABLE) -> None:
    """List every version of every scheme with its state and who drafted and adopted it.

    A version is a draft, in consultation once a round was opened, adopted by another person than its author,
    effective once its first month has begun, and superseded by a newer one. Adopted it never changes.
    """
    with Client(state_of(ctx)) as client:
        found = client.get("scoring", "/v1/schemes")
    shown = columns(
        "code",
        "version",
        "state",
        "rounds",
        "unanswered",
        "author",
        "approver",
        "digest",
        numbers=("version",),
    )
    none = "no scheme yet: dukao scheme apply FILE, or dukao scheme draft FILE and another person's adopt"
    show(found["items"], shown, output, whole=found, none=none)


@app.command(name="show", epilog=examples("dukao scheme show boston311 1 --output json"))
def show_scheme(ctx: typer.Context, code: Code, version: Version, output: Output = Format.TABLE) -> None:
    """Show a version's indicators; JSON prints the whole document."""
    with Client(state_of(ctx)) as client:
        document = client.get("scoring", f"/v1/schemes{below(code, version)}")
    head = document["scheme"]
    simulated = " · 模拟 / simulated" if head["simulated"] else ""
    title = (
        f"{head['title']} · {head['effective']} to {head['until']} · total {head['total']}{simulated}\n"
        f"digest {digest_hex(document)}"
    )
    for one in document["overlays"]:
        months = f"{one['from']} to {one['until']}"
        title += f"\n专项考评 {one['code']} {one['name']} · {months} · {one['points']} points {one['counts']}"
    shown = columns(
        "code",
        "name",
        "board",
        "points",
        "groups",
        "cycle",
        "measure",
        "method",
        "verified",
        numbers=("points",),
    )
    rows: list[dict[str, Any]] = [
        one
        | {"groups": " ".join(one["units"] or one["groups"]), "method": next(iter(one["method"]))}
        | {"board": one.get("board") or one.get("overlay", "")}
        for one in document["indicators"]
    ]
    show(rows, shown, output, title=title, whole=document)


@app.command(epilog=examples("dukao scheme schema > scheme.json"))
def schema() -> None:
    """Print the JSON Schema of a scheme document, for editors; no platform is needed."""
    show_json(json_schema())


def types_of(ctx: typer.Context, scheme: Path, named: Path | None, output: Format) -> Any:
    """Return the catalogue that a scheme is checked against, itself checked."""
    beside = scheme.parent / TYPES_BESIDE
    file = named or (beside if beside.exists() else None)
    if file is None:
        with Client(state_of(ctx)) as client:
            return adopted_types(client)
    paper = paper_of(yamls.read(file))
    wrong = check_types(paper)
    if wrong:
        report(wrong, file, output)
    return paper.document


def _read(file: Path, units: Path | None, output: Format) -> Paper:
    with reading(file, output):
        return read_scheme(file, units)
    raise AssertionError("what cannot be read has ended the command")


def _beside(paper: Paper, files: Sequence[Path], units: Path | None, output: Format) -> list[Finding]:
    """Return what adoption would refuse in a sound scheme beside the versions of files."""
    adopted, code = [_version(one, units, output) for one in files], paper.document["scheme"]["code"]
    for file, one in zip(files, adopted, strict=True):
        if one.scheme.code != code:
            reason = f"{file} is a version of {one.scheme.code}, not of {code}"
            raise typer.BadParameter(reason, param_hint="--beside")
    return check_beside(paper, adopted)


def _version(file: Path, units: Path | None, output: Format) -> SchemeDocument:
    """Return the scheme of a file; what is not of its shape ends the command."""
    with reading(file, output):
        found = as_scheme(read_scheme(file, units, may_have_own=True))
        if isinstance(found, SchemeDocument):
            return found
        report(found, file, output)
    raise AssertionError("what cannot be read has ended the command")


def _show_adopted(code: str, version: int, output: Format) -> None:
    record = {"code": code, "version": version, "state": "adopted"}
    show([record], _STATE, output, whole=record)
