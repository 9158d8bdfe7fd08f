"""The work lists and promises from the command line, without a platform."""

from dukao.exits import Exit
from tests.cli.alone import run


def test_a_decision_needs_a_reason_and_a_fix_an_event(tmp_path):
    assert run(tmp_path, "conflicts", "replay", "3").exit_code == Exit.USAGE
    file = tmp_path / "event.json"
    file.write_text("{", "utf-8")
    done = run(tmp_path, "refusals", "fix", "7", str(file), "--reason", "r")
    assert (done.exit_code, "not JSON" in done.stderr) == (Exit.USAGE, True)
