"""Late working days: so much a day until the cap, by shares, each in its month; the newest version counts."""

import copy
import itertools
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.cells import compute
from services.scoring.domain.check import findings
from services.scoring.domain.decided import Decision, Deducted
from services.scoring.domain.derived import fold_derived, following, newest, points_plan
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.explanation import Uncounted
from services.scoring.domain.late_days import Free, LateItem, charges
from services.scoring.domain.measures import LATE_DAYS_TOLD, ItemKind
from services.scoring.domain.methods.amounts import Partials
from services.scoring.domain.plan import compile_plan, event_types
from services.scoring.domain.reading import read
from shared.contracts import supervision
from shared.kernel.periods import Month
from shared.kernel.points import MILLIONTHS, PARTS
from tests.scoring.test_stages import SCHEME, TYPES
from tests.scoring_domain.test_overlays import SAFETY

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


def test_an_item_done_on_10_may_loses_0_2_in_april_and_0_8_in_may_of_3_points():
    cells = folded(item(days=DONE_10_MAY))
    assert lost(cells) == {APRIL: Decimal("0.2"), MAY: Decimal("0.8")}
    assert worth(cells) == Decimal("2.0")


def test_extended_in_time_to_7_may_it_loses_0_4():
    cells = folded(item(days=EXTENDED_TO_7_MAY))
    assert lost(cells) == {MAY: Decimal("0.4")}
    assert worth(cells) == Decimal("2.6")


def test_the_cap_runs_over_the_life_of_the_item_in_the_order_of_the_days():
    days = [date(2021, 4, 20) + timedelta(days=step) for step in range(30)]
    assert lost(folded(item(days=days[::-1]))) == {APRIL: Decimal(2)}


def test_a_day_at_the_cap_costs_what_is_left():
    plan = plan_of(scheme(per_day="0.3", cap="0.8"))
    found = charges(item(days=DONE_10_MAY), "late", plan, "b1")
    assert [one.parts for one in found] == [
        int(Decimal(cost) * PARTS) for cost in ("0.3", "0.3", "0.2", 0, 0)
    ]
    assert [one.free for one in found] == [None, None, None, Free.BEYOND_CAP, Free.BEYOND_CAP]


def test_days_before_the_scheme_use_the_cap_up_and_cost_nothing():
    days = [date(2020, 12, 28) + timedelta(days=step) for step in range(6)]
    plan = plan_of(scheme(per_day="0.2", cap="1"))
    january = Month.parse("2021-01").ordinal
    assert lost(folded(item(days=days), plans=[plan])) == {january: Decimal("0.2")}


def test_shares_split_each_day_exactly():
    shares = {"b1": 333_333, "b2": 666_667}
    cells = folded(item(days=DONE_10_MAY, shares=shares))
    assert lost(cells, "b1") == {APRIL: Decimal("0.0666666"), MAY: Decimal("0.2666664")}
    assert lost(cells, "b2") == {APRIL: Decimal("0.1333334"), MAY: Decimal("0.5333336")}


def test_days_that_were_late_before_an_item_was_handed_on_stay_with_who_had_it():
    shares = [{"b1": MILLIONTHS}] * 2 + [{"b1": 400_000, "b2": 600_000}] * 2 + [{"b2": MILLIONTHS}]
    cells = folded(handed_on(*zip(DONE_10_MAY, shares, strict=True)))
    assert lost(cells, "b1") == {APRIL: Decimal("0.2"), MAY: Decimal("0.36")}
    assert lost(cells, "b2") == {MAY: Decimal("0.44")}


def test_handing_an_item_on_leaves_one_cap_over_its_life():
    plan = plan_of(scheme(per_day="0.5", cap="2"))
    shares = [{"b1": MILLIONTHS}] * 3 + [{"b2": MILLIONTHS}] * 2
    cells = folded(handed_on(*zip(DONE_10_MAY, shares, strict=True)), plans=[plan])
    assert sum(lost(cells, "b1").values()) == Decimal("1.5")
    assert lost(cells, "b2") == {MAY: Decimal("0.5")}


