"""多维测评: trimmed means of rater classes by their weights, and what is refused of a survey."""

import copy
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.cells import compute
from services.scoring.domain.check import findings
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.figures import Worth
from services.scoring.domain.formulas import put_in, symbolic
from services.scoring.domain.methods.amounts import Partials
from services.scoring.domain.methods.survey import SurveySpec, Trimmed, trimmed
from services.scoring.domain.reading import read
from shared.kernel.figures import FigureState
from shared.kernel.points import MILLIONTHS, cell
from tests.scoring.surveys import METHOD, scheme
from tests.scoring.test_stages import TYPES
from tests.scoring_domain.test_methods import indicator

TWO = {
    "scale": 100,
    "trim": "0.1",
    "classes": [
        {"rater": "leaders", "weight": "0.4", "minimum": 5},
        {"rater": "public", "weight": "0.6", "minimum": 10},
    ],
}
SCORES = st.lists(st.integers(0, 100), min_size=10, max_size=40)


def histogram(scores):
    return {score: scores.count(score) for score in scores}


def sums(method, **answers):
    """Return what stage B would hold of answers: where a class is below its minimum, a short round."""
    spec = SurveySpec.model_validate(method)
    reached = spec.reached({rater: histogram(scores) for rater, scores in answers.items()})
    if len(reached) < len(spec.classes):
        return Partials(0, 0, 1, (*[0, 0] * len(spec.classes), MILLIONTHS))
    more = [
        MILLIONTHS * part
        for one in spec.classes
        for part in (reached[one.rater].total, reached[one.rater].kept)
    ]
    return Partials(MILLIONTHS * sum(one.answers for one in reached.values()), 0, 1, (*more, 0))


def worth(method, **answers):
    return compute(indicator("20", survey=method), sums(method, **answers), is_ratio=False)


def expected(method, **answers):
    """Compute the same from the words of the domain: sort, drop floor(share · n) at each end, average."""
    total = Fraction(0)
    for one in method["classes"]:
        scores = sorted(answers[one["rater"]])
        drop = floor(Fraction(method["trim"]) * len(scores))
        kept = scores[drop : len(scores) - drop]
        total += Fraction(one["weight"]) * Fraction(sum(kept), len(kept))
    return cell(20 * total / method["scale"])


def test_a_class_is_trimmed_by_whole_answers_at_each_end():
    scores = histogram([0, 10, 80, 80, 81, 82, 83, 84, 90, 100])
    assert trimmed(scores, "0") == Trimmed(10, 10, 690)
    assert trimmed(scores, "0.1") == Trimmed(10, 8, 590)
    assert trimmed(scores, "0.19") == Trimmed(10, 8, 590), "floor(1.9) is 1"
    assert trimmed(scores, "0.2") == Trimmed(10, 6, 490)
    assert trimmed({}, "0.2") == Trimmed(0, 0, 0)


def test_the_score_is_the_weighted_mean_of_class_means_over_the_scale():
    leaders, public = [90] * 5, [60, 60, 60, 60, 60, 70, 70, 70, 70, 0]
    assert worth(TWO, leaders=leaders, public=public) == cell(
        20 * (Fraction("0.4") * 90 + Fraction("0.6") * Fraction(510, 8)) / 100
    )


def test_a_class_below_its_minimum_before_trimming_makes_the_whole_indicator_not_yet_assessed():
    assert worth(TWO, leaders=[100] * 4, public=[100] * 50) is None
    assert worth(TWO, leaders=[100] * 50, public=[100] * 9) is None
    assert worth(TWO, leaders=[100] * 5, public=[100] * 10) == 20, "eight are left of ten"
    assert worth(TWO, public=[100] * 10) is None


@given(SCORES, SCORES)
def test_a_survey_scores_what_the_words_say_between_0_and_w(leaders, public):
    found = worth(TWO, leaders=leaders, public=public)
    assert found == expected(TWO, leaders=leaders, public=public)
    assert 0 <= found <= 20


