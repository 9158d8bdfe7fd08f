"""What the checker knows of rescaling and of versions within a year, at the domain's own numbers."""

from decimal import Decimal
from fractions import Fraction

import pytest

from campaign.checker.cycles import is_due, window
from campaign.checker.folding import months_of
from campaign.checker.rescaling import Range, Share, boards, compared, total
from campaign.checker.totals import Figures, Versions, due, shares
from campaign.checker.weighing import Bounds, Part, deducted, weighed
from campaign.checker.years import figures

PARTY, OPERATION, RATINGS = (
    Share("party", Fraction(260), Fraction("252.40")),
    Share("operation", Fraction(180), Fraction("176.20")),
    Share("ratings", Fraction(120), Fraction("113.00")),
)
LAND = Share("reform", Fraction(425), Fraction("408.00"))
OTHERS = (PARTY, OPERATION, RATINGS)


def ports(worth=None, **more):
    return Share("reform", Fraction(15), worth, **more)


def exactly(amount):
    return Range(Decimal(amount), Decimal(amount))


def share(board, points, worth, **more):
    return Share(board, Fraction(points), None if worth is None else Fraction(worth), **more)


def test_15_points_that_do_not_apply_make_408_of_425_into_422_40_and_964_00_in_all():
    unit = [*OTHERS, LAND, ports(applies=False)]
    assert boards(unit)["reform"] == exactly("422.40")
    assert total(unit) == exactly("964.00")


def test_merely_late_it_is_a_range_from_949_60_to_964_60():
    found = total([*OTHERS, LAND, ports()])
    assert found == Range(Decimal("949.60"), Decimal("964.60"))
    assert found.total is None


def test_four_boards_sum_to_973_35_and_three_times_two_thirds_of_7_to_14_00():
    assert total([*OTHERS, share("reform", 440, "431.75")]).total == Decimal("973.35")
    thirds = [share("reform", 7, Fraction(14, 3)) for _ in range(3)]
    assert total(thirds).total == Decimal("14.00")


def test_a_deduction_keeps_its_points_and_is_not_scaled_up():
    """kept 36 + rest 50 · (100 − 40) / (100 − 40 − 10)."""
    board = [
        share("work", 40, 36, deducts=True),
        share("work", 50, 50),
        share("work", 10, None, applies=False),
    ]
    assert total(board) == exactly("96.00")
    assert total([*board[:1], share("work", 50, None), *board[2:]]) == Range(
        Decimal("36.00"), Decimal("96.00")
    )


def test_if_only_deductions_are_left_their_points_are_stretched_and_their_losses_are_not():
    board = [share("work", 40, 36, deducts=True), share("work", 60, None, applies=False)]
    assert total(board) == exactly("96.00")
    late = [share("work", 40, None, deducts=True), share("work", 60, None, applies=False)]
    assert total(late) == Range(Decimal("0.00"), Decimal("100.00"))


def test_a_board_of_which_nothing_applies_is_carried_by_the_others_in_proportion_and_stands_in_no_list():
    unit = [share("a", 100, None, applies=False), share("b", 300, 150), share("c", 100, 100)]
    assert boards(unit) == {"b": exactly("150.00"), "c": exactly("100.00")}
    assert total(unit) == exactly("312.50")
    assert compared(unit, ("a", "b")) == Decimal("200.00")
    assert compared(unit, ("a",)) is None


def test_a_bonus_stands_outside_the_boards_and_is_not_scaled():
    unit = [share("a", 90, 45), share("a", 10, None, applies=False), share(None, 5, 3)]
    assert total(unit) == exactly("53.00")


def test_20_points_at_90_percent_and_from_july_30_at_95_are_24_50_of_25():
    halves = [
        Part(6, Fraction(20), 20 * Fraction("0.882") / Fraction("0.90")),
        Part(6, Fraction(30), 30 * Fraction("0.931") / Fraction("0.95")),
    ]
    assert weighed(halves) == (Fraction("24.50"), 25)


@pytest.mark.parametrize(("months", "worth"), [((6, 2), Fraction("22.05")), ((3, 0), Fraction("19.6"))])
def test_until_the_year_is_over_the_months_so_far_weigh(months, worth):
    first, second = months
    parts = [Part(first, Fraction(20), Fraction("19.6")), Part(second, Fraction(30), Fraction("29.4"))]
    assert weighed(parts)[0] == worth