def test_what_two_units_below_one_lose_it_loses_together():
    document = scheme()
    document["units"] += [
        {"code": city, "parent": "b1", "name": city, "level": "city"} for city in ("c1", "c2")
    ]
    cells = folded(item(days=DONE_10_MAY, shares={"c1": 400_000, "c2": 600_000}), plans=[plan_of(document)])
    assert lost(cells) == {APRIL: Decimal("0.2"), MAY: Decimal("0.8")}


@pytest.mark.parametrize(
    "spared",
    [
        {"provisional": True},
        {"indicator": "missed"},
        {"scheme": "another"},
    ],
)
def test_a_provisional_item_and_one_of_another_indicator_or_scheme_cost_nothing(spared):
    assert folded(item(days=DONE_10_MAY, **spared)) == {}


def test_an_item_of_its_own_indicator_and_scheme_counts():
    assert lost(folded(item(days=DONE_10_MAY, scheme="mini", indicator="late"))) != {}


def two_takers(**second):
    """Return a scheme with two indicators for late items of one kind, each by a measure of its own."""
    document = scheme()
    document["measures"]["later"] = {"items": "decision", "per_day": "0.5", "cap": "1"}
    document["indicators"][3] |= {"measure": "later"} | second
    return document


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


def test_an_unknown_unit_is_in_doubt_and_the_others_lose_their_share():
    cells = {}
    traces = fold_derived(cells, [PLAN], item(days=DONE_10_MAY, shares={"b1": 500_000, "nobody": 500_000}))
    assert traces.doubts == {("unknown_unit", "nobody")}
    assert lost(cells) == {APRIL: Decimal("0.1"), MAY: Decimal("0.4")}


def test_an_item_that_is_late_in_no_month_of_the_scheme_is_in_doubt():
    traces = fold_derived({}, [PLAN], item(days=[date(2022, 1, 4)]))
    assert traces.doubts == {("no_scheme", "2022-01")}


def test_a_decision_costs_the_unit_it_names_and_none_above():
    rows = (
        Deducted("b1", "bureau", "linked", MAY, 2 * MILLIONTHS),
        Deducted("b1", "own", "linked", APRIL, 3 * MILLIONTHS, why="suppressed"),
        Deducted("hq", "department", "linked", MAY, MILLIONTHS),
        Deducted("b2", "bureau", "ontime", MAY, MILLIONTHS),
    )
    cells = folded(Decision("incident/b1", 1, rows))
    assert lost(cells, over="decided:incidents") == {MAY: Decimal(2)}
    assert {unit for _, _, unit, _ in cells} == {"b1"}
    assert worth(cells, "linked") == Decimal(3)


SHARES = st.integers(0, MILLIONTHS).map(lambda part: {"b1": part, "b2": MILLIONTHS - part})
HANDED_ON = st.dictionaries(st.dates(date(2020, 12, 20), date(2022, 1, 10)), SHARES, max_size=15)
VERSIONS = st.lists(
    HANDED_ON.map(lambda days: handed_on(*sorted(days.items(), key=lambda one: one[0]))),
    min_size=1,
    max_size=4,
)


def taken(cells, kept, fact):
    """Let a version take the place of an older one, as stage A does."""
    if kept is None or fact.version > kept.version:
        fold_derived(cells, [PLAN], kept, -1)
        fold_derived(cells, [PLAN], fact)
        return fact
    return kept


@given(VERSIONS)
def test_versions_in_every_order_and_twice_leave_what_the_newest_alone_does(told):
    versions = [replace(one, version=at) for at, one in enumerate(told, 1)]
    wanted = folded(newest(versions))
    for order in itertools.permutations(versions):
        cells, kept = {}, None
        for fact in (*order, *order[::-1]):
            kept = taken(cells, kept, fact)
        assert {cell: numbers for cell, numbers in cells.items() if any(numbers)} == wanted


