"""The command as it is installed: interrupted while its modules load or its line is made it ends quietly."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WHILE_MODULES_LOAD = """
import os, signal, sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == "dukao.commands":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
"""
WHILE_COMMANDS_ARE_MADE = """
import os, signal, sys

def interrupt(frame, event, _):
    if event == "call" and frame.f_code.co_name == "get_command_from_info":
        sys.setprofile(None)
        os.kill(os.getpid(), signal.SIGINT)

sys.setprofile(interrupt)
"""


@pytest.mark.parametrize("interrupted", [WHILE_MODULES_LOAD, WHILE_COMMANDS_ARE_MADE])
def test_ctrl_c_before_a_command_begins_ends_with_130_and_no_traceback(interrupted):
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    module, _, function = scripts["dukao"].partition(":")
    begins = f"{interrupted}\nfrom {module} import {function}\n{function}()"
    done = subprocess.run(
        [sys.executable, "-c", begins], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
