"""Special assessments (专项考评): scored in their own months, added to the total or beside it, and checked so."""

import copy
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dukao import yamls
from services.scoring.domain.board_check import a_floor_is_exceeded
from services.scoring.domain.changes import Standing
from services.scoring.domain.coverage import Ruling, planned, planned_in
from services.scoring.domain.derived import points_plan
from services.scoring.domain.difference_words import in_words
from services.scoring.domain.differences import differences
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.explanation import explain
from services.scoring.domain.facts import Report, standing
from services.scoring.domain.figures import is_due, window
from services.scoring.domain.folding import Tally, fold_under
from services.scoring.domain.groups import group_plan
from services.scoring.domain.incidents.rules import rules_of
from services.scoring.domain.layering import burdens
from services.scoring.domain.overlay_check import overlays_stay
from services.scoring.domain.plan import compile_plan, event_types
from services.scoring.domain.posting import everything, post
from services.scoring.domain.sums import UnitSums
from services.scoring.questions import Loaded, Question
from services.scoring.reports import catalogue_of
from shared.kernel.instants import parse_micros
from shared.kernel.periods import JANUARY, Month
from shared.kernel.points import MILLIONTHS, of_parts
from tests.hostile_schemes.corpus import BASE
from tests.scoring.test_stages import SCHEME, TYPES
from tests.scoring_domain.incidents import RISE
from tests.scoring_domain.test_parts import DECEMBER, LEVY, figures, line, month, version

SAFETY = {
    "code": "safety",
    "name": "安全生产专项考评",
    "from": "2021-04",
    "until": "2021-08",
    "counts": "added",
    "points": "6",
}
DRILL = {
    "code": "drill",
    "name": "演练率",
    "overlay": "safety",
    "points": "6",
    "groups": ["bureaus"],
    "measure": "ontime",
    "method": {"target": {"target": "1"}},
}


def with_overlay(document=SCHEME, indicator=None, **said):
    """Return a scheme with a special assessment from April to August, said otherwise where it is."""
    found = copy.deepcopy(document)
    found["overlays"] = [SAFETY | said]
    found["indicators"] = [*found["indicators"], DRILL | (indicator or {})]
    return found


def read(document):
    return SchemeDocument.model_validate(document)


def scored(document, rows):
    """Return cells and figures of b1 by rows of (month, met, all)."""
    plan, sums, standing = group_plan(read(document), "bureaus"), UnitSums(), Standing()
    for at, met, total in rows:
        sums.take((LEVY, month(at), 0), [number * MILLIONTHS for number in (met, total, total)])
    post(plan, "b1", sums, standing, everything(plan))
    cells = {(at - month(1) + 1, code): of_parts(found) for (at, code), found in standing.cells.items()}
    return cells, {key: None if found is None else of_parts(found) for key, found in standing.figures.items()}


ROWS = [(3, 900, 1000), (4, 500, 1000), (8, 700, 1000), (9, 0, 1000)]


def test_cells_of_an_overlay_from_april_to_august_are_those_of_april_and_august_alone():
    cells, _ = scored(with_overlay(), ROWS)
    assert {key[0]: found for key, found in cells.items() if key[1] == "drill"} == {
        4: Decimal("3.0"),
        8: Decimal("4.2"),
    }


def test_its_third_quarter_is_july_and_august_and_its_year_is_1200_of_2000():
    _, found = scored(with_overlay(), ROWS)
    drill = {
        period: value for (period, code), value in found.items() if code == "drill" and value is not None
    }
    assert drill == {
        "2021-04": 3,
        "2021-08": Decimal("4.2"),
        "2021-Q2": 3,
        "2021-Q3": Decimal("4.2"),
        "2021-H1": 3,
        "2021-H2": Decimal("4.2"),
        "2021": Decimal("3.6"),
    }
    assert found["2021", "ontime"] == Decimal("5.357142857143")


def test_its_last_cycle_ends_with_it():
    """Quarters end in June and, cut short, in August; a year that ends in August is due there."""
    document = read(with_overlay(indicator={"cycle": "quarter"}))
    (drill,) = [one for one in document.indicators if one.code == "drill"]
    due = [
        f"2021-{at:02d}" for at in range(1, 13) if is_due(document, drill, JANUARY.parse(f"2021-{at:02d}"))
    ]
    assert due == ["2021-06", "2021-08"]
    taken = window(document, drill, JANUARY.parse("2021-08"))
    assert [str(at) for at in taken] == ["2021-07", "2021-08"]
    yearly = read(with_overlay(indicator={"cycle": "year"}))
    assert [str(at) for at in window(yearly, yearly.indicators[-1], JANUARY.parse("2021-08"))] == [
        f"2021-{at:02d}" for at in range(4, 9)
    ]
    assert not is_due(yearly, yearly.indicators[-1], JANUARY.parse("2021-12"))
    assert is_due(yearly, yearly.indicators[-1], JANUARY.parse("2021"))


