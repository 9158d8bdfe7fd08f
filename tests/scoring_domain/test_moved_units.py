"""A unit that another version puts into another group: its longer periods have all its months, in one group only."""

import copy
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.parted import NO_MORE, parted_figures, shares_of
from services.scoring.domain.parts import parted_of
from services.scoring.domain.successions import successions
from services.scoring.domain.sums import UnitSums
from services.scoring.domain.trials import before
from shared.kernel.periods import JANUARY
from shared.kernel.points import MILLIONTHS, of_parts
from tests.scoring.test_stages import SCHEME
from tests.scoring_domain.test_parts import DECEMBER, LEVY, MISSED, ROWS, month

HALF = (5, 10, 10)
BENCHMARK = {"benchmark": {}}


def version(number, effective, *cities, **indicators):
    """Return a version in which some of b1..b4 are cities; indicators are of bureaus and cities."""
    document = copy.deepcopy(SCHEME)
    document["scheme"] |= {"version": number, "effective": effective}
    document["units"] = [
        {"code": unit, "name": unit, "level": "city" if unit in cities else "bureau"}
        for unit in ("b1", "b2", "b3", "b4")
    ]
    document["groups"]["cities"] = {"level": "city", "title": "Cities"}
    document["indicators"] = [
        one | {"groups": ["bureaus", "cities"]} | indicators.get(one["code"], {})
        for one in document["indicators"]
    ]
    return document


def lines(*versions):
    return lines_of([SchemeDocument.model_validate(one) for one in versions])


def lines_of(documents):
    found = successions(documents, lambda *_: True)
    return {one.name: one for one in found}


def told(line, rows):
    """Return the sums of versions and units, by rows of (unit, view, month, numbers) in whole numbers."""
    sums = {(plan.id, unit): UnitSums() for plan in line.plans for unit in ("b1", "b2", "b3", "b4")}
    for unit, over, at, numbers in rows:
        plan = next(plan for plan in line.plans if at in plan.months)
        sums[plan.id, unit].take((over, at, 0), [number * MILLIONTHS for number in numbers])
    return sums


def figures(line, rows, clock=DECEMBER):
    """Return (value, points) by (unit, version, period, indicator); value None of what has gone elsewhere."""
    made = parted_figures(line, line.units, told(line, rows), clock)
    return {
        (unit, *key): "gone"
        if one is NO_MORE
        else (
            None if one.value is None else of_parts(one.value),
            None if one.points is None else of_parts(one.points),
        )
        for unit, of_unit in made.items()
        for key, one in of_unit.items()
    }


def moved_in_july(**indicators):
    """b1 becomes a city in July; b3 is one all the year."""
    return version(1, "2021-01", "b3", **indicators), version(2, "2021-07", "b1", "b3", **indicators)


def test_an_indicator_of_both_groups_is_scored_over_the_whole_year_in_the_group_of_its_last_day():
    rows = [("b1", MISSED, month(2), (4, 4)), ("b1", MISSED, month(9), (3, 3))]
    found = lines(*moved_in_july())
    assert figures(found["cities"], rows)["b1", 2, "2021", "missed"] == (Decimal("6.5"), None)
    assert figures(found["bureaus"], rows)["b1", 2, "2021", "missed"] == "gone"


def test_each_month_counts_by_the_group_that_it_had_the_unit_in_and_months_weight_the_parts():
    """20 points of bureaus at 90 % with 88.2 % and from July 30 of cities at 95 % with 93.1 %: 24.50 of 25."""
    ontime = SCHEME["indicators"][0]
    of_bureaus = ontime | {"groups": ["bureaus"], "points": "20", "method": {"target": {"target": "0.90"}}}
    of_cities = ontime | {
        "code": "prompt",
        "groups": ["cities"],
        "points": "30",
        "method": {"target": {"target": "0.95"}},
    }
    versions = moved_in_july()
    for document in versions:
        document["indicators"] = [of_bureaus, of_cities]
    rows = [("b1", LEVY, month(3), (882, 1000, 1000)), ("b1", LEVY, month(9), (931, 1000, 1000))]
    found = figures(lines(*versions)["cities"], rows)
    assert found["b1", 2, "2021", "ontime"] == (Decimal("9.8"), 10)
    assert found["b1", 2, "2021", "prompt"] == (Decimal("14.7"), 15)


