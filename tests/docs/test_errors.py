"""docs/errors.md has a row for every code that a service can answer with, and for no other."""

import re
from collections import Counter

import pytest

from dukao.documents import FOLDER
from dukao.failures import ADVICE
from tests.docs.problem_codes import found

FOUND = found()
PAGE = (FOLDER / "errors.md").read_text("utf-8")
PROBLEM = re.compile(r"\| `([a-z0-9_]+)` \| (\d{3}) \| ([^|]+) \| ([^|]+) \|")
FINDING = re.compile(r"\| `([a-z0-9_]+)` \| ([^|]+) \|")


def table(heading: str, row: re.Pattern[str]) -> list[re.Match[str]]:
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    rows = [row.fullmatch(line) for line in lines]
    assert all(rows), [line for line, read in zip(lines, rows, strict=True) if not read]
    return [read for read in rows if read]


PROBLEMS = table("Problems", PROBLEM)
FINDINGS = table("Findings", FINDING)


def test_every_code_is_read_from_the_source() -> None:
    told = "\n".join(FOUND.unread)
    assert not FOUND.unread, (
        f"tests/docs/problem_codes.py cannot tell which codes these make; write them as literals:\n{told}"
    )


def test_every_problem_that_a_service_answers_with_is_in_the_catalogue() -> None:
    listed = {(int(row[2]), row[1]) for row in PROBLEMS}
    missing = [
        f"| `{code}` | {status} | WHAT IT MEANS | WHAT TO DO |    (written in {', '.join(places[:2])})"
        for (status, code), places in sorted(FOUND.problems.items())
        if (status, code) not in listed
    ]
    assert not missing, "add to docs/errors.md, ## Problems, by status and code:\n" + "\n".join(missing)


def test_the_catalogue_has_no_problem_that_nobody_answers_with() -> None:
    gone = [row[0] for row in PROBLEMS if (int(row[2]), row[1]) not in FOUND.problems]
    assert not gone, "remove from docs/errors.md, ## Problems:\n" + "\n".join(gone)


def test_every_finding_of_a_check_is_in_the_catalogue_and_no_other() -> None:
    listed = {row[1] for row in FINDINGS}
    missing = [
        f"| `{code}` | WHAT IT MEANS |    (written in {', '.join(places[:2])})"
        for code, places in sorted(FOUND.findings.items())
        if code not in listed
    ]
    assert not missing, "add to docs/errors.md, ## Findings, by code:\n" + "\n".join(missing)
    gone = [row[0] for row in FINDINGS if row[1] not in FOUND.findings]
    assert not gone, "remove from docs/errors.md, ## Findings:\n" + "\n".join(gone)


@pytest.mark.parametrize("rows", [PROBLEMS, FINDINGS], ids=["problems", "findings"])
def test_each_row_stands_once_and_in_order(rows: list[re.Match[str]]) -> None:
    keys = [(row[2] if rows is PROBLEMS else "", row[1]) for row in rows]
    assert [key for key, count in Counter(keys).items() if count > 1] == []
    assert keys == sorted(keys)


def test_the_command_advises_on_codes_that_there_are() -> None:
    assert set(ADVICE) - {code for _, code in FOUND.problems} == set()


def test_the_scan_sees_what_is_made_in_many_ways() -> None:
    """One of each way, so that a scan that has become blind is noticed."""
    assert FOUND.problems[404, "not_found"]
    assert FOUND.problems[403, "same_person"]  # a literal of a decision that is no exception
    assert FOUND.problems[409, "already_paused"]  # handed to a function that refuses
    assert FOUND.problems[503, "busy"]  # a keyword of Unavailable
    assert FOUND.problems[422, "correction_moves"]  # a constant of another module
    assert FOUND.findings["board_sum"]
    assert len(FOUND.problems) > 100
