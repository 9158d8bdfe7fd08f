"""Measures (取数口径): what the examples of a scheme file come to, and what another version would give."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

import typer

from dukao.checking import Paper, check_scheme, read_scheme
from dukao.client import Client, below
from dukao.commands.scheme import Types, Units, types_of
from dukao.examples import Outcome, run, with_units_of_examples
from dukao.exits import Exit
from dukao.options import Document, Output, examples, state_of
from dukao.output import Format, columns, complain, say, show, show_lines
from dukao.reports import reading, report

app = typer.Typer(no_args_is_help=True)

_BACKTEST = columns("unit", "before", "before_ratio", "after", "after_ratio", "differs")
_OUTCOMES = columns(
    "line", "example", "measure", "unit", "month", "expected", "live", "duckdb", "agrees", numbers=("line",)
)


@app.command(
    name="test",
    epilog=examples(
        "dukao measure test samples/boston311/scheme.yaml", "dukao measure test scheme.yaml --output json"
    ),
)
def run_examples(
    ctx: typer.Context,
    file: Document,
    types: Types = None,
    units: Units = None,
    output: Output = Format.TABLE,
) -> None:
    """Run the measures of a scheme against the events of its `examples`; a difference ends with 6.

    Live folding and DuckDB both recompute; each is compared with what is expected. No platform is needed
    where types.yaml lies beside.
    """
    with reading(file, output):
        paper = _filled(read_scheme(file, units))
        catalogue = types_of(ctx, file, types, output)
        findings = check_scheme(paper, catalogue)
        outcomes, refused = ([], []) if findings else run(paper, catalogue)
        if findings or refused:
            report([*findings, *refused], file, output)
    if not outcomes:
        complain(f"{file} has no examples", "Write some: a section `examples`, see docs/measures.md.")
        raise typer.Exit(Exit.INVALID)
    _show(outcomes, output)
    wrong = [one for one in outcomes if not one.agrees]
    say(f"{file}: {len(outcomes) - len(wrong)} of {len(outcomes)} expectations hold")
    if wrong:
        raise typer.Exit(Exit.INVALID)


@app.command(
    epilog=examples("dukao measure backtest boston311 ontime 2011-Q3 --before 1 --after 2 --output csv")
)
def backtest(
    ctx: typer.Context,
    scheme: Annotated[str, typer.Argument(help="The code of the scheme.")],
    measure: Annotated[str, typer.Argument(help="The name of the measure in both versions.")],
    period: Annotated[
        str, typer.Argument(help="A past month, quarter, half-year or year: 2021-03, 2021-Q1.")
    ],
    before: Annotated[int, typer.Option(min=1, help="A version of the scheme, drafted or adopted.")],
    after: Annotated[int, typer.Option(min=1, help="The version it is compared with.")],
    output: Output = Format.TABLE,
) -> None:
    """Compare two versions of a measure on a past period, per unit, over the facts that are stored.

    A draft will do: nothing is scored. DuckDB recomputes both inside scoring.
    """
    with Client(state_of(ctx)) as client:
        found = client.get(
            "scoring",
            f"/v1/measures{below(scheme, measure)}/{quote(period)}:backtest",
            before=before,
            after=after,
        )
    title = f"{measure} in {period}, version {before} and {after} of {scheme}, over {found['facts']} facts"
    none = "neither version measures anything in this period"
    show([_flat(one) for one in found["units"]], _BACKTEST, output, title=title, whole=found, none=none)
    say(f"{found['differing']} of {len(found['units'])} units differ")


def _flat(unit: Mapping[str, Any]) -> dict[str, Any]:
    """Return a unit as a row: what it was and what it would be."""
    row: dict[str, Any] = {"unit": unit["unit"], "differs": unit["differs"]}
    for side in ("before", "after"):
        value = unit[side]
        base = "" if value["denominator"] is None else f"/{value['denominator']}"
        row |= {side: f"{value['numerator']}{base}", f"{side}_ratio": value["ratio"]}
    return row


def _filled(paper: Paper) -> Paper:
    return Paper(with_units_of_examples(paper.document), paper.place_of)


def _show(outcomes: list[Outcome], output: Format) -> None:
    """Print every expectation; as a table those that do not hold stand below with both opinions."""
    records: list[dict[str, Any]] = [one.record() for one in outcomes]
    show(records, _OUTCOMES, output)
    if output is Format.TABLE:
        show_lines(
            f"{one.file}:{one.line} {one.example}: {one.measure} of {one.unit} in {one.month} "
            f"is {one.live} live, {one.duckdb} by DuckDB, not {one.expected}"
            for one in outcomes
            if not one.agrees
        )
