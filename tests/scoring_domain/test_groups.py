"""What is computed of rows that moved comes to the same as everything computed of all rows."""

import copy
from functools import lru_cache

from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.changes import Standing
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.figures import merged, scheme_months, worth
from services.scoring.domain.groups import group_plan
from services.scoring.domain.indicator_section import AbsenceSpec
from services.scoring.domain.layout import layout_of
from services.scoring.domain.methods.amounts import Partials
from services.scoring.domain.posting import everything, post, posted
from services.scoring.domain.sums import UnitSums
from services.scoring.inputs import by_month
from shared.kernel.figures import FigureState
from shared.kernel.periods import JANUARY, Cycle, Month
from shared.kernel.points import MILLIONTHS, of_parts
from tests.scoring.test_stages import SCHEME
from tests.scoring_domain.month_cells import month_cell


def scheme():
    """Return a scheme with every cycle, a deduction, a stock, a gate, and all of that in an overlay too."""
    document = copy.deepcopy(SCHEME)
    ontime, missed = document["indicators"]
    document["measures"]["backlog"] = {
        "over": "risk.missed.v1",
        "kind": "stock",
        "period_by": {"from": "time", "until": "time"},
        "numerator": "count(*)",
    }
    down = {"target": {"target": "2", "direction": "down"}}
    every = [
        missed,
        missed | {"code": "backlog", "measure": "backlog", "method": down},
        *(ontime | {"code": cycle, "cycle": cycle} for cycle in Cycle),
    ]
    months = {"from": "2021-02", "until": "2021-08"}
    document["overlays"] = [{"code": "safety", "name": "安全", "counts": "added", "points": "60"} | months]
    document["indicators"] = [
        *every,
        *(one | {"code": f"safe-{one['code']}", "board": None, "overlay": "safety"} for one in every),
        ontime | {"code": "own", "units": ["b1"]},
        ontime | {"code": "of-another", "units": ["b2"]},
    ]
    document["ranking"] = {"minimum_volume": {"measure": "missed", "at_least": 2}}
    return SchemeDocument.model_validate(document)


DOCUMENT = scheme()
UNIT = "b1"
OF_UNIT = [one for one in DOCUMENT.indicators if one.code != "of-another"]
PLAN = group_plan(DOCUMENT, "bureaus")
MONTHS = [month.ordinal for month in scheme_months(DOCUMENT)]
PERIODS = {JANUARY.containing(Month.of_ordinal(month), cycle) for month in MONTHS for cycle in Cycle}
WIDTHS = {over: layout_of(DOCUMENT, over).width for over in ("levy.done.v1", "risk.missed.v1")}
ABSENCES = [("2021-02", "2021-03"), ("2021-01", "2021-08"), ("2021-12", "2021-12")]
AMOUNTS = st.integers(0, 5).map(lambda found: found * MILLIONTHS)
ROWS = st.sampled_from(sorted(WIDTHS)).flatmap(
    lambda over: st.tuples(
        st.tuples(st.just(over), st.sampled_from(MONTHS), st.integers(0, 2)),
        st.lists(AMOUNTS, min_size=WIDTHS[over], max_size=WIDTHS[over]),
    )
)


def told(sums, standing, rows):
    """Take rows of numbers in and post what depends on them."""
    moved = {}
    for source, numbers in rows:
        moved.setdefault(source[:2], set()).update(sums.take(source, numbers))
    return post(PLAN, UNIT, sums, standing, moved)


def value(found):
    return None if found is None else of_parts(found)