def test_a_quarter_that_the_unit_begins_in_one_group_is_told_in_the_other_and_one_before_it_is_not():
    versions = version(1, "2021-01", "b3"), version(2, "2021-08", "b1", "b3")
    rows = [("b1", MISSED, month(7), (4, 4)), ("b1", MISSED, month(8), (2, 2))]
    found = lines(*versions)
    cities, bureaus = figures(found["cities"], rows), figures(found["bureaus"], rows)
    assert {key[2]: value for key, value in cities.items() if key[::3] == ("b1", "missed")} == {
        "2021-Q3": (7, None),
        "2021-H2": (7, None),
        "2021": (7, None),
    }
    assert {key[2] for key in bureaus if key[0] == "b1"} == {"2021-Q3", "2021-H2", "2021"}
    assert {bureaus[key] for key in bureaus if key[0] == "b1"} == {"gone"}


def test_a_unit_that_goes_and_comes_back_has_all_its_months_in_the_group_of_the_last_day():
    versions = version(1, "2021-01"), version(2, "2021-04", "b1"), version(3, "2021-10")
    rows = [("b1", MISSED, month(at), (1, 1)) for at in (2, 5, 8, 11)]
    found = lines(*versions)
    bureaus, cities = figures(found["bureaus"], rows), figures(found["cities"], rows)
    assert bureaus["b1", 3, "2021", "missed"] == (8, None)
    assert cities["b1", 3, "2021", "missed"] == "gone"
    assert cities["b1", 2, "2021-H1", "missed"] == (9, None)
    assert bureaus["b1", 2, "2021-H1", "missed"] == "gone"
    assert bureaus["b1", 3, "2021-H2", "missed"] == (9, None)


def test_until_the_month_of_the_change_has_come_the_older_group_tells_the_year():
    rows = [("b1", MISSED, month(2), (4, 4))]
    found = lines(*moved_in_july())
    assert figures(found["bureaus"], rows, month(6))["b1", 1, "2021", "missed"] == (8, None)
    assert not any(key[0] == "b1" for key in figures(found["cities"], rows, month(6)))


def test_a_year_compares_the_units_of_the_last_day_over_all_their_months():
    """Of b1 (5 of 10, then 9 of 10: 0.7) and b3 (0.8) the best is b3; b2, which stays, compares with b4 alone."""
    rows = [
        ("b1", LEVY, month(3), HALF),
        ("b1", LEVY, month(9), (9, 10, 10)),
        ("b2", LEVY, month(3), (2, 10, 10)),
        ("b3", LEVY, month(3), (8, 10, 10)),
        ("b4", LEVY, month(3), (4, 10, 10)),
    ]
    found = lines(*moved_in_july(ontime={"method": BENCHMARK}))
    cities, bureaus = figures(found["cities"], rows), figures(found["bureaus"], rows)
    assert cities["b1", 2, "2021", "ontime"] == (Decimal("8.75"), None)
    assert cities["b3", 2, "2021", "ontime"] == (10, None)
    assert (bureaus["b2", 2, "2021", "ontime"], bureaus["b4", 2, "2021", "ontime"]) == ((5, None), (10, None))


