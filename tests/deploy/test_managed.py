"""One part: backoff with a clock of our own, and what is seen of real children."""

import subprocess
import sys
from dataclasses import dataclass

import httpx
import pytest

from deploy.managed import (
    BACKOFF_FIRST_S,
    BACKOFF_LIMIT_S,
    CALM_S,
    SILENT_ANSWERS,
    SILENT_STARTING,
    Answering,
    Managed,
    describe,
    end_recorded,
)
from deploy.processes import alive, identity, stop
from deploy.state import Part
from tests.waiting import until

ENDLESS = "import signal; signal.pause()"


class Clock:
    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


@dataclass
class Child:
    process: subprocess.Popen
    answers: list

    def ready(self):
        return self.answers.pop(0)


def part(code=ENDLESS, answers=(), **fields):
    answers = list(answers)

    def start():
        return Child(subprocess.Popen([sys.executable, "-c", code], start_new_session=True), answers)

    return Managed("ingest", 1, start, **fields)


@pytest.fixture
def started():
    parts = []

    def start(*args, **fields):
        parts.append(part(*args, **fields))
        parts[-1].launch()
        return parts[-1]

    yield start
    for one in parts:
        one.end()


def test_each_failure_soon_after_another_waits_twice_as_long_up_to_a_limit():
    clock = Clock()
    managed = part(clock=clock)
    waits = []
    for _ in range(9):
        managed.fail("exit code 1")
        waits.append(managed.delay_s)
        clock.now_s += managed.delay_s - 0.01
        assert not managed.due
        clock.now_s += 0.02
        assert managed.due
    assert waits[:4] == [BACKOFF_FIRST_S * factor for factor in (1, 2, 4, 8)]
    assert waits[-1] == BACKOFF_LIMIT_S


def test_a_calm_time_is_forgiven():
    clock = Clock()
    managed = part(clock=clock)
    for _ in range(5):
        managed.fail("exit code 1")
    managed._served_from = clock.now_s
    clock.now_s += CALM_S + 1
    managed.fail("exit code 1")
    assert managed.delay_s == BACKOFF_FIRST_S
    assert managed.failures == 1


def test_a_long_start_that_never_served_is_not_forgiven(started):
    clock = Clock()
    managed = started(answers=[False, False], clock=clock)
    for failures in (1, 2):
        managed.look()
        clock.now_s += 10 * CALM_S
        managed.fail("exit code 1")
        assert managed.failures == failures


def test_what_served_and_is_killed_every_half_minute_is_started_again_at_once(started):
    clock = Clock()
    managed = started(answers=[True] * 3, clock=clock)
    for _ in range(3):
        managed.look()
        clock.now_s += 30
        managed.end()
        managed.fail("signal SIGKILL")
        assert managed.delay_s == BACKOFF_FIRST_S
        managed.launch()


def test_a_part_that_ends_is_seen_once_with_how_it_ended(started):
    managed = started("raise SystemExit(3)")
    managed._running.process.wait()
    assert managed.look()
    assert not managed.look()
    assert managed.seen == Part("ingest", 1, None, "crashed", 0, "exit code 3")


def test_a_server_is_asked_until_it_is_ready_and_then_no_more(started):
    managed = started(answers=[False, True])
    assert [managed.look() or managed.state for _ in range(4)] == ["starting", "ready", "ready", "ready"]


def test_a_service_is_asked_again_after_a_while_and_may_be_ready_no_longer(started):
    clock = Clock()
    managed = started(answers=[True, False, True], clock=clock, ask_every_s=2.0)
    seen = []
    for _ in range(6):
        managed.look()
        seen.append(managed.state)
        clock.now_s += 1.0
    assert seen == ["ready", "ready", "not ready", "not ready", "ready", "ready"]


DEAF = "import signal; signal.signal(15, signal.SIG_IGN); signal.pause()"


