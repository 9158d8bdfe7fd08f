"""What decisions of reviews change: differences of exact sums, bounded by the facts that an entry stands on."""

import copy
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.conclusions import reviewed_of
from services.scoring.contract import ReviewDecided
from services.scoring.domain.derived import fold_derived, points_plan
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.manual import Given
from services.scoring.domain.measures import MANUAL_POINTS, MANUAL_VALUES
from services.scoring.domain.plan import compile_plan, event_types
from services.scoring.domain.reviewed import NONE, Change, Reach, Reviewed, Stands, changed, gives
from services.scoring.domain.sums import REVIEWED, UnitSums, home_of
from services.scoring.parting import Part
from shared.contracts import envelope
from shared.kernel.points import MILLIONTHS, PARTS
from tests.scoring.manual import scheme
from tests.scoring.test_stages import TYPES
from tests.scoring_domain.test_manual_points import MARCH, PLANS, plan_of


def decision(key, indicator, **amounts):
    return Reviewed(key, 1, "mini", "b1", indicator, MARCH, **amounts)


def stands(name, numerator, denominator=0, number=1):
    return Stands(("scoring.points", name), (number,), numerator, denominator)


CONDUCT, ONTIME, MARKS = (PLANS[0].taken[code] for code in ("conduct", "ontime", "marks"))


@pytest.mark.parametrize(
    ("facts", "back", "changed_by"),
    [
        ([2], 1, -1),
        ([2], 3, -2),  # what the facts take
        ([0], 1, 0),  # nothing is left of them
        ([1, 1], 2, -2),
        ([], 1, 0),
    ],
)
def test_a_deduction_gives_back_at_most_what_the_facts_under_it_take(facts, back, changed_by):
    found = [stands(f"p{at}", points) for at, points in enumerate(facts)]
    assert changed([decision("1-1", "conduct", points=-back)], found, CONDUCT) == (changed_by, 0)


def test_a_review_gives_nothing_back_of_facts_that_its_entry_does_not_stand_on():
    mine = decision("1-1", "conduct", points=-3, facts=frozenset({("scoring.points", "p1")}), events=())
    assert changed([mine], [stands("p1", 1), stands("p2", 5)], CONDUCT) == (-1, 0)
    of_events = decision("1-1", "missed", numerator=-3, facts=frozenset(), events=((4, 6),))
    found = [stands("a", 1, number=3), stands("b", 1, number=6)]
    assert changed([of_events], found, PLANS[0].taken["missed"]) == (-1, 0)


def test_two_reviews_of_one_fact_give_back_what_it_takes_once():
    both = [decision(f"{at}-1", "conduct", points=-2, entry=at) for at in (1, 2)]
    assert changed(both, [stands("p1", 3)], CONDUCT) == (-3, 0)


@pytest.mark.parametrize(
    ("change", "cases", "changed_by"),
    [
        ((1, 0), [(0, 1)], (1, 0)),  # it was on time
        ((1, 0), [(1, 1)], (0, 0)),  # the source says so itself by now
        ((-1, -1), [(1, 1)], (-1, -1)),  # it does not count at all
        ((0, -1), [(1, 1), (0, 1)], (0, -1)),
        ((0, -2), [(1, 1), (0, 1)], (0, -1)),
        ((1, 1), [(0, 0)], (1, 1)),  # it was left out
        ((1, 0), [], (0, 0)),
    ],
)
def test_no_case_of_a_ratio_of_counts_counts_for_more_than_one(change, cases, changed_by):
    numerator, denominator = change
    found = [stands(f"c{at}", *one) for at, one in enumerate(cases)]
    review = decision("1-1", "ontime", numerator=numerator, denominator=denominator)
    assert changed([review], found, ONTIME) == changed_by


def measured(numerator, denominator):
    """Return where the sums of a measure of levies stand that is written so."""
    document, types = scheme(), copy.deepcopy(TYPES)
    for name in ("amount", "plan"):
        types["types"]["levy.done.v1"]["fields"][name] = {"type": "decimal", "scale": 2}
    document["measures"]["ontime"] |= {"numerator": numerator, "denominator": denominator}
    read = SchemeDocument.model_validate(document)
    return points_plan(read, compile_plan(read, event_types(types)), types).taken["ontime"]


