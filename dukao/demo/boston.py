"""The demonstration on real data: four months of Boston's service requests, compared with an oracle."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deploy.state import State
from dukao.checking import read_scheme
from dukao.client import Client, below
from dukao.demo.explaining import explain
from dukao.demo.moving import send_moving
from dukao.demo.staging import Comparison, Steps, adopt, beside, platform, read, until_equal
from dukao.failures import FailedError
from dukao.feeds import Feed
from dukao.output import Format, columns, say, show, show_lines
from dukao.standings import heading, lines
from dukao.telling.languages import Lang
from services.ingest.domain.catalogue import CatalogueDocument
from services.ingest.domain.mapping import compile_mapping
from services.ingest.domain.mapping_document import MappingDocument

SAMPLE = Path(__file__).parents[2] / "samples" / "boston311"
EVENTS = "events_2011-07_10.ndjson.gz"
UNITS = "units.csv"
ORACLE = "oracle/by_department_month.csv"
FILES = (EVENTS, UNITS, ORACLE)
EXPECTED_EVENTS = 81_195
SCHEME, VERSION, GROUP, INDICATOR = "boston311", 1, "departments", "ontime"
MONTHS = ("2011-07", "2011-08", "2011-09", "2011-10")
MEASURES = (
    "opened",
    "with_deadline",
    "due",
    "due_met",
    "due_missed",
    "closed",
    "closed_late",
    "backlog_end",
    "overdue_end",
    "handle_seconds_sum",
)

_STANDING = columns("rank", "unit", "points", "tier", "volume", numbers=("rank", "points", "volume"))
Pair = tuple[str, str | None, str | None]


@dataclass(frozen=True, slots=True)
class Expected:
    """A row of the oracle: a department's month."""

    unit: str
    month: str
    row: Mapping[str, str]


def run(state: State, folder: Path, *, keep: bool, lang: Lang) -> None:
    """Demonstrate everything on the real set in a folder."""
    steps = Steps(7)
    catalogue = yaml.safe_load((SAMPLE / "types.yaml").read_text("utf-8"))
    scheme = read_scheme(SAMPLE / "scheme.yaml", folder / UNITS).document
    oracle = list(_oracle(folder, scheme["units"]))
    with platform(beside(state), steps, keep=keep) as client:
        steps.next("event types and the scheme of Boston 311 are adopted by two persons")
        adopt(client, catalogue, scheme)
        steps.next(f"{EVENTS} is sent through the feed mapping")
        _feed(client, catalogue, folder / EVENTS)
        steps.next("every row of the oracle against the platform's figures")
        found = until_equal(lambda: _compare(client, oracle))
        show_lines([f"figures equal the oracle: {found.compared} of {found.compared} in {len(oracle)} rows"])
        steps.next("the standings of the departments in four months")
        last = [_show_standing(client, month) for month in MONTHS][-1]
        steps.next("one department's month, explained down to its cases")
        _explain(client, last, oracle, lang)


def _oracle(folder: Path, units: Sequence[Mapping[str, Any]]) -> Iterator[Expected]:
    codes = {unit["name"]: unit["code"] for unit in units if unit["level"] == "department"}
    with (folder / ORACLE).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield Expected(codes[row["unit"]], row["month"], row)


def _feed(client: Client, catalogue: Mapping[str, Any], path: Path) -> None:
    written = yaml.safe_load((SAMPLE / "mapping.yaml").read_text("utf-8"))
    mapping = compile_mapping(
        MappingDocument.model_validate(written), CatalogueDocument.model_validate(catalogue)
    )
    rows = Feed(mapping).rows(path, lambda _: None)
    tally = send_moving(client, _path(MONTHS[0]), EXPECTED_EVENTS, rows)
    say(f"      {tally.events} events in {tally.seconds:.1f} s")


def _path(month: str) -> str:
    return f"/v1/standings{below(SCHEME, GROUP, month)}"


def _compare(client: Client, oracle: Sequence[Expected]) -> Comparison:
    """Compare measures, rate and rank of every row of the oracle, up to the first row that differs."""
    ranks = {
        (month, unit["unit"]): unit["rank"]
        for month in MONTHS
        for unit in read(client, "ranking", _path(month))["units"]
    }
    compared = 0
    for expected in oracle:
        where = f"{expected.unit} {expected.month}"
        path = f"/v1/measures{below(SCHEME, VERSION, expected.month, expected.unit)}"
        measures = read(client, "scoring", path)["measures"]
        rank = ranks.get((expected.month, expected.unit))
        pairs = list(_pairs(expected.row, measures, None if rank is None else str(rank)))
        compared += len(pairs)
        differing = [f"{where} {name} {got}, expected {due}" for name, got, due in pairs if got != due]
        if differing:
            return Comparison(compared, differing)
    return Comparison(compared, [])


def _pairs(row: Mapping[str, str], measures: Mapping[str, Any], rank: str | None) -> Iterator[Pair]:
    for name in MEASURES:
        yield name, measures[name]["numerator"], row[name]
    rate = measures["ontime"]["ratio"]
    yield "ontime_rate", None if rate is None else _plain(rate), _plain(row["ontime_rate"]) or None
    yield "rank", rank, row["rank"] or None


def _plain(number: str) -> str:
    """Write a decimal without the zeros at its end, as the oracle does."""
    return number.rstrip("0").rstrip(".") if "." in number else number


def _show_standing(client: Client, month: str) -> Mapping[str, Any]:
    standing = read(client, "ranking", _path(month))
    show(lines(standing), _STANDING, Format.TABLE, title=heading(standing))
    return standing


def _explain(client: Client, standing: Mapping[str, Any], oracle: Sequence[Expected], lang: Lang) -> None:
    """Explain the last ranked department of the last month; its cases are as many as the oracle counts."""
    unit = [one["unit"] for one in standing["units"] if one["rank"] is not None][-1]
    month = standing["period"]
    told = explain(client, SCHEME, (month, unit, INDICATOR), lang)
    row = next(one.row for one in oracle if (one.unit, one.month) == (unit, month))
    found = (told["inputs"]["numerator"], told["inputs"]["denominator"])
    if found != (row["due_met"], row["due"]):
        raise FailedError(f"explain says {found}, the oracle {row['due_met']} of {row['due']}")
    show_lines([f"as the oracle has it: {row['due_met']} of {row['due']} due cases met their deadline"])
