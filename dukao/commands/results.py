"""Ready results of other systems beside what the raw facts give (对账)."""

from typing import Annotated, Any

import typer

from dukao.client import Client
from dukao.options import Output, examples, state_of
from dukao.output import Format, columns, show
from dukao.telling.languages import Lang, Language, Words

app = typer.Typer(no_args_is_help=True)

PAGE = 200
DOOR = "/v1/reconciliations"
STATES: Words = {
    "equal": ("一致", "equal"),
    "differs": ("不一致", "differs"),
    "only_official": ("仅对方有", "theirs alone"),
    "only_ours": ("仅本方有", "ours alone"),
    "neither": ("双方均无", "neither"),
}
_COLUMNS = columns(
    "unit", "result", "title", "state", "official", "ours", "apart", numbers=("official", "ours", "apart")
)

Scheme = Annotated[str, typer.Option("--scheme", help="The code of the scheme.")]
Period = Annotated[str, typer.Option("--period", help="2021-03, 2021-Q1, 2021-H1 or 2021.")]
Version = Annotated[
    int | None, typer.Option("--version", min=1, help="Without it the newest for the period.")
]


@app.command(name="list", epilog=examples("dukao results list --scheme gcservice --period 2024-03"))
def list_results(
    ctx: typer.Context,
    scheme: Scheme,
    period: Period,
    version: Version = None,
    lang: Language = Lang.ZH,
    output: Output = Format.TABLE,
) -> None:
    """List what other systems published of each unit beside what the raw facts give."""
    _list(ctx, {"scheme": scheme, "period": period, "version": version}, output, lang, "no such result")


@app.command(epilog=examples("dukao results differences --scheme gcservice --period 2024-03 --output json"))
def differences(
    ctx: typer.Context,
    scheme: Scheme,
    period: Period,
    version: Version = None,
    lang: Language = Lang.ZH,
    output: Output = Format.TABLE,
) -> None:
    """List only what differs, or stands on one side alone; no score depends on it."""
    asked = {"scheme": scheme, "period": period, "version": version, "differing": "true"}
    _list(ctx, asked, output, lang, "no difference")


def _list(ctx: typer.Context, asked: dict[str, Any], output: Format, lang: Lang, none: str) -> None:
    with Client(state_of(ctx)) as client:
        pages = client.pages("scoring", DOOR, limit=PAGE, **asked)
        found = [one for page in pages for one in page["items"]]
    show([line(one, output, lang) for one in found], _COLUMNS, output, whole=found, none=none)


def line(one: dict[str, Any], output: Format, lang: Lang) -> dict[str, Any]:
    """Return a result as a row; a state is a word for people and a name for programs."""
    sides = {name: _written(one[name]) for name in ("official", "ours")}
    state = lang.word(STATES, one["state"]) if output is Format.TABLE else one["state"]
    return one | sides | {"state": state}


def _written(value: dict[str, Any] | None) -> str | None:
    if value is None or value["denominator"] is None:
        return None if value is None else value["numerator"]
    return f"{value['numerator']}/{value['denominator']}"
