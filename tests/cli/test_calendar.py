"""Calendars from the command line, without a platform."""

import json
from pathlib import Path

import pytest

from dukao.exits import Exit
from tests.cli import alone

SAMPLE = Path(__file__).parents[2] / "samples" / "calendars" / "china.yaml"


def run(tmp_path, *words):
    return alone.run(tmp_path, "calendar", *words)


def changed(tmp_path, old, new):
    text = SAMPLE.read_text("utf-8")
    assert old in text
    file = tmp_path / "calendar.yaml"
    file.write_text(text.replace(old, new, 1), "utf-8")
    return str(file)


def test_the_sample_is_what_seed_writes(tmp_path):
    out = tmp_path / "china.yaml"
    assert run(tmp_path, "seed", "--out", str(out)).exit_code == Exit.OK
    assert out.read_text("utf-8") == SAMPLE.read_text("utf-8")
    assert run(tmp_path, "seed", "--from", "2027").exit_code == Exit.USAGE
    assert "first: 2024-01-01" in run(tmp_path, "seed", "--from", "2024", "--version", "3").stdout


@pytest.mark.parametrize("words", [(), (str(SAMPLE),)], ids=["seeded", "file"])
def test_two_packages_agree_on_every_day(tmp_path, words):
    done = run(tmp_path, "check", *words)
    assert done.exit_code == Exit.OK
    assert done.stderr.count("6209 days from 2010-01-01 to 2026-12-31, 0 of them different") == 2
    assert "known until 2026-12-31; what is due later is provisional" in done.stderr
    assert json.loads(run(tmp_path, "check", *words, "-o", "json").stdout) == []


def test_a_day_that_both_packages_know_otherwise_is_listed_with_each(tmp_path):
    file = changed(tmp_path, "{day: 2021-05-08, kind: make-up", "{day: 2021-05-08, kind: rest")
    done = run(tmp_path, "check", file, "--output", "json")
    assert done.exit_code == Exit.INVALID
    assert [
        (one["day"], one["weekday"], one["calendar"], one["says"]) for one in json.loads(done.stdout)
    ] == [("2021-05-08", "六", "not worked", "worked")] * 2


def test_a_bad_calendar_has_findings_with_their_lines(tmp_path):
    file = changed(tmp_path, "{day: 2010-01-02, kind: rest", "{day: 2010-01-01, kind: rest")
    for command in ("check", "import", "apply"):
        done = run(tmp_path, command, file)
        assert done.exit_code == Exit.INVALID
        assert f"{file}:24 /notices/0/days/1/day twice" in done.stdout
    file = changed(tmp_path, "last: 2026-12-31", "last: 2026-12-32")
    assert ":7 /calendar/last shape" in run(tmp_path, "check", file).stdout


def test_no_package_is_asked_about_another_zone(tmp_path):
    file = changed(tmp_path, "zone: Asia/Shanghai", "zone: Europe/Berlin")
    done = run(tmp_path, "check", file)
    assert (done.exit_code, "no package is asked about Europe/Berlin" in done.stderr) == (Exit.OK, True)
    assert json.loads(run(tmp_path, "check", file, "-o", "json").stdout) == []


@pytest.mark.parametrize("month", ["2021", "2021-13", "21-05", "2021-5", "month"])
def test_a_month_is_written_with_four_and_two_digits(tmp_path, month):
    assert run(tmp_path, "show", "--month", month).exit_code == Exit.USAGE
    assert run(tmp_path, "show", "--month", "2021-05", "--day", "2021-05-08").exit_code == Exit.USAGE


def test_the_schema_names_every_member(tmp_path):
    schema = json.loads(run(tmp_path, "schema").stdout)
    assert set(schema["properties"]) == {"calendar", "hours", "notices"}
