"""Versions that follow each other in a year: what changed is scored in parts, weighted by months, all else whole."""

import copy
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.combining import combined
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.figures import compared_worth, worth
from services.scoring.domain.formulas import put_together
from services.scoring.domain.parted import parted_figures, shares_of
from services.scoring.domain.parts import parted_of
from services.scoring.domain.successions import successions
from services.scoring.domain.sums import UnitSums
from services.scoring.inputs import of_indicator
from shared.kernel.periods import JANUARY
from shared.kernel.points import MILLIONTHS, of_parts
from shared.kernel.reigns import reigns
from tests.scoring.test_stages import SCHEME

DECEMBER = 2021 * 12 + 11
LEVY, MISSED = "levy.done.v1", "risk.missed.v1"


def month(number):
    return 2021 * 12 + number - 1


def version(number, effective="2021-01", **indicators):
    """Return a version of the mini scheme in which indicators have other fields."""
    document = copy.deepcopy(SCHEME)
    document["scheme"] |= {"version": number, "effective": effective}
    document["indicators"] = [one | indicators.get(one["code"], {}) for one in document["indicators"]]
    return document


def line(*versions):
    (found,) = successions([SchemeDocument.model_validate(one) for one in versions], lambda *_: True)
    return found


def told(found, rows):
    """Return the sums of versions and units, by rows of (unit, view, month, numbers) in whole numbers."""
    first_month = found.calendar.first_month
    sums = {(plan.id, unit): UnitSums(first_month) for plan in found.plans for unit in plan.units}
    for unit, over, at, numbers in rows:
        plan = next(plan for plan in found.plans if at in plan.months)
        sums[plan.id, unit].take((over, at, 0), [number * MILLIONTHS for number in numbers])
    return sums


def figures(found, rows, clock=DECEMBER, units=("b1",)):
    made = parted_figures(found, units, told(found, rows), clock)
    return {
        (unit, *key): (
            None if one.value is None else of_parts(one.value),
            None if one.points is None else of_parts(one.points),
        )
        for unit, of_unit in made.items()
        for key, one in of_unit.items()
    }


HALVES = version(1, ontime={"points": "20", "method": {"target": {"target": "0.90"}}})
FROM_JULY = version(2, "2021-07", ontime={"points": "30", "method": {"target": {"target": "0.95"}}})
DONE = [("b1", LEVY, month(3), (882, 1000, 1000)), ("b1", LEVY, month(9), (931, 1000, 1000))]


def test_20_points_at_90_percent_and_from_july_30_at_95_are_24_50_of_25():
    found = figures(line(HALVES, FROM_JULY), DONE)
    assert found["b1", 2, "2021", "ontime"] == (Decimal("24.5"), 25)


def test_a_half_year_that_one_version_rules_is_not_made_of_parts():
    assert {key[2] for key in figures(line(HALVES, FROM_JULY), DONE)} == {"2021"}


@pytest.mark.parametrize(
    ("clock", "wanted"),
    [
        (month(4), (1, Decimal("19.6"), None)),
        (month(6), (1, Decimal("19.6"), None)),
        (month(7), (2, Decimal(21), Decimal("21.428571428571"))),
        (month(9), (2, Decimal("22.866666666667"), Decimal("23.333333333333"))),
        (DECEMBER + 3, (2, Decimal("24.5"), 25)),
    ],
)
def test_until_the_year_is_over_the_weights_are_the_months_so_far(clock, wanted):
    found = figures(line(HALVES, FROM_JULY), DONE, clock)
    ((version, value, points),) = [
        (key[1], *one) for key, one in found.items() if key[2:] == ("2021", "ontime")
    ]
    assert (version, value, points) == wanted


