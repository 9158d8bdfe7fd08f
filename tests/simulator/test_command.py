"""`dukao simulate`: files that are the same for the same arguments, a truth beside them, clear refusals."""

import gzip
import json

import pytest
from typer.testing import CliRunner

from dukao.cli import app
from dukao.exits import Exit

SMALL = ["simulate", "--units", "3", "--days", "5", "--rate", "4", "--seed", "9"]


def run(*arguments):
    return CliRunner().invoke(app, [*SMALL, *map(str, arguments)])


def test_two_runs_write_the_same_bytes(tmp_path):
    for name in ("one.ndjson.gz", "two.ndjson.gz"):
        assert run("--out", tmp_path / name).exit_code == Exit.OK
    assert (tmp_path / "one.ndjson.gz").read_bytes() == (tmp_path / "two.ndjson.gz").read_bytes()
    assert not list(tmp_path.glob("*.part"))


def test_a_plain_file_holds_what_the_compressed_one_does(tmp_path):
    run("--out", tmp_path / "plain.ndjson")
    run("--out", tmp_path / "packed.ndjson.gz")
    assert (
        gzip.decompress((tmp_path / "packed.ndjson.gz").read_bytes())
        == (tmp_path / "plain.ndjson").read_bytes()
    )


def test_the_summary_counts_and_says_that_it_is_simulated(tmp_path):
    out, truth = tmp_path / "events.ndjson", tmp_path / "truth.json"
    answer = run("--out", out, "--truth", truth, "--output", "json")
    summary = json.loads(answer.stdout)
    assert summary["simulated"] is True
    assert "模拟" in summary["notice"]
    assert summary["events"] == len(out.read_text("utf-8").splitlines())
    written = json.loads(truth.read_text("utf-8"))
    assert written["simulated"] is True
    assert {line["unit"] for line in written["measures"]} > {
        "HQ",
        "R-BJ",
        "B110000",
        "D-BGT",
        "S-BJ",
        "J110000",
    }
    assert "模拟" in run("--out", out).stdout


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "say where the events go"),
        (["--send", "--out", "x"], "say where the events go"),
        (["--send", "--kafka"], "say where the events go"),
        (["--out", "x", "--days", "400"], "within the scheme"),
        (["--out", "x", "--per-second", "5"], "a pace is one of sending"),
    ],
)
def test_a_wrong_line_is_refused_with_the_way_out(arguments, reason, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    answer = run(*arguments)
    assert answer.exit_code == Exit.USAGE
    assert reason in answer.output
    assert not list(tmp_path.iterdir())
