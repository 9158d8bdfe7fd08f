"""Every rule of a scheme refuses with a path and a reason, and no document makes the check stumble."""

import copy
import time

import pytest

from services.scoring.domain.check import findings
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.reading import read
from tests.scoring.test_stages import SCHEME, TYPES

CASE = {
    "events": ["levy.done.v1", "risk.missed.v1"],
    "columns": {
        "unit": {"first": "subject", "of": "levy.done.v1"},
        "done": {"first": "time", "of": "levy.done.v1"},
    },
}
BOARDS_OF_A_THOUSAND = [
    {"code": "party", "title": "Party", "points": "250", "floor_above": "0.25"},
    {"code": "reform", "title": "Reform", "points": "450"},
    {"code": "operation", "title": "Operation", "points": "180"},
    {"code": "ratings", "title": "Ratings", "points": "120"},
]


def changed(*changes):
    document = copy.deepcopy(SCHEME)
    for path, value in changes:
        at = document
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = value
    return document


def refused(document):
    found = read(document)
    if isinstance(found, SchemeDocument):
        found = findings(found, TYPES)
    return {(one.path, one.code) for one in found if one.reason}


def test_the_plain_scheme_is_taken():
    assert refused(SCHEME) == set()


def absent(*entries):
    return changed((("indicators", 0, "not_applicable"), list(entries)))


def test_what_does_not_apply_is_said_of_units_that_have_it_once_and_in_months_of_the_scheme():
    one = {"units": ["b1"], "reason": "no port"}
    assert refused(absent(one)) == set()
    assert refused(absent(one | {"until": "2021-03"}, one | {"from": "2021-04"})) == set()
    at = "/indicators/0/not_applicable"
    assert refused(absent(one | {"units": ["b9"]})) == {(f"{at}/0/units/0", "unknown_unit")}
    assert refused(absent(one | {"units": ["hq"]})) == {(f"{at}/0/units/0", "other_group")}
    assert refused(absent(one, one | {"from": "2021-06"})) == {(f"{at}/1/units/0", "duplicate")}
    for months in ({"from": "2020-12"}, {"until": "2022-01"}, {"from": "2021-06", "until": "2021-05"}):
        assert refused(absent(one | months)) == {(f"{at}/0", "dates")}
    assert refused(absent(one | {"reason": ""})) == {(f"{at}/0/reason", "shape")}


def test_a_unit_to_which_nothing_applies_in_a_month_is_refused():
    document = absent({"units": ["b1"], "reason": "no port"})
    document["indicators"][1]["not_applicable"] = [{"units": ["b1"], "from": "2021-12", "reason": "closed"}]
    assert refused(document) == {("/indicators", "nothing_applies")}


def test_boards_250_450_180_120_are_refused_because_a_quarter_is_not_more_than_a_quarter():
    document = changed((("boards",), BOARDS_OF_A_THOUSAND), (("scheme", "total"), "1000"))
    assert ("/boards/0/points", "board_floor") in refused(document)


def test_boards_260_440_180_120_pass_the_floor():
    boards = [dict(board) for board in BOARDS_OF_A_THOUSAND]
    boards[0]["points"], boards[1]["points"] = "260", "440"
    found = refused(changed((("boards",), boards), (("scheme", "total"), "1000")))
    assert not {code for _, code in found} & {"board_floor", "board_sum"}


@pytest.mark.parametrize(("won", "is_taken"), [("3.99", True), ("4", False), ("5", False)])
def test_the_floor_is_checked_against_the_total_with_the_bonus_that_is_added_to_it(won, is_taken):
    """26 of 100 is above a quarter, of 104 it is a quarter."""
    boards = [
        {"code": "party", "title": "Party", "points": "26", "floor_above": "0.25"},
        {"code": "work", "title": "Work", "points": "74"},
    ]
    document = changed((("boards",), boards), (("scheme", "total"), "100"))
    ontime, missed = document["indicators"]
    levels = [{"level": "national", "measure": "missed", "each": "1"}]
    award = missed | {"code": "award", "points": won, "method": {"bonus": {"levels": levels}}}
    del award["board"]
    document["indicators"] = [
        ontime | {"board": "party", "points": "26"},
        missed | {"points": "74"},
        award,
    ]
    assert refused(document) == (set() if is_taken else {("/boards/0/points", "board_floor")})


