"""What is checked of the machine, and that what is missing comes with a remedy."""

import socket

import pytest

from deploy.doctor import CHECKS, examine
from deploy.embedded.files import server_account
from deploy.state import Options, State


def checks(state, options=None):
    return {check.name: check for check in examine(state, options or Options())}


def test_a_machine_that_runs_these_tests_has_what_is_needed(server_folder):
    found = checks(State(server_folder / "state"))
    assert list(found) == list(CHECKS)
    assert [check for check in found.values() if not check.ok] == []


def test_without_jars_mvn_or_an_address_it_is_said_how_to_get_them(server_folder, monkeypatch):
    monkeypatch.setenv("DUKAO_HOME", str(server_folder / "home"))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("DUKAO_MAVEN_URL", raising=False)
    kafka = checks(State(server_folder / "state"))["kafka"]
    assert not kafka.ok
    assert "DUKAO_MAVEN_URL" in kafka.remedy
    monkeypatch.setenv("DUKAO_MAVEN_URL", "http://localhost:9")
    assert checks(State(server_folder / "state"))["kafka"].ok


@pytest.mark.skipif(server_account() is None, reason="servers run as this account")
def test_a_folder_that_the_servers_cannot_reach_is_refused(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    state = checks(State(closed / "state"))["state"]
    assert not state.ok
    assert "--state" in state.remedy


def test_a_port_that_is_taken_is_told_but_no_fault(server_folder):
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            other.bind(("127.0.0.1", 8105))
        except OSError:
            pass
        else:
            other.listen()
        ports = checks(State(server_folder / "state"))["ports"]
    assert ports.ok
    assert "8105" in ports.found
