"""Options that several commands have, and what the command line says of its surroundings."""

from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.state import State, default_folder
from dukao.output import Format
from shared.kernel.errors import Refused
from shared.kernel.strict_json import Json, decode

Output = Annotated[
    Format, typer.Option("--output", "-o", help="How data is printed: for people, for programs, for sheets.")
]
StateFolder = Annotated[
    Path | None,
    typer.Option(
        "--state",
        envvar="DUKAO_STATE",
        help="The folder of the platform. One folder is one platform; the default belongs to this checkout.",
        show_default=False,
    ),
]
Document = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A YAML file.", metavar="FILE")]
As = Annotated[
    str | None,
    typer.Option(
        "--as", help="In development: the person who does it.", show_default=False, metavar="SUBJECT"
    ),
]

Read = Annotated[
    str | None,
    typer.Option(
        "--digest",
        help="The digest of what was read; it is refused if that has changed. Default: as it is now.",
        show_default=False,
    ),
]


def json_of(file: Path) -> Json:
    """Return what a file holds, read as strictly as the services read."""
    try:
        return decode(file.read_bytes())
    except Refused as refused:
        problem = refused.problem
        raise typer.BadParameter(f"{problem.detail} ({problem.code})", param_hint="FILE") from None


def remember(ctx: typer.Context, folder: Path | None) -> None:
    """Keep which platform the command line speaks of."""
    ctx.obj = None if folder is None else State(folder.absolute())


def state_of(ctx: typer.Context) -> State:
    """Return the state folder that the command line names, else the default."""
    named: Any = ctx.find_root().obj
    return named if isinstance(named, State) else State(default_folder())


def examples(*lines: str) -> str:
    """Return an epilog that shows how a command is called, each on its line."""
    return "\n\n".join(("Examples:", *(f"  {line}" for line in lines)))
