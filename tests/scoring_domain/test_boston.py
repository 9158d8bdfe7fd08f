"""The measures of the Boston scheme, folded from the real events, equal the oracle in every row."""

import csv
import gzip
import json
import os
import random
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from services.ingest.domain.mapping import compile_mapping
from services.ingest.domain.mapping_document import MappingDocument
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.facts import Report, standing
from services.scoring.domain.figures import merged
from services.scoring.domain.folding import Tally
from services.scoring.domain.methods.amounts import actual_of
from services.scoring.domain.plan import compile_plan, event_types, measure_id
from services.scoring.domain.rows import typed
from shared.kernel import instants
from shared.kernel.codes import derive_code
from shared.kernel.periods import Month
from shared.kernel.points import MILLIONTHS, shown_ratio
from tests.scoring_domain.test_worked_cases import by_measure

SAMPLE = Path(__file__).parents[2] / "samples" / "boston311"
DATA = os.environ.get("DUKAO_DATA")
COLUMNS = (
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

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(DATA is None, reason="DUKAO_DATA names no folder of real sets"),
]


@pytest.fixture(scope="module")
def folder():
    return Path(DATA) / "boston311_2011"


@pytest.fixture(scope="module")
def units(folder):
    with (folder / "units.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [
        {
            "code": derive_code(row["unit_id"]),
            "parent": derive_code(row["parent_id"]) if row["parent_id"] else None,
            "name": row["name"],
            "level": row["level"],
        }
        for row in rows
    ]


@pytest.fixture(scope="module")
def document(units):
    written = yaml.safe_load((SAMPLE / "scheme.yaml").read_text())
    return SchemeDocument.model_validate(written | {"units": units})


@pytest.fixture(scope="module")
def types():
    return event_types(yaml.safe_load((SAMPLE / "types.yaml").read_text()))


@pytest.fixture(scope="module")
def cases(folder, types):
    mapping = compile_mapping(
        MappingDocument.model_validate(yaml.safe_load((SAMPLE / "mapping.yaml").read_text()))
    )
    found = defaultdict(list)
    with gzip.open(folder / "events_2011-07_10.ndjson.gz", "rt") as lines:
        rows = (json.loads(line, parse_float=str) for line in lines)
        for number, event in enumerate((event for row in rows for event in mapping.events(row)), 1):
            kind = event["type"]
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
            found[event["case"]].append(report)
    return list(found.values())


@pytest.fixture(scope="module")
def sums(document, types, cases):
    plan = compile_plan(document, types)
    shuffler = random.Random(7)
    tally = Tally()
    for reports in cases:
        shuffled = shuffler.sample(reports * 2, 2 * len(reports))
        tally.add(plan, standing(set_of(shuffled)).facts)
    return by_measure(plan, tally.spread())


def set_of(reports):
    """Ingest answers a repeated id as a duplicate, so each report comes once."""
    return list({(report.source, report.id): report for report in reports}.values())


@pytest.mark.parametrize("level", ["city", "department", "queue", "neighborhood"])
def test_every_row_of_the_oracle_is_equal(level, folder, units, document, sums):
    codes = {unit["name"].removeprefix("City of "): unit["code"] for unit in units if unit["level"] == level}
    with (folder / "oracle" / f"by_{level}_month.csv").open() as file:
        rows = list(csv.DictReader(file))
    ranked = defaultdict(list)
    for row in rows:
        month, unit = Month.parse(row["month"]), codes[row["unit"]]

        def measured(name, month=month, unit=unit):
            stock = document.measures[name].kind == "stock"
            return merged((month,), sums[measure_id(document, name), unit], stock=stock)

        for name in COLUMNS:
            assert measured(name).numerator == int(row[name]) * MILLIONTHS, (row["month"], row["unit"], name)
        rate = actual_of(measured("ontime"), is_ratio=True)
        printed = Decimal(row["ontime_rate"]) if row["ontime_rate"] else None
        assert (None if rate is None else shown_ratio(rate)) == printed
        if int(row["due"]) >= 20:
            ranked[row["month"]].append((rate, row))
    for found in ranked.values():
        for rate, row in found:
            assert 1 + sum(other > rate for other, _ in found) == int(row["rank"])
