"""The fines of a local police force: events and schemes by the sample, and the figures of an oracle."""

import csv
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import yaml

from campaign.workload import Event
from dukao.feeds import Feed
from services.ingest.domain.mapping import compile_mapping
from services.ingest.domain.mapping_document import MappingDocument
from shared.kernel.codes import derive_code

SAMPLE = Path(__file__).parents[1] / "samples" / "road_fines"
TOPIC = "in.roadfines"
SCHEME = "roadfines"
AUTHORITY = "police"
DESKS = "desks"
RANKED_FROM = 100
ZONE = ZoneInfo("Europe/Rome")
YEARS = range(2000, 2014)
EVENTS = 561_470
COLUMNS = {
    "fines": "fines",
    "amount_sum": "amount_sum",
    "paid_sum": "paid_sum",
    "events": "events",
    "t1_tasks": "t1_tasks",
    "t1_met": "t1_met",
    "t2_tasks": "t2_tasks",
    "t2_met": "t2",
    "Add penalty": "penalties",
    "Insert Date Appeal to Prefecture": "appeals",
    "Send Appeal to Prefecture": "appeals_sent",
    "Appeal to Judge": "judgements",
    "Send for Credit Collection": "collections",
}
ACTIVITIES = {
    "Create Fine": "log_created",
    "Send Fine": "log_sent",
    "Insert Fine Notification": "log_notified",
    "Add penalty": "log_surcharged",
    "Payment": "log_paid",
    "Insert Date Appeal to Prefecture": "log_appeal_dated",
    "Send Appeal to Prefecture": "log_appeal_sent",
    "Receive Result Appeal from Prefecture": "log_appeal_answered",
    "Notify Result Appeal to Offender": "log_appeal_told",
    "Appeal to Judge": "log_judged",
    "Send for Credit Collection": "log_collected",
}


Compared: TypeAlias = tuple[str, Decimal | None, Decimal | None]


@dataclass(frozen=True, slots=True)
class Fines:
    """The data set up to the end of a year: what is known of a fine written by then is all there."""

    folder: Path
    last: int

    @staticmethod
    def here(last: int) -> "Fines | None":
        """Return the set if `DUKAO_DATA` names a folder that holds it."""
        named = os.environ.get("DUKAO_DATA")
        folder = Path(named or "") / "road_traffic_fines"
        return Fines(folder, last) if named and folder.is_dir() else None

    @property
    def years(self) -> range:
        """Return the years, each of which has a scheme."""
        return range(YEARS[0], self.last + 1)

    def table(self, name: str) -> list[dict[str, str]]:
        """Return the rows of a table whose year or month, if it has one, is asked for."""
        with (self.folder / name).open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return [row for row in rows if int((row.get("year") or row.get("month") or "0")[:4]) <= self.last]

    @property
    def types(self) -> dict[str, Any]:
        """Return the catalogue."""
        return _written("types.yaml")

    def schemes(self) -> list[dict[str, Any]]:
        """Return the scheme of each year."""
        units = [
            {
                "code": derive_code(row["unit_id"]),
                "parent": derive_code(row["parent_id"]) if row["parent_id"] else None,
                "name": row["name"],
                "level": row["level"],
            }
            for row in self.table("units.csv")
        ]
        return [_of_year(_written("scheme.yaml"), year) | {"units": units} for year in self.years]

    def events(self) -> list[Event]:
        """Return the events of the fines that were written by the end of the last year."""
        document = MappingDocument.model_validate(_written("mapping.yaml"))
        feed = Feed(compile_mapping(document), document.format, document.encoding)
        rows = list(feed.rows(self.folder / "events.ndjson.gz", lambda _read: None))
        assert not any(row.fault for row in rows), "the mapping fits every row"
        events = [event for row in rows for event in row.events]
        asked = {
            event["case"]
            for event in events
            if event["type"] == "fine.created.v1" and year_of(event["time"]) <= self.last
        }
        return [event for event in events if event["case"] in asked]


@dataclass(frozen=True, slots=True)
class Answers:
    """What the services answer: measures by period and unit, standings by group and period, what is kept."""

    measures: dict[tuple[str, str], dict[str, Any]]
    standings: dict[tuple[str, str], list[dict[str, Any]]]
    kept: tuple[int, ...]


def differences(fines: Fines, answers: Answers) -> tuple[int, list[str]]:
    """Return how many figures were compared, and each that is not the oracle's."""
    compared, wrong = 0, list[str]()
    for where, found, wanted in _pairs(fines, answers):
        compared += 1
        if found != wanted:
            wrong.append(f"{where}: {found}, not {wanted}")
    return compared, wrong


def _pairs(fines: Fines, answers: Answers) -> Iterator[Compared]:
    """Yield where a figure stands, what is answered, what the oracle has."""
    yield from _of_desks(fines, answers)
    yield from _of_authority(fines, answers)
    if fines.last == YEARS[-1]:
        yield from _of_all_years(fines, answers)
        yield from _of_everything(fines, answers)


