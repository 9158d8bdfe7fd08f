"""What schemes say beside their documents: what changed between versions, what machines cover."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from dukao.checking import as_scheme, read_scheme
from dukao.client import Client, below
from dukao.commands.scheme import Units
from dukao.options import Output, examples, state_of
from dukao.output import Format, columns, say, show, show_lines
from dukao.reports import reading, report
from services.scoring import layer_answers, scheme_answers
from services.scoring.domain.document import SchemeDocument

app = typer.Typer()

MOST_LAYERS = 8
_CHANGES = columns("text", "section", "key", "change", "place", "old", "new", "splits")
_LAYERS = columns(
    "scheme",
    "version",
    "parent",
    "unit",
    "indicators",
    "budget",
    "share=carried",
    "first=points of the top",
    "missing=not carried on",
    numbers=("version", "indicators", "budget", "share", "first"),
)
_COVERAGE = columns(
    "group",
    "units",
    "machine",
    "system",
    "manual",
    "share=planned",
    "reaches_target=reaches target",
    "achieved",
    "missing",
    numbers=("units", "machine", "system", "manual", "share", "achieved"),
)
MISSING_SHOWN = 5
Lang = Annotated[Literal["zh", "en"], typer.Option("--lang", help="The language of the texts: zh or en.")]


@dataclass(frozen=True, slots=True)
class Stored:
    """A version that the platform has."""

    code: str
    version: int

    @property
    def path(self) -> str:
        """Where the platform has it."""
        return f"/v1/schemes{below(self.code, self.version)}"


@app.command(
    epilog=examples(
        "dukao scheme diff national@1 national@2",
        "dukao scheme diff national@1 scheme.yaml --lang en",
        "dukao scheme diff old.yaml new.yaml --output json",
    )
)
def diff(
    ctx: typer.Context,
    older: Annotated[str, typer.Argument(help="A file, or CODE@VERSION of the platform.", metavar="OLDER")],
    newer: Annotated[str, typer.Argument(help="A file, or CODE@VERSION of the platform.", metavar="NEWER")],
    *,
    units: Units = None,
    lang: Lang = "zh",
    output: Output = Format.TABLE,
) -> None:
    """Say in words what changed from one version of a scheme to another.

    Another order is no change. An indicator whose points, method or measure changed is scored in parts by
    months, 分段计分; every other one over the whole. No platform is needed for two files.
    """
    found = _compared(ctx, named(older, units, output), named(newer, units, output), lang)
    changes = found["differences"]
    if output is Format.TABLE:
        show_lines(one["text"] for one in changes)
        say(f"{len(changes)} change{'' if len(changes) == 1 else 's'}")
        return
    show(changes, _CHANGES, output, whole=found)


@app.command(
    epilog=examples(
        "dukao scheme coverage scheme.yaml",
        "dukao scheme coverage national@1",
        "dukao scheme coverage national@1 --period 2021-03",
    )
)
def coverage(
    ctx: typer.Context,
    scheme: Annotated[str, typer.Argument(help="A file, or CODE@VERSION of the platform.")],
    *,
    period: Annotated[
        str | None,
        typer.Option(help="2021-03, 2021-Q1, 2021-H1 or 2021: what was achieved.", show_default=False),
    ] = None,
    units: Units = None,
    output: Output = Format.TABLE,
) -> None:
    """Show the share of the points that machines give (机考率): planned, and achieved in a period.

    A line is a group; its planned points are those of the unit that machines cover least. Achieved are the
    points of machine and system indicators all of whose cells in the period were scored. In a period what
    does not apply to a unit is in neither.
    """
    found = _covered(ctx, named(scheme, units, output), period)
    target = found["target"]
    title = f"target {target['sum']} = {target['machine']} + {target['system']}" if target else "no target"
    show([_line(one) for one in found["groups"]], _COVERAGE, output, title=title, whole=found)


@app.command(
    epilog=examples(
        "dukao scheme layers city@1",
        "dukao scheme layers city.yaml --parent bureau.yaml --parent nation.yaml",
        "dukao scheme layers city.yaml --lang en --output json",
    )
)
def layers(
    ctx: typer.Context,
    scheme: Annotated[str, typer.Argument(help="A file, or CODE@VERSION of the platform.")],
    *,
    parent: Annotated[
        list[str] | None,
        typer.Option(help="The scheme above, as file or CODE@VERSION, and so on up; else the platform's."),
    ] = None,
    lang: Lang = "zh",
    output: Output = Format.TABLE,
) -> None:
    """Check a scheme against those above it (层层加码), level by level from the top.

    Reported is an indicator that is stricter than the one it carries on, and more indicators than the parent
    allows; equal is not stricter. Carried is the share of the parent's points that the level carries on.
    """
    chain = [named(one, None, output) for one in (scheme, *(parent or ()))]
    if len(chain) == 1 and isinstance(chain[0], Stored):
        with Client(state_of(ctx)) as client:
            found = client.get("scoring", f"{chain[0].path}/layers", lang=lang)
    else:
        found = layer_answers.layers(_chain(ctx, chain), lang).model_dump()
    show(found["layers"], _LAYERS, output, whole=found)
    if output is Format.TABLE:
        show_lines(f"{one['scheme']} {told['path']} {told['text']}" for one, told in _told(found))


def _told(found: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    for layer in found["layers"]:
        yield from ((layer, burden) for burden in layer["burdens"])


def _chain(ctx: typer.Context, named: list[Stored | SchemeDocument]) -> list[SchemeDocument]:
    """Return schemes, the topmost first; those that no word names are the platform's."""
    if len(named) > 1 and all(isinstance(one, SchemeDocument) for one in named):
        return [one for one in reversed(named) if isinstance(one, SchemeDocument)]
    with Client(state_of(ctx)) as client:
        chain = [_fetched(client, one) for one in named]
        while len(named) == 1 and (above := chain[-1].parent) is not None and len(chain) < MOST_LAYERS:
            chain.append(_fetched(client, Stored(above.scheme, above.version)))
    return chain[::-1]


