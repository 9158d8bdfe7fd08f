"""Which indicator takes an item without one: the first of each unit, on each level and in each month."""

from decimal import Decimal

from shared.kernel.points import MILLIONTHS, PARTS
from tests.scoring_domain.late_days import DONE_10_MAY, item, plan_of, refused, scheme, two_takers
from tests.scoring_domain.overlays import SAFETY


def points(document, **named):
    """Return what b1 loses in April and May by the measures `late` and `later`."""
    plan = plan_of(document)
    found = {"late": 0, "later": 0}
    for one in item(days=DONE_10_MAY, **named).losses(plan):
        takers = plan.late_days["decision"]
        (name,) = [of.measure.name for of in takers if of.measure.slots == one.slots]
        found[name] += one.parts
    return {name: Decimal(parts) / PARTS for name, parts in found.items()}


def test_an_item_without_an_indicator_counts_for_the_first_that_takes_its_kind():
    document = two_takers()
    assert refused(document) == set()
    assert points(document) == {"late": 1, "later": 0}
    document["indicators"][2:] = document["indicators"][:1:-1]
    assert points(document) == {"late": 0, "later": 1}


def test_an_item_counts_for_the_indicator_that_it_names_and_no_other():
    assert points(two_takers(), scheme="mini", indicator="late") == {"late": 1, "later": 0}
    assert points(two_takers(), scheme="mini", indicator="linked") == {"late": 0, "later": 1}


def with_a_city(document):
    document["units"].append({"code": "c1", "parent": "b1", "name": "c1", "level": "city"})
    document["groups"]["cities"] = {"level": "city", "title": "Cities"}
    return document


def points_of(document, fact):
    """Return what each unit loses by each measure."""
    plan = plan_of(document)
    names = {one.measure.slots: one.measure.name for one in plan.late_days["decision"]}
    found = {}
    for one in fact.losses(plan):
        spot = one.unit, names[one.slots]
        found[spot] = found.get(spot, 0) + Decimal(one.parts) / PARTS
    return found


def test_indicators_that_have_no_unit_in_common_take_items_without_one_each_from_its_own():
    document = with_a_city(two_takers(groups=["cities"]))
    of_city = item(days=DONE_10_MAY, shares={"c1": MILLIONTHS})
    assert points_of(document, of_city) == {("b1", "late"): 1, ("c1", "later"): 1}


def test_a_unit_has_its_own_first_indicator_where_indicators_share_some_units():
    document = with_a_city(two_takers(groups=["bureaus", "cities"]))
    of_city = item(days=DONE_10_MAY, shares={"c1": MILLIONTHS})
    assert points_of(document, of_city) == {("b1", "late"): 1, ("c1", "later"): 1}
    document["indicators"][2]["units"] = ["b2"]
    both = item(days=DONE_10_MAY, shares={"b1": 500_000, "b2": 500_000})
    assert points_of(document, both) == {("b1", "later"): Decimal("0.5"), ("b2", "late"): Decimal("0.5")}


def test_a_unit_above_that_has_no_such_indicator_has_the_total_of_what_those_below_lose():
    document = with_a_city(two_takers(groups=["cities"]))
    document["groups"]["nation"] = {"level": "headquarters", "title": "Nation"}
    both = item(days=DONE_10_MAY, shares={"c1": 250_000, "b2": 750_000})
    assert points_of(document, both) == {
        ("b1", "late"): Decimal("0.25"),
        ("b2", "late"): Decimal("0.75"),
        ("c1", "later"): Decimal("0.25"),
        ("hq", "late"): Decimal("0.75"),
        ("hq", "later"): Decimal("0.25"),
    }


def test_what_a_unit_without_an_indicator_shares_is_charged_by_the_next_above_it_on_every_level():
    document = with_a_city(two_takers())
    document["groups"]["nation"] = {"level": "headquarters", "title": "Nation"}
    of_city = item(days=DONE_10_MAY, shares={"c1": MILLIONTHS})
    assert points_of(document, of_city) == {(unit, "late"): 1 for unit in ("c1", "b1", "hq")}


def test_what_is_late_with_a_unit_that_no_indicator_is_of_stands_in_totals():
    document = two_takers()
    document["units"].append({"code": "j1", "parent": "hq", "name": "j1", "level": "discipline"})
    document["groups"]["nation"] = {"level": "headquarters", "title": "Nation"}
    assert points_of(document, item(days=DONE_10_MAY, shares={"j1": MILLIONTHS})) == {("hq", "late"): 1}


def not_applicable(document, place, **months):
    document["indicators"][place]["not_applicable"] = [{"units": ["b1"], "reason": "r"} | months]
    return document


def test_an_item_without_an_indicator_counts_for_the_next_where_the_first_does_not_apply():
    assert points(not_applicable(two_takers(), 2)) == {"late": 0, "later": 1}
    assert points(not_applicable(two_takers(), 2, **{"from": "2021-05"})) == {
        "late": Decimal("0.2"),
        "later": Decimal("0.8"),
    }


def test_what_a_unit_below_is_charged_uses_nothing_up_where_its_own_indicator_does_not_apply():
    """In April late days of c1 are charged to c1 alone; from May b1 has its own indicator and its whole cap."""
    document = with_a_city(two_takers(groups=["cities"]))
    document["measures"]["late"] |= {"per_day": "0.5", "cap": "2"}
    not_applicable(document, 2, until="2021-04")
    of_city = item(days=DONE_10_MAY, shares={"c1": MILLIONTHS})
    assert points_of(document, of_city) == {("b1", "late"): 2, ("c1", "later"): 1}


def test_a_day_outside_the_months_of_an_overlay_is_charged_by_the_next_indicator_and_uses_up_none_of_its_cap():
    """The overlay has May alone: 0.2 of 30 April is the board's, the four days of May are the overlay's."""
    document = two_takers()
    document["overlays"] = [SAFETY | {"from": "2021-05", "until": "2021-05", "points": "3"}]
    del document["indicators"][2]["board"]
    document["indicators"][2] |= {"overlay": "safety"}
    document["indicators"][3] |= {"points": "8"}
    assert points(document) == {"late": Decimal("0.8"), "later": Decimal("0.5")}


def test_late_days_that_no_indicator_takes_cost_nothing_and_leave_the_cap():
    document = not_applicable(scheme(per_day="0.4", cap="0.8"), 2, until="2021-04")
    assert points_of(document, item(days=DONE_10_MAY)) == {("b1", "late"): Decimal("0.8")}
    assert points_of(document, item(days=DONE_10_MAY[:1])) == {}