MONTHS = st.integers(1, 12)
MEASURED = st.lists(
    st.tuples(MONTHS, st.integers(0, 9), st.integers(9, 12)), max_size=6, unique_by=lambda r: r[0]
)


@given(MEASURED, MONTHS, MONTHS, st.sampled_from(["month", "quarter", "half-year", "year"]))
def test_what_comes_outside_its_months_changes_nothing_of_it_and_it_nothing_of_the_rest(
    rows, one, other, cycle
):
    first, last = sorted((one, other))
    months = {"from": f"2021-{first:02d}", "until": f"2021-{last:02d}"}
    with_it = with_overlay(indicator={"cycle": cycle}, **months)
    cells, found = scored(with_it, rows)
    inside = scored(with_it, [row for row in rows if first <= row[0] <= last])
    without = scored(SCHEME, rows)
    for told, own, rest in ((cells, inside[0], without[0]), (found, inside[1], without[1])):
        assert {key: one for key, one in told.items() if key[1] == "drill"} == {
            key: one for key, one in own.items() if key[1] == "drill"
        }
        assert {key: one for key, one in told.items() if key[1] != "drill"} == rest
    there = {str(period) for at in range(first, last + 1) for period in JANUARY.around(Month(2021, at))}
    assert {period for period, code in found if code == "drill"} <= there


def test_a_month_in_which_it_does_not_apply_is_left_out_of_its_quarter_and_year():
    said = [{"units": ["b1"], "from": "2021-04", "until": "2021-05", "reason": "无此业务"}]
    rows = [(5, 0, 1000), (6, 500, 1000), (8, 700, 1000), (9, 0, 1000)]
    cells, found = scored(with_overlay(indicator={"not_applicable": said}), rows)
    assert {key[0] for key in cells if key[1] == "drill"} == {6, 8}
    assert [found[period, "drill"] for period in ("2021-Q2", "2021-Q3", "2021")] == [
        3,
        Decimal("4.2"),
        Decimal("3.6"),
    ]


def test_a_finding_outside_the_months_of_an_overlay_costs_nothing_on_it_and_suppresses_nothing():
    base = yamls.parse(BASE, "base").value
    linked = next(one for one in base["indicators"] if one["code"] == "linked")
    months = {"from": "2021-04", "until": "2021-08"}
    base["overlays"] = [{"code": "safety", "name": "安全", "counts": "beside", "points": "5"} | months]
    del linked["board"]
    linked["overlay"] = "safety"
    rules = rules_of(read(base))
    assert [rules.scores("b1", "linked", month(at)) for at in (3, 4, 8, 9)] == [False, True, True, False]


def halves(number, effective, points, target, **said):
    spec = {"points": points, "method": {"target": {"target": target}}}
    base = version(number, effective)
    return with_overlay(base, spec, **{"from": "2021-04", "until": "2021-09", "points": points} | said)


DONE = [("b1", LEVY, month(5), (882, 1000, 1000)), ("b1", LEVY, month(8), (931, 1000, 1000))]


def test_20_points_from_april_and_30_from_july_until_september_are_24_50_of_25_in_its_year():
    both = line(halves(1, "2021-01", "20", "0.90"), halves(2, "2021-07", "30", "0.95"))
    outside = [("b1", LEVY, month(2), (0, 1000, 1000)), ("b1", LEVY, month(11), (0, 1000, 1000))]
    found = figures(both, DONE + outside)
    assert found["b1", 2, "2021", "drill"] == (Decimal("24.5"), 25)
    assert ("b1", 2, "2021-H2", "drill") not in found


def test_an_overlay_that_a_newer_version_leaves_out_keeps_its_points_for_its_months_in_the_year():
    both = line(halves(1, "2021-01", "20", "0.90"), version(2, "2021-07"))
    assert figures(both, DONE)["b1", 2, "2021", "drill"] == (Decimal("19.6"), 20)