def with_individual(*units, points="10"):
    document = changed()
    own = [
        document["indicators"][0] | {"code": f"own-{unit}", "points": points, "units": [unit]}
        for unit in units
    ]
    document["indicators"] = [*document["indicators"][1:], *own]
    return document


def test_individual_indicators_fill_the_board_of_each_unit():
    assert refused(with_individual("b1", "b2")) == set()


def test_a_unit_whose_individual_indicators_are_missing_or_weigh_otherwise_is_named():
    found = findings(read(with_individual("b1")), TYPES)
    assert [one.reason for one in found] == [
        "bureaus, b2: the indicators of work have 10 points, the board 20."
    ]
    assert refused(with_individual("b1", "b2", points="10.5")) == {("/indicators", "indicator_sum")}


def test_an_individual_indicator_names_units_of_its_groups():
    assert ("/indicators/2/units/0", "other_group") in refused(with_individual("b1", "hq"))
    assert ("/indicators/2/units/0", "unknown_unit") in refused(with_individual("b1", "b9"))


def test_the_smallest_step_above_the_floor_is_enough():
    boards = [dict(board) for board in BOARDS_OF_A_THOUSAND]
    boards[0]["points"], boards[1]["points"] = "250.000001", "449.999999"
    found = refused(changed((("boards",), boards), (("scheme", "total"), "1000")))
    assert not {code for _, code in found} & {"board_floor", "board_sum"}


