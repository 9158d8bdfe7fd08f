"""Years that begin in another month: the same scheme and facts some months later come to the same figures."""

import copy
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dukao.simulator.truth import Truth
from services.scoring.domain.changes import Standing
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.groups import group_plan
from services.scoring.domain.posting import everything, post, posted
from services.scoring.domain.sums import UnitSums
from shared.kernel.periods import Cycle, Month, PeriodCalendar
from tests.scoring.test_stages import SCHEME
from tests.scoring_domain import test_groups as groups
from tests.scoring_domain import test_parts as parts
from tests.scoring_domain.overlays import with_overlay
from tests.scoring_domain.test_check import refused

STEPS = st.integers(0, 11)


def later(document, steps):
    """Return a scheme of 2021 whose year, and all that it names months of, begins so many months later."""
    found = copy.deepcopy(document)
    for part in (found["scheme"], *found.get("overlays", ())):
        for name in part.keys() & {"effective", "from", "until"}:
            part[name] = str(Month.parse(part[name]).plus(steps))
    found["scheme"]["first_month"] = steps + 1
    return found


def name(period, steps):
    """Return what a period of 2021 is called so many months later: quarters, halves and years as before."""
    found = PeriodCalendar(1).parse(period)
    return str(found.first.plus(steps)) if found.cycle is Cycle.MONTH else period


@cache
def plan(steps):
    written = later(groups.DOCUMENT.written(), steps)
    return group_plan(SchemeDocument.model_validate(written), "bureaus")


@given(st.lists(groups.ROWS, max_size=8), STEPS)
def test_cells_and_figures_of_the_months_after_the_first_are_those_of_the_months_after_january(rows, steps):
    found = []
    for shift in (0, steps):
        sums = UnitSums(shift + 1)
        for (over, month, shard), numbers in rows:
            sums.take((over, month + shift, shard), numbers)
        changes = post(plan(shift), groups.UNIT, sums, Standing(), everything(plan(shift)))
        cells = {key: new for at, of in changes.cells.items() for key, (_, new) in _at(at, of)}
        standing = posted(plan(shift), groups.UNIT, sums, {})
        found.append((cells, standing.figures, changes.volumes))
    (cells, figures, volumes), there = found[0], found[1]
    assert there == (
        {(month + steps, code): value for (month, code), value in cells.items()},
        {(name(period, steps), code): value for (period, code), value in figures.items()},
        {name(period, steps): value for period, value in volumes.items()},
    )


def _at(month, cells):
    return [((month, code), step) for code, step in cells.items()]


@given(parts.ROWS, st.integers(2, 12), parts.METHODS, st.integers(parts.month(1), parts.DECEMBER + 2), STEPS)
def test_a_version_within_a_year_parts_it_wherever_the_year_begins(rows, cut, method, clock, steps):
    versions = [
        parts.version(1),
        parts.version(2, f"2021-{cut:02d}", ontime={"points": "30", "method": method}),
    ]
    before = parts.figures(parts.line(*versions), rows, clock, ("b1", "b2"))
    moved = [(unit, over, month + steps, numbers) for unit, over, month, numbers in rows]
    line = parts.line(*(later(one, steps) for one in versions))
    assert parts.figures(line, moved, clock + steps, ("b1", "b2")) == {
        (unit, version, name(period, steps), code): figure
        for (unit, version, period, code), figure in before.items()
    }


@pytest.mark.parametrize(
    ("head", "wanted"),
    [
        ({}, set()),
        ({"effective": "2022-01"}, set()),
        ({"effective": "2021-01", "until": "2021-12"}, {("/scheme/until", "dates")}),
        ({"until": "2022-04"}, {("/scheme/until", "dates")}),
        ({"effective": "1900-01", "until": "1900-03"}, {("/scheme/effective", "dates")}),
        ({"first_month": 0}, {("/scheme/first_month", "shape")}),
        ({"first_month": 13}, {("/scheme/first_month", "shape")}),
        ({"first_month": "4"}, {("/scheme/first_month", "shape")}),
        ({"first_month": True}, {("/scheme/first_month", "shape")}),
    ],
)
def test_a_scheme_covers_months_of_one_year_from_its_first_month(head, wanted):
    document = copy.deepcopy(SCHEME)
    document["scheme"] |= {"effective": "2021-04", "until": "2022-03", "first_month": 4} | head
    assert refused(document) == wanted


@pytest.mark.parametrize(
    ("first", "last", "wanted"),
    [("2021-12", "2022-02", set()), ("2021-03", "2021-06", {("/overlays/0/from", "dates")})],
)
def test_an_overlay_has_months_of_the_year_from_its_first_month(first, last, wanted):
    document = with_overlay(later(SCHEME, 3), **{"from": first, "until": last})
    assert {found for found in refused(document) if found[0].startswith("/overlays")} == wanted


@pytest.mark.parametrize(("first_month", "is_due"), [(1, True), (4, True), (2, False)])
def test_a_quarter_that_does_not_end_in_the_months_of_a_scheme_is_never_due(first_month, is_due):
    document = copy.deepcopy(SCHEME)
    document["scheme"] |= {"effective": "2021-05", "until": "2021-06", "first_month": first_month}
    document["indicators"][0]["cycle"] = "quarter"
    assert (refused(document) == set()) is is_due


def test_the_truth_of_a_simulation_has_the_periods_of_a_year_from_april():
    truth = Truth(SchemeDocument.model_validate(later(SCHEME, 3)))
    periods = dict(truth.periods())
    assert periods["2021-Q4"] == ["2022-01", "2022-02", "2022-03"]
    assert periods["2021"] == [*periods["2021-H1"], *periods["2021-H2"]] == truth.months()
    assert {len(name) for name in periods if name.startswith("2022")} == {len("2022-01")}
