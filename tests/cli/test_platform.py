"""The command against a platform of its own: two persons, a feed with faults, a standing, and the way down."""

import csv
import io
import json
import os
import select
import subprocess
from pathlib import Path

import httpx
import pytest

from dukao.exits import Exit
from tests.cli.running import MAPPING, SCHEME, caught_up, dukao, fed, following, standing

__all__ = ["dukao", "fed"]
pytestmark = [pytest.mark.system, pytest.mark.kafka, pytest.mark.long]


def test_status_shows_every_part_ready(dukao):
    told = dukao.json("status")
    assert told["phase"] == "ready"
    assert {part["state"] for part in told["parts"]} == {"ready"}


def test_up_again_leaves_the_platform_alone(dukao):
    before = [part["pid"] for part in dukao.json("status")["parts"]]
    assert "runs already" in dukao("up").stderr
    assert "runs already" in dukao("up", "--detach").stderr
    assert [part["pid"] for part in dukao.json("status")["parts"]] == before


def test_a_token_of_a_role_opens_what_the_role_may(dukao):
    ranking = next(part["port"] for part in dukao.json("status")["parts"] if part["name"] == "ranking")

    def ask(*roles):
        token = dukao("token", *(word for role in roles for word in ("--role", role))).stdout.strip()
        headers = {"authorization": f"Bearer {token}"}
        return httpx.get(
            f"http://127.0.0.1:{ranking}/v1/standings", headers=headers, trust_env=False
        ).status_code

    assert (ask("reader"), ask("integrator"), ask()) == (200, 403, 200)


def test_logs_are_printed_by_part(dukao):
    assert dukao("logs", "ingest", "--lines", "5").stdout
    assert "ingest | " in dukao("logs", "--lines", "1").stdout
    assert "is no part" in dukao("logs", "nothing", ends=Exit.USAGE).stderr


def test_types_and_schemes_are_listed_and_shown(fed):
    assert [one["type"] for one in fed.json("types", "list")["types"]] == ["levy.done.v1"]
    assert fed.json("types", "show", "levy.done.v1")["spec"]["fields"]["ontime"]["required"] is True
    (scheme,) = fed.json("scheme", "list")["items"]
    assert (scheme["code"], scheme["author"], scheme["approver"]) == ("mini", "author", "approver")
    assert scheme["state"] in {"adopted", "effective"}
    assert "模拟 / simulated" in fed("scheme", "show", "mini", "1").stdout
    assert [unit["code"] for unit in fed.json("scheme", "show", "mini", "1")["units"]] == [
        "hq",
        "b1",
        "b2",
        "b3",
    ]


def test_what_is_refused_says_why_and_what_next(fed):
    scheme, units = fed.folder / "scheme.yaml", fed.folder / "units.csv"
    again = fed("scheme", "apply", scheme, "--units", units, ends=Exit.REFUSED)
    assert "already_adopted" in again.stderr
    assert "Raise the version" in again.stderr
    drafted = fed.json("types", "draft", fed.folder / "types.yaml", "--as", "ada")
    same = fed("types", "adopt", drafted["version"], "--as", "ada", ends=Exit.REFUSED)
    assert "same_person" in same.stderr
    fed("scheme", "show", "a/b?c", "1", ends=Exit.REFUSED)


def test_a_scheme_without_types_beside_it_is_checked_against_those_in_force(fed):
    alone = fed.folder / "alone"
    alone.mkdir(exist_ok=True)
    (alone / "scheme.yaml").write_text(SCHEME.replace("WHERE ontime", "WHERE late"), "utf-8")
    done = fed(
        "scheme", "check", alone / "scheme.yaml", "--units", fed.folder / "units.csv", ends=Exit.INVALID
    )
    assert f"{alone / 'scheme.yaml'}:9 /measures/ontime" in done.stdout


def test_sending_again_finds_duplicates(fed):
    told = fed.json("send", fed.folder / "good.ndjson")
    assert (told["created"], told["duplicate"]) == (0, 1)