def two_versions(old, new):
    """Return what a scheme and one from May make of late days."""
    first, second = (SchemeDocument.model_validate(scheme(**one)) for one in (old, new))
    second = second.model_copy(update={"scheme": second.scheme.model_copy(update={"version": 2})})
    types = event_types(TYPES)
    return following(
        points_plan(one, compile_plan(one, types, months), TYPES)
        for one, months in ((second, (MAY, MAY + 7)), (first, (APRIL - 3, APRIL)))
    )


def costs_by_month(plans, fact):
    return [
        sum(one.parts for one in fact.losses(plan) if plan.plan.first <= one.month <= plan.plan.last)
        for plan in plans
    ]


def test_one_cap_runs_over_the_life_of_an_item_whatever_version_rules_its_days():
    """Three late days at 0.2, from May seven at 0.5, cap 2: 0.6 and what is left, 1.4."""
    days = [date(2021, 4, day) for day in (28, 29, 30)] + [date(2021, 5, day) for day in range(6, 13)]
    plans = two_versions({"per_day": "0.2"}, {"per_day": "0.5"})
    assert costs_by_month(plans, item(days=days)) == [int(Decimal(cost) * PARTS) for cost in ("0.6", "1.4")]


def of_two_years(first, second):
    """Return what a scheme and the one of the year after make of late days."""
    old, new = (SchemeDocument.model_validate(scheme(**one)) for one in (first, second))
    head = new.scheme.model_copy(update={"version": 2, "effective": "2022-01", "until": "2022-12"})
    new = new.model_copy(update={"scheme": head})
    return following(points_plan(one, compile_plan(one, event_types(TYPES)), TYPES) for one in (new, old))


def test_one_cap_runs_over_the_turn_of_the_year_and_each_day_costs_what_its_year_says():
    """Five late days in December at 0.2; in January 0.5 a day until 2.0 in all."""
    days = [date(2021, 12, day) for day in range(27, 32)] + [date(2022, 1, day) for day in range(4, 11)]
    found = costs_by_month(of_two_years({"per_day": "0.2"}, {"per_day": "0.5"}), item(days=days))
    assert found == [PARTS, PARTS]