@pytest.mark.parametrize(
    ("numerator", "denominator", "facts", "change", "changed_by"),
    [
        ("sum(amount) FILTER (WHERE ontime)", "sum(amount)", [(200, 400), (0, 100)], (1_000, 0), (300, 0)),
        ("sum(amount) FILTER (WHERE ontime)", "sum(  amount )", [(400, 400)], (0, -100), (0, 0)),
        (
            "sum(amount) FILTER (WHERE ontime)",
            "sum(amount) FILTER (WHERE NOT ontime)",
            [(8, 0)],
            (5, 0),
            (5, 0),
        ),
        ("sum(amount)", None, [(200, 400)], (1_000, 0), (1_000, 0)),
        ("sum(amount)", "sum(plan)", [(800, 0)], (50, 0), (50, 0)),  # what was planned is another fact
        ("sum(amount)", "sum(plan)", [(120, 100)], (5, 0), (5, 0)),  # more than was planned
        ("sum(amount)", "sum(plan)", [(90, 100)], (20, 0), (20, 0)),
        ("sum(amount)", "sum(plan)", [(90, 100)], (-95, -120), (-90, -100)),
        ("sum(amount)", "count(*)", [(1, 1)], (9, 0), (9, 0)),  # a mean
        ("count(*) FILTER (WHERE ontime)", "count(amount)", [(1, 0), (0, 1)], (9, 0), (1, 0)),
    ],
)
def test_no_part_of_a_share_is_lifted_above_the_whole_and_no_other_ratio_has_a_bound(
    numerator, denominator, facts, change, changed_by
):
    found = [stands(f"c{at}", *one) for at, one in enumerate(facts)]
    review = decision("1-1", "ontime", numerator=change[0], denominator=change[1])
    assert changed([review], found, measured(numerator, denominator)) == changed_by


PLACES = tuple(
    measured(*sides)
    for sides in (
        ("count(*) FILTER (WHERE ontime)", "count(*)"),
        ("sum(amount) FILTER (WHERE ontime)", "sum(amount)"),
        ("sum(amount)", "sum(plan)"),
    )
)
NUMBERED = st.lists(st.tuples(st.integers(-2, 4), st.integers(-2, 4)), max_size=5)
CHANGES = st.lists(
    st.tuples(st.integers(-4, 4), st.integers(-4, 4), st.none() | st.sets(st.integers(0, 4))), max_size=3
)


def reviewed(changes):
    """Return reviews by (numerator, denominator, facts under it, all where None)."""
    return [
        decision(
            f"{at}-1",
            "ontime",
            numerator=numerator,
            denominator=denominator,
            entry=at,
            facts=None if under is None else frozenset(("scoring.points", f"c{one}") for one in under),
        )
        for at, (numerator, denominator, under) in enumerate(changes)
    ]


