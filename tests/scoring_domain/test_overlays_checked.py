"""The independent checker takes an overlay as the services do: what is due, what it comes to, parts of its months."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from campaign.checker import rescaling
from campaign.checker.totals import Figures, Versions, shares
from campaign.checker.years import figures as made_anew
from services.ranking.domain.rows import Row
from services.ranking.domain.schemes import Scheme
from services.ranking.held import Board
from services.scoring.domain.document import SchemeDocument
from shared.kernel.periods import JANUARY, Month
from shared.kernel.points import MILLIONTHS
from tests.scoring_domain.overlays import halves, with_overlay
from tests.scoring_domain.test_parts import DECEMBER, LEVY, figures, line, month, told, version

PARTS = 10**12
MONTHS = st.integers(1, 12)
PERIODS = [str(period) for at in range(1, 13) for period in JANUARY.around(Month(2021, at))]


def written(document):
    return SchemeDocument.model_validate(document).written()


def spans(first=MONTHS, last=MONTHS):
    """Return months of an overlay, in order."""
    return st.tuples(first, last).map(
        lambda ends: {"from": f"2021-{min(ends):02d}", "until": f"2021-{max(ends):02d}"}
    )


def goes_on(begins):
    """Return months of an overlay that a version has which begins then: the last lies in its own."""
    return spans(last=st.integers(int(begins[5:]), 12))


def absences(codes):
    return st.fixed_dictionaries(
        {},
        optional={
            code: spans().map(lambda months: [months | {"units": ["b1"], "reason": "无此业务"}])
            for code in codes
        },
    )


@st.composite
def schemes(draw):
    """Return the versions of a year, one or two, with an overlay that the second may leave out or change."""
    made, places = [], draw(st.sampled_from([0, 2, 6]))
    begins = draw(st.sampled_from(["2021-05", "2021-07", "2021-08"]))
    for number, effective in ((1, "2021-01"), (2, begins))[: draw(st.integers(1, 2))]:
        base = version(number, effective)
        base["scheme"]["places"] = places
        if draw(st.booleans()) or not made:
            cycle, how = draw(st.sampled_from(["month", "quarter", "year"])), draw(st.sampled_from(HOW))
            own = draw(spans() if number == 1 else goes_on(begins))
            base = with_overlay(base, {"cycle": cycle}, **own | {"counts": how})
        said = draw(absences(["ontime", "missed", "drill"]))
        for one in base["indicators"]:
            one["not_applicable"] = said.get(one["code"], [])
        made.append(written(base))
    return made


HOW = ["added", "beside"]
WORTH = st.dictionaries(
    st.sampled_from(["ontime", "missed", "drill"]), st.none() | st.integers(0, 6 * PARTS), max_size=3
)


@given(schemes(), st.sampled_from(PERIODS), WORTH)
def test_the_total_with_what_is_added_and_without_what_stands_beside_is_the_same(versions, period, worth):
    at = JANUARY.parse(period)
    versions = [one for one in versions if one["scheme"]["effective"] <= str(at.last)]
    newest, *older = versions[::-1]
    is_inside = newest["scheme"]["effective"] > str(at.first)
    before, earlier = (tuple(older), ()) if is_inside else ((), tuple(older))
    scheme = Scheme(newest["scheme"]["version"], newest, before, earlier)
    owed = scheme.due("bureaus", period)
    worth = {code: value for code, value in worth.items() if code in owed["b1"]}
    due = {unit: scheme.counted(mine) for unit, mine in owed.items()}
    absent = {unit: gone - scheme.beside for unit, gone in scheme.absent("bureaus", period).items()}
    board = Board(scheme, due, absent, frozenset(["b1"]), {})
    board.moved({"b1": Row(worth, 0, 1)}, ["b1"])
    every = Versions({one["scheme"]["version"]: one for one in versions})
    found = list(shares(every, ("mini", "bureaus", period), "b1", Figures(worth, {})))
    if any(one.board and one.applies for one in found):
        low, high = (getattr(board.scores["b1"], name) for name in ("low", "high"))
        assert rescaling.total(found, every.places) == rescaling.Range(low, high)


@st.composite
def rows(draw):
    """Return rows of levies of b1 by month: met, all, rows."""
    found = draw(st.dictionaries(MONTHS, st.integers(0, 9), max_size=6))
    return [("b1", LEVY, month(at), (met, 10, 10)) for at, met in sorted(found.items())]


BEGINS = st.sampled_from(["2021-05", "2021-07", "2021-08"]).flatmap(
    lambda begins: st.tuples(st.just(begins), st.none() | goes_on(begins))
)


@settings(max_examples=40)
@given(spans(), BEGINS, st.sampled_from(["0.9", "0.95"]), rows())
def test_what_several_versions_have_of_an_overlay_is_made_anew_from_its_months(first, then, target, measured):
    v1 = halves(1, "2021-01", "20", "0.90", **first)
    begins, second = then
    v2 = version(2, begins) if second is None else halves(2, begins, "30", target, **second)
    found = line(v1, v2)
    clock = found.clock(told(found, measured))
    sums = {
        ("ontime", unit, at): tuple(number * MILLIONTHS for number in numbers)
        for unit, _, at, numbers in measured
    }
    versions = Versions({1: written(v1), 2: written(v2)})
    for (_, telling, period, code), (value, points) in figures(found, measured, clock).items():
        made = dict(made_anew(versions, "bureaus", period, "b1", sums))
        own = versions.upto(telling).newest(code)[1]
        wanted = Decimal(own["points"]) if points is None else points
        told_worth = None if value is None else value * PARTS
        assert made[code] == (told_worth, wanted * PARTS)
    scheme = Scheme(2, written(v2), (written(v1),))
    of_both = {str(one) for one in found.shared if str(one.first) < begins <= str(one.last)}
    drill = {period for _, _, period, code in figures(found, measured, DECEMBER) if code == "drill"}
    assert drill & of_both == {one for one in of_both if "drill" in scheme.due("bureaus", one)["b1"]}
