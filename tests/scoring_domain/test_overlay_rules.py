"""What is checked of special assessments (专项考评): the floor of a board with what they add, versions, layers."""

import copy
from fractions import Fraction

import pytest

from services.scoring.domain.board_check import a_floor_is_exceeded
from services.scoring.domain.coverage import Ruling, planned, planned_in
from services.scoring.domain.difference_words import in_words
from services.scoring.domain.differences import differences
from services.scoring.domain.layering import burdens
from services.scoring.domain.overlay_check import overlays_stay
from tests.scoring.test_stages import SCHEME
from tests.scoring_domain.assessments import read
from tests.scoring_domain.overlays import DRILL, SAFETY, halves, with_overlay
from tests.scoring_domain.test_parts import month, version


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