@pytest.mark.parametrize(
    ("before", "limit"), [([True, False], SILENT_ANSWERS), ([], SILENT_STARTING), ([False], SILENT_STARTING)]
)
def test_a_service_that_answers_no_question_is_killed_and_started_again(started, before, limit):
    clock = Clock()
    managed = started(DEAF, clock=clock, answers=[*before, *[None] * 1000], ask_every_s=2.0)
    hangs = managed._running.process
    for _ in before:
        managed.look()
        clock.now_s += 2.0
    begun, ended = clock.now_s, False
    while not ended:
        clock.now_s += 0.25
        ended = managed.look()
    assert clock.now_s - begun == pytest.approx(2.0 * limit, abs=5.0)
    assert (managed.state, managed.last_exit) == ("crashed", f"{limit} questions without an answer")
    assert hangs.returncode == -9


def test_who_was_suspended_itself_kills_nobody_for_one_missed_answer(started):
    clock = Clock()
    managed = started(clock=clock, answers=[True, None, True, *[None] * 5, True], ask_every_s=2.0)
    for _ in range(9):
        assert not managed.look()
        clock.now_s += 3600.0
    assert managed.state == "ready"


def test_a_service_that_says_it_is_not_ready_is_let_alone(started):
    clock = Clock()
    managed = started(answers=[True, *[False] * 400], clock=clock, ask_every_s=2.0)
    for _ in range(300):
        clock.now_s += 1.0
        assert not managed.look()
    assert managed.state == "not ready"


def test_a_server_that_served_is_not_asked_and_so_not_taken_for_hanging(started):
    clock = Clock()
    managed = started(answers=[True], clock=clock)
    managed.look()
    clock.now_s += 1e6
    assert not managed.look()
    assert managed.state == "ready"


def test_a_part_is_recorded_as_the_process_it_is(started):
    managed = started()
    assert managed.seen.process == identity(managed._running.process.pid)
    known = managed.known
    managed.end()
    assert not alive(known)
    assert managed.seen.process is None


def test_only_the_recorded_process_is_ended_not_another_with_its_id(started):
    managed = started()
    other = Part("ingest", process=type(managed.known)(managed.known.pid, managed.known.created - 60))
    assert end_recorded([other]) == []
    assert alive(managed.known)
    assert end_recorded([Part("kafka"), managed.seen]) == ["ingest"]
    until(lambda: not alive(managed.known))


LISTENING = """
import socket, time
taken = socket.create_server(("127.0.0.1", 0))
print(taken.getsockname()[1], flush=True)
time.sleep(60)
"""


@pytest.fixture
def listening():
    child = subprocess.Popen(
        [sys.executable, "-c", LISTENING], stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        yield child, int(child.stdout.readline())
    finally:
        child.stdout.close()
        stop(child)


def answering(status):
    return httpx.Client(transport=httpx.MockTransport(lambda _request: httpx.Response(status)))


@pytest.mark.parametrize(("status", "ready"), [(200, True), (503, False)])
def test_a_service_is_ready_when_it_says_so(listening, status, ready):
    child, port = listening
    with answering(status) as client:
        assert Answering(child, port, client).ready() is ready


def test_a_service_that_waits_for_its_database_answers_that_it_is_not_ready(listening):
    def waits(request):
        if request.url.path == "/livez":
            return httpx.Response(200)
        raise httpx.ReadTimeout("the database hangs")

    child, port = listening
    with httpx.Client(transport=httpx.MockTransport(waits)) as client:
        assert Answering(child, port, client).ready() is False


def test_a_service_that_hangs_gives_no_answer(listening):
    def hangs(_request):
        raise httpx.ReadTimeout("nothing")

    child, port = listening
    with httpx.Client(transport=httpx.MockTransport(hangs)) as client:
        assert Answering(child, port, client).ready() is None


def test_an_answer_of_another_process_on_the_same_port_is_not_taken(listening, started):
    _, port = listening
    with answering(200) as client:
        assert not Answering(started()._running.process, port, client).ready()


def test_how_a_process_ended_is_said_in_words():
    assert describe(-9) == "signal SIGKILL"
    assert describe(2) == "exit code 2"