def test_a_sending_goes_on_from_the_position_that_it_kept(fed):
    good = (fed.folder / "good.ndjson").read_text("utf-8")
    feed, kept = fed.file("grows.ndjson", f"{good}\n{good[:20]}"), fed.folder / "grows.position"
    names = ("rows", "resumed", "events")
    told = fed.json("send", feed, "--resume", kept, ends=Exit.INVALID)
    assert tuple(told[name] for name in names) == (1, 0, 1)
    assert [(fault["line"], fault["code"]) for fault in told["faults"]] == [(2, "half_written")]
    feed.write_text(f"{good}\n{good}\n", "utf-8")
    told = fed.json("send", feed, "--resume", kept)
    assert tuple(told[name] for name in names) == (2, 1, 1)
    other = fed.file("other.ndjson", good.replace("2021", "2022") + "\n")
    fed("send", other, "--resume", kept, ends=Exit.INVALID)


def test_a_mapping_with_a_mistake_is_named_with_its_line(fed):
    wrong = fed.file("wrong.yaml", MAPPING.replace("编号}", "编号, feld: x}"))
    done = fed("send", fed.folder / "rows.csv.gz", "--mapping", wrong, ends=Exit.INVALID)
    assert f"{wrong}:9 /events/0/id/feld mapping" in done.stdout


def test_a_mapping_that_the_types_in_force_do_not_take_is_refused_before_the_first_row(fed):
    wrong = fed.file("wrong.yaml", MAPPING.replace("      ontime:", "      late:").replace("hq", "other"))
    done = fed("send", fed.folder / "rows.csv.gz", "--mapping", wrong, ends=Exit.INVALID)
    assert done.stdout.splitlines() == [
        f"{wrong}:3 /source unknown_source No source other is in the catalogue.",
        f"{wrong}:13 /events/0/data/late unknown_field levy.done.v1 does not declare late.",
        f"{wrong}:12 /events/0/data missing_field levy.done.v1 requires ontime.",
    ]


def test_the_standing_is_shown_in_every_form(fed):
    found = standing(fed)
    assert [(unit["unit"], unit["rank"], unit["points"]) for unit in found["units"]][:2] == [
        ("b2", 1, "10.00"),
        ("b1", 2, "7.50"),
    ]
    table = fed("standings", "mini", "bureaus", "2021-03").stdout
    assert "模拟 / simulated" in table
    assert "│ 上海市税务局 │" in table
    assert "0.00–10.00 未考" in table
    assert "数据截至 20" in table
    english = fed("standings", "mini", "bureaus", "2021-03", "--lang", "en").stdout
    assert "0.00–10.00 not yet assessed" in english
    assert "未考" not in english
    assert "fresh at 20" in english
    rows = list(
        csv.DictReader(io.StringIO(fed("standings", "mini", "bureaus", "2021-03", "-o", "csv").stdout))
    )
    assert [(row["unit"], row["points"]) for row in rows[:2]] == [("b2", "10.00"), ("b1", "7.50")]
    key = {"scheme": "mini", "group": "bureaus", "period": "2021-03"}
    assert key | {"state": "live"} in fed.json("standings")


def test_a_scheme_without_ready_results_has_nothing_to_reconcile(fed):
    assert fed.json("results", "list", "--scheme", "mini", "--period", "2021-03") == []
    done = fed("results", "differences", "--scheme", "mini", "--period", "2021-03")
    assert "no difference" in done.stderr


def test_a_value_is_explained_down_to_its_events(fed):
    standing(fed)
    told = fed.json("explain", "mini", "b1", "ontime", "2021-03")
    assert (told["inputs"]["numerator"], told["inputs"]["denominator"]) == ("3", "4")
    assert sorted((row["reports"][0]["id"], row["met"]) for row in told["rows"]) == [
        ("l1", True),
        ("l2", True),
        ("l3", True),
        ("l4", False),
    ]
    page = fed("explain", "mini", "b1", "ontime", "2021-03", "--limit", "2").stdout
    assert "7.50" in page
    assert "以上为前 2 项；全部：--all" in page
    every = fed("explain", "mini", "b1", "ontime", "2021-03", "--all", "--output", "csv").stdout
    assert len(list(csv.DictReader(io.StringIO(every)))) == 4


