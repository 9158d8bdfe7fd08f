"""Prints why a cell stands where it stands: the formula with its numbers and the first costly cases."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dukao.client import Client, below
from dukao.demo.staging import read
from dukao.output import Format, columns, show, show_lines

PAGE_ROWS = 100
MOST_PAGES = 20
ROWS_SHOWN = 5
REPORTS_SHOWN = 3
TOLD = frozenset({"subject", "unit", "region", "time"})

_ROWS = columns("case", "month", "met", "numerator", "columns", "reports", numbers=("numerator",))


def explain(client: Client, scheme: str, cell: tuple[str, str, str]) -> Mapping[str, Any]:
    """Explain (period, unit, indicator) and return the answer's first page."""
    path = f"/v1/cells{below(*cell)}/explain"
    first = read(client, "scoring", path, scheme=scheme, limit=PAGE_ROWS)
    figure, formula = first["figure"], first["formula"]
    named = ("unit", "unit_name", "period", "indicator", "indicator_name")
    title = " ".join(first[name] for name in named)
    show_lines(
        [
            f"{title}: {figure['published']} of {figure['points']} points",
            f"formula: {formula['symbolic']}",
            f"         {formula['with_numbers']}",
        ]
    )
    costly = _costly(_pages(client, path, scheme, first))
    note = f"the first {len(costly)} that cost points; the rest: {path}?scheme={scheme}"
    show([_shown(row) for row in costly], _ROWS, Format.TABLE, title=note)
    return first


def _pages(
    client: Client, path: str, scheme: str, first: Mapping[str, Any]
) -> Iterator[Sequence[Mapping[str, Any]]]:
    yield first["rows"]
    after = first["next"]
    for _ in range(MOST_PAGES):
        if after is None:
            return
        page = read(client, "scoring", path, scheme=scheme, limit=PAGE_ROWS, after=after)
        yield page["rows"]
        after = page["next"]


def _costly(pages: Iterator[Sequence[Mapping[str, Any]]]) -> list[Mapping[str, Any]]:
    """Return the first rows that cost points: missed where there is a denominator, else all that count."""
    found: list[Mapping[str, Any]] = []
    for rows in pages:
        found += [row for row in rows if row["counted"] and row["met"] is not True]
        if len(found) >= ROWS_SHOWN:
            break
    return found[:ROWS_SHOWN]


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    told = [
        f"{name}={value}" for name, value in row["columns"].items() if value is not None and name not in TOLD
    ]
    reports = [f"{one['type']} {one['time']}{_left_out(one)}" for one in row["reports"][:REPORTS_SHOWN]]
    more = row["reports_total"] - len(reports)
    return {
        **row,
        "case": row["case"] or row["reports"][0]["id"],
        "columns": ", ".join(told),
        "reports": "\n".join([*reports, *([f"and {more} more"] if more > 0 else [])]),
    }


def _left_out(report: Mapping[str, Any]) -> str:
    return f" ({report['left_out']})" if report["left_out"] else ""
