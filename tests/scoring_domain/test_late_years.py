"""One cap runs over the life of an item, whatever versions and years rule its days."""

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.derived import following, points_plan
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.plan import compile_plan, event_types
from shared.kernel.points import PARTS
from tests.scoring.test_stages import TYPES
from tests.scoring_domain.late_days import APRIL, MAY, item, plan_of, scheme, two_takers


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
