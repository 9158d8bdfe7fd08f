"""Rounds of surveys: what days make of them, and which version of a scheme rules each."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.methods.survey import Trimmed
from services.scoring.domain.rounds import State, begun_rounds_stay, rounds_of, state_of, turns
from services.scoring.domain.survey_section import RoundSpec
from services.scoring.domain.surveyed import Counted
from shared.kernel.points import MILLIONTHS
from tests.scoring.surveys import METHOD, ROUND, scheme
from tests.scoring_domain.test_manual_points import plan_of

ONE = RoundSpec.model_validate(ROUND)
MARCH = 2021 * 12 + 2
DAYS = st.dates(date(2021, 3, 1), date(2021, 4, 5))


def document(**more):
    return SchemeDocument.model_validate(scheme(**more))


def test_a_round_opens_reminds_and_closes_on_its_days():
    told = {day: [str(one) for one in turns(ONE, day)] for day in ("2021-03-09", "2021-03-10", "2021-03-25")}
    assert told["2021-03-09"] == []
    assert told["2021-03-10"] == ["opened 2021-03-10"]
    assert told["2021-03-25"] == ["opened 2021-03-10", "reminded 2021-03-20"], "the last day is open"
    assert [one.what for one in turns(ONE, "2021-03-26")] == ["opened", "reminded", "closed"]
    assert [state_of(told) for told in ([], ["opened 2021-03-10"], ["opened a", "closed b"])] == [
        State.WAITING,
        State.OPEN,
        State.CLOSED,
    ]


@given(st.lists(DAYS, min_size=1))
def test_whatever_days_are_seen_each_turn_is_told_once_and_in_order(seen):
    told = []
    for day in sorted(seen):
        told += [one for one in turns(ONE, day.isoformat()) if one not in told]
    assert told == list(turns(ONE, max(seen).isoformat()))


@given(DAYS)
def test_a_turn_stays_on_every_later_day(day):
    later = (day + timedelta(days=1)).isoformat()
    assert set(turns(ONE, day.isoformat())) <= set(turns(ONE, later))


def test_the_newest_version_that_covers_the_month_rules_a_round():
    june = {"opens": "2021-06-01", "closes": "2021-06-20"}
    first, second = document(rounds=(ROUND, june)), document(rounds=(ROUND,), version=2, effective="2021-06")
    found = rounds_of([second, first])
    assert {name: one.document.scheme.version for name, one in found.items()} == {
        "mini~ratings~2021-03": 1
    }, "the second version covers June and has no round there"
    other = document(code="other")
    assert set(rounds_of([first, other])) == {
        "mini~ratings~2021-03",
        "mini~ratings~2021-06",
        "other~ratings~2021-03",
    }


def stays(draft):
    """Return what is refused of a draft beside version 1, whose round has begun."""
    begun = rounds_of([document()]).values()
    found = begun_rounds_stay(SchemeDocument.model_validate(draft), begun)
    return [(one.path, one.code) for one in found]


def classes(*, weight="0.4", minimum=5):
    leaders = {"rater": "leaders", "weight": weight, "minimum": minimum}
    return [leaders, METHOD["classes"][1] | {"weight": str(1 - Decimal(weight))}]


@pytest.mark.parametrize(
    ("method", "wanted"),
    [
        ({}, []),
        ({"trim": "0.10"}, []),
        ({"classes": classes(weight="0.5")}, []),
        ({"scale": 10}, ["/indicators/1/method/survey"]),
        ({"trim": "0"}, ["/indicators/1/method/survey"]),
        ({"classes": classes(minimum=6)}, ["/indicators/1/method/survey"]),
        ({"classes": classes(weight="1")[:1]}, ["/indicators/1/method/survey"]),
    ],
)
def test_a_version_keeps_what_the_sums_of_a_begun_round_hang_on(method, wanted):
    assert stays(scheme(version=2, method=METHOD | method)) == [(path, "round_begun") for path in wanted]
    assert stays(scheme(version=2, effective="2021-04", method=METHOD | method)) == []


@pytest.mark.parametrize(
    "rounds",
    [
        [{"opens": "2021-06-01", "closes": "2021-06-20"}],
        [ROUND | {"closes": "2021-03-26"}],
        [ROUND | {"closes": "2021-04-02"}],
        [ROUND | {"opens": "2021-03-09"}],
        [ROUND | {"remind": []}],
    ],
)
def test_a_version_keeps_a_begun_round_and_its_days(rounds):
    assert stays(scheme(version=2, rounds=rounds)) == [("/surveys/ratings/rounds", "round_begun")]
    assert stays(scheme(version=2, effective="2021-04", rounds=rounds)) == []


def test_a_version_keeps_raters_questions_and_zone_of_a_begun_round():
    draft = scheme(version=2)
    draft["surveys"]["ratings"]["raters"] = {"leaders": "领导", "citizens": "公众"}
    assert stays(draft) == [("/surveys/ratings/raters", "round_begun")]
    draft = scheme(version=2)
    draft["indicators"][1]["code"] = "manners"
    assert stays(draft) == [("/indicators", "round_begun")]
    draft = scheme(version=2)
    draft["surveys"]["others"] = draft["surveys"].pop("ratings")
    assert stays(draft) == [("/surveys", "round_begun")]
    assert stays(scheme(version=2, zone="UTC")) == [("/surveys/ratings/rounds", "round_begun")]


def test_what_was_counted_needs_every_class_that_the_scheme_asks():
    plan = plan_of(scheme())
    classes = {"leaders": Trimmed(5, 5, 450), "public": Trimmed(10, 8, 510)}
    one = Counted("k", 1, "mini", "ratings", "b1", "reliability", MARCH, classes, ())
    assert [loss.parts for loss in one.losses(plan)] == [part * MILLIONTHS for part in (15, 450, 5, 510, 8)]
    short = Counted("k", 1, "mini", "ratings", "b1", "reliability", MARCH, classes, ("public",))
    (told,) = short.losses(plan)
    assert told.slots == plan.surveyed["reliability"].short, "of a short round nothing is told but that it is"
    assert told.parts == MILLIONTHS
    other = Counted("k", 1, "other", "ratings", "b1", "reliability", MARCH, classes, ())
    assert list(other.losses(plan)) == []
    alone = {"scale": 100, "classes": [{"rater": "leaders", "weight": "1", "minimum": 5}]}
    fewer = scheme(method=METHOD | alone)
    fewer["surveys"]["ratings"]["raters"] = {"leaders": "上级领导"}
    assert [loss.parts for loss in one.losses(plan_of(fewer))] == [part * MILLIONTHS for part in (15, 450, 5)]
    missing = Counted(
        "k", 1, "mini", "ratings", "b1", "reliability", MARCH, {"leaders": classes["leaders"]}, ()
    )
    (waits,) = missing.losses(plan)
    assert waits.slots is None, "a class that was not counted waits in suspense"