def test_a_part_without_data_leaves_the_year_without_worth_and_its_points_as_they_are():
    assert weighed([Part(6, Fraction(20), Fraction(20)), Part(6, Fraction(30), None)]) == (None, 25)


def test_deductions_are_taken_in_full_once_and_points_floor_and_cap_are_weighed():
    parts = [
        Bounds(6, Fraction(10), Fraction(4), Fraction(2)),
        Bounds(6, Fraction(20), Fraction(6), Fraction(4)),
    ]
    assert deducted(parts, Fraction(3)) == 12
    assert deducted(parts, Fraction(3), Fraction(9)) == 15
    assert deducted(parts, Fraction(30)) == 5


def document(number, effective, *indicators):
    return {
        "scheme": {"effective": effective, "until": "2021-12", "version": number},
        "measures": {"made": {"kind": "flow"}, "left": {"kind": "stock"}},
        "indicators": list(indicators),
    }


def indicator(code, cycle="month", measure="made", method="target", **more):
    known = {"code": code, "board": "work", "points": "10", "groups": ["g"], "cycle": cycle}
    return known | {"measure": measure, "method": {method: {}}} | more


@pytest.mark.parametrize(
    ("cycle", "method", "period", "year_from", "due", "first"),
    [
        ("quarter", "target", "2021-02", 1, False, None),
        ("quarter", "target", "2021-03", 1, True, "2021-01"),
        ("month", "target", "2021-Q2", 1, True, "2021-04"),
        ("year", "target", "2021-H2", 1, True, "2021-01"),
        ("year", "deduct", "2021-02", 1, True, "2021-02"),
        ("quarter", "target", "2021-03", 2, False, None),
        ("quarter", "target", "2021-04", 2, True, "2021-02"),
        ("month", "target", "2021-Q2", 4, True, "2021-07"),
        ("year", "target", "2021-H1", 4, False, None),
        ("year", "target", "2021-H2", 4, True, "2021-04"),
        ("half-year", "target", "2021-Q4", 4, True, "2021-10"),
    ],
)
def test_what_is_due_in_a_period_is_taken_from_the_months_of_its_cycle(
    cycle, method, period, year_from, due, first
):
    one, months = indicator("i", cycle, method=method), months_of(period, year_from)
    assert is_due(one, months, year_from) == due
    assert not due or window(one, months, year_from)[0] == months_of(first)[0]


@pytest.mark.parametrize(
    ("cycle", "period", "due", "taken"),
    [
        ("quarter", "2021-06", True, (4, 6)),
        ("quarter", "2021-08", True, (7, 8)),
        ("year", "2021-08", True, (4, 8)),
        ("year", "2021-12", False, None),
        ("half-year", "2021-Q3", True, (7, 8)),
        ("month", "2021-H1", True, (4, 6)),
        ("month", "2021", True, (4, 8)),
    ],
)
def test_of_an_overlay_from_april_to_august_the_last_cycle_ends_in_august(cycle, period, due, taken):
    one, months, own = indicator("i", cycle), months_of(period), range(2021 * 12 + 3, 2021 * 12 + 8)
    assert is_due(one, months, own=own) == due
    if taken is not None:
        first, last = (2021 * 12 + number - 1 for number in taken)
        assert window(one, months, own=own) == list(range(first, last + 1))


def overlaid(number, effective, first, last, **more):
    """A version of a scheme with an overlay and one indicator in it."""
    overlay = {"code": "safety", "from": first, "until": last, "counts": "added"}
    one = indicator("drill", overlay="safety", **more)
    whose = {"units": [{"code": "u", "level": "bureau"}], "groups": {"g": {"level": "bureau"}}}
    return document(number, effective, one) | {"overlays": [overlay]} | whose


