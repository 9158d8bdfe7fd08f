"""The Boston sample of fixed dates, milestones and a mean of months, by the columns of its oracle."""

import csv
import os
from fractions import Fraction
from pathlib import Path

import pytest

from dukao import yamls
from services.scoring.domain.changes import Standing
from services.scoring.domain.check import findings
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.groups import group_plan
from services.scoring.domain.layout import layout_of
from services.scoring.domain.posting import everything, post
from services.scoring.domain.sums import UnitSums
from shared.kernel.periods import Month
from shared.kernel.points import MILLIONTHS, cell, of_parts

SAMPLE = Path(__file__).parents[2] / "samples" / "boston311"
DATA = os.environ.get("DUKAO_DATA")
WORKS = "dep:works"
MADE_UP = {
    "2011-07": {"due": 10, "due_met": 9, "closed": 20, "closed_late": 8, "backlog_end": 70},
    "2011-08": {"due": 100, "due_met": 100, "closed": 40, "closed_late": 5, "backlog_end": 60},
    "2011-09": {"due": 0, "due_met": 0, "closed": 0, "closed_late": 0, "backlog_end": 900},
    "2011-10": {"due": 10, "due_met": 8, "closed": 40, "closed_late": 11, "backlog_end": 250},
}


def document(*departments):
    units = [{"code": "boston", "name": "Boston", "level": "city"}]
    units += [
        {"code": one, "name": one, "level": "department", "parent": "boston"}
        for one in departments or (WORKS,)
    ]
    return SchemeDocument.model_validate(sample("scheme-dates.yaml") | {"units": units})


def sample(name):
    return yamls.parse((SAMPLE / name).read_text(), name).value


def figures(scheme, unit, months):
    """Return what a unit is told by period and indicator, by the oracle's columns of its months."""
    layout, sums, standing = layout_of(scheme, "case"), UnitSums(), Standing()
    before = 0
    for written, row in sorted(months.items()):
        numbers = [0] * layout.width
        here = {
            "ontime": (row["due_met"], row["due"]),
            "closed_late": (row["closed_late"], row["closed"]),
            "backlog_end": (row["backlog_end"] - before, 0),
        }
        before = row["backlog_end"]
        for name, (numerator, denominator) in here.items():
            slots = layout.slots[name]
            numbers[slots.numerator] = numerator * MILLIONTHS
            if slots.denominator is not None:
                numbers[slots.denominator] = denominator * MILLIONTHS
            numbers[slots.rows] = max(denominator, row["backlog_end"] if name == "backlog_end" else 0)
        sums.take(("case", Month.parse(written).ordinal, 0), numbers)
    plan = group_plan(scheme, "departments")
    post(plan, unit, sums, standing, everything(plan))
    return {key: None if found is None else of_parts(found) for key, found in standing.figures.items()}


def wanted(months):
    """Return the year of a department in plain fractions: months alike, then those of the two dates alone."""
    rates = [Fraction(row["due_met"], row["due"]) for row in months.values() if row["due"]]
    dates = [months[one] for one in ("2011-08", "2011-10") if one in months]
    late, closed = (sum(row[name] for row in dates) for name in ("closed_late", "closed"))
    share = 1 if not late else min(Fraction(1), Fraction(closed, 10 * late))
    over = max(0, months["2011-10"]["backlog_end"] - 50)
    return {
        "ontime": cell(40 * sum(rates) / len(rates)),
        "backlog": cell(max(Fraction(0), 30 - Fraction(over, 10))),
        "punctual": cell(30 * share),
    }


def test_months_count_alike_and_of_dates_and_milestones_nothing_but_their_months():
    """0.9, 1 and 0.8 are 0.9 of 40; 250 open in October cost 20 of 30; 16 of 80 late are half of 30."""
    found = figures(document(), WORKS, MADE_UP)
    year = {code: value for (period, code), value in found.items() if period == "2011"}
    assert year == {"ontime": 36, "backlog": 10, "punctual": 15} == wanted(MADE_UP)
    due = {code: sorted(period for period, one in found if one == code) for _, code in found}
    assert (
        due["backlog"] == due["punctual"] == ["2011", "2011-08", "2011-10", "2011-H2", "2011-Q3", "2011-Q4"]
    )
    assert (found["2011-Q3", "backlog"], found["2011-Q3", "punctual"]) == (29, 24)


@pytest.mark.skipif(DATA is None, reason="DUKAO_DATA names no folder of real sets")
def test_the_year_of_every_department_is_what_the_oracles_columns_come_to():
    months = {}
    with (Path(DATA) / "boston311_2011" / "oracle" / "by_department_month.csv").open() as file:
        for row in csv.DictReader(file):
            numbers = {name: int(row[name]) for name in MADE_UP["2011-07"]}
            months.setdefault(f"dep:{row['unit']}", {})[row["month"]] = numbers
    whole = {unit: found for unit, found in months.items() if "2011-10" in found and _has_data(found)}
    assert len(whole) > 5
    scheme = document(*whole)
    for unit, found in whole.items():
        told = figures(scheme, unit, found)
        assert {code: told["2011", code] for code in ("ontime", "backlog", "punctual")} == wanted(found), unit


def _has_data(months):
    return any(row["due"] for row in months.values()) and any(row["backlog_end"] for row in months.values())


def test_the_sample_has_nothing_that_check_refuses():
    assert findings(document(), sample("types.yaml")) == []
