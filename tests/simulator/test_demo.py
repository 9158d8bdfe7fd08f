"""What the demonstration decides by itself; that it works as a whole is shown by running it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.state import State
from dukao.cli import app
from dukao.client import RefusedError
from dukao.demo import explaining
from dukao.demo.staging import Comparison, beside, read, until_equal
from dukao.demo.supervised import COUNTED, supervised, told
from dukao.exits import Exit
from dukao.failures import FailedError
from dukao.telling.languages import Lang
from tests.cli.explained import explained, row


class Answering:
    """A client whose answers are given beforehand."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def get(self, service, path, **query):
        self.asked.append((service, path, query))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_a_folder_that_is_not_the_real_set_is_named_with_what_it_lacks(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    answer = CliRunner().invoke(app, ["demo", "--data", str(tmp_path)])
    assert answer.exit_code == Exit.USAGE
    assert "has no events_2011-07_10.ndjson.gz" in answer.output


def test_the_demonstration_never_touches_the_platforms_own_folder():
    assert beside(State(Path("/var/tmp/here/state"))).folder == Path("/var/tmp/here/state-demo")


def test_figures_are_compared_until_none_differs():
    found = iter([Comparison(3, ["one"]), Comparison(9, [])])
    assert until_equal(lambda: next(found), every_s=0.0) == Comparison(9, [])


def test_figures_that_stay_different_end_the_demonstration():
    with pytest.raises(FailedError, match=r"B110000 points 1.00, expected 2.00"):
        until_equal(
            lambda: Comparison(1, ["B110000 points 1.00, expected 2.00"]), patience_s=0.0, every_s=0.0
        )


def test_a_busy_service_is_asked_again_and_a_refusal_is_not():
    client = Answering(RefusedError(503, {}, "scoring"), RefusedError(404, {}, "scoring"), {"rows": []})
    assert read(client, "scoring", "/v1/x", every_s=0.0) == {"rows": []}
    with pytest.raises(RefusedError):
        read(Answering(RefusedError(403, {}, "scoring")), "scoring", "/v1/x")


def test_an_explanation_names_the_formula_and_the_first_cases_that_cost_points(capsys):
    pages = (
        explained([row("kept", met=True), row("outside", reason="no_date")], next="c"),
        {"rows": [row("missed", met=False)], "next": None},
    )
    client = Answering(*pages)
    explaining.explain(client, "national", ("2021-03", "B110000", "tasks"), Lang.ZH)
    printed = capsys.readouterr().out
    assert "10 · min(1, (9/10) / 1) = 9.00" in printed
    assert "9.00 分，满分 10 分，失 1.00 分" in printed
    assert "missed" in printed
    assert "kept" not in printed
    assert "outside" not in printed
    assert [query.get("after") for _, _, query in client.asked] == [None, "c"]


def late_item(**more):
    told = {
        "title": "领导批示",
        "indicator": "late",
        "given": "2021-04-20T01:00:00.000000Z",
        "completed": None,
    }
    return told | {"due": "2021-04-29T16:00:00.000000Z", "light": "red", "late_days": ["2021-04-30"]} | more


def test_what_is_supervised_is_counted_and_a_units_late_items_are_shown(capsys):
    counts = {"given": 9, "done": 7, "done_late": 2, "open": 2, "overdue": 1}
    covered = {"missing": [], "covered": 40, "pairs": 40}
    client = Answering(counts, covered, {"items": [late_item(), late_item(light="done_late")]})
    supervised(client, "national", "B110000")
    printed = capsys.readouterr().out
    assert "9 given, 7 done, 2 done late, 2 open, 1 overdue" in printed
    assert "40 of 40" in printed
    assert "2021-04-29" in printed
    assert "办结(逾期)" in printed
    assert client.asked[-1][2] == {"unit": "B110000", "overdue": True, "limit": 5}


def test_an_individual_indicator_without_items_ends_the_demonstration():
    missing = {"missing": [{"indicator": "own-bgt-done", "unit": "D-BGT"}], "covered": 39, "pairs": 40}
    with pytest.raises(FailedError, match="own-bgt-done of D-BGT"):
        supervised(Answering({}.fromkeys(COUNTED, 0), missing), "national", "B110000")


def test_notices_of_a_unit_are_those_that_are_urgent(capsys):
    entry = {"at": "2021-05-06T00:00:00Z", "severity": "urgent", "state": "open", "text": "领导批示 逾期"}
    client = Answering({"items": [entry]})
    told(client, "B110000")
    assert "领导批示 逾期" in capsys.readouterr().out
    assert client.asked == [("notify", "/v1/inbox", {"unit": "B110000", "severity": "urgent", "limit": 5})]
