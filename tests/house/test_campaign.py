"""What the campaign judges by itself: contents that were acknowledged, refusals, leases, and how it ends."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from campaign.__main__ import exit_code
from campaign.checker import checks, journal
from campaign.checker.journal import Journal
from campaign.faults import closing
from campaign.faults.watching import Handed, Memory
from campaign.report import markdown
from campaign.run import OF_EVERY_ROW, OF_OWN_EVENTS, Result, unmeant, without

A, B = "a" * 64, "b" * 64
KEY = ("desk", "e1")


def told(tmp_path: Path, *lines: dict[str, object]) -> Journal:
    log = tmp_path / "log"
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return journal.read(log)


def sent(number: int, digest: str) -> dict[str, object]:
    return {"at": number, "send": number, "via": "http", "events": [[*KEY, digest]]}


def answered(number: int, status: str) -> dict[str, object]:
    at = (5, 7) if status != "conflict" else (None, None)
    return {"at": number + 10, "answer": number, "results": [[status, *at]]}


def kept(digest: str) -> checks.Kept:
    found = checks.Kept()
    found.places[KEY].append((5, 7))
    found.digests[KEY] = digest
    return found


def test_that_one_content_was_acknowledged_and_the_other_archived_is_seen(tmp_path: Path) -> None:
    log = told(tmp_path, sent(1, A), answered(1, "created"), sent(2, B), answered(2, "conflict"))
    assert checks.kept_once(kept(A), log) == []
    assert checks.kept_once(kept(B), log) == [f"{KEY} is not what was acknowledged"]


def test_that_two_contents_of_one_key_were_acknowledged_is_seen(tmp_path: Path) -> None:
    log = told(tmp_path, sent(1, A), answered(1, "created"), sent(2, B), answered(2, "duplicate"))
    assert checks.kept_once(kept(A), log) == [f"{KEY} was acknowledged with two contents"]


def test_what_nobody_answered_for_is_one_of_those_that_were_sent(tmp_path: Path) -> None:
    lost = [{"at": at, "lost": at, "why": "ReadError"} for at in (1, 2)]
    log = told(tmp_path, sent(1, A), sent(2, B), *lost)
    assert checks.kept_once(kept(B), log) == []
    assert checks.kept_once(kept("c" * 64), log) == [f"{KEY} is not what was sent"]


@pytest.mark.parametrize(
    ("outcomes", "strict", "lenient"),
    [
        (["pass", "pass"], 0, 0),
        (["pass", "late"], 1, 1),
        (["not run", "fail"], 1, 1),
        (["not run", "late"], 1, 1),
        (["pass", "not run"], 2, 0),
    ],
)
def test_a_campaign_with_a_late_row_fails_and_one_with_a_row_left_out_is_not_whole(outcomes, strict, lenient):
    results = [Result("F1", "", "", 1, 1, outcome) for outcome in outcomes]
    assert exit_code(results, allow_missing=False) == strict
    assert exit_code(results, allow_missing=True) == lenient


def test_a_refusal_is_meant_only_if_it_is_503_or_the_row_says_so():
    assert unmeant(["503", "ReadError", "kafka NodeNotReadyError"], {}) == []
    assert unmeant(["500", "503", "429"], {}) == ["429", "500"]
    assert unmeant(["500", "503"], {"500": "it finds no memory"}) == []


def test_a_row_whose_checks_compared_nothing_of_a_kind_that_it_leads_to_does_not_pass():
    wanted = {*OF_EVERY_ROW, *OF_OWN_EVENTS}
    assert without(dict.fromkeys(wanted, 1) | {"years": 0}, wanted) == []
    assert without({"totals": 0, "cells": 9}, {"totals", "cells", "closed_totals"}) == [
        "closed_totals",
        "totals",
    ]
    assert all(fault.compares >= {"closed_totals", "closed_standings"} for fault in closing.FAULTS)


def test_an_epoch_that_two_owners_have_or_that_falls_is_seen():
    handed = Handed()
    for epoch, owner in ((1, "a"), (1, "a"), (2, "b"), (4, "a")):
        handed.see(("scoring-a", 0), epoch, owner)
    assert (handed.over, handed.twice) == (2, [])
    handed.see(("scoring-a", 0), 4, "b")
    handed.see(("scoring-a", 0), 3, "a")
    assert len(handed.twice) == 2


def test_memory_that_fills_and_stays_grew_and_did_not_go_on_growing():
    memory = Memory(
        {"fills": [10.0, 60.0, 80.0, 80.0, 79.0, 80.5], "leaks": [10.0, 20.0, 30.0, 40.0, 50.0, 60.0]}
    )
    assert memory.grown == {"fills": 70.5, "leaks": 50.0}
    assert memory.went_on == {"fills": 0.5, "leaks": 30.0}


def test_each_row_of_the_report_has_the_load_of_the_machine():
    machine = {"at": "", "commit": "", "cores": 2, "load": 1.0, "memory_gib": 4, "system": ""}
    rows = [asdict(Result("K30", "how", "all", 7, 10, "late", load=13.5))]
    assert "seed 7, load 13.5" in markdown({"machine": machine, "results": rows})