def _of_desks(fines: Fines, answers: Answers) -> Iterator[Compared]:
    """Compare each desk in each year, and where it stands among the others."""
    standings = {year: answers.standings[DESKS, str(year)] for year in fines.years}
    ranks = {(year, line["unit"]): line["rank"] for year, lines in standings.items() for line in lines}
    for row in fines.table("oracle/by_unit_year.csv"):
        desk = f"desk:{row['unit']}"
        measured = answers.measures[row["year"], desk]
        where = f"{row['year']} desk {row['unit']}"
        yield f"{where} t1_rate", _number(measured["t1"]["ratio"]), _number(row["t1_rate"])
        for column, name in COLUMNS.items():
            yield f"{where} {column}", Decimal(measured[name]["numerator"]), Decimal(row[column])
        yield f"{where} rank", _number(ranks.get((int(row["year"]), desk))), _number(row["rank"])


def _of_authority(fines: Fines, answers: Answers) -> Iterator[Compared]:
    """Compare the authority in each year, the sums of its months too, and each month of its log."""
    for row in fines.table("oracle/by_year.csv"):
        monthly = [answers.measures[month, AUTHORITY] for month in months(int(row["year"]))]
        for column, name in COLUMNS.items():
            whole = answers.measures[row["year"], AUTHORITY][name]["numerator"]
            summed = sum((Decimal(month[name]["numerator"]) for month in monthly), Decimal(0))
            yield f"{row['year']} {column}", Decimal(whole), Decimal(row[column])
            yield f"{row['year']} {column}, its months", summed, Decimal(row[column])
    for row in fines.table("oracle/activity_by_month.csv"):
        measured = answers.measures[row["month"], AUTHORITY][ACTIVITIES[row["activity"]]]
        yield f"{row['month']} {row['activity']}", Decimal(measured["numerator"]), Decimal(row["events"])


def _of_all_years(fines: Fines, answers: Answers) -> Iterator[Compared]:
    """Compare what each desk comes to in all its years, and where its rate then stands among the others'."""
    found: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for (_, unit), measured in answers.measures.items():
        for column, name in COLUMNS.items() if unit != AUTHORITY else ():
            found[unit][column] += Decimal(measured[name]["numerator"])
    rates = {
        unit: Fraction(sums["t1_met"]) / Fraction(sums["t1_tasks"])
        for unit, sums in found.items()
        if sums["t1_tasks"]
    }
    ranked = {unit: rate for unit, rate in rates.items() if found[unit]["t1_tasks"] >= RANKED_FROM}
    for row in fines.table("oracle/by_unit_all.csv"):
        unit, where = f"desk:{row['unit']}", f"all years desk {row['unit']}"
        for column in COLUMNS:
            yield f"{where} {column}", found[unit][column], Decimal(row[column])
        yield f"{where} t1_rate", _rate(rates.get(unit)), _number(row["t1_rate"])
        yield f"{where} rank", _rank(unit, ranked), _number(row["rank"])


def _rate(rate: Fraction | None) -> Decimal | None:
    return None if rate is None else Decimal(round(rate * 10**6)).scaleb(-6)


def _rank(unit: str, ranked: Mapping[str, Fraction]) -> Decimal | None:
    """Return where a unit stands among those that are ranked: 1224."""
    mine = ranked.get(unit)
    return None if mine is None else Decimal(1 + sum(rate > mine for rate in ranked.values()))


def _of_everything(fines: Fines, answers: Answers) -> Iterator[Compared]:
    """Compare the totals of the log."""
    yearly = [answers.measures[str(year), AUTHORITY] for year in fines.years]
    names = {f"activity:{activity}": name for activity, name in ACTIVITIES.items()}
    names |= {"cases": "fines", "events": "events", "amount_sum": "amount_sum", "paid_sum": "paid_sum"}
    desks = {unit for _, unit in answers.measures if unit != AUTHORITY}
    for row in fines.table("oracle/totals.csv"):
        if row["check"] == "units":
            yield "units", Decimal(len(desks)), Decimal(row["value"])
        else:
            name = names[row["check"]]
            total = sum((Decimal(one[name]["numerator"]) for one in yearly), Decimal(0))
            yield row["check"], total, Decimal(row["value"])


def _of_year(scheme: dict[str, Any], year: int) -> dict[str, Any]:
    """Return the scheme with the months of a year in the place of its own."""
    first, last = months(year)[0], months(year)[-1]
    head = scheme["scheme"] | {"version": year, "effective": first, "until": last}
    overlays = [one | {"from": first, "until": last} for one in scheme["overlays"]]
    return scheme | {"scheme": head, "overlays": overlays}


def _written(name: str) -> dict[str, Any]:
    return yaml.safe_load((SAMPLE / name).read_text("utf-8"))


def year_of(text: str) -> int:
    """Return the year of an instant where the fines were written."""
    return datetime.fromisoformat(text).astimezone(ZONE).year


def months(year: int) -> list[str]:
    """Return the months of a year."""
    return [f"{year}-{month:02d}" for month in range(1, 13)]


def _number(told: str | int | None) -> Decimal | None:
    return Decimal(told) if told else None
