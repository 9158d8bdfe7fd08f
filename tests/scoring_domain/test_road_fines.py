"""The measures of the fines' schemes, folded from the real log, equal the oracle in every row."""

from collections import defaultdict
from decimal import Decimal

import pytest

from campaign.fines import ACTIVITIES, AUTHORITY, COLUMNS, YEARS, Fines, year_of
from services.scoring.domain.check import findings
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.facts import Report, standing
from services.scoring.domain.folding import Tally
from services.scoring.domain.plan import compile_plan, event_types, measure_id
from services.scoring.domain.rows import typed
from shared.kernel import instants
from shared.kernel.periods import Month
from shared.kernel.points import MILLIONTHS
from tests.scoring_domain.test_worked_cases import by_measure

FINES = Fines.here(YEARS[-1])

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(FINES is None, reason="DUKAO_DATA names no folder that holds road_traffic_fines"),
]


@pytest.fixture(scope="module")
def schemes():
    return {
        document["scheme"]["version"]: SchemeDocument.model_validate(document) for document in FINES.schemes()
    }


@pytest.fixture(scope="module")
def sums(schemes):
    """Return the numerators in millionths by month, for each measure and unit."""
    types = event_types(FINES.types)
    cases, lived = defaultdict(list), defaultdict(set)
    for number, event in enumerate(FINES.events(), 1):
        kind = event["type"]
        lived[event["case"]].add(year_of(event["time"]))
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
    types = FINES.types
    assert [list(findings(scheme, types)) for scheme in schemes.values()] == [[]] * len(YEARS)


def test_every_desk_and_year_of_the_oracle_is_equal(schemes, sums):
    for row in FINES.table("oracle/by_unit_year.csv"):
        scheme = schemes[int(row["year"])]
        for column, measure in COLUMNS.items():
            found = sums.get((measure_id(scheme, measure), f"desk:{row['unit']}"), {})
            assert sum(found.values()) == Decimal(row[column]) * MILLIONTHS, (
                row["year"],
                row["unit"],
                column,
            )


def test_every_year_of_the_authority_is_equal(schemes, sums):
    for row in FINES.table("oracle/by_year.csv"):
        scheme = schemes[int(row["year"])]
        for column, measure in COLUMNS.items():
            found = sums.get((measure_id(scheme, measure), AUTHORITY), {})
            assert sum(found.values()) == Decimal(row[column]) * MILLIONTHS, (row["year"], column)


def test_every_month_of_the_log_is_equal(schemes, sums):
    for row in FINES.table("oracle/activity_by_month.csv"):
        month = Month.parse(row["month"])
        scheme = schemes[int(row["month"][:4])]
        found = sums[measure_id(scheme, ACTIVITIES[row["activity"]]), AUTHORITY]
        assert found[month.ordinal] == int(row["events"]) * MILLIONTHS, row
