"""The measures of the fines' schemes, folded from the real log, equal the oracle in every row."""

import csv
import gzip
import json
import os
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from services.ingest.domain.mapping import compile_mapping
from services.ingest.domain.mapping_document import MappingDocument
from services.scoring.domain.check import findings
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.facts import Report, standing
from services.scoring.domain.folding import Tally
from services.scoring.domain.plan import compile_plan, event_types, measure_id
from services.scoring.domain.rows import typed
from shared.kernel import instants
from shared.kernel.codes import derive_code
from shared.kernel.periods import Month
from shared.kernel.points import MILLIONTHS
from tests.scoring_domain.test_worked_cases import by_measure

SAMPLE = Path(__file__).parents[2] / "samples" / "road_fines"
DATA = os.environ.get("DUKAO_DATA")
YEARS = range(2000, 2014)
COLUMNS = {
    "fines": "fines",
    "amount_sum": "amount_sum",
    "paid_sum": "paid_sum",
    "events": "events",
    "t1_tasks": "t1_tasks",
    "t1_met": "t1_met",
    "t2_tasks": "t2_tasks",
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

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(DATA is None, reason="DUKAO_DATA names no folder of real sets"),
]


def written(name):
    return yaml.safe_load((SAMPLE / name).read_text("utf-8"))


def table(name):
    with (Path(DATA) / "road_traffic_fines" / name).open() as file:
        return list(csv.DictReader(file))


def scheme_of(year):
    scheme = written("scheme.yaml")
    units = [
        {
            "code": derive_code(row["unit_id"]),
            "parent": derive_code(row["parent_id"]) if row["parent_id"] else None,
            "name": row["name"],
            "level": row["level"],
        }
        for row in table("units.csv")
    ]
    head = scheme["scheme"] | {"version": year, "effective": f"{year}-01", "until": f"{year}-12"}
    return SchemeDocument.model_validate(scheme | {"scheme": head, "units": units})


@pytest.fixture(scope="module")
def schemes():
    return {year: scheme_of(year) for year in YEARS}


@pytest.fixture(scope="module")
def sums(schemes):
    """Return the numerators in millionths by month, for each measure and unit."""
    types = event_types(written("types.yaml"))
    mapping = compile_mapping(MappingDocument.model_validate(written("mapping.yaml")))
    cases, lived = defaultdict(list), defaultdict(set)
    with gzip.open(Path(DATA) / "road_traffic_fines" / "events.ndjson.gz", "rt") as lines:
        rows = (json.loads(line, parse_float=str) for line in lines)
        found = ((row, event) for row in rows for event in mapping.events(row))
        for number, (row, event) in enumerate(found, 1):
            kind = event["type"]
            lived[event["case"]].add(int(row["time"][:4]))
            report = Report(
                source=event["source"],
                id=event["id"],
                type=kind,
                subject=event["subject"],
                time=instants.parse_micros(event["time"]),
                shard=0,
                number=number,
                data=typed(event["data"], types[kind]),
            )
            cases[event["case"]].append(report)
    plans = {year: compile_plan(scheme, types) for year, scheme in schemes.items()}
    tallies = {year: Tally() for year in YEARS}
    for case, reports in cases.items():
        facts = standing(reports).facts
        for year in lived[case]:
            tallies[year].add(plans[year], facts)
    return {
        key: {month: partials.numerator for month, partials in months.items()}
        for year in YEARS
        for key, months in by_measure(plans[year], tallies[year].spread()).items()
    }


def test_the_schemes_pass_every_check(schemes):
    types = written("types.yaml")
    assert [list(findings(scheme, types)) for scheme in schemes.values()] == [[]] * len(YEARS)


def test_every_desk_and_year_of_the_oracle_is_equal(schemes, sums):
    for row in table("oracle/by_unit_year.csv"):
        scheme = schemes[int(row["year"])]
        for column, measure in COLUMNS.items():
            found = sums.get((measure_id(scheme, measure), f"desk:{row['unit']}"), {})
            assert sum(found.values()) == Decimal(row[column]) * MILLIONTHS, (
                row["year"],
                row["unit"],
                column,
            )


def test_every_year_of_the_authority_is_equal(schemes, sums):
    for row in table("oracle/by_year.csv"):
        scheme = schemes[int(row["year"])]
        for column, measure in COLUMNS.items():
            found = sums.get((measure_id(scheme, measure), "police"), {})
            assert sum(found.values()) == Decimal(row[column]) * MILLIONTHS, (row["year"], column)


def test_every_month_of_the_log_is_equal(schemes, sums):
    for row in table("oracle/activity_by_month.csv"):
        month = Month.parse(row["month"])
        scheme = schemes[int(row["month"][:4])]
        found = sums[measure_id(scheme, ACTIVITIES[row["activity"]]), "police"]
        assert found[month.ordinal] == int(row["events"]) * MILLIONTHS, row
