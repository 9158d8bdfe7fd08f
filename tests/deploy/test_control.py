"""What is asked of a platform from outside, where none runs or only a part of it."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from deploy.control import (
    NotRunningError,
    addresses,
    bring_up,
    last_lines,
    logs,
    read_on,
    running,
    survey,
    take_down,
    token,
)
from deploy.embedded.files import MissingError
from deploy.processes import alive, detach, give_way, identity, spawn, stop
from deploy.state import SERVERS, Options, OtherPlatformError, Part, Record, State, myself
from deploy.table import SERVICES
from tests.waiting import until

NOBODY = replace(myself(), created=1.0)


@pytest.fixture
def state(server_folder):
    made = State(server_folder)
    made.make()
    return made


@pytest.fixture
def child():
    process = subprocess.Popen(
        [sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True
    )
    yield process
    stop(process)


def test_a_supervisor_that_was_killed_left_the_platform_abandoned(state, child):
    alive_part = Part("ingest", 8101, identity(child.pid), "ready")
    dead_part = Part("kafka", 19092, NOBODY, "ready")
    state.write(Record(supervisor=NOBODY, phase="ready").with_part(alive_part).with_part(dead_part))
    record = survey(state)
    assert (record.phase, record.supervisor) == ("abandoned", None)
    assert record.part("ingest").state == "ready"
    assert record.part("kafka").state == "dead"
    with pytest.raises(NotRunningError, match="abandoned"):
        running(state)


def test_what_was_left_behind_is_taken_down(state, child):
    left = Part("ingest", 8101, identity(child.pid), "ready")
    state.write(Record(supervisor=NOBODY, phase="ready").with_part(left))
    assert take_down(state) == ["ingest"]
    assert not alive(left.process)
    assert survey(state).phase == "stopped"
    assert survey(state).part("ingest").port == 8101
    assert take_down(state) == []


def test_a_bring_up_that_fails_says_why_and_leaves_nothing(state):
    state.keep_clock("replay")
    with pytest.raises(NotRunningError, match="replay clock"):
        bring_up(state, Options(), print)
    record = survey(state)
    assert record.phase == "failed"
    assert "replay clock" in record.failure
    assert record.supervisor is None


def test_a_platform_of_another_clock_is_not_taken_for_the_one_asked_for(state):
    state.write(Record(supervisor=myself(), phase="ready"))
    with pytest.raises(OtherPlatformError, match="live clock"):
        bring_up(state, Options(clock="replay"), print)


def test_a_second_bring_up_finds_the_first(state):
    state.write(Record(supervisor=myself(), phase="ready"))
    assert bring_up(state, Options(), print).already


def test_addresses_are_those_of_the_services():
    record = Record(
        parts=tuple(Part(name, 1) for name in SERVERS) + tuple(Part(s.name, s.port) for s in SERVICES)
    )
    assert addresses(record) == {s.name: f"http://127.0.0.1:{s.port}" for s in SERVICES}


def test_there_is_no_token_before_there_is_an_issuer(state):
    with pytest.raises(NotRunningError, match="no issuer"):
        token(state)


def test_logs_are_named_by_part(state):
    state.log("ingest").write_text("one\ntwo\nthree\n")
    assert logs(state, None) == {"ingest": state.log("ingest")}
    assert logs(state, "kafka") == {}
    assert last_lines(state.log("ingest"), 2) == ["two", "three"]
    with pytest.raises(MissingError, match="nobody"):
        logs(state, "nobody")


def test_a_detached_process_leads_a_session_of_its_own(state):
    code = "import os; print(os.getsid(0) == os.getpid(), os.getenv('SAID'), flush=True)"
    known = detach([sys.executable, "-c", code], state.log("ingest"), {"SAID": "yes"})
    until(lambda: not alive(known))
    assert state.log("ingest").read_text() == "True yes\n"


def test_a_process_gives_way_as_a_member_of_its_session_and_as_a_session(state):
    code = "import time; time.sleep(60)"
    child = spawn([sys.executable, "-c", code], state.folder, state.log("ingest"))
    group = Path(f"/proc/{child.pid}/autogroup")
    try:
        give_way(child.pid, 5)
        assert psutil.Process(child.pid).nice() == 5
        assert not group.exists() or group.read_text().endswith(" nice 5\n")
        give_way(child.pid, 0)
        assert psutil.Process(child.pid).nice() == 5
    finally:
        stop(child)


def test_a_log_is_read_on_by_whole_lines_and_from_its_front_once_it_was_turned(state):
    log = state.log("ingest")
    log.write_bytes("一\ntwo\nhal".encode())
    assert read_on(log, 0) == (["一", "two"], 8)
    with log.open("ab") as file:
        file.write(b"f\n\n")
    assert read_on(log, 8) == (["half", ""], 14)
    assert read_on(log, 14) == ([], 14)
    log.write_bytes(b"anew\n")
    assert read_on(log, 14) == (["anew"], 5)