@pytest.mark.parametrize(
    ("path", "value", "finding"),
    [
        (("scheme", "total"), "21", ("/boards", "board_sum")),
        (("boards", 0, "points"), "19.999999", ("/boards", "board_sum")),
        (("boards", 0, "floor_above"), "1", ("/boards/0/points", "board_floor")),
        (("scheme", "zone"), "Asia", ("/scheme/zone", "zone")),
        (("scheme", "zone"), "Mars/Olympus", ("/scheme/zone", "zone")),
        (("scheme", "zone"), "../../etc/passwd", ("/scheme/zone", "zone")),
        (("scheme", "zone"), "", ("/scheme/zone", "zone")),
        (("scheme", "zone"), "A" * 300, ("/scheme/zone", "zone")),
        (("scheme", "until"), "2020-12", ("/scheme/until", "dates")),
        (("scheme", "until"), "2022-01", ("/scheme/until", "dates")),
        (("units", 2, "code"), "b1", ("/units/2", "duplicate")),
        (("units", 1, "parent"), "nobody", ("/units/1/parent", "unknown_unit")),
        (("units", 0, "parent"), "b1", ("/units/0/parent", "unit_cycle")),
        (("units", 1, "parent"), "b1", ("/units/1/parent", "unit_cycle")),
        (("groups", "bureaus", "level"), "planet", ("/groups/bureaus/level", "empty_group")),
        (("indicators", 0, "groups"), ["nobody"], ("/indicators/0/groups", "unknown_group")),
        (("indicators", 0, "groups"), ["bureaus", "bureaus"], ("/indicators/0/groups/1", "duplicate")),
        (("indicators", 0, "board"), "none", ("/indicators/0/board", "unknown_board")),
        (("indicators", 0, "measure"), "none", ("/indicators/0/measure", "unknown_measure")),
        (("indicators", 0, "code"), "missed", ("/indicators/1", "duplicate")),
        (("indicators", 0, "points"), "11", ("/indicators", "indicator_sum")),
        (("indicators", 0, "method"), {"target": {"target": "0"}}, ("/indicators/0/method/target/target", "target_zero")),
        (("indicators", 0, "method"), {"target": {}}, ("/indicators/0/method/target/target", "shape")),
        (("indicators", 1, "method"), {"deduct": {}}, ("/indicators/1/method/deduct/each", "each_missing")),
        (("indicators", 1, "method"), {"deduct": {"each": "0"}}, ("/indicators/1/method/deduct/each", "each_zero")),
        (("indicators", 1, "method"), {"deduct": {"each": "1", "floor": "10"}}, ("/indicators/1/method/deduct/floor", "floor")),
        (("tiers",), [{"code": "first", "share": "0.4"}, {"code": "second", "share": "0.5"}], ("/tiers", "tier_sum")),
        (("tiers",), [{"code": "first", "share": "0.5"}] * 2, ("/tiers/1", "duplicate")),
        (("tiers",), [{"code": "First Tier", "share": "1"}], ("/tiers/0/code", "shape")),
        (("ranking",), {"minimum_volume": {"measure": "none", "at_least": 20}}, ("/ranking/minimum_volume", "unknown_measure")),
        (("trees",), {}, ("/measures/ontime/over", "no_unit")),
        (("trees",), {"organisation": "nowhere"}, ("/measures/ontime/over", "no_unit")),
        (("trees",), {"organisation": "ontime"}, ("/measures/ontime/over", "no_unit")),
        (("views",), {"case": CASE | {"events": ["nothing.v1"]}}, ("/views/case/events/0", "unknown_type")),
        (("views",), {"case": CASE | {"columns": {"x": {"first": "nothing", "of": "levy.done.v1"}}}}, ("/views/case/columns/x", "expression")),
        (("views",), {"case": CASE | {"columns": {"x": {"sum": "voucher", "of": "levy.done.v1"}}}}, ("/views/case/columns/x", "expression")),
        (("views",), {"case": CASE | {"columns": {"x": {"first": "time", "of": "other.v1"}}}}, ("/views/case/columns/x", "expression")),
        (("measures", "ontime", "owner"), "nobody", ("/measures/ontime/owner", "unknown_unit")),
        (("measures", "ontime", "effective"), "2021-02", ("/measures/ontime/effective", "measure_effective")),
        (("measures", "ontime", "over"), "nothing", ("/measures/ontime/over", "expression")),
        (("measures", "ontime", "period_by"), "voucher", ("/measures/ontime/period_by", "expression")),
        (("measures", "ontime", "period_by"), "nothing", ("/measures/ontime/period_by", "expression")),
        (("measures", "ontime", "denominator"), "count(nothing)", ("/measures/ontime/denominator", "expression")),
    ],
)  # fmt: skip
def test_a_rule_refuses_with_its_path(path, value, finding):
    assert finding in refused(changed((path, value)))


WEIGHTS = {"type": "decimal", "scale": 2}
BACKLOG = {
    "over": "levy",
    "kind": "stock",
    "period_by": {"from": "done", "until": "late"},
    "numerator": "count(*)",
}
CASES = {"levy": CASE | {"columns": CASE["columns"] | {"late": {"first": "time", "of": "risk.missed.v1"}}}}


def test_a_stock_is_no_minimum_volume():
    gate = {"minimum_volume": {"measure": "backlog", "at_least": 1}}
    document = changed((("views",), CASES), (("measures", "backlog"), BACKLOG), (("ranking",), gate))
    assert refused(document) == {("/ranking/minimum_volume/measure", "stock")}


