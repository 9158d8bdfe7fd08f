"""Closing from the command line, without a platform; and how closed and restated standings read."""

import pytest
import typer
from typer.testing import CliRunner

from dukao.cli import app
from dukao.commands.closes import (
    PERIODS,
    STATES,
    STEPS,
    STEPS_OF_CUTS,
    cut_line,
    digest_asked,
    slowest,
    told,
)
from dukao.exits import Exit
from dukao.standings import changes, freshness, heading
from dukao.telling.languages import Lang
from services.ranking.closing import ASK
from services.ranking.domain.closing import State, Step
from services.scoring.cutting import TOLD

ID = "mini~2021-03~1"
COMMANDS = {
    "propose": ("propose", "mini", "2021-03", "--reason", "r"),
    "propose over": (
        *("propose", "mini", "2021-03", "--reason", "r"),
        *("--accept-mismatches", "--digest", "0" * 64),
    ),
    "approve": ("approve", ID, "--reason", "r"),
    "refuse": ("refuse", ID, "--reason", "r"),
    "withdraw": ("withdraw", ID, "--reason", "r"),
    "show": ("show", "mini", "2021-03"),
    "waits": ("waits", "mini"),
    "list": ("list", "--state", "asked", "--output", "json"),
}
STANDING = {
    "scheme": "mini",
    "version": 1,
    "group": "bureaus",
    "period": "2021-03",
    "state": "closed",
    "known_on": "2021-04-08",
    "simulated": False,
    "fresh_at": "2021-04-06T01:00:00Z",
    "as_of": None,
}
PLACE = {"points": "9.90", "range": None, "rank": 1, "tier": "first"}


def run(tmp_path, *words):
    return CliRunner().invoke(app, words, env={"DUKAO_STATE": str(tmp_path / "state")})


@pytest.mark.parametrize("case", COMMANDS)
def test_without_a_platform_a_command_says_so(tmp_path, case):
    done = run(tmp_path, "close", *COMMANDS[case])
    assert done.exit_code == Exit.NOT_RUNNING
    assert "dukao up" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("close", "propose", "mini", "2021-03"),
        ("close", "propose", "mini", "2021-03", "--reason", "r", "--accept-mismatches"),
        ("close", "approve", ID),
        ("close", "approve", "mini", "--reason", "r"),
        ("standings", "--view", "restated"),
        ("standings", "mini", "bureaus", "2021-03", "--view", "restated", "--as-of", "2021-04-08"),
        ("standings", "mini", "bureaus", "2021-03", "--view", "other"),
    ],
)
def test_what_a_command_needs_is_said_before_anything_is_sent(tmp_path, words):
    assert run(tmp_path, *words).exit_code == Exit.USAGE


def test_whoever_accepts_what_differs_names_the_digest_that_he_read(tmp_path):
    done = run(tmp_path, "close", "propose", "mini", "2021-03", "--reason", "r", "--accept-mismatches")
    assert "dukao close show mini 2021-03" in " ".join(done.stderr.split())
    asked = {"id": ID, "digest": "ab" * 32, "accepted": []}
    assert digest_asked(asked, ID) == "ab" * 32
    differs = {"source": "core", "day": "2021-03-04", "state": "missing", "difference": "cd" * 32}
    with pytest.raises(typer.BadParameter, match="dukao close show mini 2021-03"):
        digest_asked(asked | {"accepted": [differs]}, ID)


def test_what_a_close_comes_to_is_shown_with_its_digest_and_all_that_differs():
    differs = {"source": "core", "day": "2021-03-04", "state": "missing", "difference": "cd" * 32}
    found = {"lacking": [], "unknown": [], "mixed": [], "waits": [], "mismatches": [differs]}
    assert told(found | {"digest": "ab" * 32}, Lang.EN) == [
        "manifests differ: core 2021-03-04 missing cdcdcdcdcdcd",
        f"digest: {'ab' * 32}",
    ]
    assert told(found | {"digest": "ab" * 32}, Lang.ZH)[-1] == f"摘要: {'ab' * 32}"
    assert told(found | {"digest": None, "mismatches": [], "lacking": ["bureaus"]}, Lang.EN) == [
        "lacking: bureaus"
    ]


def test_every_state_and_step_has_its_word_for_people():
    assert {state.value for state in State} == STATES.keys()
    assert {step.value for step in Step} | {ASK} == STEPS.keys()
    assert PERIODS.keys() == {"no_cut", "open", "unknown", "mixed", "ready", "asked", "closed"}
    assert STEPS_OF_CUTS.keys() == {str(step) for step in range(TOLD + 2)}