@given(st.lists(st.integers(1, 12), max_size=4, unique=True))
def test_months_have_come_up_to_the_newest_with_sums_and_no_deadline_ahead_says_so(numbers):
    def with_deadline(document):
        document["measures"]["missed"]["period_by"] = "due"
        return document

    found = line(*(with_deadline(copy.deepcopy(one)) for one in (HALVES, FROM_JULY)))
    rows = [("b1", LEVY, month(number), (1, 1, 1)) for number in numbers]
    ahead = [("b2", MISSED, DECEMBER, (1, 1))]
    assert found.clock(told(found, rows + ahead)) == max((row[2] for row in rows), default=0)


def test_a_part_without_data_leaves_the_year_not_yet_assessed():
    found = figures(line(HALVES, FROM_JULY), DONE[:1])
    assert found["b1", 2, "2021", "ontime"] == (None, 25)


def test_deductions_count_in_full_once_within_a_floor_weighted_by_months():
    """10 points, floor 2 and 0.5 each; from May 16 points, floor −1 and 2 each: 14 points, floor 0."""
    old = {"points": "10", "method": {"deduct": {"each": "0.5", "floor": "2"}}}
    new = {"points": "16", "method": {"deduct": {"each": "2", "floor": "-1"}}}
    both = line(version(1, missed=old), version(2, "2021-05", missed=new))
    losses = [("b1", MISSED, month(2), (4, 4)), ("b1", MISSED, month(6), (3, 3))]
    assert figures(both, losses)["b1", 2, "2021", "missed"] == (6, 14)
    heavy = [*losses, ("b1", MISSED, month(7), (9, 9))]
    assert figures(both, heavy)["b1", 2, "2021", "missed"] == (0, 14)


def test_a_bonus_is_won_once_up_to_a_cap_weighted_by_months():
    def awards(number, effective, cap):
        levels = [{"level": "A", "measure": "missed", "each": "1"}]
        return version(
            number, effective, missed={"points": cap, "board": None, "method": {"bonus": {"levels": levels}}}
        )

    both = line(awards(1, "2021-01", "4"), awards(2, "2021-07", "8"))
    won = [("b1", MISSED, month(2), (5, 5)), ("b1", MISSED, month(8), (3, 3))]
    assert figures(both, won)["b1", 2, "2021", "missed"] == (6, None)
    assert figures(both, won[:1])["b1", 2, "2021", "missed"] == (5, None)


def test_what_a_version_drops_or_brings_counts_for_the_months_of_the_version():
    def without(document, code):
        document["indicators"] = [one for one in document["indicators"] if one["code"] != code]
        return document

    rows = [*DONE, ("b1", MISSED, month(2), (4, 4))]
    dropped = figures(line(HALVES, without(copy.deepcopy(FROM_JULY), "missed")), rows)
    assert dropped["b1", 2, "2021", "missed"] == (3, 5)
    brought = figures(line(without(copy.deepcopy(HALVES), "missed"), FROM_JULY), rows)
    assert brought["b1", 2, "2021", "missed"] == (5, 5)
    assert not any(
        key[3] == "missed"
        for key in figures(line(without(copy.deepcopy(HALVES), "missed"), FROM_JULY), rows, month(5))
    )


def test_each_part_is_compared_within_its_own_months():
    first = version(1, ontime={"points": "10", "method": {"benchmark": {}}})
    second = version(2, "2021-07", ontime={"points": "20", "method": {"benchmark": {}}})
    rows = [
        ("b1", LEVY, month(3), (10, 10, 10)),
        ("b2", LEVY, month(3), (5, 10, 10)),
        ("b1", LEVY, month(9), (2, 10, 10)),
        ("b2", LEVY, month(9), (8, 10, 10)),
    ]
    found = figures(line(first, second), rows, units=("b1", "b2"))
    assert found["b1", 2, "2021", "ontime"] == (Decimal("7.5"), 15)
    assert found["b2", 2, "2021", "ontime"] == (Decimal("12.5"), 15)