def _covered(ctx: typer.Context, scheme: Stored | SchemeDocument, period: str | None) -> Any:
    if isinstance(scheme, Stored):
        with Client(state_of(ctx)) as client:
            return client.get("scoring", f"{scheme.path}/coverage", period=period)
    if period is not None:
        raise typer.BadParameter("only a scheme of the platform has achieved anything", param_hint="--period")
    return scheme_answers.coverage(scheme).model_dump()


def _line(group: Mapping[str, Any]) -> dict[str, Any]:
    planned, achieved = group["planned"], group["achieved"] or {}
    lacking = [f"{one['unit']}: {', '.join(one['indicators'])}" for one in achieved.get("missing", ())]
    more = len(lacking) - MISSING_SHOWN
    return {
        **planned,
        "group": group["group"],
        "units": group["units"],
        "achieved": achieved.get("share"),
        "missing": "\n".join(lacking[:MISSING_SHOWN] + ([f"and {more} more"] if more > 0 else [])),
    }


def named(text: str, units: Path | None, output: Format) -> Stored | SchemeDocument:
    """Return what a word names: a version of the platform, or the scheme of a file."""
    code, at, version = text.rpartition("@")
    if at and version.isdecimal() and not Path(text).exists():
        return Stored(code, int(version))
    file = Path(text)
    if not file.is_file():
        raise typer.BadParameter(f"{text} is no file and no CODE@VERSION")
    with reading(file, output):
        found = as_scheme(read_scheme(file, units))
        if isinstance(found, SchemeDocument):
            return found
        report(found, file, output)
    raise AssertionError("what cannot be read has ended the command")


def _compared(
    ctx: typer.Context,
    older: Stored | SchemeDocument,
    newer: Stored | SchemeDocument,
    lang: Literal["zh", "en"],
) -> Any:
    match older, newer:
        case SchemeDocument(), SchemeDocument():
            return scheme_answers.diff(older, newer, lang).model_dump()
        case Stored(), Stored() if older.code == newer.code:
            with Client(state_of(ctx)) as client:
                return client.get("scoring", f"{newer.path}/differences", since=older.version, lang=lang)
        case _:
            with Client(state_of(ctx)) as client:
                return _compared(ctx, _fetched(client, older), _fetched(client, newer), lang)


def _fetched(client: Client, one: Stored | SchemeDocument) -> SchemeDocument:
    """Return a scheme, asked of the platform where it is stored there."""
    if isinstance(one, SchemeDocument):
        return one
    return SchemeDocument.model_validate(client.get("scoring", one.path))