def test_an_overlay_that_had_not_begun_when_a_newer_version_left_it_out_is_nowhere():
    both = line(halves(1, "2021-01", "20", "0.90", **{"from": "2021-08"}), version(2, "2021-07"))
    assert not {key for key in figures(both, DONE) if key[3] == "drill"}


def moved(first, then, effective="2021-08", **said):
    """Return versions of which the second, from August, moves the months of an overlay."""
    months = ({"from": one[0], "until": one[1]} for one in (first, then))
    return line(
        halves(1, "2021-01", "20", "0.9", **next(months)), halves(2, effective, "20", "0.9", **next(months))
    )


JULY_AND_OCTOBER = [("b1", LEVY, month(7), (450, 1000, 1000)), ("b1", LEVY, month(10), (900, 1000, 1000))]


def test_an_overlay_that_a_newer_version_moves_keeps_its_months_under_the_one_before():
    """July gave 10 of 20: so does its quarter, though the version from August has it from October on."""
    found = figures(moved(("2021-06", "2021-07"), ("2021-10", "2021-12")), JULY_AND_OCTOBER, DECEMBER)
    assert found["b1", 2, "2021-Q3", "drill"] == (Decimal(10), None)
    assert found["b1", 2, "2021-H2", "drill"] == (Decimal(15), None)


def test_an_overlay_that_was_moved_before_it_began_has_no_month_in_the_periods_that_it_left():
    found = figures(moved(("2021-08", "2021-09"), ("2021-10", "2021-12")), JULY_AND_OCTOBER, DECEMBER)
    told = {key[2]: one for key, one in found.items() if key[3] == "drill"}
    assert told == {"2021-H2": (20, None), "2021": (20, None)}


@settings(max_examples=30)
@given(
    st.integers(9, 12).flatmap(lambda at: st.tuples(st.just(at), st.integers(at, 12))),
    st.none() | st.tuples(st.integers(9, 12), st.integers(9, 12)).map(sorted),
    st.sampled_from(["month", "quarter", "half-year", "year"]),
    st.integers(month(9), DECEMBER),
)
@example((9, 12), None, "half-year", month(9))
def test_an_overlay_that_had_not_begun_when_a_newer_version_moved_or_dropped_it_changes_nothing(
    then, last, cycle, clock
):
    """July gave 10 of 20 by the first of three versions, whatever the second had from September on."""

    def having(number, effective, months):
        base = version(number, effective)
        if months is None:
            return base
        ends = {"from": f"2021-{months[0]:02d}", "until": f"2021-{months[1]:02d}", "points": "20"}
        method = {"target": {"target": "0.9"}}
        return with_overlay(base, {"points": "20", "cycle": cycle, "method": method}, **ends)

    first, third = having(1, "2021-01", (6, 7)), having(3, "2021-09", last)
    found, without = (
        figures(line(first, having(2, "2021-08", months), third), JULY_AND_OCTOBER, clock)
        for months in (then, None)
    )
    assert found == without
    if last is None or last[0] > 9:
        assert found["b1", 3, "2021-Q3", "drill"][0] == 10


def test_an_overlay_that_no_version_changed_is_one_part_over_its_months():
    both = line(halves(1, "2021-01", "20", "0.90"), halves(2, "2021-07", "20", "0.90"))
    found = figures(both, DONE, DECEMBER)
    assert found["b1", 2, "2021", "drill"] == (20, None)


def test_the_year_of_an_overlay_that_begins_in_autumn_is_told_before_its_months_have_come():
    def later(one):
        return one | {"overlays": [one["overlays"][0] | {"from": "2021-10", "until": "2021-11"}]}

    both = line(later(halves(1, "2021-01", "20", "0.9")), later(halves(2, "2021-07", "30", "0.9")))
    assert figures(both, DONE, month(8))["b1", 2, "2021", "drill"] == (None, None)


def thousand(*overlays, award=None):
    """Return a scheme of 1,000 points, 260 of them of the party's board, with overlays by (dates, points, how)."""
    document = copy.deepcopy(SCHEME)
    document["scheme"]["total"] = "1000"
    document["boards"] = [
        {"code": "party", "title": "党的全面领导", "points": "260", "floor_above": "0.25"},
        {"code": "work", "title": "税收", "points": "740"},
    ]
    document["overlays"], extra = [], []
    for at, (first, last, points, counts) in enumerate(overlays, 1):
        code, months = f"o{at}", {"from": f"2021-{first:02d}", "until": f"2021-{last:02d}"}
        document["overlays"].append(SAFETY | months | {"code": code, "points": points, "counts": counts})
        extra.append(DRILL | {"code": f"drill{at}", "overlay": code, "points": points})
    if award is not None:
        levels = [{"level": "A", "measure": "missed", "each": "1"}]
        one = {"code": "award", "board": None, "points": award, "measure": "missed"}
        extra.append(document["indicators"][1] | one | {"method": {"bonus": {"levels": levels}}})
    document["indicators"] += extra
    return read(document)


