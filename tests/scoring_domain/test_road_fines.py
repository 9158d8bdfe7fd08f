"""The measures of the fines' schemes, folded from the real log, equal the oracle in every row."""

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

import pytest

from campaign.fines import (
    ACTIVITIES,
    AUTHORITY,
    COLUMNS,
    DESKS,
    YEARS,
    Answers,
    Fines,
    differences,
    months,
    year_of,
)
from services.ranking.domain.standings import Figure, Rules, standing
from services.scoring.domain import facts
from services.scoring.domain.check import findings
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.figures import worth
from services.scoring.domain.folding import Tally
from services.scoring.domain.plan import compile_plan, event_types, measure_id
from shared.kernel.periods import JANUARY, Month
from shared.kernel.points import MILLIONTHS, cell
from tests.scoring_domain.opinions import assert_agreed, report_of
from tests.scoring_domain.test_worked_cases import by_measure

FINES = Fines.here(YEARS[-1])
NOTHING_OF = {2000: {"log_collected"}, 2006: set[str]()}

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
def types():
    return event_types(FINES.types)


@pytest.fixture(scope="module")
def cases(types):
    """Return of each fine the years in which anything of it occurred, and what stands of it."""
    found, lived = defaultdict(list), defaultdict(set)
    for number, event in enumerate(FINES.events(), 1):
        lived[event["case"]].add(year_of(event["time"]))
        found[event["case"]].append(report_of(event, number, types))
    return [(lived[case], facts.standing(reports).facts) for case, reports in sorted(found.items())]


@pytest.fixture(scope="module")
def sums(schemes, types, cases):
    """Return the partials by month, for each measure and unit."""
    plans = {year: compile_plan(scheme, types) for year, scheme in schemes.items()}
    tallies = {year: Tally() for year in YEARS}
    for lived, stands in cases:
        for year in lived:
            tallies[year].add(plans[year], stands)
    return {
        key: dict(months)
        for year in YEARS
        for key, months in by_measure(plans[year], tallies[year].spread()).items()
    }


@pytest.mark.parametrize("year", NOTHING_OF)
async def test_live_folding_duckdb_and_postgres_agree_on_every_measure_of_a_year(
    postgres_url, schemes, types, cases, year
):
    groups = [stands for lived, stands in cases if year in lived]
    agreed = await assert_agreed(postgres_url, schemes[year], types, groups)
    measured = {name for name, _, _ in agreed}
    assert schemes[year].event_measures.keys() - measured == NOTHING_OF[year]


def test_the_schemes_pass_every_check(schemes):
    types = FINES.types
    assert [list(findings(scheme, types)) for scheme in schemes.values()] == [[]] * len(YEARS)


def test_every_figure_of_the_oracle_is_equal_with_ranks_years_and_totals(schemes, sums):
    desks = {(row["year"], f"desk:{row['unit']}") for row in FINES.table("oracle/by_unit_year.csv")}
    whole = {(str(year), AUTHORITY) for year in YEARS}
    monthly = {(month, AUTHORITY) for year in YEARS for month in months(year)}
    measures = {at: measured(schemes, sums, *at) for at in desks | whole | monthly}
    ranked = {(DESKS, str(year)): standing_of(schemes[year], sums, measures, desks) for year in YEARS}
    compared, wrong = differences(FINES, Answers(measures, ranked, ()))
    assert wrong == []
    assert compared == 16_821


def measured(schemes, sums, period, unit):
    """Return what the measures of a unit come to in a year or month, as the service tells it."""
    scheme, told = schemes[int(period[:4])], {}
    for name in {*COLUMNS.values(), *ACTIVITIES.values(), "t1"}:
        found = sums.get((measure_id(scheme, name), unit), {})
        kept = [one for at, one in found.items() if period in (period[:4], str(Month.of_ordinal(at)))]
        numerator, base = (sum(getattr(one, part) for one in kept) for part in ("numerator", "denominator"))
        ratio = str(Decimal(round(Fraction(numerator, base) * MILLIONTHS)).scaleb(-6)) if base else None
        told[name] = {"numerator": str(Decimal(numerator).scaleb(-6)), "ratio": ratio}
    return told


def standing_of(scheme, sums, measures, desks):
    """Return where each desk of a year stands."""
    year, figures = scheme.scheme.effective[:4], {}
    for desk in [unit for named, unit in desks if named == year]:
        volume = int(Decimal(measures[year, desk]["t1_tasks"]["numerator"]))
        found = {one.code: sums.get((measure_id(scheme, one.measure), desk), {}) for one in scheme.indicators}
        figures[desk] = [
            Figure(
                indicator=one.code,
                board=one.board,
                points=Decimal(one.points),
                value=(made := worth(scheme, one, JANUARY.parse(year), found[one.code])).value,
                state=made.state,
                volume=volume,
                overlay=one.overlay,
                beside=one.overlay is not None,
            )
            for one in scheme.indicators
        ]
    rules = Rules(scheme.scheme.places, at_least=scheme.ranking.minimum_volume.at_least)
    return [{"unit": line.unit, "rank": line.rank} for line in standing(figures, rules)]


def test_every_indicator_of_every_desk_and_year_is_worth_what_the_oracle_comes_to(schemes, sums):
    compared = 0
    for row in FINES.table("oracle/by_unit_year.csv"):
        scheme, year = schemes[int(row["year"])], JANUARY.parse(row["year"])
        due = expected({name: Fraction(row[column]) for column, name in COLUMNS.items()})
        assert len(scheme.indicators) == len(due)
        for indicator in scheme.indicators:
            partials = sums.get((measure_id(scheme, indicator.measure), f"desk:{row['unit']}"), {})
            found, points = worth(scheme, indicator, year, partials).value, due[indicator.code]
            assert found == (None if points is None else cell(points)), (
                row["year"],
                row["unit"],
                indicator.code,
            )
            compared += 1
    assert compared > 5_900


def expected(row):
    """Return what each indicator of a desk's year is worth by the columns of the oracle, None without data."""
    told = row["t2_tasks"] / row["fines"]
    return {
        "t1": 1000 * row["t1_met"] / row["t1_tasks"] if row["t1_tasks"] else None,
        "t2": 100 * row["t2"] / row["t2_tasks"] if row["t2_tasks"] else None,
        "notified": Fraction(40 if told < Fraction(1, 2) else 70 if told < Fraction(4, 5) else 100),
        "paid": 100 * min(Fraction(1), row["paid_sum"] / row["amount_sum"]) if row["amount_sum"] else None,
        "appeals": max(Fraction(0), 200 - row["appeals"] / 10),
        "judgements": max(Fraction(0), 100 - max(Fraction(0), row["judgements"] - 1)),
        "collections": max(Fraction(0), 100 - row["collections"] / 100),
    }
