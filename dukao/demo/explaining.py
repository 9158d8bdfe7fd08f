"""Prints why a cell stands where it stands: the formula with its numbers and the first costly cases."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dukao.client import Client, below
from dukao.demo.staging import read
from dukao.output import show_lines
from dukao.telling import cells
from dukao.telling.languages import Lang

PAGE_ROWS = 100
MOST_PAGES = 20
ROWS_SHOWN = 5


def explain(client: Client, scheme: str, cell: tuple[str, str, str], lang: Lang) -> Mapping[str, Any]:
    """Explain (period, unit, indicator) and return the answer's first page."""
    path = f"/v1/cells{below(*cell)}/explain"
    first = read(client, "scoring", path, scheme=scheme, limit=PAGE_ROWS)
    show_lines(cells.heading(first, lang))
    costly = _costly(_pages(client, path, scheme, first))
    period, unit, indicator = cell
    whole = f"dukao explain {scheme} {unit} {indicator} {period}"
    note = (
        f"其中失分的前 {len(costly)} 项（全部：{whole}）",
        f"the first {len(costly)} that cost points; all: {whole}",
    )
    show_lines([lang.of(note)])
    for at, row in enumerate(costly, 1):
        show_lines(cells.row(at, row, first, lang))
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