def test_a_closed_standing_reads_as_closed_and_a_restated_one_says_what_changed():
    assert heading(STANDING).endswith("2021-03 · 已关账（截至 2021-04-08）")
    assert heading(STANDING, Lang.EN).endswith("closed as known on 2021-04-08")
    assert heading(STANDING | {"state": "live"}).endswith("2021-03 · 实时")
    assert heading(STANDING | {"state": "as_of"}).endswith("按 2021-04-08 所知")
    assert heading(STANDING | {"state": "as_of"}, Lang.EN).endswith("as known on 2021-04-08")
    assert freshness(STANDING) == "数据截至 2021-04-06T01:00:00Z"
    assert freshness(STANDING, Lang.EN) == "fresh at 2021-04-06T01:00:00Z"
    assert freshness(STANDING | {"fresh_at": None}, Lang.EN) == "no event has come yet"
    live = STANDING | {"as_of": "0123456789abcdef"}
    assert freshness(live) == "数据截至 2021-04-06T01:00:00Z · 位置 0123456789ab"
    assert freshness(live, Lang.EN) == "fresh at 2021-04-06T01:00:00Z · as of 0123456789ab"
    one = {"unit": "b1", "name": "B1", "closed": PLACE, "points": "-0.20", "boards": {}}
    one["restated"] = PLACE | {"points": "9.70", "rank": 2, "tier": "second"}
    gone = one | {"unit": "b2", "name": "B2", "restated": None, "points": None}
    restated = STANDING | {"state": "restated", "known_on": None, "differences": [one, gone]}
    assert heading(restated).endswith("2021-03 · 重述")
    assert list(changes(restated, Lang.ZH)) == [
        "B1 b1: 9.90 1 first → 9.70 2 second (-0.20)",
        "B2 b2: 9.90 1 first → —",
    ]
    assert list(changes(restated | {"differences": []}, Lang.EN)) == ["as it was closed"]
    assert list(changes(STANDING, Lang.ZH)) == []


CUT = {"period": "2021-03", "version": 1, "cut": "2021-04-08T16:00:00.000000Z", "day": "2021-04-08"}
UNREAD = {"consumer": "ranking-days", "stream": "ingest.notices", "shards": [5, 6, 7, 9], "records": 12}


def test_each_period_that_waits_for_shards_names_its_own_t_and_how_many_have_not_passed_it():
    late = CUT | {"period": "2021-Q2", "cut": "2021-07-07T16:00:00.000000Z"}
    one = cut_line(CUT | {"step": 0, "waits": [], "shards": [3]}, Lang.EN)
    other = cut_line(late | {"step": 0, "waits": [], "shards": list(range(64))}, Lang.EN)
    assert (one["cut"], other["cut"]) == (CUT["cut"], late["cut"])
    assert one["waits_for"] == "shards 3 (1)"
    assert other["waits_for"] == "shards 0-63 (64)"
    chinese = cut_line(CUT | {"step": 0, "waits": [], "shards": [0, 1, 3]}, Lang.ZH)
    assert chinese["waits_for"] == "分片 0-1,3（3）"


def test_a_cut_that_was_told_names_the_stream_and_shards_that_ranking_has_yet_to_hear():
    told = cut_line(CUT | {"step": 5, "waits": [UNREAD]}, Lang.EN)
    assert (told["step"], told["waits_for"]) == (
        "ranking to hear of days that differ",
        "ranking-days ingest.notices 5-7,9 (12)",
    )
    away = cut_line(CUT | {"step": 5, "waits": [UNREAD | {"shards": [], "records": None}]}, Lang.EN)
    assert away["waits_for"] == "ranking-days ingest.notices (ingest is away)"


def test_the_slowest_shards_name_the_periods_and_the_t_that_they_have_not_passed():
    cuts = [
        CUT | {"step": 0},
        CUT | {"step": 0, "period": "2021-Q1"},
        CUT | {"step": 0, "period": "2021-02", "cut": "2021-03-05T16:00:00.000000Z"},
        CUT | {"step": 4, "period": "2020-12"},
    ]
    assert slowest(cuts, 9, Lang.EN) == (
        "9 shards have not passed 2021-04-08T16:00:00.000000Z, T of 2021-03, 2021-Q1; the slowest 8"
    )
    assert slowest(cuts, 2, Lang.ZH) == (
        "2 个分片未过 2021-03, 2021-Q1 的截止时点 2021-04-08T16:00:00.000000Z，最慢的 2 个"
    )
