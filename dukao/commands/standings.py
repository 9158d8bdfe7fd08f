"""Standings as they move."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import typer
from rich.console import Group
from rich.text import Text

from dukao import watching
from dukao.client import Client, below
from dukao.options import Output, examples, state_of
from dukao.output import Format, columns, show, show_lines, table
from dukao.standings import changes, freshness, heading, lines, notes
from dukao.telling.languages import Lang, Language
from dukao.watching import Watch

app = typer.Typer()

AsOf = Annotated[
    str | None,
    typer.Option("--as-of", help="As it stood at the end of a day.", show_default=False, metavar="DAY"),
]

View = Annotated[
    Literal["restated"] | None,
    typer.Option(
        help="Of a closed period: with all that came since, beside what that changes.", show_default=False
    ),
]

NO_STANDING = "no standing yet: dukao types apply FILE, dukao scheme apply FILE, then dukao send FILE"

_LIST = columns("scheme", "group", "period", "state")
_UNITS = columns(
    "rank",
    "unit",
    "name",
    "points",
    "tier",
    "covered",
    "volume",
    numbers=("rank", "points", "covered", "volume"),
)


@app.command(
    epilog=examples(
        "dukao standings",
        "dukao standings boston311 departments 2011-09",
        "dukao standings boston311 departments 2011-Q3 --watch",
        "dukao standings boston311 departments 2011-09 --as-of 2011-10-03",
        "dukao standings boston311 departments 2011-09 --view restated",
        "dukao standings boston311 city 2011-09 --output csv",
    )
)
def standings(
    ctx: typer.Context,
    scheme: Annotated[str | None, typer.Argument(help="The code of the scheme.", show_default=False)] = None,
    group: Annotated[str | None, typer.Argument(help="A group of the scheme.", show_default=False)] = None,
    period: Annotated[
        str | None, typer.Argument(help="2021-03, 2021-Q1, 2021-H1 or 2021.", show_default=False)
    ] = None,
    *,
    as_of: AsOf = None,
    view: View = None,
    watch: Watch = False,
    lang: Language = Lang.ZH,
    output: Output = Format.TABLE,
) -> None:
    """Show the standing of a group, live or as it was closed (已关账), or list all standings there are.

    A unit that is not yet assessed (未考) shows the range its points can lie in and follows unranked. Below
    the lines stands what is not assessed, not due, or does not apply to a unit.
    """
    if scheme is not None and (group is None or period is None):
        raise typer.BadParameter("name scheme, group and period, or none of them")
    one = scheme is not None and not watch
    _check(as_of is None or one, "of one standing, which does not move", "--as-of")
    _check(view is None or (one and as_of is None), "of one standing, as it is now", "--view")
    with Client(state_of(ctx)) as client:
        if scheme is None or group is None or period is None:
            items = [one for page in client.pages("ranking", "/v1/standings") for one in page["items"]]
            show(items, _LIST, output, none=NO_STANDING)
            return
        path = f"/v1/standings{below(scheme, group, period)}"
        if watch:
            watching.watch(
                lambda: _standing(client, path),
                drawn=lambda one: _drawn(one, lang),
                tell=lambda one: _show(one, output, lang),
                form=output,
            )
        else:
            _show(_standing(client, path, as_of, view), output, lang)


def _check(fits: bool, reason: str, option: str) -> None:
    if not fits:
        raise typer.BadParameter(reason, param_hint=option)


def _standing(client: Client, path: str, as_of: str | None = None, view: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = client.get("ranking", path, as_of=as_of, view=view)
    return found


def _show(standing: Mapping[str, Any], output: Format, lang: Lang) -> None:
    if output is Format.TABLE:
        show_lines([heading(standing, lang)])
    show(lines(standing, lang), _UNITS, output, whole=standing)
    if output is Format.TABLE:
        show_lines([*_below(standing, lang)])


def _drawn(standing: Mapping[str, Any], lang: Lang) -> Group:
    below_it = [Text(line) for line in _below(standing, lang)]
    return Group(Text(heading(standing, lang)), table(lines(standing, lang), _UNITS), *below_it)


def _below(standing: Mapping[str, Any], lang: Lang) -> Iterator[str]:
    """Yield what stands below the lines of a standing."""
    yield from notes(standing, lang)
    yield from changes(standing, lang)
    yield freshness(standing, lang)