@given(SCORES, SCORES, st.randoms(use_true_random=False))
def test_answers_in_any_order_come_to_one_score(leaders, public, shuffled):
    again = shuffled.sample(leaders, len(leaders)), shuffled.sample(public, len(public))
    assert worth(TWO, leaders=leaders, public=public) == worth(TWO, leaders=again[0], public=again[1])


@given(SCORES, SCORES, st.data())
def test_a_better_answer_never_lowers_the_score(leaders, public, data):
    at = data.draw(st.integers(0, len(public) - 1))
    better = [*public[:at], data.draw(st.integers(public[at], 100)), *public[at + 1 :]]
    assert worth(TWO, leaders=leaders, public=better) >= worth(TWO, leaders=leaders, public=public)


@given(SCORES, SCORES, SCORES, SCORES)
def test_rounds_of_a_longer_period_are_a_ratio_of_what_was_kept(leaders, public, later, others):
    one, two = sums(TWO, leaders=leaders, public=public), sums(TWO, leaders=later, public=others)
    merged = compute(indicator("20", survey=TWO), one + two, is_ratio=False)
    known = SurveySpec.model_validate(TWO)
    total = Fraction(0)
    for spec, scores, more in zip(known.classes, (leaders, public), (later, others), strict=True):
        first, second = trimmed(histogram(scores), "0.1"), trimmed(histogram(more), "0.1")
        total += Fraction(spec.weight) * Fraction(first.total + second.total, first.kept + second.kept)
    assert merged == cell(20 * total / 100)


@given(SCORES, SCORES)
def test_a_longer_period_with_a_short_round_is_not_assessed_from_the_others(leaders, public):
    reached, short = sums(TWO, leaders=leaders, public=public), sums(TWO, leaders=leaders, public=[100] * 9)
    assert compute(indicator("20", survey=TWO), reached + short, is_ratio=False) is None
    assert compute(indicator("20", survey=TWO), short + reached, is_ratio=False) is None


@given(st.integers(1, 400), st.integers(0, 400_000))
def test_no_mean_that_may_be_told_is_of_fewer_than_five(minimum, share):
    trim = f"0.{share:06d}"
    spec = SurveySpec.model_validate(
        {"scale": 10, "trim": trim, "classes": [{"rater": "all", "weight": "1", "minimum": minimum}]}
    )
    fewest = min(n - 2 * floor(Fraction(trim) * n) for n in range(minimum, minimum + 60))
    assert ("minimum_sample" in {one.code for one in spec.faults(20)}) == (fewest < 5)


def test_a_survey_is_told_in_symbols_and_with_its_numbers():
    one = indicator("20", survey=TWO)
    told = sums(TWO, leaders=[90] * 5, public=[60, 60, 60, 60, 60, 70, 70, 70, 70, 0])
    scored = Worth(compute(one, told, is_ratio=False), FigureState.SCORED)
    assert symbolic(one, is_ratio=False) == "w · (0.4 · leaders + 0.6 · public) / 100"
    written = put_in(one, told, scored, is_ratio=False, places=2)
    assert written == "20 · (0.4 · 450/5 + 0.6 · 510/8) / 100 = 14.85"
    nothing = put_in(one, Partials(), Worth(None, FigureState.NOT_ASSESSED), is_ratio=False, places=2)
    assert nothing == "20 · (0.4 · leaders + 0.6 · public) / 100: no data yet"


def refused(document):
    found = read(document)
    if isinstance(found, SchemeDocument):
        found = findings(found, TYPES)
    return {(one.path, one.code) for one in found}


def test_a_scheme_with_a_survey_is_taken():
    assert refused(scheme()) == set()


def changed(**members):
    return METHOD | members


