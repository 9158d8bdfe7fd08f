"""The national sample is accepted by the services' own checks and says everywhere that it is simulated."""

import csv
from datetime import date, timedelta
from decimal import Decimal
from typing import get_args

import chinese_calendar
import pytest
import yaml

from dukao.simulator.nation import BUREAU, DEPARTMENT, INSPECTORATE, SAMPLE, SIZES, load
from services.ingest.domain.catalogue import compile_catalogue, parse
from services.scoring.domain.check import findings
from services.scoring.domain.measures import DecidedSpec, ItemKind
from services.scoring.domain.methods.spec import MethodSpec
from services.scoring.domain.shapes import Cycle
from tests.simulator.folded import statutory_calendar

GROUP_LETTERS = {"bureaus": "B", "departments": "D", "inspectorates": "I", "disciplinary": "J"}


@pytest.fixture(scope="module")
def nation():
    return load()


def test_the_scheme_has_no_findings(nation):
    assert findings(nation.scheme, nation.types) == []


def test_the_types_are_a_catalogue(nation):
    assert len(compile_catalogue(parse(nation.types)).types) == len(nation.types["types"])


def test_sixty_two_units_in_three_groups_and_the_disciplinary_bodies_share_a_thousand_points(nation):
    assert {level: len(nation.of(level)) for level in SIZES} == {
        "bureau": 36, "department": 20, "inspectorate": 6, "discipline": 36,
    }  # fmt: skip
    assert [board.points for board in nation.scheme.boards] == ["260", "440", "180", "120"]
    assert all(len(nation.groups_of(unit)) == 1 for unit in nation.units)


def test_every_method_cycle_and_collection_class_appears(nation):
    indicators = nation.scheme.indicators
    assert len(indicators) >= 40
    assert {one.cycle for one in indicators} == set(get_args(Cycle))
    assert {one.collection for one in indicators} == {"machine", "system", "manual"}
    used = {name for one in indicators for name in one.method.model_dump(exclude_none=True)}
    asked_of_raters = {"survey"}  # what raters say is no event of a source, and no feed can simulate it
    assert used == MethodSpec.model_fields.keys() - asked_of_raters
    assert {one.method.target.direction for one in indicators if one.method.target} == {"up", "down"}
    assert {one.kind for one in nation.scheme.measures.values()} == {"flow", "stock"}


def test_every_department_has_individual_indicators_of_its_own(nation):
    own = [one for one in nation.scheme.indicators if one.units]
    for department in nation.of(DEPARTMENT):
        assert len([one for one in own if one.units == (department.code,)]) >= 2
    assert {code for one in own for code in one.units} == {unit.code for unit in nation.of(DEPARTMENT)}


def test_machine_and_system_reach_four_fifths_of_the_points_of_every_unit(nation):
    for unit in nation.units:
        born = [one for one in _of(nation, unit) if one.collection in {"machine", "system"}]
        assert sum(Decimal(one.points) for one in born) >= 800


def test_every_indicator_is_assessed_by_a_unit_and_none_by_the_unit_itself(nation):
    codes = {unit.code for unit in nation.scheme.units}
    assert {one.assessor for one in nation.scheme.indicators} <= codes
    own = [one for one in nation.scheme.indicators if one.units]
    assert all(one.assessor not in one.units for one in own)


def test_disciplinary_bodies_have_indicators_and_an_assessor_of_their_own(nation):
    theirs = [one for one in nation.scheme.indicators if "disciplinary" in one.groups]
    assert {one.assessor for one in theirs} == {"J-HQ"}
    assert all(one.groups == ("disciplinary",) for one in theirs)
    assert "J-HQ" not in {one.assessor for one in nation.scheme.indicators if one not in theirs}


def test_every_bureau_is_in_the_care_of_one_inspectorate_on_every_day(nation):
    bureaus = sorted(unit.code for unit in nation.of(BUREAU))
    moved = set()
    for at in range(365):
        day = date(2021, 1, 1) + timedelta(days=at)
        care = [
            (code, seat.code) for seat in nation.of(INSPECTORATE) for code in nation.under(seat.code, day)
        ]
        assert sorted(code for code, _ in care) == bureaus, day
        moved.update(care)
    assert len(moved) > len(bureaus)


def test_everything_says_that_it_is_simulated(nation):
    assert nation.scheme.scheme.simulated
    assert "模拟" in nation.scheme.scheme.title
    assert all("本方案设定" in indicator.source.document for indicator in nation.scheme.indicators)
    assert all("模拟" in source["title"] for source in nation.types["sources"].values())


def test_every_value_has_a_source_and_says_that_nobody_verified_it(nation):
    scheme = nation.scheme
    values = [
        scheme.scheme,
        *scheme.units,
        *scheme.groups.values(),
        *scheme.boards,
        *scheme.measures.values(),
        *scheme.indicators,
        *scheme.tiers,
        *scheme.items.values(),
        *scheme.incidents.jurisdictions,
        *scheme.incidents.triggers,
        scheme.ranking.minimum_volume,
    ]
    assert [value for value in values if value.source is None or value.verified] == []
    with (SAMPLE / "regions.csv").open(encoding="utf-8", newline="") as file:
        assert {(row["source"][:5], row["verified"]) for row in csv.DictReader(file)} == {
            ("本方案设定", "false")
        }


