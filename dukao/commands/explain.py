"""Why an indicator of a unit is worth what it is worth."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from dukao.client import Client, below
from dukao.objections import objections
from dukao.options import Output, examples, state_of
from dukao.output import Column, Format, columns, show, show_lines

app = typer.Typer()

PAGE_ROWS = 200
REPORTS_SHOWN = 3
_TABLE = columns("case", "unit", "month", "counted", "met", "why=why not", "row", "reports")
NOT_COUNTED = {
    "filter_not_met": "the measure's filter does not hold",
    "no_date": "has no date that puts it into a period",
    "other_month": "belongs to another month",
    "left_before_the_end": "was over before the end of the period",
    "revised": "a higher revision counts",
    "withdrawn": "was retracted",
    "same_fact": "repeats a fact that is known",
    "original_missing": "corrects an event that has not come",
    "beyond_cap": "the item's cap was reached before",
    "provisional": "the due time is provisional",
    "other_indicator": "the item names another indicator or scheme",
    "suppressed": "a higher deduction of the same problem counts",
    "not_scored": "the indicator is not one of the unit",
}
All = Annotated[bool, typer.Option("--all", help="Every row, however many.")]
Limit = Annotated[int, typer.Option(min=1, max=PAGE_ROWS, help="How many rows without --all.")]
Only = Annotated[
    str | None,
    typer.Option(help="counted or not-counted: only such rows.", show_default=False, metavar="WHICH"),
]
Version = Annotated[
    int | None,
    typer.Option(min=1, help="A version; default the newest of the period.", show_default=False),
]


@app.command(
    epilog=examples(
        "dukao explain boston311 dep:PWDx ontime 2011-09",
        "dukao explain boston311 dep:PWDx ontime 2011-09 --only not-counted",
        "dukao explain boston311 dep:PWDx ontime 2011-09 --all --output csv > cases.csv",
    )
)
def explain(
    ctx: typer.Context,
    scheme: Annotated[str, typer.Argument(help="The code of the scheme.")],
    unit: Annotated[str, typer.Argument(help="The code of the unit.")],
    indicator: Annotated[str, typer.Argument(help="The code of the indicator.")],
    period: Annotated[str, typer.Argument(help="2021-03, 2021-Q1, 2021-H1 or 2021.")],
    *,
    everything: All = False,
    limit: Limit = 20,
    only: Only = None,
    version: Version = None,
    output: Output = Format.TABLE,
) -> None:
    """Explain a value: its formula with the numbers, and the cases that counted and those that did not.

    CSV prints the rows, JSON the whole answer; the rows are a page unless --all is given.
    """
    if only not in {None, "counted", "not-counted"}:
        raise typer.BadParameter("one of counted, not-counted", param_hint="--only")
    counted = None if only is None else str(only == "counted").lower()
    path = f"/v1/cells{below(period, unit, indicator)}/explain"
    query = {"scheme": scheme, "version": version, "counted": counted}
    with Client(state_of(ctx)) as client:
        pages = client.pages("scoring", path, **query, limit=PAGE_ROWS if everything else limit)
        answer = _whole(pages) if everything else next(pages)
    _show(answer, output)


def _show(answer: Mapping[str, Any], output: Format) -> None:
    if output is Format.TABLE:
        show_lines(told(answer))
        show_lines(objections(answer))
    rows = [_shown(row) for row in answer["rows"]]
    show(rows, _csv_columns(answer) if output is Format.CSV else _TABLE, output, whole=answer)
    if output is Format.TABLE and answer["next"] is not None:
        show_lines([f"the first {len(rows)} rows; all: --all"])


def told(answer: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a person reads before the rows: the value, how it comes about, and on what it stands."""
    figure, formula, inputs, measure = (answer[name] for name in ("figure", "formula", "inputs", "measure"))
    value = "未考 not assessed" if figure["value"] is None else f"{figure['published']} ({figure['value']})"
    sums = f"numerator {inputs['numerator']}"
    if inputs["denominator"] is not None:
        sums += f", denominator {inputs['denominator']}"
    told_apart = {"version", "owner", "effective"}
    definition = ", ".join(
        f"{name}: {part}" for name, part in measure["definition"].items() if part and name not in told_apart
    )
    owner = f" of {measure['owner']}" if measure["owner"] else ""
    yield f"{answer['unit']} {answer['unit_name']} · {answer['indicator']} {answer['indicator_name']}"
    yield f"{answer['scheme']} v{answer['version']} · {answer['period']} · {answer['state']}"
    yield f"value    {value} of {figure['points']} points, {figure['state']}"
    yield f"formula  {formula['symbolic']}"
    yield f"         {formula['with_numbers']}"
    yield f"inputs   {sums}; months {', '.join(inputs['months'])}"
    yield f"measure  {measure['name']} v{measure['version']}{owner} from {measure['effective']}: {definition}"
    yield f"fresh at {answer['fresh_at'] or 'no event yet'} · as of {answer['as_of'][:12]}"


def _whole(pages: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """Return the first page with the rows of all."""
    first = next(pages)
    rest = [row for page in pages for row in page["rows"]]
    return first | {"rows": [*first["rows"], *rest], "next": None}


def _csv_columns(answer: Mapping[str, Any]) -> tuple[Column, ...]:
    """Return the columns of the rows; those of the measure's own view stand in the middle."""
    own = dict.fromkeys(name for row in answer["rows"] for name in row["columns"])
    return (
        *columns("case", "unit", "month", "counted", "met", "reason", "numerator", "denominator"),
        *columns(*(f"column.{name}" for name in own)),
        *columns("reports"),
    )


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    reports = [_report(one) for one in row["reports"][:REPORTS_SHOWN]]
    more = row["reports_total"] - len(reports)
    return {
        **row,
        "why": NOT_COUNTED.get(row["reason"] or "", row["reason"]),
        **{f"column.{name}": value for name, value in row["columns"].items()},
        "row": "\n".join(f"{name} {value}" for name, value in row["columns"].items() if value is not None),
        "reports": "\n".join([*reports, *([f"and {more} more"] if more > 0 else [])]),
    }


def _report(report: Mapping[str, Any]) -> str:
    left_out = report["left_out"]
    note = f" ({NOT_COUNTED.get(left_out, left_out)})" if left_out else ""
    return f"{report['id']} {report['type']} #{report['shard']}/{report['number']}{note}"
