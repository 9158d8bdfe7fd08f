"""Parts under watch: small programs in the place of the real ones."""

import os
import re
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, replace

import pytest

from deploy import state as keeping
from deploy.ending import Ending, Stopped
from deploy.managed import Managed
from deploy.processes import alive, spawn
from deploy.state import Part, Record, State, myself
from deploy.watch import TRIES_AT_START, Watch
from tests.waiting import until

SERVE = "import signal; signal.pause()"
TALK = """import signal
signal.signal(signal.SIGUSR1, lambda *_: print("on", flush=True))
print("x" * 2000, flush=True)
while True: signal.pause()"""
SLOW = f"{TALK} # never ready"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: signal.pause()"


@dataclass
class Program:
    process: subprocess.Popen
    serves: bool

    def ready(self):
        return self.serves


class House:
    """A watch over small programs, with everything it said."""

    def __init__(self, state):
        self.state = state
        self.said = []
        self.looks = 0
        self.at_look = {}
        self.ending = Ending()
        self.watch = Watch(state, Record(supervisor=myself()), self.said.append, self.ending, self.look)

    def look(self):
        self.looks += 1
        self.at_look.pop(self.looks, lambda: None)()

    def part(self, name, code=SERVE, **fields):
        command, log = [sys.executable, "-c", code], self.state.log(name)
        serves = code in {SERVE, DEAF, TALK}
        return Managed(name, 1, lambda: Program(spawn(command, self.state.folder, log), serves), **fields)

    def add(self, name, code=SERVE, **fields):
        self.watch.add(self.part(name, code, **fields))

    def process(self, name):
        return self.state.read().part(name).process


@pytest.fixture
def house(server_folder):
    state = State(server_folder)
    state.make()
    made = House(state)
    yield made
    if made.watch.record.supervisor is not None:
        made.watch.take_down("")


def test_a_part_is_recorded_as_soon_as_it_runs(house):
    house.add("ingest")
    assert alive(house.process("ingest"))
    house.watch.wait_ready()
    house.watch.become("ready")
    assert house.state.read().phase == "ready"


def test_a_part_that_keeps_ending_is_named_with_the_end_of_its_log(house):
    house.add("kafka")
    house.add("ingest", "print('one'); print('the port is taken'); raise SystemExit(7)")
    with pytest.raises(RuntimeError) as failed:
        house.watch.wait_ready()
    lines = str(failed.value).splitlines()
    assert lines[0].startswith(f"ingest failed {TRIES_AT_START} times, the last time with exit code 7.")
    assert str(house.state.log("ingest")) in lines[0]
    assert lines[-1] == "  the port is taken"
    assert len([line for line in house.said if line.startswith("ingest ended with exit code 7; see")]) == 3


def test_what_another_supervisor_left_is_ended_and_its_ports_are_kept(house):
    left = house.part("ingest")
    left.launch()
    house.watch.record = house.watch.record.with_part(replace(left.seen, port=8101))
    house.watch.begin()
    left._running.process.wait()
    assert house.said == ["ended ingest, left behind by a supervisor that was killed"]
    assert house.state.read().part("ingest") == Part("ingest", 8101)


def test_a_killed_part_is_named_and_started_again(house):
    house.add("ingest")
    house.watch.wait_ready()
    first = house.process("ingest")
    os.kill(first.pid, signal.SIGKILL)
    house.watch._parts["ingest"]._running.process.wait()
    house.watch._look()
    house.watch.wait_ready()
    again = house.state.read().part("ingest")
    assert again.process != first
    assert (again.restarts, again.last_exit) == (1, "signal SIGKILL")
    assert re.match("ingest ended with signal SIGKILL; see .*ingest.log", house.said[0])
    assert house.said[1] == "ingest is started again"