def classes(*, minimum=5, weights=("0.4", "0.6"), raters=("leaders", "public")):
    listed = [
        {"rater": rater, "weight": weight, "minimum": minimum}
        for rater, weight in zip(raters, weights, strict=True)
    ]
    return {"classes": listed}


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        (changed(**classes(weights=("0.4", "0.5"))), "classes", "survey_weights"),
        (changed(**classes(weights=("0.4", "0.600001"))), "classes", "survey_weights"),
        (changed(**classes(weights=("1", "0"))), "classes/1/weight", "no_share"),
        (changed(**classes(raters=("leaders", "leaders"))), "classes/1/rater", "duplicate"),
        (changed(**classes(raters=("leaders", "peers"))), "classes/1/rater", "unknown_rater"),
        (changed(**classes(minimum=4)), "classes/0/minimum", "minimum_sample"),
        (changed(**classes(minimum=5), trim="0.2"), "classes/0/minimum", "minimum_sample"),
        (changed(**classes(minimum=0)), "classes/0/minimum", "shape"),
        (changed(trim="0.5"), "trim", "survey_trim"),
        (changed(trim="-0.1"), "trim", "shape"),
        (changed(scale=0), "scale", "shape"),
        (changed(scale=1001), "scale", "shape"),
        (changed(classes=[]), "classes", "shape"),
    ],
)
def test_a_survey_that_cannot_be_is_refused_where_it_is_wrong(method, path, code):
    assert (f"/indicators/1/method/survey/{path}", code) in refused(scheme(method=method))


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        ({"opens": "2021-03-26"}, "rounds/0/closes", "dates"),
        ({"opens": "2020-12-01", "closes": "2020-12-20", "remind": []}, "rounds/0/closes", "outside_scheme"),
        ({"remind": ["2021-03-01"]}, "rounds/0/remind/0", "dates"),
        ({"remind": ["2021-03-15", "2021-03-15"]}, "rounds/0/remind/1", "dates"),
        ({"closes": "2021-02-30"}, "rounds/0/closes", "shape"),
    ],
)
def test_a_round_has_days_in_their_order_within_the_scheme(change, path, code):
    document = scheme()
    document["surveys"]["ratings"]["rounds"][0] |= change
    assert (f"/surveys/ratings/{path}", code) in refused(document)


def test_rounds_follow_each_other_and_count_in_months_of_their_own():
    document = scheme()
    rounds = document["surveys"]["ratings"]["rounds"]
    rounds.append({"opens": "2021-03-26", "closes": "2021-03-30"})
    assert ("/surveys/ratings/rounds/1", "round_order") in refused(document)
    rounds[1] = {"opens": "2021-03-25", "closes": "2021-04-30"}
    assert ("/surveys/ratings/rounds/1", "round_order") in refused(document)
    rounds[1]["opens"] = "2021-03-26"
    assert refused(document) == set()


@pytest.mark.parametrize(("first", "until", "refuses"), [("04", "08", True), ("02", "03", False)])
def test_a_round_that_no_indicator_takes_in_its_month_is_refused(first, until, refuses):
    """The round closes in March; its only indicator is of an overlay."""
    document = scheme()
    months = {"from": f"2021-{first}", "until": f"2021-{until}"}
    document["overlays"] = [{"code": "safety", "name": "安全", "counts": "beside", "points": "5"} | months]
    document["indicators"][1] |= {"board": None, "overlay": "safety"}
    wanted = ("/surveys/ratings/rounds/0/closes", "round_unused")
    assert (wanted in refused(document)) is refuses


def test_measure_method_and_collection_of_a_survey_go_together():
    document = scheme()
    document["indicators"][1]["collection"] = "machine"
    assert refused(document) == {("/indicators/1/collection", "not_system")}
    document = scheme()
    document["measures"]["reliability"]["survey"] = "nobody"
    assert ("/measures/reliability/survey", "unknown_survey") in refused(document)
    document = scheme()
    document["indicators"][1]["method"] = {"target": {"target": "1"}}
    assert ("/indicators/1/method", "survey_method") in refused(document)
    document = scheme()
    document["indicators"][0]["method"] = {"survey": METHOD}
    assert ("/indicators/0/method", "survey_method") in refused(document)
    document = scheme()
    document["surveys"]["ratings"]["raters"]["peers"] = "同级"
    assert refused(document) == {("/surveys/ratings/raters/peers", "rater_unused")}


def test_a_question_belongs_to_one_indicator():
    document = scheme()
    again = copy.deepcopy(document["indicators"][1]) | {"code": "again"}
    document["indicators"][1]["points"] = again["points"] = "10"
    document["indicators"].append(again)
    assert refused(document) == {("/indicators/2/measure", "measure_taken")}
