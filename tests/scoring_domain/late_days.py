"""Items whose days are late, schemes that take them, and what units lose by them."""

import copy
from datetime import date
from decimal import Decimal

from hypothesis import strategies as st

from services.scoring.domain.cells import compute
from services.scoring.domain.check import findings
from services.scoring.domain.derived import fold_derived, points_plan
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.late_days import LateItem
from services.scoring.domain.methods.amounts import Partials
from services.scoring.domain.plan import compile_plan, event_types
from services.scoring.domain.reading import read
from shared.kernel.periods import Month
from shared.kernel.points import MILLIONTHS, PARTS
from tests.scoring.test_stages import SCHEME, TYPES

APRIL, MAY = (Month.parse(month).ordinal for month in ("2021-04", "2021-05"))
DONE_10_MAY = [date(2021, 4, 30), *(date(2021, 5, day) for day in (6, 7, 8, 10))]
EXTENDED_TO_7_MAY = [date(2021, 5, 8), date(2021, 5, 10)]


def scheme(**measure):
    """Return a scheme with an indicator of 3 points for late items, and one of 5 for what is decided."""
    document = copy.deepcopy(SCHEME)
    document["scheme"]["total"] = document["boards"][0]["points"] = "28"
    document["measures"] |= {
        "late": {"items": "decision", "per_day": "0.2", "cap": "2"} | measure,
        "linked": {"decided": "incidents"},
    }
    own = document["indicators"][1] | {"method": {"deduct": {}}}
    document["indicators"] += [
        own | {"code": "late", "name": "Late", "points": "3", "measure": "late"},
        own | {"code": "linked", "name": "Linked", "points": "5", "measure": "linked"},
    ]
    return document


def plan_of(document):
    document = SchemeDocument.model_validate(document)
    return points_plan(document, compile_plan(document, event_types(TYPES)), TYPES)


PLAN = plan_of(scheme())
INDICATORS = {one.code: one for one in SchemeDocument.model_validate(scheme()).indicators}


def item(*, days=(), shares=None, version=1, **more):
    told = tuple((shares or {"b1": MILLIONTHS}).items())
    return LateItem("i1", version, "decision", tuple((day, told) for day in days), **more)


def handed_on(*days, version=1):
    """Return an item whose days are borne by the shares beside each."""
    return LateItem("i1", version, "decision", tuple((day, tuple(shares.items())) for day, shares in days))


def folded(*facts, plans=(PLAN,)):
    cells = {}
    for fact in facts:
        fold_derived(cells, plans, fact)
    return {cell: numbers for cell, numbers in cells.items() if any(numbers)}


def lost(cells, unit="b1", over="items:decision"):
    """Return the points by month that a unit loses."""
    return {
        month: Decimal(numbers[0]) / PARTS
        for (_, of, at, month), numbers in cells.items()
        if (of, at) == (over, unit)
    }


def worth(cells, indicator="late"):
    numerator = sum(numbers[0] for (_, _, unit, _), numbers in cells.items() if unit == "b1")
    return compute(INDICATORS[indicator], Partials(numerator, 0, 1), is_ratio=False)


def two_takers(**second):
    """Return a scheme with two indicators for late items of one kind, each by a measure of its own."""
    document = scheme()
    document["measures"]["later"] = {"items": "decision", "per_day": "0.5", "cap": "1"}
    document["indicators"][3] |= {"measure": "later"} | second
    return document


SHARES = st.integers(0, MILLIONTHS).map(lambda part: {"b1": part, "b2": MILLIONTHS - part})
HANDED_ON = st.dictionaries(st.dates(date(2020, 12, 20), date(2022, 1, 10)), SHARES, max_size=15)


def refused(document):
    found = read(document)
    if isinstance(found, SchemeDocument):
        found = findings(found, TYPES)
    return {(one.path, one.code) for one in found if one.reason}