@pytest.mark.parametrize(("unit", "best"), [("b2", Decimal(5)), ("b4", Decimal(10))])
def test_a_unit_that_left_is_no_longer_the_best_of_the_months_in_which_it_was_there(unit, best):
    """Its part until June of an indicator that July changes compares those who are there in December."""
    versions = [
        version(1, "2021-01", "b3", ontime={"method": BENCHMARK}),
        version(2, "2021-07", "b1", "b3", ontime={"method": BENCHMARK, "points": "20"}),
    ]
    rows = [
        (name, LEVY, month(at), (count, 10, 10))
        for at in (3, 9)
        for name, count in (("b1", 8), ("b2", 2), ("b4", 4))
    ]
    found = figures(lines(*versions)["bureaus"], rows)
    assert found[unit, 2, "2021", "ontime"] == (best * Decimal("1.5"), 15)


def of_bureaus_alone(method):
    """b1 becomes a city in July; `ontime` has 20 points and is of bureaus only."""
    found = moved_in_july(ontime={"groups": ["bureaus"], "points": "20", "method": method})
    return lines(*found)


@pytest.mark.parametrize(
    ("method", "worth"),
    [
        ({"rank": {}}, Decimal(0)),
        ({"benchmark": {}}, Decimal("1.111111111111")),
        ({"efficacy": {}}, Decimal(6)),
    ],
)
def test_what_a_group_does_not_have_is_compared_in_the_group_of_those_months(method, worth):
    """b1 was the last of three bureaus until June: as a city it has in the year half of what June printed."""
    found = of_bureaus_alone(method)
    counts = {"b1": 1, "b2": 9, "b4": 8}
    rows = [(unit, LEVY, month(3), (count, 10, 10)) for unit, count in counts.items()]
    assert found["cities"].rivals == {"b1", "b2", "b4"}
    assert not found["bureaus"].rivals
    assert figures(found["cities"], rows)["b1", 2, "2021", "ontime"] == (worth, 10)
    year = next(one for one in parted_of(found["cities"], "b1", DECEMBER) if one.key == (2, "2021", "ontime"))
    (share,) = shares_of(year, "b1", told(found["cities"], rows))
    assert sorted(share.among) == [Fraction(1, 10), Fraction(8, 10), Fraction(9, 10)]


def test_no_group_hears_of_rivals_for_what_it_has_itself_or_what_compares_nobody():
    both = lines(*moved_in_july(ontime={"method": BENCHMARK}))
    own = of_bureaus_alone({"target": {"target": "0.9"}})
    assert not any(one.rivals for one in (*both.values(), *own.values()))


def test_a_group_by_another_name_compares_whom_the_former_one_compared():
    first, second = moved_in_july(ontime={"method": BENCHMARK, "groups": ["bureaus"]})
    second["groups"]["offices"] = second["groups"].pop("bureaus")
    for one in second["indicators"]:
        one["groups"] = ["offices", "cities"]
    second["indicators"][0]["points"] = "20"
    rows = [(unit, LEVY, month(at), (n, 10, 10)) for unit, n in (("b1", 8), ("b2", 4)) for at in (3, 9)]
    found = lines(first, second)["offices"]
    assert figures(found, rows)["b2", 2, "2021", "ontime"] == (Decimal("12.5"), 15)


def test_among_whom_a_unit_is_compared_is_explained_by_the_same_values():
    found = lines(*moved_in_july(ontime={"method": BENCHMARK}))["cities"]
    sums = told(found, [("b1", LEVY, month(3), HALF), ("b3", LEVY, month(3), (8, 10, 10))])
    year = next(
        one for one in parted_of(found, "b1", DECEMBER) if (str(one.period), one.code) == ("2021", "ontime")
    )
    (share,) = shares_of(year, "b1", sums)
    assert sorted(share.among) == [Decimal("0.5"), Decimal("0.8")]


def test_a_group_that_only_the_newer_version_has_brings_along_what_its_units_had():
    first, second = moved_in_july()
    for unit in first["units"]:
        unit["level"] = "bureau"
    del first["groups"]["cities"]
    for one in first["indicators"]:
        one["groups"] = ["bureaus"]
    rows = [("b1", MISSED, month(2), (4, 4)), ("b3", MISSED, month(9), (3, 3))]
    found = lines(first, second)
    cities = figures(found["cities"], rows)
    assert cities["b1", 2, "2021", "missed"] == (8, None)
    assert cities["b3", 2, "2021", "missed"] == (Decimal("8.5"), None)
    assert figures(found["bureaus"], rows)["b1", 2, "2021", "missed"] == "gone"