@pytest.mark.parametrize(
    ("overlays", "award", "periods"),
    [
        ([(4, 8, "39.99", "added")], None, None),
        ([(12, 12, "40", "added")], None, "2021-12, 2021-Q4, 2021-H2, 2021"),
        ([(12, 12, "40", "beside")], None, None),
        ([(2, 3, "20", "added"), (8, 8, "20", "added")], None, "2021"),
        ([(2, 3, "20", "added"), (5, 5, "20", "added")], None, "2021-H1, 2021"),
        ([(2, 3, "20", "added"), (8, 8, "19.99", "added")], None, None),
        ([(12, 12, "20", "added")], "20", "2021-12, 2021-Q4, 2021-H2, 2021"),
        ([(12, 12, "20", "added")], "19", None),
    ],
)
def test_260_of_a_total_with_40_added_are_exactly_a_quarter_and_refused_in_the_periods_of_both(
    overlays, award, periods
):
    found = list(a_floor_is_exceeded(thousand(*overlays, award=award), {}))
    assert [one.path for one in found] == ([] if periods is None else ["/boards/0/points"])
    if periods is not None:
        assert f"is not above 0.25 of the total of 1040 in {periods}," in found[0].reason


def test_what_was_added_under_a_version_before_is_in_the_total_of_the_year_that_a_newer_one_is_checked_by():
    before = thousand((2, 3, "20", "added"))

    def newer(points):
        draft = thousand((8, 8, points, "added")).model_copy()
        codes = {"o1": "o2"}
        head = draft.scheme.model_copy(update={"version": 2, "effective": "2021-07"})
        overlays = tuple(one.model_copy(update={"code": codes[one.code]}) for one in draft.overlays)
        indicators = tuple(
            one.model_copy(update={"overlay": codes[one.overlay], "code": "drill2"}) if one.overlay else one
            for one in draft.indicators
        )
        return draft.model_copy(update={"scheme": head, "overlays": overlays, "indicators": indicators})

    assert [one.code for one in overlays_stay(newer("20"), [before])] == ["board_floor"]
    assert list(overlays_stay(newer("19.99"), [before])) == []


def party(number, effective, points, overlay, **months):
    """Return a version of 1,000 points, so many of the party's board, with an overlay that is added."""
    base = version(number, effective)
    base["boards"] = [{"code": "party", "title": "党的全面领导", "points": points, "floor_above": "0.25"}]
    base["scheme"]["total"] = "1000"
    return read(with_overlay(base, {"points": overlay}, points=overlay, **months))


@pytest.mark.parametrize(
    ("points", "months", "wanted"),
    [
        ("256", ("2021-10", "2021-12"), ["board_floor"]),
        ("257.5", ("2021-10", "2021-12"), ["board_floor"]),
        ("257.51", ("2021-10", "2021-12"), []),
        ("254.375", ("2021-09", "2021-12"), ["board_floor"]),
        ("254.38", ("2021-09", "2021-12"), []),
    ],
)
def test_what_was_added_in_months_that_a_newer_version_moves_is_in_the_total_that_it_is_checked_by(
    points, months, wanted
):
    """Of 30 points until July the third quarter has all, or with September by the newer version 17.5."""
    before = party(1, "2021-01", "260", "30", **{"from": "2021-06", "until": "2021-07"})
    draft = party(2, "2021-08", points, "5", **dict(zip(("from", "until"), months, strict=True)))
    assert [one.code for one in overlays_stay(draft, [before])] == wanted


def test_what_several_versions_gave_an_overlay_is_weighted_by_its_months_in_the_total_that_is_checked():
    """25 in June, 15 in July and 5 from August until September are 12.5 in the mean: 253.125 is a quarter."""
    before = [
        party(number, f"2021-{begins}", "260", points, **{"from": "2021-06", "until": "2021-09"})
        for number, begins, points in ((1, "01", "25"), (2, "07", "15"))
    ]
    for points, wanted in (("253.125", ["board_floor"]), ("253.13", [])):
        draft = party(3, "2021-08", points, "5", **{"from": "2021-06", "until": "2021-09"})
        assert [one.code for one in overlays_stay(draft, before)] == wanted