def test_days_before_the_first_version_use_the_cap_up_as_it_says():
    """Two late days in 2020, one in 2021 at 0.5, then at 1.0: of the cap of 2 the last leaves 0.5."""
    days = [date(2020, 12, 30), date(2020, 12, 31), date(2021, 1, 4), date(2022, 1, 4)]
    found = costs_by_month(of_two_years({"per_day": "0.5"}, {"per_day": "1"}), item(days=days))
    assert found == [PARTS // 2, PARTS // 2]


RATES = st.tuples(st.integers(1, 9), st.integers(9, 40)).map(
    lambda one: {"per_day": f"{one[0] / 10}", "cap": f"{one[1] / 10}"}
)
OF_YEARS = st.sets(st.dates(date(2020, 12, 20), date(2022, 2, 10)), max_size=20)


@given(OF_YEARS, RATES, RATES, st.booleans(), st.sets(st.integers(1, 12)))
def test_each_late_day_is_charged_once_by_the_version_of_its_day_under_one_running_cap(
    days, first, second, has_another, gone
):
    """Written down once more, day by day, with months in which the first indicator does not apply."""
    documents = []
    for rates in (first, second):
        document = two_takers() if has_another else scheme()
        document["measures"]["late"] |= rates
        documents.append(document)
    absences = [
        {"units": ["b1"], "reason": "r", "from": f"2021-{m:02d}", "until": f"2021-{m:02d}"} for m in gone
    ]
    documents[0]["indicators"][2]["not_applicable"] = absences
    documents[1]["scheme"] |= {"version": 2, "effective": "2022-01", "until": "2022-12"}
    plans = following(map(plan_of, documents))
    spent, wanted = Decimal(0), [Decimal(0), Decimal(0)]
    for day in sorted(days):
        at = int(day.year > 2021)
        rates = documents[at]["measures"]["late"]
        if day.year == 2021 and day.month in gone:
            if not has_another:
                continue
            rates = documents[at]["measures"]["later"]
        cost = max(Decimal(0), min(Decimal(rates["per_day"]), Decimal(rates["cap"]) - spent))
        spent += cost
        wanted[at] += cost if day.year > 2020 else 0
    found = costs_by_month(plans, item(days=sorted(days)))
    assert [Decimal(parts) / PARTS for parts in found] == wanted


@given(st.integers(0, 12), st.integers(0, 12))
def test_a_version_that_charges_alike_charges_late_days_as_one_did(before, after):
    days = [date(2021, 4, day + 1) for day in range(before)] + [
        date(2021, 5, day + 1) for day in range(after)
    ]
    whole = plan_of(scheme())
    wanted = sum(one.parts for one in item(days=days).losses(whole))
    assert sum(costs_by_month(two_versions({}, {}), item(days=days))) == wanted


@given(HANDED_ON, st.integers(1, 10**6), st.integers(1, 10**7))
def test_all_that_is_lost_is_the_days_or_the_cap_and_every_part_is_somebodys(days, per_day, cap):
    plan = plan_of(scheme(per_day=f"{per_day / 10**6:.6f}", cap=f"{cap / 10**6:.6f}"))
    found = charges(handed_on(*days.items()), "late", plan, "b1")
    assert sum(one.parts for one in found) == min(cap, per_day * len(days)) * MILLIONTHS
    assert [one.day for one in found] == sorted(one.day for one in found)


def test_kinds_and_the_days_that_are_told_are_those_of_the_contract():
    assert set(ItemKind.__args__) == {kind.value for kind in supervision.ItemKind}
    assert LATE_DAYS_TOLD == supervision.LATE_DAYS_TOLD
    assert {free.value for free in Free} <= {reason.value for reason in Uncounted}


def test_the_scheme_of_these_cases_is_taken():
    assert refused(scheme()) == set()


def refused(document):
    found = read(document)
    if isinstance(found, SchemeDocument):
        found = findings(found, TYPES)
    return {(one.path, one.code) for one in found if one.reason}


@pytest.mark.parametrize(
    ("path", "value", "finding"),
    [
        (("measures", "late", "cap"), "0", ("/measures/late/cap", "cap_zero")),
        (("measures", "late", "cap"), "0.1", ("/measures/late/per_day", "per_day_above_cap")),
        (("measures", "late", "cap"), "200.1", ("/measures/late/cap", "cap_out_of_reach")),
        (("measures", "late", "cap"), "-2", ("/measures/late/cap", "shape")),
        (("measures", "late", "per_day"), "0.000000", ("/measures/late/per_day", "per_day_zero")),
        (("measures", "late", "per_day"), "0.0000001", ("/measures/late/per_day", "shape")),
        (("measures", "late", "items"), "petition", ("/measures/late/items", "shape")),
        (("measures", "late", "numerator"), "count(*)", ("/measures/late/numerator", "shape")),
        (("measures", "linked", "decided"), "rumours", ("/measures/linked/decided", "shape")),
        (("measures", "linked", "cap"), "2", ("/measures/linked/cap", "shape")),
        (("indicators", 2, "method"), {"deduct": {"each": "1"}}, ("/indicators/2/method/deduct/each", "each_of_points")),
        (("indicators", 2, "method"), {"target": {"target": "1"}}, ("/indicators/2/method", "points_are_deducted")),
        (("indicators", 1, "method"), {"deduct": {}}, ("/indicators/1/method/deduct/each", "each_missing")),
        (("indicators", 2, "measure"), "linked", ("/indicators/3/measure", "measure_taken")),
        (("indicators", 3, "measure"), "late", ("/indicators/3/measure", "measure_taken")),
        (("ranking",), {"minimum_volume": {"measure": "late", "at_least": 1}}, ("/ranking/minimum_volume/measure", "points")),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_measure_in_points_is_refused_at_its_place(path, value, finding):
    document = scheme()
    at = document
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    assert finding in refused(document)


def test_a_measure_without_per_day_or_cap_is_refused():
    document = scheme()
    del document["measures"]["late"]["per_day"], document["measures"]["late"]["cap"]
    assert refused(document) == {("/measures/late/per_day", "shape"), ("/measures/late/cap", "shape")}