def test_every_indicator_is_explained_to_the_reader_as_the_scheme_has_it(nation):
    common = [one for one in nation.scheme.indicators if not one.units]
    assert told_of_indicators() == [
        (one.code, one.points, {GROUP_LETTERS[group] for group in one.groups}, one.cycle, told(nation, one))
        for board in [*(board.code for board in nation.scheme.boards), None]
        for one in common
        if one.board == board
    ]


def told_of_indicators():
    """Return code, points, groups, cycle and method of each common indicator in the reader's table."""
    rows = [line.split("|") for line in (SAMPLE / "README.md").read_text("utf-8").splitlines()]
    cells = [[cell.strip() for cell in row] for row in rows if len(row) == 8]
    return [
        (row[1].strip("`"), row[2], set(row[3].split()), row[4], row[5])
        for row in cells
        if row[1].startswith("`") and "…" not in row[1]
    ]


def told(nation, indicator):
    """Return how the reader is told of a method."""
    deduct = indicator.method.deduct
    if deduct is None:
        (name,) = indicator.method.model_dump(exclude_none=True)
        return TOLD[name](getattr(indicator.method, name))
    floor = "" if deduct.floor == "0" else f", never below {deduct.floor}"
    if deduct.each is not None:
        return f"−{deduct.each} each{floor}"
    late = nation.scheme.measures[indicator.measure]
    if isinstance(late, DecidedSpec):
        return f"as decided of {late.decided}{floor}"
    return f"−{late.per_day} a day, an item at most {late.cap}{floor}"


TOLD = {
    "target": lambda one: f"{'at least' if one.direction == 'up' else 'at most'} {one.target}",
    "within": lambda one: f"within {one.low} and {one.high}, nothing {one.tolerance} outside",
    "bands": lambda one: ", ".join(
        [f"{band.points} below {band.below}" for band in one.table[:-1]] + [f"else {one.table[-1].points}"]
    ),
    "excess": lambda one: f"{one.step} of what is above {one.limit}",
    "bonus": lambda one: f"{one.levels[0].each} for each of {one.levels[0].level}",
    "benchmark": lambda _: "share of the best",
    "rank": lambda one: (
        f"{one.step} a place, never below {one.floor}" if one.step else f"by place down to {one.floor}"
    ),
    "efficacy": lambda one: f"between worst and best, from {one.base}",
}


def test_the_reader_is_told_how_many_there_are_of_everything(nation):
    scheme, written = nation.scheme, (SAMPLE / "README.md").read_text("utf-8")
    assert f"{len(scheme.indicators)} indicators for {len(nation.units)} units" in written
    assert f"the {len(nation.types['types'])} event types" in written


def test_every_kind_of_matter_is_an_item_whose_late_days_cost_points(nation):
    scheme = nation.scheme
    assert {rule.kind for rule in scheme.items.values()} == set(get_args(ItemKind))
    for kind in get_args(ItemKind):
        (measure,) = [name for name, one in scheme.measures.items() if one.over == f"items:{kind}"]
        (taker,) = [one.code for one in scheme.indicators if one.measure == measure]
        assert taker in {rule.indicator for rule in scheme.items.values() if rule.kind == kind}


def test_every_individual_indicator_has_items(nation):
    own = {one.code for one in nation.scheme.indicators if one.units}
    assert own <= {rule.indicator for rule in nation.scheme.items.values()}


def test_the_calendar_has_the_days_that_the_simulation_goes_by():
    calendar = statutory_calendar()
    days = [calendar.first + timedelta(days=at) for at in range((calendar.last - calendar.first).days + 1)]
    assert (days[0], days[-1]) == (date(2021, 1, 1), date(2022, 12, 31))
    assert [day for day in days if calendar.is_worked(day) != chinese_calendar.is_workday(day)] == []


def test_regions_name_units_of_the_scheme(nation):
    codes = {unit.code for unit in nation.scheme.units}
    assert {bureau.region for bureau in nation.of(BUREAU)} <= codes
    assert all(bureau.counts_for == (bureau.code, "HQ", bureau.region) for bureau in nation.of(BUREAU))


def _of(nation, unit):
    groups = set(nation.groups_of(unit))
    return [one for one in nation.scheme.indicators if groups & set(one.groups) and one.is_for(unit.code)]


def test_another_sample_is_read_from_its_folder(tmp_path):
    for name in ("scheme.yaml", "types.yaml", "regions.csv"):
        (tmp_path / name).write_text((SAMPLE / name).read_text("utf-8"), "utf-8")
    assert load(tmp_path) == load()
    assert yaml.safe_load((tmp_path / "types.yaml").read_text("utf-8")) == load().types
