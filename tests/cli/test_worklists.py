"""The work lists and promises from the command line, without a platform."""

import pytest

from dukao.exits import Exit
from tests.cli.alone import run


def test_a_decision_needs_a_reason(tmp_path):
    assert run(tmp_path, "conflicts", "replay", "3").exit_code == Exit.USAGE


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "not JSON"),
        ('{"id": "a", "id": "b"}', "duplicate_key"),
        ('{"data": {"amount": 120.50}}', "number"),
        ('{"data": {"amount": NaN}}', "non_finite"),
        ("[" * 100_000, "depth"),
    ],
)
@pytest.mark.parametrize(
    "words", [("refusals", "fix", "7", "--reason", "r"), ("surveys", "answer", "a", "--token", "t")]
)
def test_a_file_of_json_is_read_as_strictly_as_the_services_read(tmp_path, words, text, why):
    file = tmp_path / "event.json"
    file.write_text(text, "utf-8")
    done = run(tmp_path, *words, file)
    assert (done.exit_code, why in done.stderr) == (Exit.USAGE, True), done.stderr
