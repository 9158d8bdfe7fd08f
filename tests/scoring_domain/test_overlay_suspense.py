"""An event outside the months of a special assessment (专项考评) is in suspense, or said to be outside them."""

import copy

import pytest

from dukao import yamls
from services.scoring.domain.derived import points_plan
from services.scoring.domain.explanation import explain
from services.scoring.domain.facts import Report, standing
from services.scoring.domain.folding import Tally, fold_under
from services.scoring.domain.plan import compile_plan, event_types
from services.scoring.questions import Loaded, Question
from services.scoring.reports import catalogue_of
from shared.kernel.instants import parse_micros
from shared.kernel.periods import JANUARY
from shared.kernel.points import MILLIONTHS
from tests.hostile_schemes.corpus import BASE
from tests.scoring.test_stages import TYPES
from tests.scoring_domain.assessments import read
from tests.scoring_domain.incidents import RISE
from tests.scoring_domain.overlays import SAFETY, with_overlay

TYPES_THAT_END = copy.deepcopy(TYPES)
TYPES_THAT_END["types"]["risk.missed.v1"]["fields"]["ended"] = {"type": "time"}


def misses(document, *instants):
    """Return what is in doubt of misses of b1 at instants, each a case of its own."""
    plan = compile_plan(read(document), event_types(TYPES_THAT_END))
    reports = [
        Report("s", f"m{at}", "risk.missed.v1", "b1", parse_micros(when), 0, at, {})
        for at, when in enumerate(instants)
    ]
    return [fold_under(Tally(), [plan], [one]).doubts for one in reports]


def explained(document, period, when):
    """Return why a miss of b1 counts in the last indicator's figure of a period."""
    scheme, types = read(document), TYPES_THAT_END
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


def of_a_stock():
    """Return the same where what is missed stands until it has ended."""
    found = of_misses()
    found["measures"]["missed"] |= {"kind": "stock", "period_by": {"from": "time", "until": "ended"}}
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
    assert misses(of_a_stock(), *AROUND) == [frozenset()] * 3 + [GONE]


@pytest.mark.parametrize(
    ("period", "why"),
    [("2021-03", "outside_overlay"), ("2021-04", None), ("2021", None), ("2021-09", "outside_overlay")],
)
def test_a_stock_counts_in_no_month_outside_its_overlay_and_that_is_the_reason(period, why):
    (row,) = explained(of_a_stock(), period, AROUND[0])
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
