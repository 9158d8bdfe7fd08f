"""Ready results: what a scheme may say of them, and how the two sides stand to each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.check import findings
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.methods.amounts import Partials
from services.scoring.domain.reconciling import State, due, reconcile
from shared.kernel.periods import JANUARY
from shared.kernel.points import MILLIONTHS
from tests.scoring.test_results import PUBLISHED, scheme
from tests.scoring.test_stages import TYPES

CATALOGUE = TYPES | {"types": TYPES["types"] | PUBLISHED}
MARCH = JANUARY.parse("2021-03")
AT = MARCH.first.ordinal
AMOUNTS = st.none() | st.integers(-(10**9), 10**9)


def refused(document):
    found = findings(SchemeDocument.model_validate(document), CATALOGUE)
    return {(one.path, one.code) for one in found if one.reason}


def test_a_result_with_two_measures_of_other_events_is_taken():
    assert refused(scheme()) == set()


@pytest.mark.parametrize(
    ("result", "finding"),
    [
        ({"official": "gone"}, ("/results/rate/official", "unknown_measure")),
        ({"ours": "gone"}, ("/results/rate/ours", "unknown_measure")),
        ({"groups": ["gone"]}, ("/results/rate/groups", "unknown_group")),
        ({"official": "missed", "ours": "missed"}, ("/results/rate/ours", "same_events")),
    ],
)
def test_what_cannot_be_reconciled_is_refused_with_its_place(result, finding):
    assert finding in refused(scheme(**result))


def test_what_adds_up_from_units_below_is_refused_unless_it_counts_for_the_named_alone():
    document = scheme(groups=["all"])
    document["groups"]["all"] = {"level": "headquarters", "title": "All"}
    assert refused(document) == {("/results/rate/official", "adds_up")}
    document["measures"]["published"] = {**document["measures"]["published"], "counts_for": "named"}
    assert refused(document) == set()


def test_measures_over_one_type_count_for_the_same_units():
    document = scheme()
    document["measures"]["beside"] = {**document["measures"]["published"], "counts_for": "named"}
    assert refused(document) == {("/measures/beside/counts_for", "counts_for")}


def test_a_case_view_that_reads_what_was_published_is_no_raw_fact():
    document = scheme(ours="beside")
    document["views"] = {
        "both": {
            "events": ["levy.done.v1", "rate.published.v1"],
            "columns": {
                "unit": {"first": "subject", "of": "levy.done.v1"},
                "time": {"first": "time", "of": "levy.done.v1"},
            },
        }
    }
    document["measures"]["beside"] = {"over": "both", "period_by": "time", "numerator": "count(*)"}
    assert ("/results/rate/ours", "same_events") in refused(document)


@pytest.mark.parametrize(
    ("months", "cycle"), [(("2021-04", "2021-12"), "year"), (("2021-02", "2021-05"), "quarter")]
)
def test_a_result_of_a_period_that_the_scheme_never_covers_whole_is_refused(months, cycle):
    document = scheme(cycle=cycle)
    document["scheme"] |= {"effective": months[0], "until": months[1]}
    assert ("/results/rate/cycle", "never_due") in refused(document)


def test_a_result_is_due_in_the_periods_of_its_cycle_alone():
    document = SchemeDocument.model_validate(scheme(cycle="half-year"))
    periods = ("2021-03", "2021-Q1", "2021-H1", "2021")
    assert [list(due(document, JANUARY.parse(one))) for one in periods] == [[], [], ["rate"], []]


def sums(amount, denominator=0):
    """Return the partials of March: none where nothing came."""
    return {} if amount is None else {AT: Partials(amount, denominator, rows=1)}


def compared(official, met, of):
    document = SchemeDocument.model_validate(scheme())
    partials = {"published": sums(official), "ontime": sums(met, of)}
    return reconcile(document, document.results["rate"], MARCH, partials)


@given(AMOUNTS, AMOUNTS, st.integers(0, 10**9))
def test_each_pair_has_one_state_and_only_equal_numbers_are_equal(official, met, of):
    found = compared(official, met, of)
    has_ours = met is not None and of > 0
    if official is None:
        assert found.state is (State.ONLY_OURS if has_ours else State.NEITHER)
    elif not has_ours:
        assert found.state is State.ONLY_OFFICIAL
    else:
        assert (found.state is State.EQUAL) == (official * of == met * MILLIONTHS)
        assert (found.apart == 0) == (found.state is State.EQUAL)


def test_a_third_is_not_the_decimal_that_was_published_unless_the_scheme_tolerates_it():
    assert compared(333_333, 1, 3).state is State.DIFFERS
    read = SchemeDocument.model_validate(scheme(tolerance="0.000001"))
    partials = {"published": sums(333_333), "ontime": sums(1, 3)}
    assert reconcile(read, read.results["rate"], MARCH, partials).state is State.EQUAL