def test_a_version_in_which_an_indicator_does_not_apply_weighs_nothing_and_keeps_its_points():
    gone = {"not_applicable": [{"units": ["b1"], "reason": "merged"}]}
    late = version(2, "2021-07", ontime=FROM_JULY["indicators"][0] | gone)
    assert figures(line(HALVES, late), DONE)["b1", 2, "2021", "ontime"] == (Decimal("24.5"), 25)
    early = version(1, ontime=HALVES["indicators"][0] | gone)
    assert figures(line(early, FROM_JULY), DONE)["b1", 2, "2021", "ontime"] == (Decimal("24.5"), 25)
    assert figures(line(early, late), DONE)["b1", 2, "2021", "ontime"] == (None, 25)
    same = version(2, "2021-07", ontime=early["indicators"][0])
    assert ("b1", 2, "2021", "ontime") not in figures(line(early, same), DONE)


def test_the_formula_of_a_year_says_how_parts_are_taken_to_the_points_of_all_months():
    gone = {"not_applicable": [{"units": ["b1"], "reason": "merged"}]}
    both = line(version(1, ontime=HALVES["indicators"][0] | gone), FROM_JULY)
    sums = told(both, DONE)
    year = next(
        one for one in parted_of(both, "b1", DECEMBER) if (str(one.period), one.code) == ("2021", "ontime")
    )
    shares = shares_of(year, "b1", sums)
    written = put_together(year, shares, combined(year, shares), 2)
    assert written == "(6 · 29.4) / 6 · 25 / 30 = 24.50"


def test_a_deduction_keeps_the_points_of_all_months_and_its_losses_are_not_scaled():
    early = version(1, missed={"points": "10", "not_applicable": [{"units": ["b1"], "reason": "new"}]})
    late = version(2, "2021-07", missed={"points": "20"})
    rows = [("b1", MISSED, month(9), (3, 3))]
    assert figures(line(early, late), rows)["b1", 2, "2021", "missed"] == (Decimal("13.5"), 15)


def test_what_came_in_a_month_in_which_it_did_not_apply_takes_nothing_of_a_year_of_two_versions():
    gone = {"units": ["b1"], "from": "2021-02", "until": "2021-02", "reason": "new"}
    both = line(
        version(1, missed={"points": "10", "not_applicable": [gone]}),
        version(2, "2021-07", missed={"points": "20"}),
    )
    found = [figures(both, [("b1", MISSED, month(at), (3, 3))])["b1", 2, "2021", "missed"] for at in (2, 3)]
    assert found == [(Decimal(15), 15), (Decimal("13.5"), 15)]


def test_floor_and_cap_of_a_version_in_which_a_deduction_does_not_apply_are_weighted_like_its_points():
    """10 points with a floor of 4; from July 20 with a floor of 10 that do not apply: 15 points, floor 7."""
    deduct = {"each": "1", "floor": "4"}
    gone = {"not_applicable": [{"units": ["b1"], "reason": "merged"}]}
    early = version(1, missed={"points": "10", "method": {"deduct": deduct}})
    late = version(
        2, "2021-07", missed={"points": "20", "method": {"deduct": deduct | {"floor": "10"}}} | gone
    )
    rows = [("b1", MISSED, month(3), (12, 12))]
    assert figures(line(early, late), rows)["b1", 2, "2021", "missed"] == (7, 15)
    same = version(
        2, "2021-07", missed={"points": "10", "method": {"deduct": deduct | {"floor": "6"}}} | gone
    )
    assert figures(line(early, same), rows)["b1", 2, "2021", "missed"] == (5, None)
    assert figures(line(early, late), [])["b1", 2, "2021", "missed"] == (15, 15)


def test_a_quarter_weights_its_own_months():
    august = version(2, "2021-08", ontime={"points": "30", "method": {"target": {"target": "0.95"}}})
    rows = [("b1", LEVY, month(7), (882, 1000, 1000)), ("b1", LEVY, month(9), (931, 1000, 1000))]
    found = figures(line(HALVES, august), rows)
    assert found["b1", 2, "2021-Q3", "ontime"] == (
        Decimal("26.133333333333"),
        Decimal("26.666666666667"),
    )


