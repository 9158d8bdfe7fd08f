"""Ready results of other systems beside what the raw facts give (对账)."""

from typing import Annotated, Any

import typer

from dukao.client import Client
from dukao.options import Output, examples, state_of
from dukao.output import Format, columns, show

app = typer.Typer(no_args_is_help=True)

PAGE = 200
DOOR = "/v1/reconciliations"
STATES = {
    "equal": "一致",
    "differs": "不一致",
    "only_official": "仅对方有",
    "only_ours": "仅本方有",
    "neither": "双方均无",
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
    output: Output = Format.TABLE,
) -> None:
    """List what other systems published of each unit beside what the raw facts give."""
    _list(ctx, {"scheme": scheme, "period": period, "version": version}, output, "no such result")


@app.command(epilog=examples("dukao results differences --scheme gcservice --period 2024-03 --output json"))
def differences(
    ctx: typer.Context,
    scheme: Scheme,
    period: Period,
    version: Version = None,
    output: Output = Format.TABLE,
) -> None:
    """List only what differs, or stands on one side alone; no score depends on it."""
    asked = {"scheme": scheme, "period": period, "version": version, "differing": "true"}
    _list(ctx, asked, output, "no difference")


def _list(ctx: typer.Context, asked: dict[str, Any], output: Format, none: str) -> None:
    with Client(state_of(ctx)) as client:
        pages = client.pages("scoring", DOOR, limit=PAGE, **asked)
        found = [one for page in pages for one in page["items"]]
    show([_line(one) for one in found], _COLUMNS, output, whole=found, none=none)


def _line(one: dict[str, Any]) -> dict[str, Any]:
    sides = {name: _written(one[name]) for name in ("official", "ours")}
    return one | sides | {"state": STATES[one["state"]]}


def _written(value: dict[str, Any] | None) -> str | None:
    if value is None or value["denominator"] is None:
        return None if value is None else value["numerator"]
    return f"{value['numerator']}/{value['denominator']}"
