"""The mini scheme said otherwise, its sums by rows, and what is posted of them."""

import copy
from fractions import Fraction

from hypothesis import strategies as st

from services.scoring.domain.changes import Standing
from services.scoring.domain.check import findings
from services.scoring.domain.comparing import compare
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.groups import group_plan
from services.scoring.domain.posting import everything, post
from services.scoring.domain.reading import read as read_document
from services.scoring.domain.sums import STALE, UnitSums
from shared.kernel.periods import JANUARY, Month
from shared.kernel.points import MILLIONTHS, cell, of_parts
from tests.scoring.test_stages import SCHEME, TYPES
from tests.scoring_domain.test_parts import LEVY, month

YEAR = list(dict.fromkeys(period for at in range(1, 13) for period in JANUARY.around(Month(2021, at))))
MONTHS = st.integers(1, 12)
ROWS = st.lists(
    st.tuples(MONTHS, st.integers(0, 9), st.integers(9, 12)), max_size=6, unique_by=lambda row: row[0]
)


def said(indicator=None, measure=None, document=SCHEME):
    """Return the mini scheme with its first indicator or measure said otherwise."""
    found = copy.deepcopy(document)
    found["indicators"][0] |= indicator or {}
    found["measures"]["ontime"] |= measure or {}
    return found


def point(*days, **more):
    return {"cycle": "point", "dates": [f"2021-{day}" for day in days], **more}


def read(document):
    return SchemeDocument.model_validate(document)


def refused(document):
    found = read_document(document)
    if isinstance(found, SchemeDocument):
        found = findings(found, TYPES)
    return {(one.path, one.code) for one in found if one.reason}


def summed(rows, over=LEVY, stale=()):
    """Return the sums of a unit by rows of (month, met, all), with the months in which the feed is silent."""
    sums = UnitSums()
    for at, met, total in rows:
        sums.take((over, month(at), 0), [number * MILLIONTHS for number in (met, total, total)])
    for at in stale:
        sums.take((f"{STALE}{over}", month(at), 0), [1])
    return sums


def posted(document, sums):
    """Return cells by month and figures by period of the first indicator of b1."""
    plan, standing = group_plan(read(document), "bureaus"), Standing()
    if plan.compared:
        compare(
            plan,
            {"b1": sums, "b2": UnitSums()},
            {"b1": standing, "b2": Standing()},
            dict.fromkeys(("b1", "b2"), everything(plan)),
            {},
        )
    post(plan, "b1", sums, standing, everything(plan))
    cells = {
        at - month(1) + 1: of_parts(found) for (at, code), found in standing.cells.items() if code == "ontime"
    }
    told = {
        period: None if found is None else of_parts(found)
        for (period, code), found in standing.figures.items()
        if code == "ontime"
    }
    return cells, told


def scored(document, rows):
    return posted(document, summed(rows))


def target(value):
    worth = min(Fraction(1), value / Fraction("0.98")) * 10
    return cell(worth)


def from_july(document, number=2):
    found = copy.deepcopy(document)
    found["scheme"] |= {"version": number, "effective": "2021-07"}
    return found