AMOUNTS = st.integers(0, 5)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(("b1", "b2")),
        st.just(LEVY) | st.just(MISSED),
        st.integers(month(1), DECEMBER),
        st.tuples(AMOUNTS, AMOUNTS, AMOUNTS),
    ),
    max_size=12,
    unique_by=lambda row: row[:3],
).map(lambda rows: [(unit, over, at, row if over == LEVY else row[:2]) for unit, over, at, row in rows])
METHODS = st.sampled_from(
    (
        {"target": {"target": "0.9"}},
        {"excess": {"limit": "0.5", "step": "3"}},
        {"benchmark": {}},
        {"efficacy": {}},
        {"rank": {"step": "0.25"}},
    )
)
DEDUCTS = st.sampled_from(
    (
        {"deduct": {"each": "0.5"}},
        {"deduct": {"each": "3", "floor": "-2"}},
        {"target": {"target": "2", "direction": "down"}},
    )
)


@given(ROWS, METHODS, DEDUCTS, st.integers(2, 12), st.integers(month(1), DECEMBER + 2))
def test_what_no_version_changes_is_scored_over_the_whole(rows, ontime, missed, cut, clock):
    """The year of two versions that say the same is the year of one."""
    changes = {"ontime": {"method": ontime}, "missed": {"method": missed}}
    both = line(version(1, **changes), version(2, f"2021-{cut:02d}", **changes))
    once = line(version(1, **changes))
    document, sums = once.chapters[0].document, told(once, rows)
    split = figures(both, rows, clock, ("b1", "b2"))
    whole = {
        (unit, one.code): of_indicator(document, sums["mini@1", unit], one)
        for unit in ("b1", "b2")
        for one in document.indicators
    }
    for (unit, _, period, code), (value, points) in split.items():
        spec = next(one for one in document.indicators if one.code == code)
        assert points is None
        if spec.method.comparing is None:
            wanted = worth(document, spec, JANUARY.parse(period), whole[unit, code])
        else:
            by_unit = {other: whole[other, code] for other in ("b1", "b2")}
            wanted = compared_worth(document, spec, JANUARY.parse(period), by_unit)[unit]
        assert value == wanted.value
    assert {key[2] for key in split} >= {"2021"}


@given(ROWS, st.permutations([1, 2, 3]), st.randoms())
def test_the_order_of_versions_and_of_what_was_told_leaves_no_trace(rows, order, chance):
    versions = {
        1: HALVES,
        2: FROM_JULY,
        3: version(3, "2021-10", missed={"points": "5", "method": {"deduct": {"each": "1"}}}),
    }
    wanted = figures(line(*versions.values()), rows, units=("b1", "b2"))
    shuffled = chance.sample(rows, len(rows))
    assert figures(line(*(versions[number] for number in order)), shuffled, units=("b1", "b2")) == wanted


SPANS = st.integers(1, 12)


@given(st.lists(SPANS, min_size=1, max_size=5), st.permutations(range(5)))
def test_every_month_is_ruled_by_the_newest_version_that_covers_it(begins, order):
    """Versions hold to the end, so that each covers from its first month on."""
    covered = {number: (first, 12) for number, first in enumerate(begins)}
    found = reigns({number: covered[number] for number in order if number in covered})
    for at in range(min(begins), 13):
        newest = max(number for number, (first, _) in covered.items() if first <= at)
        assert [number for number, (first, last) in found.items() if first <= at <= last] == [newest]


@given(ROWS, st.integers(0, 7), st.integers(0, 7))
def test_a_deduction_in_parts_loses_as_much_as_its_events_cost(rows, first, second):
    """Without a limit that is reached, the year is its weighted points less every deduction, once."""
    old, new = (
        {"method": {"deduct": {"each": str(each), "floor": "-900"}}} for each in (first + 1, second + 9)
    )
    found = figures(line(version(1, missed=old), version(2, "2021-04", missed=new)), rows)
    lost = sum(
        numbers[0] * (first + 1 if at < month(4) else second + 9)
        for unit, over, at, numbers in rows
        if (unit, over) == ("b1", MISSED)
    )
    assert found["b1", 2, "2021", "missed"] == (10 - lost, None)