@pytest.mark.parametrize(
    ("cycle", "period", "wanted"),
    [
        ("month", "2021-Q3", [7]),
        ("half-year", "2021-Q3", None),
        ("month", "2021-H2", [7, 10, 11, 12]),
        ("month", "2021", [6, 7, 10, 11, 12]),
        ("year", "2021", [6, 7, 10, 11, 12]),
    ],
)
def test_an_overlay_that_a_newer_version_moves_keeps_the_months_that_the_one_before_ruled(
    cycle, period, wanted
):
    gone = [{"units": ["u"], "from": "2021-10"}]
    versions = Versions(
        {
            1: overlaid(1, "2021-01", "2021-06", "2021-12", cycle=cycle),
            2: overlaid(2, "2021-08", "2021-10", "2021-12", cycle=cycle, not_applicable=gone),
        }
    )
    months = months_of(period)
    assert due(versions, "g", "u", months) == ({"drill"} if wanted else set())
    if wanted:
        assert versions.taken("drill", months) == [2021 * 12 + month - 1 for month in wanted]
        assert not versions.absent("drill", "u", versions.taken("drill", months))


def test_what_is_added_is_inside_the_total_and_carried_by_the_boards_where_nothing_of_it_applies():
    """Two boards of 60 and 40 carry 20 in proportion: each is worth a fifth more; an overlay carries nothing."""
    unit = [share("a", 60, 30), share("b", 40, 40)]
    assert total([*unit, share(None, 20, 5, overlay="o")]) == exactly("75.00")
    assert total([*unit, share(None, 20, None, overlay="o")]) == Range(Decimal("70.00"), Decimal("90.00"))
    assert total([*unit, share(None, 20, None, overlay="o", applies=False)]) == exactly("84.00")
    half = [share(None, 15, 6, overlay="o"), share(None, 5, None, overlay="o", applies=False)]
    assert total([*unit, *half]) == exactly("78.00")
    gone = share("a", 60, None, applies=False)
    assert total([gone, unit[1], share(None, 20, 5, overlay="o")]) == exactly("105.00")


def test_a_version_that_named_days_is_asked_of_their_months_alone_where_the_newest_names_none():
    gone = {"units": ["u"], "from": "2021-03", "until": "2021-03"}
    first = indicator("i", "point", dates=["2021-03-31"], not_applicable=[gone])
    second = indicator("i", not_applicable=[{"units": ["u"]}])
    versions = Versions({1: document(1, "2021-01", first), 2: document(2, "2021-07", second)})
    year, july, march = months_of("2021"), months_of("2021-07")[0], months_of("2021-03")[0]
    assert versions.taken("i", year) == [march, *range(july, july + 6)]
    (found,) = shares(versions, ("s", "g", "2021"), "u", Figures({}, {}))
    assert not found.applies


def test_an_indicator_does_not_apply_where_none_of_its_months_does_as_the_version_of_each_says():
    gone = {"units": ["u"], "until": "2021-06"}
    versions = Versions(
        {
            1: document(1, "2021-01", indicator("i", not_applicable=[gone]), indicator("s", measure="left")),
            2: document(
                2,
                "2021-07",
                indicator("i"),
                indicator("s", measure="left", not_applicable=[{"units": ["u"]}]),
            ),
        }
    )
    periods = {
        period: versions.absent("i", "u", months_of(period)) for period in ("2021-H1", "2021-H2", "2021")
    }
    assert periods == {"2021-H1": True, "2021-H2": False, "2021": False}
    assert versions.absent("s", "u", months_of("2021"))
    assert not versions.absent("i", "v", months_of("2021-H1"))


def test_the_shares_of_a_unit_are_what_is_due_to_it_and_what_it_has_a_figure_of():
    versions = Versions(
        {
            1: document(1, "2021-01", indicator("old")),
            2: document(
                2, "2021-07", indicator("new"), indicator("own", units=["v"]), indicator("far", groups=["h"])
            ),
        }
    )
    known = Figures({"old": 3 * 10**12}, {"old": 5 * 10**12})
    found = list(shares(versions, ("any", "g", "2021"), "u", known))
    assert found == [Share("work", Fraction(10), None), Share("work", Fraction(5), Fraction(3))]


