"""`dukao measure test`: the measures of a scheme file against its own examples, without a platform."""

import json
import shutil

import pytest

from dukao.exits import Exit
from tests.cli.test_commands import SAMPLES, changed, dukao

__all__ = ["dukao"]


@pytest.fixture
def boston(tmp_path):
    for name in ("scheme.yaml", "types.yaml"):
        shutil.copy(SAMPLES / "boston311" / name, tmp_path)
    return tmp_path / "scheme.yaml"


@pytest.mark.parametrize("sample", ["boston311", "gc_service_standards", "road_fines", "national"])
def test_every_sample_has_examples_that_hold_live_and_in_duckdb(dukao, sample):
    done = dukao("measure", "test", SAMPLES / sample / "scheme.yaml", "--output", "json")
    outcomes = json.loads(done.stdout)
    assert done.exit_code == Exit.OK, done.output
    assert len(outcomes) >= 6
    assert all(one["agrees"] and one["live"] == one["duckdb"] == one["expected"] for one in outcomes)


def test_a_difference_names_line_example_and_both_opinions_and_ends_with_6(dukao, boston):
    expectation = "{measure: overdue_end, unit: boston, month: 2011-08, numerator: "
    line = changed(boston, f'{expectation}"1"}}', f'{expectation}"2"}}')
    done = dukao("measure", "test", boston)
    assert done.exit_code == Exit.INVALID
    (told,) = [one for one in done.stdout.splitlines() if one.startswith(str(boston))]
    assert told.startswith(f"{boston}:{line} a request of the last evening of July")
    assert told.endswith("overdue_end of boston in 2011-08 is 1 live, 1 by DuckDB, not 2")
    assert "10 of 11 expectations hold" in done.stderr
    records = json.loads(dukao("measure", "test", boston, "--output", "json").stdout)
    assert [(one["line"], one["expected"]) for one in records if not one["agrees"]] == [(line, "2")]


def test_another_measure_makes_the_examples_fail(dukao, boston):
    changed(
        boston, "count(*) FILTER (WHERE closed > deadline)}", "count(*) FILTER (WHERE closed < deadline)}"
    )
    done = dukao("measure", "test", boston)
    assert done.exit_code == Exit.INVALID
    assert "closed_late of queue:potholes in 2011-09 is 0 live, 0 by DuckDB, not 1" in done.stdout


@pytest.mark.parametrize(
    ("old", "new", "path", "code"),
    [
        ("numerator: count(deadline)}", "numerator: count(nothing)}", "/measures/with_deadline/numerator", "expression"),
        ("{measure: closed_late, unit:", "{measure: closed_lat, unit:", "/examples/cases/1/expect/5/measure", "unknown_measure"),
        ('unit: boston, month: 2011-08, numerator: "1"', 'unit: bosto, month: 2011-08, numerator: "1"', "/examples/cases/1/expect/3/unit", "unknown_unit"),
        ('numerator: "0", denominator: "1"}', 'numerator: "0"}', "/examples/cases/1/expect/1", "denominator"),
        ('data: {deadline: "2011-08-02T23:30:00-04:00"}', 'data: {deadlin: "2011-08-02T23:30:00-04:00"}', "/examples/cases/1/events/0/data", "unknown_field"),
        ('data: {deadline: "2011-08-02T23:30:00-04:00"}', "data: {deadline: tomorrow}", "/examples/cases/1/events/0/data/deadline", "field"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_examples_is_a_finding_with_its_line(dukao, boston, old, new, path, code):
    changed(boston, old, new)
    done = dukao("measure", "test", boston, "--output", "json")
    assert done.exit_code == Exit.INVALID
    assert [(one["path"], one["code"]) for one in json.loads(done.stdout)] == [(path, code)]


def test_a_scheme_without_examples_has_tested_nothing(dukao, tmp_path):
    document = (SAMPLES / "national" / "scheme.yaml").read_text("utf-8")
    shutil.copy(SAMPLES / "national" / "types.yaml", tmp_path)
    (tmp_path / "scheme.yaml").write_text(document[: document.index("\nexamples:")] + "\n", "utf-8")
    done = dukao("measure", "test", tmp_path / "scheme.yaml")
    assert done.exit_code == Exit.INVALID
    assert "has no examples" in done.stderr