def held(reviews, facts, place, spare, pages):
    """Return what is held after facts were read in pages."""
    found = Reach()
    for at in range(0, len(facts), pages):
        for fact in facts[at : at + pages]:
            found.put(reviews, fact)
        found.outcome(reviews, place, spare)
    return found


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(-2, 4), st.integers(-2, 4)), min_size=1, max_size=20),
    st.lists(
        st.tuples(st.integers(-4, 4), st.integers(-4, 4), st.none() | st.sets(st.integers(0, 9))),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from(PLACES),
    st.integers(0, 2),
    st.integers(1, 4),
)
def test_the_facts_within_reach_of_reviews_change_what_all_facts_change(moves, changes, place, spare, pages):
    """Facts are read in any order, then told anew or withdrawn; what falls short is read again as a whole."""
    reviews = reviewed(changes)
    known = {name: stands(f"c{name}", *numbers) for name, *numbers in moves[: len(moves) // 2]}
    reach = held(reviews, list(known.values()), place, spare, pages)
    for name, *numbers in ((None,), *moves[len(moves) // 2 :]):
        if name is not None:
            reach.facts.pop(("scoring.points", f"c{name}"), None)
            known.pop(name, None)
            if numbers[0] != numbers[1]:
                known[name] = stands(f"c{name}", *numbers)
                reach.put(reviews, known[name])
        found = reach.outcome(reviews, place, spare)
        if reach.is_short(found):
            reach = held(reviews, list(known.values()), place, spare, len(known))
            found = reach.outcome(reviews, place, spare)
            if reach.is_short(found):
                continue
        assert found.change == changed(reviews, known.values(), place)


def test_of_very_many_facts_only_those_that_reviews_can_reach_are_held():
    facts = [stands(f"c{at:05}", 0, MILLIONTHS) for at in range(5_000)]
    review = decision("1-1", "ontime", numerator=3 * MILLIONTHS)
    reach = held([review], facts[::-1], PLACES[0], 10, 100)
    assert len(reach) <= 2 * (3 + 2 * 10) + 100
    assert reach.outcome([review], PLACES[0], 10).change == Change(3 * MILLIONTHS)
    for fact in facts[:11]:
        assert not reach.is_short(reach.outcome([review], PLACES[0], 10))
        del reach.facts[fact.name]
    assert reach.is_short(reach.outcome([review], PLACES[0], 10)), "two are left of three"


@settings(max_examples=300)
@given(NUMBERED, CHANGES, st.sampled_from(PLACES))
def test_facts_that_no_review_can_change_are_left_out_of_what_reviews_change(numbered, changes, place):
    facts = [stands(f"c{at}", *numbers) for at, numbers in enumerate(numbered)]
    reviews = reviewed(changes)
    left = [fact for fact in facts if gives(reviews, fact, place)]
    assert changed(reviews, left, place) == changed(reviews, facts, place)


def test_what_is_on_time_already_is_not_kept_for_a_review_that_counts_a_case_as_on_time():
    review = decision("1-1", "ontime", numerator=MILLIONTHS)
    whole, none = ((MILLIONTHS, MILLIONTHS), (0, MILLIONTHS))
    assert not gives([review], stands("c1", *whole), PLACES[0])
    assert gives([review], stands("c2", *none), PLACES[0])


PARTS_OF_A_FACT = st.one_of(st.integers(0, 3 * PARTS), st.sampled_from([PARTS // 3, 1, MILLIONTHS - 1]))


@settings(max_examples=300)
@given(
    st.lists(st.lists(PARTS_OF_A_FACT, max_size=4), min_size=1, max_size=5),
    st.integers(1, 4 * MILLIONTHS),
    st.lists(st.tuples(st.integers(1, 20), st.integers(1, 2 * MILLIONTHS)), max_size=3),
)
def test_the_parts_of_a_decision_give_back_what_was_decided_and_neither_lose_nor_double_any(
    shards, back, earlier
):
    """In parts of 10^-12 too, which is what shares of late days leave of a fact."""
    left = wanted = Change(-back * MILLIONTHS)
    given_back = NONE
    for shard, amounts in enumerate(shards):
        facts = [stands(f"p{shard}-{at}", amount) for at, amount in enumerate(amounts)]
        names = frozenset(one.name for one in facts)
        before = [
            decision(f"{entry}-1", "conduct", points=-points * MILLIONTHS, entry=entry, facts=names)
            for entry, points in earlier
        ]
        asked = decision("10-1", "conduct", points=left.numerator, entry=10, facts=names)
        part = Part(shard, names, ())
        part.change = changed([*before, asked], facts, CONDUCT) - changed(before, facts, CONDUCT)
        left -= part.change
        told = ReviewDecided(
            key="10-1",
            version=1,
            scheme="mini",
            unit="b1",
            indicator="conduct",
            month="2021-03",
            entry=10,
            asked_by="w",
            asked="a",
            decided_by="s",
            reason="r",
            **part.written({"points": "1"}),
        )
        body = envelope.encode("dukao.review-decided.v1", "dukao/scoring", "b1", told)
        at = dict.fromkeys(("received", "time"), "2021-04-01T00:00:00.000000Z")
        numbered = json.loads(body) | at | {"sequence": "1", "id": "scoring.points/0/1", "partitionkey": "0"}
        read = reviewed_of(envelope.decode(json.dumps(numbered).encode()))
        given_back += changed([*before, read], facts, CONDUCT) - changed(before, facts, CONDUCT)
    assert given_back + left == wanted
    assert min(0, wanted.numerator) <= given_back.numerator <= 0


def test_a_value_is_changed_by_what_a_review_says_while_it_stands():
    review = decision("1-1", "marks", numerator=9)
    assert changed([review], [stands("v1", 81, 1)], MARKS) == (9, 0)
    assert changed([review], [], MARKS) == (0, 0)


MONTHS = MARCH, MARCH - 1
POINTS_GIVEN = st.builds(
    lambda key, month, amount, stands_: Given(
        f"p{key}", 1 if stands_ else 2, "mini", "b1", "conduct", month, MANUAL_POINTS, amount, stands=stands_
    ),
    st.integers(1, 3),
    st.sampled_from(MONTHS),
    st.integers(1, 9),
    st.booleans(),
)
DECISIONS = st.builds(
    lambda key, month, amount, under: replace(
        decision(f"{key}-1", "conduct", points=-amount * MILLIONTHS, entry=key),
        month=month,
        facts=None if under is None else frozenset(("scoring.points", f"p{one}") for one in under),
        events=None if under is None else (),
    ),
    st.integers(1, 3),
    st.sampled_from(MONTHS),
    st.integers(1, 9),
    st.none() | st.sets(st.integers(1, 3)),
)
HISTORY = st.lists(POINTS_GIVEN | DECISIONS, max_size=8, unique_by=lambda fact: (fact.key, fact.version))


def sums_of(known, month):
    """Return what b1 loses in a month by all facts and reviews that are known, written down once more."""
    facts = [fact for fact in known.values() if isinstance(fact, Given) and fact.month == month]
    left = {
        fact.key: fact.amount * MILLIONTHS * fact.stands for fact in sorted(facts, key=lambda one: one.key)
    }
    for review in sorted(
        (one for one in known.values() if isinstance(one, Reviewed)), key=lambda one: one.entry
    ):
        back = -review.points if review.month == month else 0
        for key, takes in left.items():
            if review.facts is None or ("scoring.points", key) in review.facts:
                left[key] -= min(back, takes)
                back -= min(back, takes)
    return sum(left.values())


@settings(max_examples=150)
@given(HISTORY, st.randoms(use_true_random=False))
def test_facts_and_reviews_in_any_order_and_batches_leave_the_same_sums(history, chance):
    """As stage A does: differences of facts, then the months that moved are reviewed by what they say now."""
    order = [*history, *chance.choices(history, k=2)] if history else []
    chance.shuffle(order)
    known, cells, reviewed, sums, at = {}, {}, {}, UnitSums(), 0
    while at < len(order):
        batch = order[at : at + chance.randint(1, 4)]
        at += len(batch)
        touched = set()
        for fact in batch:
            old = known.get(fact.key)
            if old is not None and old.version >= fact.version:
                continue
            touched |= {fact.month} | (set() if old is None else {old.month})
            for sign, one in ((-1, old), (1, fact)):
                fold_derived(cells, PLANS, one, sign)
            known[fact.key] = fact
        for month in touched:
            given = [one for one in known.values() if isinstance(one, Given) and one.month == month]
            found = [stands(one.key, sum(loss.parts for loss in one.losses(PLANS[0]))) for one in given]
            decided = [one for one in known.values() if isinstance(one, Reviewed) and one.month == month]
            reviewed[month] = changed(decided, found, CONDUCT).numerator
            sums.take((MANUAL_POINTS, month, 0), [*cells.get(("mini@1", MANUAL_POINTS, "b1", month), [0, 0])])
            sums.take((f"{REVIEWED}{MANUAL_POINTS}", month, 0), [reviewed[month], 0])
    lost = [sums_of(known, month) for month in MONTHS]
    merged = sums.merged.get(MANUAL_POINTS, {})
    assert [merged.get((month, month), [0])[0] for month in MONTHS] == lost
    assert merged.get((MARCH - 2, MARCH), [0])[0] == sum(lost)
    assert all(amount >= 0 for amount in lost)


@pytest.mark.parametrize(
    ("change", "waits"),
    [
        ({"code": "again", "name": "again"}, True),
        ({"code": "again", "name": "again", "units": ["b2"]}, False),
    ],
)
def test_a_review_of_one_indicator_does_not_move_another_of_the_unit_that_takes_its_measure(change, waits):
    document = scheme()
    document["indicators"].append(document["indicators"][0] | change)
    plan = plan_of(document)
    review = decision("1-1", "ontime", numerator=1)
    assert (review.place(plan) is None) is waits
    traces = fold_derived({}, [plan], review)
    assert traces.doubts == ({("no_indicator", "ontime")} if waits else set())


def test_a_decision_counts_where_what_it_changes_counts():
    assert home_of("reviewed:manual:values") == MANUAL_VALUES
    assert home_of("reviewed:manual:points") == MANUAL_POINTS
    assert home_of("levy.done.v1") == "levy.done.v1"
    taken = PLANS[0].taken
    assert taken["conduct"].in_points
    assert not taken["marks"].in_points
