"""The whole platform by one call: with the machine's programs and with those of the wheels."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import psutil
import pytest

from deploy.control import addresses, bring_up, running, survey, take_down, token
from deploy.embedded.files import CHECKOUT, is_free
from deploy.processes import alive
from deploy.state import PARTS, SERVERS, Options, State
from shared.kernel.shards import PARTITIONS
from tests.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.kafka, pytest.mark.long]

WHEELS = Options(postgres="wheel", java="wheel")


@pytest.fixture
def state(server_folder):
    made = State(server_folder / "state")
    yield made
    take_down(made)


@contextmanager
def everything_ends(state):
    """What runs before, with all that was started by it, is gone after, and its ports are free."""
    record = running(state)
    supervisor = psutil.Process(record.supervisor.pid)
    family = [supervisor, *supervisor.children(recursive=True)]
    assert {part.process.pid for part in record.parts} <= {process.pid for process in family}
    yield record
    _gone, left = psutil.wait_procs(family, timeout=60)
    assert left == []
    assert not any(alive(part.process) for part in record.parts)
    assert all(is_free(part.port) for part in record.parts)
    after = survey(state)
    assert (after.phase, after.failure, after.supervisor) == ("stopped", "", None)
    assert {part.state for part in after.parts} == {"stopped"}


def all_ready(state):
    record = survey(state)
    return record if {part.state for part in record.parts} == {"ready"} else None


def said(state):
    return state.log("supervisor").read_text()


@pytest.mark.parametrize("options", [Options(), WHEELS], ids=["defaults", "wheels"])
def test_all_comes_up_what_is_killed_comes_back_and_nothing_stays(state, options):
    lines = []
    up = bring_up(state, options, lines.append)
    assert not up.already
    assert up.record == running(state) == all_ready(state)
    assert lines[-1] == "starting ingest, scoring, supervision, ranking, notify"
    if options == WHEELS:
        assert "(wheel) and Kafka on Java" in lines[1]
        assert lines[1].endswith("(wheel)")
    for url in addresses(up.record).values():
        assert httpx.get(f"{url}/readyz", trust_env=False).is_success
    bearer = {"authorization": f"Bearer {token(state)}"}
    types = f"{addresses(up.record)['ingest']}/v1/types"
    assert httpx.get(types, headers=bearer, trust_env=False).is_success

    again = bring_up(state, options, lines.append)
    assert again.already
    assert again.record.supervisor == up.record.supervisor

    for name in PARTS:
        before = running(state).part(name)
        os.kill(before.process.pid, signal.SIGKILL)
        until(lambda name=name, before=before: survey(state).part(name).process not in {None, before.process})
        until(lambda: all_ready(state))
        after = running(state).part(name)
        assert (after.port, after.last_exit, after.restarts > before.restarts) == (
            before.port,
            "signal SIGKILL",
            True,
        )
        assert f"{name} ended with signal SIGKILL; see {state.log(name)}" in said(state)

    with everything_ends(state):
        assert set(take_down(state)) == set(PARTS)
    assert take_down(state) == []


def held(state, part):
    """Return the partitions that each consumer of a worker holds."""
    url = f"{survey(state).address(part)}/internal/v1/consumers"
    answer = httpx.get(url, headers={"authorization": f"Bearer {token(state)}"}, trust_env=False)
    return {one["name"]: set(one["partitions"]) for one in answer.json()["consumers"]}


def test_two_workers_of_a_service_share_its_partitions_and_each_comes_back(state):
    up = bring_up(state, Options(workers={"scoring": 2}), print)
    first, second = up.record.part("scoring"), up.record.part("scoring-2")
    assert first.port != second.port

    def shared():
        halves = held(state, "scoring"), held(state, "scoring-2")
        return all(
            halves[0][name].isdisjoint(halves[1][name])
            and len(halves[0][name] | halves[1][name]) == PARTITIONS
            for name in ("scoring-a", "scoring-b")
        ) and all(half["scoring-a"] and half["scoring-b"] for half in halves)

    until(shared)
    os.kill(second.process.pid, signal.SIGKILL)
    until(lambda: survey(state).part("scoring-2").process not in {None, second.process})
    until(lambda: all_ready(state))
    assert running(state).part("scoring") == first
    until(shared)
    with everything_ends(state):
        assert "scoring-2" in take_down(state)
    assert [part.name for part in bring_up(state, Options(), print).record.parts] == list(PARTS)


@contextmanager
def in_the_foreground(state):
    code = (
        "import sys; from pathlib import Path; from deploy.platform import supervise; "
        "from deploy.state import Options, State; "
        "supervise(State(Path(sys.argv[1])), Options(), print, lambda record: None)"
    )
    log = state.folder.with_suffix(".log")
    with (
        log.open("ab") as output,
        subprocess.Popen(
            [sys.executable, "-c", code, str(state.folder)], cwd=CHECKOUT, stdout=output
        ) as child,
    ):
        try:
            yield child
        finally:
            child.terminate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_a_supervisor_in_the_foreground_leaves_nothing(state, number):
    with in_the_foreground(state) as child:
        until(lambda: survey(state).phase == "ready")
        with everything_ends(state):
            child.send_signal(number)
            assert child.wait(60) == 0


def test_a_signal_during_the_start_leaves_nothing(state):
    with in_the_foreground(state) as child:
        until(lambda: survey(state).part("kafka").process)
        known = [survey(state).part(name).process for name in SERVERS]
        child.send_signal(signal.SIGINT)
        assert child.wait(60) == 0
    assert not any(alive(process) for process in known)
    assert survey(state).phase == "stopped"


def test_what_a_killed_supervisor_left_is_ended_by_the_next(state):
    first = bring_up(state, Options(), print).record
    os.kill(first.supervisor.pid, signal.SIGKILL)
    until(lambda: survey(state).phase == "abandoned")
    assert all(alive(part.process) for part in first.parts)
    with ThreadPoolExecutor() as pool:  # two at once: one supervises, the other finds it
        second, third = pool.map(lambda _n: bring_up(state, Options(), print), range(2))
    assert sorted([second.already, third.already]) == [False, True]
    assert second.record.supervisor == third.record.supervisor
    assert not any(alive(part.process) for part in first.parts)
    for name in SERVERS:  # a wished port of a service may be another platform's by now
        assert second.record.part(name).port == first.part(name).port
    for name in PARTS:
        assert f"ended {name}, left behind by a supervisor that was killed" in said(state)
    with everything_ends(state):
        take_down(state)