def test_lag_shows_every_shard_and_a_pause_is_ordered_and_listed(fed):
    shards = caught_up(fed)
    assert {one["consumer"] for one in shards} >= {
        "ingest",
        "scoring-a",
        "scoring-b",
        "ranking",
        "supervision",
    }
    assert {one["state"] for one in shards} == {"running"}
    assert {one["owner"] for one in shards} == {f"{one['consumer'].partition('-')[0]}-1" for one in shards}
    assert "ranking: 128 shards, 0 records behind" in fed("lag").stdout
    fed("consumers", "pause", "ingest", "-p", 3, "--reason", "a disk is exchanged", "--as", "olga")
    paused = [one for one in fed.json("lag", "ingest")["items"] if one["state"] == "paused"]
    assert {(one["stream"], one["shard"] % 16) for one in paused} == {("ranking.closes", 3)}
    again = fed("consumers", "pause", "ingest", "-p", 3, "-r", "again", ends=Exit.REFUSED)
    assert "already_paused" in again.stderr
    fed("consumers", "resume", "ingest", "--reason", "exchanged", "--as", "otto")
    (order,) = [one for one in fed.json("consumers", "orders") if one["consumer"] == "ingest"]
    assert (order["kind"], order["person"], order["closer"], order["outcome"]) == (
        "pause",
        "olga",
        "otto",
        "resumed",
    )


def test_lag_shows_what_ingest_reads_and_what_is_published_and_an_inbound_topic_rests(fed):
    found = fed.json("lag")
    assert {"ingest.accepted", "scoring.entries", "notify.deliveries"} <= {
        one["stream"] for one in found["relay"]
    }
    assert {(one["source"], one["partition"]) for one in found["inbound"]} == {("hq", at) for at in range(4)}
    fed("consumers", "pause", "in.hq", "-p", 3, "--reason", "the source is moved", "--as", "olga")
    (paused,) = [one for one in fed.json("lag", "in.hq")["inbound"] if one["state"] == "paused"]
    assert (paused["partition"], paused["person"]) == (3, "olga")
    assert "in.hq: 4 partitions, 0 records behind · 1 paused" in fed("lag").stdout
    fed("consumers", "resume", "in.hq", "--reason", "moved", "--as", "otto")
    assert "in.hq" in {one["consumer"] for one in fed.json("consumers", "orders")}


def test_orders_that_make_no_sense_say_what_to_do(fed):
    assert "dukao lag" in fed("consumers", "retry", "ranking", "-r", "why", ends=Exit.REFUSED).stderr
    fed("consumers", "retry", "nobody", "-r", "why", ends=Exit.USAGE)
    digest = "0" * 64
    words = ("consumers", "skip", "ranking")
    fed(*words, "scoring.entries", "--digest", digest, "-r", "why", ends=Exit.USAGE)
    none = fed(*words, "scoring.entries/0/999999", "--digest", digest, "-r", "why", ends=Exit.REFUSED)
    assert "not_found" in none.stderr
    fed("consumers", "approve", "ranking", 1, "--digest", digest, ends=Exit.REFUSED)


def beside(dukao, name):
    """Return what a trial changes in March, once every shard has folded it."""
    return dukao.json("trial", "diff", "mini", name, "bureaus", "2021-03", "--wait")