@pytest.mark.parametrize(
    ("numerator", "minimum", "is_taken"),
    [
        ("count(*)", None, True),
        ("sum(weight)", None, False),
        ("sum(weight)", -1, False),
        ("sum(weight) FILTER (WHERE weight > 0)", None, False),
        ("sum(weight)", 0, True),
        ("sum(weight) FILTER (WHERE weight > 5)", 1, True),
        ("sum(weight + 1)", 0, True),
        ("sum(weight - 1)", 0, False),
        ("sum(greatest(weight - 1, 0))", None, True),
        ("sum(greatest(weight, weight - 1))", 0, False),
        ("sum(least(weight, 3))", 0, True),
        ("sum(least(weight, 3))", None, False),
        ("sum(2)", None, True),
    ],
)
@pytest.mark.parametrize("over_view", [False, True])
def test_a_deduction_sums_only_what_cannot_be_negative(numerator, minimum, is_taken, over_view):
    catalogue = copy.deepcopy(TYPES)
    weight = WEIGHTS if minimum is None else WEIGHTS | {"minimum": minimum}
    catalogue["types"]["risk.missed.v1"]["fields"]["weight"] = weight
    view = {
        "events": ["risk.missed.v1"],
        "columns": {
            "unit": {"first": "subject", "of": "risk.missed.v1"},
            "time": {"first": "time", "of": "risk.missed.v1"},
            "weight": {"max": "weight", "of": "risk.missed.v1"},
        },
    }
    document = changed((("measures", "missed", "numerator"), numerator), (("views",), {"risks": view}))
    if over_view:
        document["measures"]["missed"]["over"] = "risks"
    found = [(one.path, one.code) for one in findings(read(document), catalogue)]
    assert found == ([] if is_taken else [("/measures/missed/numerator", "magnitude")])


@pytest.mark.parametrize(
    ("cycle", "until"), [("year", "2021-11"), ("half-year", "2021-05"), ("quarter", "2021-02")]
)
def test_an_indicator_whose_cycle_never_ends_is_refused(cycle, until):
    document = changed((("indicators", 0, "cycle"), cycle), (("scheme", "until"), until))
    assert refused(document) == {("/indicators/0/cycle", "never_due")}


