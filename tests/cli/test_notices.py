"""Inboxes and rules from the command line, without a platform."""

from pathlib import Path

from dukao.exits import Exit
from tests.cli.alone import run

SAMPLE = Path(__file__).parents[2] / "samples" / "national" / "notices.yaml"
ID = "0" * 32
RULES = """\
rules:
  - code: overdue
    on: item-late
    when: {late_day: [1, 3]}
    severity: urgent
    to: [unit]
  - code: overdue
    on: feed-turned
    when: {state: [red]}
    severity: urgent
    to: [unit]
"""


def test_the_rules_of_the_sample_have_no_findings(tmp_path):
    done = run(tmp_path, "rules", "check", str(SAMPLE))
    assert done.exit_code == Exit.OK, done.stdout
    assert "nothing found" in done.stderr


def test_findings_of_rules_name_line_and_code_and_end_with_6(tmp_path):
    file = tmp_path / "rules.yaml"
    file.write_text(RULES)
    done = run(tmp_path, "rules", "check", str(file))
    assert done.exit_code == Exit.INVALID
    lines = [line.removeprefix(f"{file}:").split()[:3] for line in done.stdout.splitlines()]
    assert lines == [
        ["7", "/rules/1/code", "duplicate"],
        ["9", "/rules/1/when/state/0", "unknown_value"],
        ["11", "/rules/1/to/0", "unknown_recipient"],
    ]
    assert run(tmp_path, "rules", "adopt", str(file)).exit_code == Exit.INVALID
