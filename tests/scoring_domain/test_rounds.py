"""Rounds of surveys: what days make of them, and which version of a scheme rules each."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.methods.survey import Trimmed
from services.scoring.domain.rounds import State, begun_rounds_stay, news, rounds_of, state_of, turns, waits
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
def test_whatever_days_are_seen_in_whatever_order_each_turn_is_told_once(seen):
    told = []
    for day in seen:
        told += map(str, news(ONE, told, day.isoformat()))
    assert sorted(told) == sorted(set(told)), "nothing is told twice"
    assert set(told) == {str(one) for one in turns(ONE, max(seen).isoformat())}, "nothing is left out"
    assert told == sorted(told, key=lambda one: one.split()[1]), "a later turn comes later"


@pytest.mark.parametrize("days", [("2021-03-25",), ("2021-03-10", "2021-03-25")])
def test_a_closed_round_is_told_of_no_more(days):
    told = [f"opened {days[0]}", "closed 2021-03-25"]
    assert news(ONE, told, "2021-03-31") == []


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


def moved(*, version=2, **head):
    """Return a version in which b2 is asked reliability no more, for it has the level of another group."""
    draft = scheme(version=version, **head)
    draft["units"][2]["level"] = "district"
    return draft


def test_a_version_asks_of_the_units_of_a_begun_round_and_moves_them_from_the_month_after():
    assert stays(moved()) == [("/indicators/1/groups", "round_begun")]
    assert stays(moved(effective="2021-04")) == []
    draft = scheme(version=2)
    draft["units"].append(draft["units"][2] | {"code": "b3", "name": "B3"})
    assert stays(draft) == [("/indicators/1/groups", "round_begun")], "nor does it ask of one more"


def test_a_version_adds_no_question_to_a_begun_round():
    draft = scheme(version=2)
    draft["measures"]["manners"] = {"survey": "ratings"}
    draft["indicators"].append(draft["indicators"][1] | {"code": "manners", "measure": "manners"})
    assert stays(draft) == [("/indicators", "round_begun")]


def test_a_round_that_has_not_begun_waits_for_the_version_that_asks_it_otherwise():
    (one,) = rounds_of([document()]).values()
    same, other = document(version=2), document(version=3, rounds=(ROUND | {"closes": "2021-03-26"},))
    assert not waits(one, [])
    assert not waits(one, [same])
    assert waits(one, [same, other])
    assert waits(one, [other, document(version=4)]), "whatever a still newer one says"
    june = {"opens": "2021-06-01", "closes": "2021-06-20"}
    assert not waits(one, [document(version=3, effective="2021-04", rounds=(june,))])


CLASSES = {"leaders": Trimmed(5, 5, 450), "public": Trimmed(10, 8, 510)}
TOLD = [part * MILLIONTHS for part in (15, 450, 5, 510, 8)]


def counted(classes=CLASSES, short=(), *, scheme="mini", scale=100):
    return Counted("k", 1, scheme, "ratings", "b1", "reliability", MARCH, scale, classes, short)


def told_under(one, **method):
    """Return what a round is worth under a scheme that asks so: its sums, that it is short, that it waits."""
    plan = plan_of(scheme(method=METHOD | method))
    question = plan.surveyed["reliability"]
    names = {None: "waits", question.short: "short"}
    found = [(names.get(loss.slots, "sum"), loss.parts) for loss in one.losses(plan)]
    return [what for what, _ in found] if found[0][0] != "sum" else [parts for _, parts in found]


def test_what_was_counted_needs_every_class_that_the_scheme_asks():
    assert told_under(counted()) == TOLD
    assert told_under(counted(short=("public",))) == ["short"]
    assert list(counted(scheme="other").losses(plan_of(scheme()))) == []
    leaders = {"leaders": CLASSES["leaders"]}
    assert told_under(counted(leaders)) == ["waits", "short"], "a class that was not counted waits"
    alone = {"classes": [{"rater": "leaders", "weight": "1", "minimum": 5}]}
    fewer = scheme(method=METHOD | alone)
    fewer["surveys"]["ratings"]["raters"] = {"leaders": "上级领导"}
    assert [loss.parts for loss in counted().losses(plan_of(fewer))] == [TOLD[0], *TOLD[1:3]]
    assert told_under(counted(leaders, ("public",)), **alone)[:3] == [5 * MILLIONTHS, *TOLD[1:3]]


@pytest.mark.parametrize(
    ("method", "told"),
    [
        ({"scale": 10}, ["waits", "short"]),
        ({"trim": "0"}, ["waits", "short"]),
        ({"trim": "0.19"}, TOLD),
        ({"trim": "0.2"}, ["waits", "short"]),
        ({"classes": classes(weight="0.9")}, TOLD),
        ({"classes": classes(minimum=6)}, ["short"]),
    ],
)
def test_a_trial_reads_what_was_counted_only_where_it_asks_the_same(method, told):
    assert told_under(counted(), **method) == told