HOSTILE = [
    "1; DROP TABLE cells",
    "count(*); SELECT 1",
    "pg_sleep(60)",
    "count(*) FILTER (WHERE pg_sleep(60) IS NULL)",
    "(SELECT count(*) FROM cases)",
    "count(*) FILTER (WHERE voucher IN (SELECT voucher FROM cases))",
    "count(*) FILTER (WHERE EXISTS (SELECT 1))",
    "SELECT count(*)",
    "COPY cases TO PROGRAM 'rm -rf /'",
    "DROP TABLE cases",
    "count(*) -- all of them",
    "count(*) /* all of them */",
    "$$count(*)$$",
    "count(*) FILTER (WHERE voucher = $1)",
    "count(*) OVER ()",
    "sum(count(*)) OVER (ORDER BY time)",
    "row_number() OVER ()",
    "count(DISTINCT voucher)",
    "sum(DISTINCT 1)",
    "count(voucher, ontime)",
    "count(*) AS n",
    "count(*) / count(*)",
    "count(*) * 2",
    "sum(1 / 0)",
    "sum(2 * 3)",
    "sum(2 ^ 3)",
    "sum(voucher)",
    "sum(voucher::int)",
    "sum(CAST(voucher AS integer))",
    "count(*) FILTER (WHERE voucher::regclass = 1)",
    "sum(1e999999999)",
    "sum(1e5)",
    "sum(0.0000001)",
    "sum(" + "9" * 30 + ")",
    "count(*) FILTER (WHERE voucher = 1)",
    "count(*) FILTER (WHERE ontime = 'yes')",
    "count(*) FILTER (WHERE time > '2021-01-01')",
    "count(*) FILTER (WHERE voucher LIKE '(a+)+$')",
    "count(*) FILTER (WHERE voucher ~ '(a+)+')",
    "count(*) FILTER (WHERE voucher)",
    "count(*) FILTER (WHERE 1)",
    "count(*) FILTER (WHERE nobody = 'x')",
    "count(*) FILTER (WHERE cases.voucher = 'x')",
    "count(pg_catalog.pg_class.relname)",
    "count(*) FILTER (WHERE current_user = 'postgres')",
    "count(*) FILTER (WHERE time > now())",
    "count(*) FILTER (WHERE random() < 1)",
    "count(*) FILTER (WHERE voucher IN ())",
    "count(*) FILTER (WHERE voucher IN (NULL))",
    "count(*) FILTER (WHERE voucher = ANY(ARRAY['x']))",
    "count(*) FILTER (WHERE CASE WHEN ontime THEN true END)",
    "sum(extract(year FROM time))",
    "sum(extract(epoch FROM time))",
    "sum(time)",
    "percentile_cont(0.5) WITHIN GROUP (ORDER BY time)",
    "round(1.5)",
    "avg(1)",
    "max(time)",
    "count(*) FILTER (WHERE ontime) FILTER (WHERE ontime)",
    "__import__('os').system('id')",
    "().__class__.__bases__",
    "lambda row: 1",
    "",
    " ",
    "'",
    '"',
    "count(",
    "count（*）",
    "ｃｏｕｎｔ(*)",
    "1; DROP TABLE facts",
    "sum((SELECT pg_sleep(60)))",
    "COPY facts TO PROGRAM 'id'",
    "count(*) /* all */",
    "count(*) FILTER (WHERE voucher = $$x$$)",
    "sum(CAST(1 AS DOUBLE PRECISION))",
    "sum(1::float)",
    "sum(1 % 0)",
    "count(*) FILTER (WHERE voucher < 'b')",
    "count(*) FILTER (WHERE greatest(voucher, 'b') = 'b')",
    "count(*) FILTER (WHERE regexp_match(voucher, '(a+)+$') IS NULL)",
    "count(*) FILTER (WHERE voucher SIMILAR TO '(a+)+')",
    "count(*) FILTER (WHERE voucher ~* '(a+)+')",
    "count(*) FILTER (WHERE starts_with(voucher, 'a'))",
    "(" * 900 + "count(*)" + ")" * 900,
    "count(*) FILTER (WHERE " + "NOT " * 400 + "ontime)",
    "count(*) FILTER (WHERE " + " OR ".join(["ontime"] * 240) + ")",
    "sum(" + "+".join(["1"] * 300) + ")",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("part", ["numerator", "period_by"])
def test_a_hostile_expression_is_refused_at_its_measure_and_nothing_is_run(text, part):
    began = time.perf_counter()
    document = changed((("measures", "missed", "over"), "levy.done.v1"), (("measures", "missed", part), text))
    place = f"/measures/missed/{part}"
    assert refused(document) in ({(place, "expression")}, {(place, "too_long")})
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize(
    "text",
    [
        "count(*)",
        "count(voucher)",
        "count(*) FILTER (WHERE ontime)",
        "count(*) FILTER (WHERE NOT ontime OR voucher IS NOT NULL)",
        "count(*) FILTER (WHERE voucher IN ('a', 'b') AND time <= time)",
        "sum(1)",
        "sum(0.5) FILTER (WHERE voucher <> 'x')",
        "sum(extract(epoch FROM time - time))",
        "count(*) FILTER (WHERE greatest(time, time) >= least(time, time))",
    ],
)
def test_what_the_language_has_is_taken(text):
    assert refused(changed((("measures", "ontime", "numerator"), text))) == set()


def test_a_volume_is_no_maximum():
    most = {"over": "levy.done.v1", "period_by": "time"}
    most["numerator"] = "count(DISTINCT voucher) FILTER (WHERE voucher IN ('a', 'b'))"
    document = changed((("ranking",), {"minimum_volume": {"measure": "most", "at_least": 1}}))
    document["measures"]["most"] = most
    assert refused(document) == {("/ranking/minimum_volume/measure", "bounded_keys")}
