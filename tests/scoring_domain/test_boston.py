"""The measures of the Boston scheme, folded from the real events, equal the oracle in every row."""

import csv
import gzip
import json
import os
import random
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
import yaml

from services.ingest.domain.mapping import compile_mapping
from services.ingest.domain.mapping_document import MappingDocument
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.facts import Report, standing
from services.scoring.domain.figures import merged
from services.scoring.domain.folding import Tally
from services.scoring.domain.groups import group_plan
from services.scoring.domain.methods.amounts import actual_of
from services.scoring.domain.plan import compile_plan, event_types, measure_id
from services.scoring.domain.proof import cells_of
from services.scoring.domain.rows import typed
from services.scoring.domain.sums import UnitSums
from shared.kernel import instants
from shared.kernel.codes import derive_code
from shared.kernel.periods import Month
from shared.kernel.points import MILLIONTHS, cell, of_parts, shown_ratio
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
GROUPS = {"city": "city", "department": "departments", "queue": "queues", "neighborhood": "neighborhoods"}
INDICATORS = ("ontime", "late", "backlog", "deadlines", "handling", "volume", "order")

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
    written = yaml.safe_load((SAMPLE / "scheme-service.yaml").read_text())
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
def spread(document, types, cases):
    plan = compile_plan(document, types)
    shuffler = random.Random(7)
    tally = Tally()
    for reports in cases:
        shuffled = shuffler.sample(reports * 2, 2 * len(reports))
        tally.add(plan, standing(set_of(shuffled)).facts)
    return plan, tally.spread()


@pytest.fixture(scope="module")
def sums(spread):
    return by_measure(*spread)


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
            return merged((month,), sums[measure_id(document, name), unit], document.measures[name])

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


@pytest.mark.parametrize("level", GROUPS)
def test_every_cell_of_seven_indicators_is_what_the_oracle_comes_to(level, folder, units, document, spread):
    group = group_plan(document, GROUPS[level])
    sums = {unit: UnitSums() for unit in group.units}
    for (_, over, unit, month), numbers in spread[1].items():
        if unit in sums:
            sums[unit].take((over, month, 0), numbers)
    due = expected(folder, units, level)
    assert len(document.indicators) == len(INDICATORS) == len({code for _, _, code in due})
    found = {
        (unit, month, code): of_parts(value)
        for unit, cells in cells_of(group, sums).items()
        for (month, code), value in cells.items()
    }
    judged = {unit for unit, _, _ in due}
    assert {key: value for key, value in found.items() if key[0] in judged} == due
    assert len(due) > len(judged) * len(INDICATORS)


def expected(folder, units, level):
    """Return every cell of a level by (unit, month, indicator), from the columns of the oracle alone."""
    codes = {unit["name"].removeprefix("City of "): unit["code"] for unit in units if unit["level"] == level}
    with (folder / "oracle" / f"by_{level}_month.csv").open() as file:
        rows = list(csv.DictReader(file))
    months, waited = defaultdict(list), set()
    for row in sorted(rows, key=lambda row: row["month"]):
        months[row["month"]].append(
            {name: Fraction(row[name]) for name in COLUMNS} | {"unit": codes[row["unit"]]}
        )
    found = {}
    for month, alike in months.items():
        waited |= {row["unit"] for row in alike if row["backlog_end"]}
        most = max(row["closed"] for row in alike)
        rates = [row["due_met"] / row["due"] for row in alike if row["due"]]
        for row in alike:
            values = worths(row, most, rates, waits=row["unit"] in waited)
            found |= {
                (row["unit"], Month.parse(month).ordinal, code): cell(value)
                for code, value in zip(INDICATORS, values, strict=True)
                if value is not None
            }
    return found


def worths(row, most, rates, *, waits):
    """Return what the indicators of a unit's month are worth, None without data."""
    nothing, hundred = Fraction(0), Fraction(100)
    rate = row["due_met"] / row["due"] if row["due"] else None
    given = row["with_deadline"] / row["opened"] if row["opened"] else None
    mean = row["handle_seconds_sum"] / row["closed"] if row["closed"] else None
    return (
        None if rate is None else 400 * rate,
        max(nothing, hundred - row["closed_late"] / 2),
        max(nothing, hundred - max(nothing, row["backlog_end"] - 50) / 10) if waits else None,
        None
        if given is None
        else Fraction(40 if given < Fraction(1, 2) else 70 if given < Fraction(9, 10) else 100),
        None if mean is None else hundred if mean <= 0 else hundred * min(Fraction(1), 864_000 / mean),
        hundred * row["closed"] / most if row["closed"] else None,
        None if rate is None else max(nothing, hundred - sum(other > rate for other in rates)),
    )