def test_a_trial_is_started_compared_and_ended_and_nothing_in_force_moves(fed):
    before = standing(fed)
    assert "no trial yet" in fed("trial", "list").stderr
    lenient = SCHEME.replace("version: 1", "version: 2").replace('{target: "1"}', '{target: "0.75"}')
    units = fed.folder / "units.csv"
    fed("scheme", "draft", fed.file("lenient.yaml", lenient), "--units", units, "--as", "ada")
    stale = fed(
        "trial", "start", "mini", 2, "t1", "--reason", "试行", "--digest", "0" * 64, ends=Exit.REFUSED
    )
    assert "digest_changed" in stale.stderr
    begun = fed.json("trial", "start", "mini", 2, "t1", "--reason", "试行", "--as", "ada")
    assert (begun["state"], begun["first"], begun["started_by"]) == ("running", "2021-01", "ada")
    found = beside(fed, "t1")
    assert (found["mark"], found["state"]) == ("试考评", "whole")
    assert found["moved"] == {"points": 1, "rank": 1, "tier": 1}
    b1 = next(one for one in found["units"] if one["unit"] == "b1")
    assert (b1["points"], b1["places"], b1["real"]["tier"], b1["trial"]["tier"]) == (
        "2.50",
        1,
        "second",
        "first",
    )
    why = fed.json("explain", "mini", "b1", "ontime", "2021-03", "--trial", "t1")
    assert (why["trial"], why["figure"]["published"], len(why["rows"])) == ("t1", "10.00", 4)
    assert "【试考评】 mini/t1" in fed("explain", "mini", "b1", "ontime", "2021-03", "--trial", "t1").stdout
    total = fed.json("explain", "mini", "b1", "2021-03", "--trial", "t1", "--board", "work")
    assert (total["trial"], total["published"]) == ("t1", b1["trial"]["points"])
    assert "【试考评】 mini/t1" in fed("explain", "mini", "b1", "2021-03", "--trial", "t1").stdout
    told = fed("trial", "diff", "mini", "t1", "bureaus", "2021-03").stdout
    assert "【试考评】" in told
    assert "不影响现行成绩" in told
    assert "in force" in fed("trial", "diff", "mini", "t1", "bureaus", "2021-03", "--lang", "en").stdout
    assert {"group": "bureaus", "period": "2021-Q1"} in fed.json("trial", "diff", "mini", "t1")["items"]
    after = standing(fed)
    assert {**after, "as_of": ""} == {**before, "as_of": ""}
    ended = fed.json("trial", "end", "mini", "t1", "--reason", "比较完毕", "--as", "ada")
    assert (ended["state"], ended["end_reason"]) == ("ended", "比较完毕")
    fed("trial", "start", "mini", 2, "t2", "--reason", "再试")
    beside(fed, "t2")
    assert [one["trial"] for one in fed.json("trial", "list", "--running")] == ["t2"]
    assert "已结束" in fed("trial", "show", "mini", "t1").stdout
    caught_up(fed)
    assert "not_found" in fed("trial", "diff", "mini", "t1", ends=Exit.REFUSED).stderr
    assert fed.json("verify", "scores")["state"] == "proved"


def test_a_service_is_rebuilt_beside_itself_and_is_the_same(fed):
    caught_up(fed)
    for service in ("scoring", "ranking"):
        found = fed.json("rebuild", service)
        assert (found["state"], found["chains"], found["detail"]) == ("same", [], "")
        assert found["applied"] == found["total"] > 0
        assert sum(one["rows"] for one in found["tables"]) > 0
    assert "same" in fed("rebuild", "ranking", "--shadow").stdout
    fed("rebuild", "kafka", ends=Exit.USAGE)
    fed("rebuild", "ranking", "--swap", ends=Exit.USAGE)


