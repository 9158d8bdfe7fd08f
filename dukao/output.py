"""What a command prints: data to stdout as a table, JSON or CSV; everything else to stderr."""

import csv
import io
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPED_COLUMNS = 1_000
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
_SEEN = (
    {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n"}
    | {0x7F: 0x2421}
    | dict.fromkeys(range(0x80, 0xA0), 0xFFFD)
)
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?\Z")


class Format(StrEnum):
    """How data is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the member of the records, its heading, and whether numbers stand in it."""

    key: str
    title: str
    number: bool = False


def columns(*titles: str, numbers: Sequence[str] = ()) -> tuple[Column, ...]:
    """Return columns named `key` or `key=Title`."""
    pairs = [title.partition("=") for title in titles]
    return tuple(
        Column(key, heading or key.replace("_", " "), number=key in numbers) for key, _, heading in pairs
    )


def show(
    records: Sequence[Mapping[str, Any]],
    shown: Sequence[Column],
    form: Format,
    *,
    title: str = "",
    whole: Any = None,
    none: str = "",
) -> None:
    """Print records; JSON prints `whole`, the answer they come from, where there is one.

    `none` tells a person what to do next where there are no records.
    """
    match form:
        case Format.TABLE:
            if title:
                show_lines([title])
            stdout().print(table(records, shown))
        case Format.JSON:
            show_json(list(records) if whole is None else whole)
        case Format.CSV:
            sys.stdout.write(csv_text(records, shown))
    if none and not records:
        say(none)


def show_json(document: Any) -> None:
    """Print a document as JSON."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n")


def show_lines(lines: Iterable[str]) -> None:
    """Print lines of text as they are."""
    for line in lines:
        stdout().print(Text(seen(line)), soft_wrap=True)


def say(message: str) -> None:
    """Tell a person what goes on, on stderr."""
    stderr().print(Text(seen(message)), soft_wrap=True)


def complain(message: str, *advice: str) -> None:
    """Say what went wrong, and on the lines below what to do next."""
    stderr().print(Text.assemble(("error: ", "bold red"), seen(message)), soft_wrap=True)
    for line in advice:
        stderr().print(Text(f"  {seen(line)}"), soft_wrap=True)


def stderr() -> Console:
    """Return the console for people; colours and movement only where there is a terminal."""
    return Console(stderr=True, highlight=False)


def csv_text(records: Iterable[Mapping[str, Any]], shown: Sequence[Column], *, heading: bool = True) -> str:
    """Return records as CSV with a heading of the members' names; no cell can be taken for a formula."""
    written = io.StringIO()
    rows = ([guarded(plain(record.get(column.key))) for column in shown] for record in records)
    for row in chain([[column.key for column in shown]] if heading else [], rows):
        quoting = csv.QUOTE_ALL if any("\r" in cell for cell in row) else csv.QUOTE_MINIMAL
        csv.writer(written, lineterminator="\n", quoting=quoting).writerow(row)
    return written.getvalue()


def guarded(cell: str) -> str:
    """Put an apostrophe before what a spreadsheet would run; plain numbers stay."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) and _NUMBER.match(cell) is None else cell


def seen(text: str) -> str:
    """Return a text in which what would steer a terminal is a sign that is only seen: `␛` for ESC."""
    return text.translate(_SEEN)


def plain(value: Any) -> str:
    """Return a value as the text of a cell."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case dict() | list() | tuple():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)


def table(records: Sequence[Mapping[str, Any]], shown: Sequence[Column]) -> Table:
    """Return records as a table for a terminal."""
    made = Table(header_style="bold")
    for column in shown:
        made.add_column(column.title, justify="right" if column.number else "left", overflow="fold")
    for record in records:
        made.add_row(*(Text(seen(plain(record.get(column.key)))) for column in shown))
    return made


def stdout() -> Console:
    """Return the console of the data; where there is no terminal nothing is cut to a width."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PIPED_COLUMNS)
