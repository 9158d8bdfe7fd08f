"""Why an indicator of a unit, a board, or a total is worth what it is worth, and why an entry was posted."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import typer

from dukao.client import Client, below
from dukao.objections import objections
from dukao.options import Output, examples, state_of
from dukao.output import Column, Format, columns, say, show, show_lines
from dukao.telling import cells, totals, trials
from dukao.telling.languages import Lang, Language
from dukao.telling.words import NOT_COUNTED

app = typer.Typer()

PAGE_ROWS = 200
_PERIOD = re.compile(r"[0-9]{4}(-([0-9]{2}|Q[1-4]|H[12]))?\Z")
_PARTS = columns(
    "indicator",
    "name",
    "board",
    "overlay",
    "points",
    "value",
    "published",
    "lost",
    "state",
    "method",
    "cell",
    "explain",
)
_ENTRIES = columns("id", "month", "old", "new", "known_at")
All = Annotated[bool, typer.Option("--all", help="Every row, however many.")]
Limit = Annotated[int, typer.Option(min=1, max=PAGE_ROWS, help="How many rows without --all.")]
Only = Annotated[
    Literal["counted", "not-counted"] | None, typer.Option(help="Only such rows.", show_default=False)
]
Version = Annotated[
    int | None,
    typer.Option(min=1, help="A version; default the newest of the period.", show_default=False),
]
Overlay = Annotated[
    str | None, typer.Option(help="This special assessment (专项考评) by itself.", show_default=False)
]
Board = Annotated[str | None, typer.Option(help="Of the total only this board.", show_default=False)]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        help="As known on a day (to its end); the entries of a cell also at an instant, or after an entry.",
        show_default=False,
        metavar="WHEN",
    ),
]
Entry = Annotated[
    int | None, typer.Option(min=1, help="Only why this entry of the ledger was posted.", show_default=False)
]
Trial = Annotated[
    str | None, typer.Option(help="In this running trial of the scheme.", show_default=False, metavar="NAME")
]
Entries = Annotated[bool, typer.Option("--entries", help="The entries of a cell in place of its cases.")]


@app.command(
    epilog=examples(
        "dukao explain boston311 dep:PWDx ontime 2011-09",
        "dukao explain boston311 dep:PWDx ontime 2011-09 --only not-counted --lang en",
        "dukao explain boston311 dep:PWDx ontime 2011-09 --all --output csv > cases.csv",
        "dukao explain national B460000 2021-03                     the total, the dearest loss first",
        "dukao explain national B460000 2021-03 --board party       a board",
        "dukao explain national B460000 2021-03 --as-of 2021-04-10  what it was known to be",
        "dukao explain national B460000 tasks-on-time 2021-03 --entries   what the ledger says of a cell",
        "dukao explain national B460000 tasks-on-time 2021-03 --as-of 2021-04-10",
        "dukao explain national B460000 tasks-on-time 2021-03 --entry 4711   what moved it",
        "dukao explain national B460000 tasks-on-time 2021-03 --trial stricter",
        "dukao explain national B460000 2021 --trial stricter       what the total would be",
    )
)
def explain(
    ctx: typer.Context,
    scheme: Annotated[str, typer.Argument(help="The code of the scheme.")],
    unit: Annotated[str, typer.Argument(help="The code of the unit.")],
    indicator: Annotated[
        str | None,
        typer.Argument(help="The code of the indicator; left out it is the total.", show_default=False),
    ] = None,
    period: Annotated[
        str | None, typer.Argument(help="2021-03, 2021-Q1, 2021-H1 or 2021.", show_default=False)
    ] = None,
    *,
    everything: All = False,
    limit: Limit = 20,
    only: Only = None,
    board: Board = None,
    overlay: Overlay = None,
    version: Version = None,
    as_of: AsOf = None,
    entries: Entries = False,
    entry: Entry = None,
    trial: Trial = None,
    lang: Language = Lang.ZH,
    output: Output = Format.TABLE,
) -> None:
    """Explain a value: its formula with the numbers, and the cases that counted and those that did not.

    Without an indicator the total of a unit, or one board or overlay: which indicators lost how much. CSV
    prints the rows, JSON the whole answer; the rows are a page unless --all is given.
    """
    indicator, period = _named(indicator, period)
    if trial is not None and (entries or {version, as_of, entry} != {None}):
        raise typer.BadParameter("a trial has neither entries, versions nor days", param_hint="--trial")
    page = PAGE_ROWS if everything else limit
    with Client(state_of(ctx)) as client:
        if indicator is None:
            path, asked = _total(scheme, trial, below(period, unit), as_of)
            pages = client.pages("ranking", path, **asked, board=board, overlay=overlay, limit=page)
            _show_total(_whole(pages, "parts") if everything else next(pages), output, lang)
            return
        path, query = _cell(scheme, trial, below(period, unit, indicator), version)
        if entry is not None:
            pages = client.pages("scoring", f"/v1/entries/{entry}/explain", limit=page)
            _show_entry(_whole(pages, "rows") if everything else next(pages), output, lang)
        elif entries or as_of is not None:
            _show_entries(client.get("scoring", path, **query, as_of=as_of), output, lang)
        else:
            counted = None if only is None else str(only == "counted").lower()
            pages = client.pages("scoring", f"{path}/explain", **query, counted=counted, limit=page)
            _show(_whole(pages, "rows") if everything else next(pages), output, lang)


def _named(indicator: str | None, period: str | None) -> tuple[str | None, str]:
    """Return the indicator and the period that the arguments name; a total names no indicator."""
    if period is None:
        indicator, period = None, indicator
    if period is None or (indicator is None and _PERIOD.match(period) is None):
        raise typer.BadParameter("name a period: 2021-03, 2021-Q1, 2021-H1 or 2021", param_hint="PERIOD")
    return indicator, period


def _cell(scheme: str, trial: str | None, place: str, version: int | None) -> tuple[str, dict[str, Any]]:
    """Return the path to a cell in force or in a trial, and what is asked of it."""
    if trial is None:
        return f"/v1/cells{place}", {"scheme": scheme, "version": version}
    return f"/v1/trials{below(scheme, trial)}/cells{place}", {}


def _total(scheme: str, trial: str | None, place: str, as_of: str | None) -> tuple[str, dict[str, Any]]:
    """Return the path to a total in force or in a trial, and what is asked of it."""
    if trial is None:
        return f"/v1/totals{place}/explain", {"scheme": scheme, "as_of": as_of}
    return f"/v1/trials{below(scheme, trial)}/totals{place}/explain", {}


def _show(answer: Mapping[str, Any], output: Format, lang: Lang) -> None:
    if output is not Format.TABLE:
        show([_shown(row) for row in answer["rows"]], _csv_columns(answer), output, whole=answer)
        return
    show_lines(told(answer, lang))
    show_lines(objections(answer))
    if answer["next"] is not None:
        shown = len(answer["rows"])
        more = (f"以上为前 {shown} 项；全部：--all", f"the first {shown} rows; all: --all")
        show_lines([lang.of(more)])


def told(answer: Mapping[str, Any], lang: Lang) -> Iterator[str]:
    """Yield what a person reads: the value and how it comes about, then a block for each row."""
    yield from trials.marked(answer, lang)
    yield from cells.heading(answer, lang)
    for at, row in enumerate(answer["rows"], 1):
        yield ""
        yield from cells.row(at, row, answer, lang)


def _show_total(answer: Mapping[str, Any], output: Format, lang: Lang) -> None:
    if output is Format.TABLE:
        show_lines(totals.told(answer, lang))
    else:
        show(answer["parts"], _PARTS, output, whole=answer)


def _show_entry(answer: Mapping[str, Any], output: Format, lang: Lang) -> None:
    if output is Format.TABLE:
        show_lines(totals.entry(answer, lang))
    else:
        show([_shown(row) for row in answer["rows"]], _csv_columns(answer), output, whole=answer)


def _show_entries(answer: Mapping[str, Any], output: Format, lang: Lang) -> None:
    if output is Format.TABLE:
        show_lines(totals.entries(answer, lang))
    else:
        show(answer["entries"], _ENTRIES, output, whole=answer)
        for line in totals.earlier(answer, lang):
            say(line)


def _whole(pages: Iterator[dict[str, Any]], part: str) -> dict[str, Any]:
    """Return the first page with the rows of all."""
    first = next(pages)
    rest = [row for page in pages for row in page[part]]
    return first | {part: [*first[part], *rest], "next": None}


def _csv_columns(answer: Mapping[str, Any]) -> tuple[Column, ...]:
    """Return the columns of the rows; those of the measure's own view stand in the middle."""
    own = dict.fromkeys(name for row in answer["rows"] for name in row["columns"])
    return (
        *columns("case", "unit", "month", "counted", "met", "reason", "numerator", "denominator"),
        *columns(*(f"column.{name}" for name in own)),
        *columns("reports"),
    )


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    reports = [_report(one) for one in row["reports"][: cells.REPORTS_SHOWN]]
    more = row["reports_total"] - len(reports)
    return {
        **row,
        **{f"column.{name}": value for name, value in row["columns"].items()},
        "reports": "\n".join([*reports, *([f"and {more} more"] if more > 0 else [])]),
    }


def _report(report: Mapping[str, Any]) -> str:
    taken = f" → {', '.join(report['taken_by'])}" if report["taken_by"] else ""
    note = f" ({Lang.EN.word(NOT_COUNTED, report['left_out'])})" if report["left_out"] else ""
    return f"{report['id']} {report['type']} #{report['shard']}/{report['number']}{taken}{note}"