def test_a_part_that_cannot_be_started_again_is_tried_again(house):
    house.add("ingest")
    part = house.watch._parts["ingest"]
    works = part.start
    part.start = lambda: spawn(["/does/not/exist"], house.state.folder, house.state.log("ingest"))
    os.kill(part.known.pid, signal.SIGKILL)
    part._running.process.wait()

    def mend():
        part.start = works

    house.at_look[5] = mend
    house.watch.wait_ready()
    assert part.restarts == 2
    assert any(line.startswith("ingest did not start: ") for line in house.said)


def test_everything_is_ended_even_if_a_part_resists_or_the_terminal_is_gone(house):
    house.add("kafka")
    house.add("ingest", DEAF, grace_s=0.5)
    house.add("scoring")
    house.watch.wait_ready()
    known = [part.process for part in house.state.read().parts if part.process]
    assert len(known) == 3

    def gone(_line):
        raise OSError("no terminal")

    house.watch._say = gone
    with pytest.raises(OSError, match="no terminal"):
        house.watch.take_down("")
    assert not any(alive(process) for process in known)
    house.watch._say = house.said.append


def test_a_long_log_is_turned_under_its_writer_but_not_while_it_starts(house, monkeypatch):
    monkeypatch.setattr(keeping, "LOG_LIMIT_BYTES", 1000)
    house.add("kafka", SLOW)
    house.add("ingest", TALK)
    for name in ("kafka", "ingest"):
        until(lambda name=name: house.state.log(name).stat().st_size == 2001)
    house.watch._look()
    house.watch._turn_logs_at = 0.0
    house.watch._look()
    assert house.state.log("ingest").stat().st_size == 0
    assert house.state.log("ingest.old").read_text() == "x" * 2000 + "\n"
    assert house.state.log("kafka").stat().st_size == 2001
    os.kill(house.process("ingest").pid, signal.SIGUSR1)
    until(lambda: house.state.log("ingest").read_text() == "on\n")


def test_logs_are_looked_at_seldom(house, monkeypatch):
    monkeypatch.setattr(keeping, "LOG_LIMIT_BYTES", 1000)
    house.add("ingest")
    house.watch.wait_ready()
    house.watch._turn_logs_at = 0.0
    house.watch._look()
    house.state.log("ingest").write_text("x" * 2000)
    house.watch._look()
    assert house.state.log("ingest").stat().st_size == 2000


def test_a_log_that_cannot_be_turned_is_said(house, monkeypatch):
    monkeypatch.setattr(keeping, "LOG_LIMIT_BYTES", 1000)
    house.add("ingest")
    house.watch.wait_ready()
    house.state.log("ingest.old").mkdir()
    house.state.log("ingest").write_text("x" * 2000)
    house.watch._turn_logs_at = 0.0
    house.watch._look()
    assert re.match("a log is not turned: .*ingest.old.log", house.said[0])


def test_a_signal_ends_the_watch(house):
    house.add("ingest")
    house.watch.wait_ready()
    house.at_look[house.looks + 3] = lambda: os.kill(os.getpid(), signal.SIGTERM)
    with house.ending.heeded(), pytest.raises(Stopped):
        house.watch.go_on()
    process = house.process("ingest")
    house.watch.take_down("")
    assert not alive(process)
    assert house.state.read() == house.watch.record
    assert house.state.read().phase == "stopped"


def test_a_signal_breaks_off_a_long_wait():
    ending = Ending()
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGHUP))
    with ending.heeded(), pytest.raises(Stopped), ending.at_once():
        timer.start()
        signal.pause()
    timer.join()


def test_a_signal_that_came_before_is_heeded_at_the_next_step():
    ending = Ending()
    with ending.heeded():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(Stopped):
            ending.check()
        with pytest.raises(Stopped), ending.at_once():
            raise AssertionError("nothing is begun")


def test_the_handlers_of_before_are_put_back_and_nohup_is_kept():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        terminate = signal.getsignal(signal.SIGTERM)
        with Ending().heeded():
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) != terminate
        assert signal.getsignal(signal.SIGTERM) == terminate
    finally:
        signal.signal(signal.SIGHUP, before)