def test_a_shell_is_told_where_everything_is(fed):
    told = fed.json("env", "--role", "reader")
    assert set(told) == {
        "INGEST",
        "SCORING",
        "SUPERVISION",
        "RANKING",
        "NOTIFY",
        "KAFKA",
        "KAFKA_JARS",
        "TOKEN",
    }
    headers = {"authorization": f"Bearer {told['TOKEN']}"}
    asked = httpx.get(f"{told['RANKING']}/v1/standings", headers=headers, trust_env=False)
    assert asked.status_code == 200
    assert all(Path(jar).is_file() for jar in told["KAFKA_JARS"].split(os.pathsep))
    script = fed("env").stdout + 'printf %s "$INGEST $KAFKA"'
    done = subprocess.run(["bash", "-eu", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == f"{told['INGEST']} {told['KAFKA']}"
    fed("env", "--role", "king", ends=Exit.USAGE)


def events(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_accepted_events_are_followed_by_type_unit_and_source(fed):
    words = ("events", "tail", "--no-follow", "--output", "json")
    assert {one["id"] for one in events(fed(*words, "--source", "hq", "--unit", "b1"))} == {
        "l1",
        "l2",
        "l3",
        "l4",
    }
    assert {one["type"] for one in events(fed(*words, "--type", "dukao.tick.*"))} <= {"dukao.tick.v1"}
    assert fed("events", "tail", "--no-follow", "--source", "nobody").stdout == ""
    moved = events(fed(*words, "ranking.standings", "--type", "dukao.standing-moved.*"))
    assert {one["data"]["scheme"] for one in moved} == {"mini"}
    rows = list(
        csv.DictReader(io.StringIO(fed("events", "tail", "--no-follow", "-n", 2, "-o", "csv").stdout))
    )
    assert len(rows) == 2
    fed("events", "tail", "nowhere.stream", ends=Exit.USAGE)


def test_what_was_accepted_is_sent_again_and_is_all_known(fed):
    before = caught_up(fed)
    told = fed.json("events", "replay", "--source", "hq")
    assert told["created"] == told["rejected"] == told["conflict"] == 0
    assert told["duplicate"] == told["events"] >= 5
    assert fed.json("events", "replay", "--since", "2022-01-01")["events"] == 0
    assert {one["shard"]: one["applied"] for one in before if one["stream"] == "scoring.entries"} == {
        one["shard"]: one["applied"] for one in caught_up(fed) if one["stream"] == "scoring.entries"
    }


def test_what_is_watched_moves_and_an_interrupt_ends_it(fed):
    with (
        following(fed, "standings", "mini", "bureaus", "2021-05", "--watch", "-o", "json") as standing_,
        following(fed, "events", "tail", "--last", "0", "--unit", "b3", "-o", "json") as tail,
        following(fed, "lag", "ranking", "--watch", "-o", "json") as lag_,
        following(fed, "items", "list", "--watch", "-o", "json") as items,
        following(fed, "inbox", "list", "--watch", "-o", "json") as inbox,
        following(fed, "incidents", "list", "--watch", "-o", "json") as incidents,
    ):
        first = json.loads(standing_.stdout.readline())
        assert [json.loads(one.stdout.readline()) for one in (items, inbox, incidents)] == [[], [], []]
        assert {one["consumer"] for one in json.loads(lag_.stdout.readline())["items"]} == {"ranking"}
        number = 0
        while not select.select([tail.stdout], [], [], 1)[0]:  # what comes before it listens is not told
            number += 1
            row = f"编号,单位,时间,及时\nw{number},b3,2021-05-03 08:00:00,是\n"
            fed(
                "send",
                fed.file("watched.csv", row.encode("gb18030")),
                "--mapping",
                fed.file("m.yaml", MAPPING),
            )
        assert json.loads(tail.stdout.readline())["subject"] == "b3"
        moved = json.loads(standing_.stdout.readline())
        assert moved["units"] != first["units"]


def test_a_draft_is_consulted_on_and_compared_and_machines_are_measured(fed):
    units = fed.folder / "units.csv"
    changed = SCHEME.replace("version: 1", "version: 2").replace('target: "1"', 'target: "0.9"')
    newer = fed.file("newer.yaml", changed)
    fed("scheme", "draft", newer, "--units", units, "--as", "ada")
    fed("scheme", "consult", "mini", "2", "--as", "ada")
    said = fed.json("scheme", "comment", "mini", "2", "--unit", "b1", "--text", "请下调", "--as", "li")
    early = fed("scheme", "adopt", "mini", "2", "--as", "bob", ends=Exit.REFUSED)
    assert "illegal_step" in early.stderr
    assert "possible now: close_round, comment, answer" in early.stderr
    fed("scheme", "answer", "mini", "2", said["comment"], "--text", "已下调", "--as", "ada")
    fed("scheme", "close-round", "mini", "2", "--as", "ada")
    found = fed.json("scheme", "consultation", "mini", "2")
    assert (found["state"], found["possible"]) == ("consultation", ["redraft", "open_round", "adopt"])
    assert [(one["text"], one["answer"]) for one in found["comments"]] == [("请下调", "已下调")]
    assert "请下调" in fed("scheme", "consultation", "mini", "2").stdout
    told = fed("scheme", "diff", "mini@1", "mini@2").stdout
    assert told == "指标 ontime（及时率）：目标值由 1 改为 0.9（分段计分）\n"
    english = fed("scheme", "diff", "mini@1", newer, "--units", units, "--lang", "en").stdout
    assert english == "Indicator ontime (及时率): target from 1 to 0.9 (scored in parts)\n"
    (group,) = fed.json("scheme", "coverage", "mini@1", "--period", "2021-03")["groups"]
    assert (group["planned"]["share"], group["units"]) == ("1.000000", 3)
    assert group["achieved"]["total"] == "30"
    assert "no_parent" in fed("scheme", "layers", "mini@1", ends=Exit.REFUSED).stderr
