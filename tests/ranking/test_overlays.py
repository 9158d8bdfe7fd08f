"""Special assessments in standings: added ones are inside the total that is ranked, those beside move no rank."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dukao.standings import notes
from dukao.telling import totals as told
from dukao.telling.languages import Lang
from services.ranking.domain.losses import summed
from services.ranking.domain.rows import Row
from services.ranking.domain.schemes import Scheme
from services.ranking.domain.scores import score, score_without
from services.ranking.domain.standings import Unranked, line_of, standing
from shared.kernel.points import parts_of, published_parts
from tests.ranking.rig import adopted, ask, figure, indicator, posted, scheme, service
from tests.ranking.test_totals import ask as ask_total

__all__ = ["ask", "ask_total", "service"]
APRIL, OCTOBER = "2021-04", "2021-10"
MONTHS = {"from": "2021-04", "until": "2021-08"}


def of(overlay, code, points="5", **changes):
    one = indicator(code, points=points, overlay=overlay, **changes)
    return {key: value for key, value in one.items() if key != "board"}


DOCUMENT = scheme(
    boards=[{"code": "work", "title": "Work"}],
    overlays=[
        {"code": "safety", "name": "安全生产", "counts": "added", "points": "20", **MONTHS},
        {"code": "flood", "name": "防汛", "counts": "beside", "points": "30", **MONTHS},
    ],
    indicators=[
        indicator("ontime", points="100", name="On time", measure="m"),
        of("safety", "drill", "15", name="Drill", measure="m"),
        of("safety", "lost", "5", method={"deduct": {}}, name="Lost", measure="m"),
        of("flood", "dyke", "30", name="Dyke", measure="m"),
    ],
    measures={"m": {"version": 1}},
    ranking={},
)
SCHEME = Scheme(1, DOCUMENT)


def lines(period=APRIL, scheme=SCHEME, **units):
    """Return the lines of units by values of their indicators."""
    rows = {
        unit: Row(
            {code: None if value is None else parts_of(Decimal(value)) for code, value in of_unit.items()},
            0,
            1,
        )
        for unit, of_unit in units.items()
    }
    found = scheme.group_figures("bureaus", period, rows)
    return {line.unit: line for line in standing(found, scheme.rules) if line.unit in units}


WHOLE = {"ontime": "90", "drill": "12.5", "lost": "4.5", "dyke": "3"}


def test_90_and_17_of_an_added_overlay_are_107_of_120_and_the_30_beside_are_nowhere_in_it():
    found = lines(b1=WHOLE, b2=WHOLE | {"ontime": "91", "drill": "11", "dyke": "30"})
    assert (found["b1"].total, found["b1"].covered, found["b1"].rank) == (Decimal(107), Decimal(120), 1)
    assert (found["b2"].total, found["b2"].rank) == (Decimal("106.50"), 2)
    assert found["b1"].boards == {"work": Decimal(90)}
    assert found["b1"].overlays == {"flood": Decimal(3), "safety": Decimal(17)}


def test_what_has_no_data_beside_the_total_leaves_it_whole_and_inside_makes_it_a_range():
    found = lines(b1=WHOLE | {"dyke": None}, b2=WHOLE | {"drill": None})
    assert (found["b1"].total, found["b1"].overlays["flood"], found["b1"].not_assessed) == (107, None, ())
    assert (found["b2"].low, found["b2"].high, found["b2"].unranked) == (
        Decimal("94.50"),
        Decimal("109.50"),
        Unranked.NOT_ASSESSED,
    )


def test_outside_its_months_an_overlay_is_not_even_named():
    found = lines(OCTOBER, b1={"ontime": "90"})["b1"]
    assert (found.total, found.covered, found.overlays, found.not_due) == (90, 100, {}, ())


def without(code, *units):
    """Return the scheme in which an indicator does not apply to units."""
    said = [{"units": list(units), "reason": "无此业务"}]
    indicators = [
        one | ({"not_applicable": said} if one["code"] == code else {}) for one in DOCUMENT["indicators"]
    ]
    return Scheme(1, DOCUMENT | {"indicators": indicators})


def test_what_of_an_overlay_does_not_apply_is_spread_inside_it():
    """15 of 20 points do not apply and 5 are a deduction: its points are stretched to 20, its loss is not."""
    found = lines(scheme=without("drill", "b1"), b1={"ontime": "90", "lost": "4.5", "dyke": "3"})["b1"]
    assert (found.overlays["safety"], found.total, found.covered) == (Decimal("19.5"), Decimal("109.5"), 120)


def test_the_points_of_an_added_overlay_that_does_not_apply_at_all_are_carried_by_the_boards():
    both = DOCUMENT | {"indicators": [one for one in DOCUMENT["indicators"] if one["code"] != "lost"]}
    said = [{"units": ["b1"], "reason": "无此业务"}]
    both["indicators"] = [
        one | ({"not_applicable": said} if one["code"] == "drill" else {}) for one in both["indicators"]
    ]
    found = lines(scheme=Scheme(1, both), b1={"ontime": "90", "dyke": "3"})["b1"]
    assert (found.total, found.covered, dict(found.carried)) == (
        Decimal("103.5"),
        115,
        {"safety": Decimal(15)},
    )
    assert found.boards == {"work": Decimal(90)}


def test_what_of_an_overlay_beside_does_not_apply_moves_no_point_of_the_total():
    found = lines(scheme=without("dyke", "b1"), b1={"ontime": "90", "drill": "12.5", "lost": "4.5"})["b1"]
    assert (found.total, found.covered, found.carried, found.overlays) == (
        107,
        120,
        {},
        {"safety": Decimal(17)},
    )


POINTS = st.decimals(0, 40, places=12).map(lambda value: value.quantize(Decimal("1e-12")))
HOMES = st.sampled_from(["work", "party", "safety", "flood", "award"])
EXTRA = {"method": {"bonus": {}}}


@given(st.lists(st.tuples(HOMES, st.one_of(st.none(), POINTS)), min_size=1, max_size=8))
def test_a_total_is_exactly_boards_and_awards_and_added_overlays_rounded_once(drawn):
    indicators = []
    for at, (home, _) in enumerate(drawn):
        one = of(home, f"i{at}", "40")
        if home in {"work", "party"}:
            one = indicator(f"i{at}", points="40", board=home)
        elif home == "award":
            one = {key: value for key, value in (one | EXTRA).items() if key != "overlay"}
        indicators.append(one | {"name": "I", "measure": "m"})
    whole = Scheme(1, DOCUMENT | {"indicators": indicators})
    values = {f"i{at}": value for at, (_, value) in enumerate(drawn)}
    found = lines(scheme=whole, b1={code: None if one is None else str(one) for code, one in values.items()})
    inside = {f"i{at}": home for at, (home, _) in enumerate(drawn) if home != "flood"}
    low = sum((parts_of(values[code]) for code in inside if values[code] is not None), 0)
    open_points = sum(home != "award" for code, home in inside.items() if values[code] is None)
    line = found["b1"]
    assert line.low == published_parts(low, 2)
    assert line.high == published_parts(low + open_points * 40 * 10**12, 2)
    is_whole = any(home != "award" for home in inside.values()) and all(
        values[code] is not None for code in inside
    )
    assert line.total == (line.low if is_whole else None)
    worth = {code: None if one is None else parts_of(one) for code, one in values.items()}
    due = whole.counted(whole.due("bureaus", APRIL)["b1"])
    fast = score(due, whole.points, whole.counted(worth), 0, whole.rules)
    slow = score_without((), due, whole.kinds, whole.counted(worth), 0, whole.rules)
    assert fast == slow
    assert (fast.low, fast.high, fast.full) == (line.low, line.high, is_whole)


async def test_a_standing_ranks_with_what_is_added_and_tells_what_stands_beside(service, ask):
    values = {
        "b1": WHOLE,
        "b2": WHOLE | {"ontime": "91", "drill": "11", "dyke": "30"},
        "b3": WHOLE | {"dyke": None},
    }
    told_figures = [
        figure(unit, value, indicator=code, period=APRIL)
        for unit, of_unit in values.items()
        for code, value in of_unit.items()
    ]
    moved = await service.apply(adopted(DOCUMENT), posted(*told_figures))
    places = moved["dukao.standing-moved.v1"][0]["standings"][0]["places"]
    assert {one["unit"]: (one["rank"], one["points"]) for one in places} == {
        "b1": (1, "107.00"),
        "b2": (3, "106.50"),
        "b3": (1, "107.00"),
    }
    body = (await ask(f"/v1/standings/mini/bureaus/{APRIL}")).json()
    assert [(one["code"], one["counts"], one["points"]) for one in body["overlays"]] == [
        ("safety", "added", "20"),
        ("flood", "beside", "30"),
    ]
    assert {one["unit"]: (one["rank"], one["points"], one["overlays"]) for one in body["units"]} == {
        "b1": (1, "107.00", {"safety": "17.00", "flood": "3.00"}),
        "b2": (3, "106.50", {"safety": "15.50", "flood": "30.00"}),
        "b3": (1, "107.00", {"safety": "17.00", "flood": None}),
    }
    shown = " ".join(notes(body, Lang.ZH))
    assert "专项考评 防汛 flood (2021-04–2021-08, 30, 单列，不计入总分、不影响名次): B1 b1 3.00" in shown
    assert "B3 b3 未考" in shown
    moved = await service.apply(posted(figure("b1", "30", indicator="dyke", period=APRIL)))
    assert moved["dukao.standing-moved.v1"] == []


async def test_a_total_is_explained_with_its_overlays_and_each_of_them_by_itself(service, ask_total):
    figures = [figure("b1", value, indicator=code, period=APRIL) for code, value in WHOLE.items()]
    await service.apply(adopted(DOCUMENT), posted(*figures))
    whole = await ask_total(period=APRIL)
    assert (whole["published"], whole["points"], [one["indicator"] for one in whole["parts"]]) == (
        "107.00",
        "120",
        ["ontime", "drill", "lost"],
    )
    assert [(one["overlay"], one["counts"], one["published"]) for one in whole["overlays"]] == [
        ("safety", "added", "17.00"),
        ("flood", "beside", "3.00"),
    ]
    chinese, english = (" ".join(told.told(whole, lang)) for lang in Lang)
    assert "安全生产 safety（2021-04–2021-08，计入总分）：17.00，满分 20" in chinese
    assert "防汛 flood (2021-04–2021-08, beside the total, moves no rank): 3.00 of 30" in english
    alone = await ask_total(period=APRIL, overlay="flood")
    assert (alone["published"], alone["points"], alone["overlay_title"]) == ("3.00", "30", "防汛")
    assert [one["indicator"] for one in alone["parts"]] == ["dyke"]
    await ask_total(period=APRIL, overlay="fire", status=404)


def test_an_overlay_of_a_version_before_counts_in_the_year_only_if_it_had_begun():
    later = DOCUMENT | {
        "scheme": DOCUMENT["scheme"] | {"version": 2, "effective": "2021-06"},
        "overlays": [],
        "indicators": DOCUMENT["indicators"][:1],
    }
    begun = Scheme(2, later, (DOCUMENT,))
    assert begun.due("bureaus", "2021")["b1"].keys() == {"ontime", "drill", "lost", "dyke"}
    ahead = [one | {"from": "2021-07"} for one in DOCUMENT["overlays"]]
    dropped = Scheme(2, later, (DOCUMENT | {"overlays": ahead},))
    assert dropped.due("bureaus", "2021")["b1"].keys() == {"ontime"}
    assert lines("2021", dropped, b1={"ontime": "90"})["b1"].not_due == (), "it is not there at all"
    row = Row({"ontime": parts_of(Decimal(90)), "dyke": parts_of(Decimal(3)), "drill": 0, "lost": 0}, 0, 1)
    line = line_of("b1", begun.group_figures("bureaus", "2021", {"b1": row})["b1"], begun.rules)
    assert (line.total, line.overlays) == (Decimal(90), {"flood": Decimal(3), "safety": Decimal(0)})
    assert summed(begun.group_figures("bureaus", "2021", {"b1": row})["b1"][:1], 2).points == 100


def moved(*, first=MONTHS, then=None, effective="2021-08", cycle="month", **absent):
    """Return a version that moves both overlays, after one that said what does not apply to b1, as it may."""
    said = {"not_applicable": [{"units": ["b1"], "reason": "无此业务"}]}

    def version(number, begins, months, gone):
        return DOCUMENT | {
            "scheme": DOCUMENT["scheme"] | {"version": number, "effective": begins},
            "overlays": [one | months for one in DOCUMENT["overlays"]],
            "indicators": [
                one | ({"cycle": cycle} | (said if gone else {}) if one["code"] == "drill" else {})
                for one in DOCUMENT["indicators"]
            ],
        }

    then = then or {"from": "2021-10", "until": "2021-12"}
    older = version(1, "2021-01", first, absent.get("before", False))
    return Scheme(2, version(2, effective, then, absent.get("after", False)), (older,))


def test_an_overlay_that_a_newer_version_moves_is_due_in_the_quarter_of_its_months_under_the_one_before():
    """Both overlays had July; by the newer version they are of October and later."""
    found = lines("2021-Q3", moved(), b1=WHOLE)["b1"]
    assert (found.total, found.covered, found.overlays) == (107, 120, {"safety": 17, "flood": 3})
    gone = lines("2021-Q3", moved(first={"from": "2021-08", "until": "2021-09"}), b1={"ontime": "90"})["b1"]
    assert (gone.total, gone.covered, gone.overlays, gone.not_due) == (90, 100, {}, ())


def test_a_longer_cycle_takes_of_a_moved_overlay_no_months_of_a_version_without_one_in_the_period():
    """By the half-year the newer one has October to December, by the year the older one May and June."""
    half = moved(first={"from": "2021-06", "until": "2021-07"}, cycle="half-year", before=True)
    assert half.absent("bureaus", "2021-Q3") == {"b1": {"drill"}}
    year = moved(first={"from": "2021-05", "until": "2021-06"}, cycle="year", after=True)
    assert year.absent("bureaus", "2021-H2") == {"b1": {"drill"}}
    assert year.absent("bureaus", "2021") == {}


@pytest.mark.parametrize("period", ["2021-Q3", "2021"])
def test_what_the_newer_version_says_does_not_apply_did_apply_in_the_months_of_the_one_before(period):
    found = lines(period, moved(after=True), b1=WHOLE)["b1"]
    assert (found.total, found.covered, found.not_applicable) == (107, 120, ())


def test_what_did_not_apply_in_the_months_of_the_version_before_is_spread_in_its_quarter_and_not_in_the_year():
    before = moved(before=True)
    assert before.absent("bureaus", "2021-Q3") == {"b1": {"drill"}}
    assert before.absent("bureaus", "2021") == {}
    assert before.reason("drill", "bureaus", "b1", "2021-Q3") == "无此业务"
    assert moved(before=True, after=True).absent("bureaus", "2021") == {"b1": {"drill"}}
