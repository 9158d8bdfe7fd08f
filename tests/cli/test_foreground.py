"""A platform in the foreground lives as long as its command."""

import signal

import pytest

from dukao.exits import Exit
from tests.cli.running import EVERY_S, PATIENCE_S, command_of_its_own, started
from tests.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.kafka, pytest.mark.long]


def test_in_the_foreground_an_interrupt_ends_everything():
    with command_of_its_own() as command:
        child = started(command, "up")

        def ready():
            assert child.poll() is None
            return command.json("status", ends=None)["phase"] == "ready"

        try:
            until(ready, PATIENCE_S, every_s=EVERY_S)
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=PATIENCE_S)
        finally:
            child.kill()
        assert child.returncode == Exit.OK, err
        assert "Dukao is up" in out
        assert "dukao token" in out
        assert "Traceback" not in err
        parts = command.json("status", ends=Exit.NOT_RUNNING)["parts"]
        assert {part["state"] for part in parts} == {"stopped"}