def test_what_does_not_apply_in_the_older_group_weighs_nothing_in_the_newer():
    gone = {"not_applicable": [{"units": ["b1"], "reason": "merged"}]}
    target = {"method": {"target": {"target": "0.90"}}, "points": "20"}
    versions = (
        version(1, "2021-01", "b3", ontime=target | gone),
        version(2, "2021-07", "b1", "b3", ontime=target | {"points": "30"}),
    )
    rows = [("b1", LEVY, month(3), HALF), ("b1", LEVY, month(9), (9, 10, 10))]
    assert figures(lines(*versions)["cities"], rows)["b1", 2, "2021", "ontime"] == (25, 25)


MOVING = st.sampled_from(("b1", "b2"))


@settings(max_examples=25)
@given(
    ROWS,
    MOVING,
    st.integers(2, 12),
    st.sampled_from(({"target": {"target": "0.9"}}, {"excess": {"limit": "0.5", "step": "3"}})),
)
def test_of_what_both_groups_score_alike_a_move_changes_no_figure_of_the_year(rows, unit, cut, method):
    ontime = {"ontime": {"method": method}}
    stays = lines(version(1, "2021-01", **ontime), version(2, f"2021-{cut:02d}", **ontime))["bureaus"]
    moves = lines(version(1, "2021-01", **ontime), version(2, f"2021-{cut:02d}", unit, **ontime))
    wanted, found = figures(stays, rows), figures(moves["cities"], rows)
    for code in ("ontime", "missed"):
        assert found[unit, 2, "2021", code] == wanted[unit, 2, "2021", code]
        assert figures(moves["bureaus"], rows)[unit, 2, "2021", code] == "gone"


@given(
    ROWS, st.lists(st.sampled_from(("", "b1", "b2")), min_size=2, max_size=4), st.integers(month(1), DECEMBER)
)
def test_a_unit_has_each_figure_that_versions_share_in_one_group_at_most(rows, cities, clock):
    versions = [version(at + 1, f"2021-{3 * at + 1:02d}", city) for at, city in enumerate(cities)]
    seen = set()
    for line in lines(*versions).values():
        for key, value in figures(line, rows, clock).items():
            if value != "gone":
                assert key not in seen
                seen.add(key)
    told_of = {key[0] for key in seen if key[2:] == ("2021", "missed")}
    assert told_of == {"b1", "b2", "b3", "b4"}


@settings(max_examples=25)
@given(
    ROWS,
    st.lists(st.sampled_from(("", "b1", "b2", "b3")), min_size=2, max_size=4),
    st.integers(2, 12),
    st.sampled_from(({"target": {"target": "0.9"}}, BENCHMARK)),
    st.integers(month(1), DECEMBER),
)
def test_a_trial_of_a_draft_that_moves_a_unit_gives_what_its_adoption_would(
    rows, cities, begins, method, clock
):
    """The adopted versions begin each three months, the draft in any: after, within or before some of them."""
    ontime = {"ontime": {"method": method}}
    starts = [*range(1, 3 * len(cities) - 2, 3), begins]
    *adopted, draft = [
        SchemeDocument.model_validate(version(at, f"2021-{start:02d}", city, **ontime))
        for at, (start, city) in enumerate(zip(starts, cities, strict=True), 1)
    ]
    real, tried = lines_of([*adopted, draft]), lines_of([*before(draft, adopted), draft])
    for group, line in real.items():
        mine, theirs = (
            {key: one for key, one in figures(of, rows, clock).items() if ends_in(key[2]) >= begins}
            for of in (line, tried[group])
        )
        assert theirs == mine


def ends_in(period):
    return JANUARY.parse(period).last.ordinal - month(1) + 1