def test_a_version_moves_no_indicator_into_an_overlay_within_a_year():
    draft = halves(2, "2021-07", "20", "0.90")
    draft["indicators"][0] = draft["indicators"][0] | {"board": None, "overlay": "safety"}
    found = [(one.path, one.code) for one in overlays_stay(read(draft), [read(SCHEME)])]
    assert found == [("/indicators/0/overlay", "overlay_moved")]


@pytest.mark.parametrize(("old", "new"), [("added", "beside"), ("beside", "added")])
def test_a_version_counts_an_overlay_no_other_way_within_a_year(old, new):
    """The version that tells the year would take what the one before gave out of its total, or into it."""
    before, draft, apart = (
        read(halves(number, effective, "20", "0.90", counts=how, **ends))
        for number, effective, how, ends in (
            (1, "2021-01", old, {}),
            (2, "2021-07", new, {}),
            (2, "2021-07", new, {"code": "other"}),
        )
    )
    found = [(one.path, one.code) for one in overlays_stay(draft, [before])]
    assert found == [("/overlays/0/counts", "overlay_counts")]
    assert list(overlays_stay(draft, [])) == []
    assert "overlay_counts" not in {one.code for one in overlays_stay(apart, [before])}


def test_the_meter_counts_what_is_added_and_not_what_stands_beside():
    by_hand = {"collection": "manual"}
    added, beside = (read(with_overlay(indicator=by_hand, counts=how)) for how in ("added", "beside"))
    assert planned(added)["bureaus"]["b1"].share() == Fraction(20, 26)
    assert planned(beside)["bureaus"]["b1"].share() == 1
    (march, april) = (planned_in([Ruling(added, (month(at),))])["bureaus"]["b1"].manual for at in (3, 4))
    assert (march, april) == (0, 6)


def test_a_child_that_asks_an_overlay_for_longer_or_inside_its_total_asks_more_than_its_parent():
    parent = read(with_overlay(counts="beside"))
    child = with_overlay(indicator={"decomposes": "drill"}, **{"from": "2021-03", "until": "2021-09"})
    child["parent"] = {"scheme": "mini", "version": 1, "unit": "b1"}
    found = [(one.kind, one.above, one.here) for one in burdens(read(child), parent)]
    assert found == [
        ("stricter", "2021-04", "2021-03"),
        ("stricter", "2021-08", "2021-09"),
        ("stricter", "beside", "added"),
    ]
    same = with_overlay(indicator={"decomposes": "drill"}, counts="beside")
    same["parent"] = child["parent"]
    assert list(burdens(read(same), parent)) == []


def test_what_changed_in_an_overlay_is_said_in_words():
    older, newer = read(with_overlay()), read(with_overlay(until="2021-09", counts="beside"))
    told = [in_words(one, "zh") for one in differences(older, newer)]
    assert told == [
        "专项考评 safety（安全生产专项考评）：截止月份由 2021-08 改为 2021-09",
        "专项考评 safety（安全生产专项考评）：计入方式由 added 改为 beside",
    ]
    assert [in_words(one, "en") for one in differences(read(SCHEME), older)][:1] == [
        "Special assessment safety (安全生产专项考评) is new, with 6 points"
    ]


def misses(document, *instants):
    """Return what is in doubt of misses of b1 at instants, each a case of its own."""
    types = copy.deepcopy(TYPES)
    types["types"]["risk.missed.v1"]["fields"]["ended"] = {"type": "time"}
    plan = compile_plan(read(document), event_types(types))
    reports = [
        Report("s", f"m{at}", "risk.missed.v1", "b1", parse_micros(when), 0, at, {})
        for at, when in enumerate(instants)
    ]
    return [fold_under(Tally(), [plan], [one]).doubts for one in reports]


def explained(document, period, when):
    """Return why a miss of b1 counts in the last indicator's figure of a period."""
    types = copy.deepcopy(TYPES)
    types["types"]["risk.missed.v1"]["fields"]["ended"] = {"type": "time"}
    scheme = read(document)
    plan = compile_plan(scheme, event_types(types))
    loaded = Loaded(scheme, plan, points_plan(scheme, plan, types), catalogue_of(types), types)
    question = Question(loaded, JANUARY.parse(period), "b1", scheme.indicators[-1], ("bureaus",))
    report = Report("s", "m", "risk.missed.v1", "b1", parse_micros(when), 0, 1, {})
    return explain(plan, question.asked[0], standing([report]))