def halved(number, effective, points, target, each="0.5"):
    """A version of a scheme with a target that may change and a deduction; b1 and b2 are its units."""
    made = indicator("made", points=points, method="target") | {"method": {"target": {"target": target}}}
    lost = indicator("lost", points="10", measure="lost") | {"method": {"deduct": {"each": each}}}
    return document(number, effective, made, lost) | {
        "units": [{"code": code, "level": "bureau"} for code in ("b1", "b2")],
        "groups": {"g": {"level": "bureau"}},
        "measures": {
            "made": {
                "over": "levy",
                "period_by": "time",
                "numerator": "sum(made)",
                "denominator": "sum(due)",
            },
            "lost": {"over": "risk", "period_by": "time", "numerator": "count(*)"},
        },
    }


def of(sums, first, second, period="2021", group="g"):
    """What the year of b1 is worth, and its points, in whole points."""
    counted = {
        (measure, unit, 2021 * 12 + month - 1): tuple(1_000_000 * one for one in amounts)
        for (measure, unit, month), amounts in sums.items()
    }
    found = figures(Versions({1: first, 2: second}), group, period, "b1", counted)
    whole = Fraction(10**12)
    return {
        code: (None if worth is None else worth / whole, points / whole) for code, (worth, points) in found
    }


MADE = {("made", "b1", 3): (882, 1000, 1), ("made", "b1", 9): (931, 1000, 1), ("made", "b2", 12): (1, 2, 1)}
LOST = {("lost", "b1", 6): (2, 0, 2), ("lost", "b1", 11): (1, 0, 1)}


def test_a_year_is_made_anew_from_its_months_and_what_no_version_changes_over_the_whole():
    first, second = halved(1, "2021-01", "20", "0.90"), halved(2, "2021-07", "30", "0.95")
    assert of(MADE | LOST, first, second) == {"made": (Fraction("24.5"), 25), "lost": (Fraction("8.5"), 10)}
    assert of(MADE, first, second, "2021-H1") == {}


def test_a_year_goes_as_far_as_anything_of_the_group_has_come():
    first, second = halved(1, "2021-01", "20", "0.90"), halved(2, "2021-07", "30", "0.95")
    until_august = {key: one for key, one in MADE.items() if key[2] < 9} | {("made", "b1", 8): (931, 1000, 1)}
    assert of(until_august, first, second)["made"] == (Fraction("22.05"), Fraction("22.5"))


def test_other_words_for_the_same_points_are_no_change_and_a_dearer_event_costs_more_from_then_on():
    first, second = halved(1, "2021-01", "20", "0.90"), halved(2, "2021-07", "20.0", "0.90", each="1")
    year = of(MADE | LOST, first, second)
    assert year["made"] == (20, 20)
    assert year["lost"] == (8, 10)


def over_a_view(number, effective, **columns):
    """A version that reads a view, of whose columns the measure names one alone."""
    found = halved(number, effective, "20", "0.90")
    known = {"first": {"first": "time"}, "later": {"count": "*", "where": "time > levy.first"}}
    found["views"] = {"levy": {"columns": known | {"time": {"first": "time"}} | columns}}
    found["measures"]["made"] |= {"numerator": "sum(later)"}
    return found


def test_a_column_that_only_the_filter_of_a_named_column_reads_makes_parts_and_one_that_nothing_reads_does_not():
    first = over_a_view(1, "2021-01")
    told = {name: over_a_view(2, "2021-07", **{name: {"last": "time"}}) for name in ("first", "other")}
    assert of(MADE, first, told["other"])["made"] == (20, 20)
    assert of(MADE, first, told["first"])["made"] == (Fraction("19.8"), 20)


def test_a_unit_that_changes_its_group_has_the_indicators_of_each_in_its_months():
    first, second = halved(1, "2021-01", "20", "0.90"), halved(2, "2021-07", "30", "0.95")
    for one in (first, second):
        one["groups"]["h"] = {"level": "other"}
        one["indicators"][1]["groups"] = ["g", "h"]
    second["units"] = [
        unit | {"level": "other"} if unit["code"] == "b1" else unit for unit in second["units"]
    ]
    lost = {("lost", "b1", 6): (2, 0, 2), ("lost", "b1", 12): (1, 0, 1)}
    found = of(MADE | lost, first, second, group="h")
    assert found == {"made": (Fraction("9.8"), 10), "lost": (Fraction("8.5"), 10)}