@given(st.lists(st.lists(ROWS, max_size=3), max_size=6), st.booleans())
def test_batch_by_batch_leads_to_the_cells_and_figures_of_all(batches, forgets):
    sums, standing = UnitSums(), Standing()
    post(PLAN, UNIT, sums, standing, everything(PLAN))
    newest = {}
    for rows in batches:
        newest |= dict(rows)
        before = copy.deepcopy(standing)
        changes = told(sums, standing, rows)
        for month, cells in changes.cells.items():
            for code, (old, new) in cells.items():
                assert old != new
                assert (old, new) == (before.cells.get((month, code)), standing.cells.get((month, code)))
        for period, figures in changes.figures.items():
            assert all(before.figures[period, code] != found for code, found in figures.items())
        if forgets:
            sums = UnitSums()
            for source, numbers in newest.items():
                sums.take(source, numbers)
            assert posted(PLAN, UNIT, sums, standing.cells) == standing
    partials = {one.code: by_month(DOCUMENT, sums, one.measure) for one in OF_UNIT}
    assert {key: value(found) for key, found in standing.cells.items()} == {
        (month, one.code): found
        for month in MONTHS
        for one in OF_UNIT
        if one.overlay is None or MONTHS[1] <= month <= MONTHS[7]
        if (found := month_cell(DOCUMENT, one, Month.of_ordinal(month), partials[one.code])) is not None
    }
    assert {key: value(found) for key, found in standing.figures.items()} == {
        (str(period), one.code): found.value
        for period in PERIODS
        for one in OF_UNIT
        if (found := worth(DOCUMENT, one, period, partials[one.code])).state is not FigureState.NOT_DUE
    }


def test_a_volume_that_moved_is_told_with_or_without_figures():
    sums, standing = UnitSums(), Standing()
    post(PLAN, UNIT, sums, standing, everything(PLAN))
    slots = layout_of(DOCUMENT, "risk.missed.v1").slots["missed"]
    for count in (30, 40):
        numbers = [0] * WIDTHS["risk.missed.v1"]
        numbers[slots.numerator] = count * MILLIONTHS
        changes = told(sums, standing, [(("risk.missed.v1", MONTHS[2], 7), numbers)])
    assert changes.cells == {}
    assert changes.figures == {"2021-03": {}, "2021-Q1": {}, "2021-H1": {}, "2021": {}}
    assert changes.volumes == {"2021-03": 40, "2021-Q1": 40, "2021-H1": 40, "2021": 40}
    found = by_month(DOCUMENT, sums, "missed")
    assert merged(JANUARY.parse("2021-Q1").months(), found, DOCUMENT.measures["missed"]) == Partials(
        40 * MILLIONTHS, 0, 0
    )


@lru_cache
def plan_without(first, last):
    """Return a plan in which nothing but the stock applies to the unit in some months."""
    document = DOCUMENT.model_copy(deep=True)
    gone = AbsenceSpec.model_validate({"units": [UNIT], "from": first, "until": last, "reason": "r"})
    told = [
        one if one.code.endswith("backlog") else one.model_copy(update={"not_applicable": [gone]})
        for one in document.indicators
    ]
    return group_plan(document.model_copy(update={"indicators": told}), "bureaus")


@given(st.lists(ROWS, max_size=12), st.sampled_from(ABSENCES))
def test_what_came_in_months_in_which_an_indicator_does_not_apply_is_as_if_it_had_not_come(rows, absence):
    first, last = (Month.parse(one).ordinal for one in absence)
    all_of_it, applying = UnitSums(), UnitSums()
    for source, numbers in dict(rows).items():
        all_of_it.take(source, numbers)
        if not first <= source[1] <= last:
            applying.take(source, numbers)
    plan = plan_without(*absence)
    whole = Standing()
    post(plan, UNIT, all_of_it, whole, everything(plan))
    assert whole.figures == posted(plan, UNIT, all_of_it, {}).figures
    of_rest = posted(PLAN, UNIT, applying, {}).figures
    taken = {key: found for key, found in whole.figures.items() if not key[1].endswith("backlog")}
    assert taken == {key: of_rest[key] for key in taken}
    assert {key for key in of_rest if not key[1].endswith("backlog")} - taken.keys()
    backlog = {
        key: found
        for key, found in posted(PLAN, UNIT, all_of_it, {}).figures.items()
        if key[1].endswith("backlog")
    }
    assert backlog == {key: found for key, found in whole.figures.items() if key[1].endswith("backlog")}