def of_misses(**said):
    """Return a scheme in which an overlay from April to August takes what is missed, and nothing else does."""
    found = with_overlay(indicator={"measure": "missed", "method": {"deduct": {"each": "1"}}}, **said)
    del found["indicators"][1]
    return found


GONE = frozenset({("not_applicable", "b1")})
AROUND = (
    "2021-03-31T15:59:59Z",
    "2021-03-31T16:00:00Z",
    "2021-08-31T15:59:59Z",
    "2021-08-31T16:00:00Z",
)


def test_an_event_outside_the_months_of_the_only_overlay_that_reads_it_is_in_suspense():
    for how in ("added", "beside"):
        assert misses(of_misses(counts=how), *AROUND) == [GONE, frozenset(), frozenset(), GONE]
    assert misses(with_overlay(indicator={"measure": "missed"}), *AROUND) == [frozenset()] * 4


def test_where_another_overlay_goes_on_or_it_does_not_apply_counts_too():
    both = of_misses()
    both["overlays"].append(SAFETY | {"code": "more", "from": "2021-09", "until": "2021-09"})
    both["indicators"].append(both["indicators"][-1] | {"code": "again", "overlay": "more"})
    assert misses(both, *AROUND) == [GONE, frozenset(), frozenset(), frozenset()]
    both["indicators"][-1]["not_applicable"] = [{"units": ["b1"], "reason": "无此业务"}]
    assert misses(both, *AROUND) == [GONE, frozenset(), frozenset(), GONE]


def test_a_finding_is_read_all_year_whatever_the_months_of_the_overlay_that_measures_it():
    document, base = of_misses(), yamls.parse(BASE, "base").value
    document["incidents"] = base["incidents"]
    document["incidents"]["findings"][0]["type"] = "risk.missed.v1"
    assert misses(document, *AROUND) == [frozenset()] * 4
    document["incidents"]["findings"][0]["type"] = "finding.other.v1"
    assert misses(document, *AROUND) == [GONE, frozenset(), frozenset(), GONE]
    document["incidents"]["rises"] = [RISE | {"measure": "missed"}]
    assert misses(document, *AROUND) == [frozenset()] * 4


def test_a_scheme_that_is_cut_down_to_a_measure_is_made_ready_without_the_others():
    """So a rise is counted: of all units and months, whatever volume the whole scheme ranks by."""
    whole = read(of_misses() | {"ranking": {"minimum_volume": {"measure": "ontime", "at_least": 1}}})
    alone = whole.model_copy(update={"measures": {"missed": whole.measures["missed"]}, "overlays": ()})
    assert compile_plan(alone, event_types(TYPES)).absent == {}


def test_a_stock_that_came_before_the_months_of_an_overlay_stands_in_them_and_one_after_them_nowhere():
    standing = of_misses()
    standing["measures"]["missed"] |= {"kind": "stock", "period_by": {"from": "time", "until": "ended"}}
    assert misses(standing, *AROUND) == [frozenset()] * 3 + [GONE]


@pytest.mark.parametrize(
    ("period", "why"),
    [("2021-03", "outside_overlay"), ("2021-04", None), ("2021", None), ("2021-09", "outside_overlay")],
)
def test_a_stock_counts_in_no_month_outside_its_overlay_and_that_is_the_reason(period, why):
    document = of_misses()
    document["measures"]["missed"] |= {"kind": "stock", "period_by": {"from": "time", "until": "ended"}}
    (row,) = explained(document, period, AROUND[0])
    assert (row.reason, row.numerator) == (why, 0 if why else MILLIONTHS)


@pytest.mark.parametrize(
    ("period", "when", "why"),
    [
        ("2021-03", AROUND[0], "outside_overlay"),
        ("2021", AROUND[2], "other_month"),
        ("2021-05", AROUND[2], "other_month"),
        ("2021", "2021-06-10T00:00:00Z", None),
    ],
)
def test_of_an_overlay_at_days_another_of_its_months_and_one_outside_are_told_apart(period, when, why):
    document = of_misses()
    document["indicators"][-1] |= {
        "cycle": "point",
        "dates": ["2021-06-30"],
        "method": {"target": {"target": "1"}},
    }
    (row,) = explained(document, period, when)
    assert row.reason == why
