"""Years that begin in another month: the same scheme and facts some months later come to the same figures."""

import copy
from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.changes import Standing
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.groups import group_plan
from services.scoring.domain.posting import everything, post, posted
from services.scoring.domain.sums import UnitSums
from shared.kernel.periods import Cycle, Month, PeriodCalendar
from tests.scoring_domain import test_groups as groups
from tests.scoring_domain import test_parts as parts

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
