"""What is asked of a platform from outside: bring it up detached, look at it, take it down, read its logs."""

import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.embedded.files import CHECKOUT, MissingError
from deploy.issuing import DEVELOPER, DEVELOPER_ROLES, mint
from deploy.processes import alive, end
from deploy.state import PARTS, Options, Record, State

START_S = 600.0
STOP_S = 90.0
POLL_S = 0.2
FOLLOW_S = 0.25


class NotRunningError(Exception):
    """The platform does not run, or did not come up."""


@dataclass(frozen=True, slots=True)
class Up:
    """A platform that is up; `already` if it was before."""

    record: Record
    already: bool


def survey(state: State) -> Record:
    """Return the record as it is true now: dead processes are named, whatever was last written."""
    record = state.read()
    here = record.supervisor is not None and alive(record.supervisor)
    parts = tuple(
        part if part.process is None or alive(part.process) else replace(part, process=None, state="dead")
        for part in record.parts
    )
    if here or record.phase in {"stopped", "failed"}:
        return replace(record, parts=parts)
    return replace(record, supervisor=None, phase="abandoned", parts=parts)


def running(state: State) -> Record:
    """Return the record of a platform that is up, else raise."""
    record = survey(state)
    if record.phase != "ready":
        raise NotRunningError(f"The platform is {record.phase}. Start it with dukao up.")
    return record


def bring_up(state: State, options: Options, say: Callable[[str], None]) -> Up:
    """Start a supervisor in the background, or find the one there is; return when all is ready."""
    found = survey(state)
    if found.phase in {"ready", "starting"}:
        say("the platform runs already" if found.phase == "ready" else "the platform is starting already")
        return Up(wait_ready(state, None, say, log_from=_size(state)), already=True)
    state.make()
    log_from = _size(state)
    words = ["--clock", options.clock, "--postgres", options.postgres, "--java", options.java]
    with state.log("supervisor").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "deploy.platform", str(state.folder), *words],
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        return Up(wait_ready(state, child, say, log_from), already=False)
    except KeyboardInterrupt:
        child.terminate()
        child.wait(STOP_S)
        raise


def wait_ready(
    state: State, child: subprocess.Popen[bytes] | None, say: Callable[[str], None], log_from: int
) -> Record:
    """Wait until the supervisor says that all is ready, passing on what it says; raise if it ends before."""
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        log_from = _pass_on(state, say, log_from)
        record = survey(state)
        if record.phase == "ready" and (child is None or child.poll() is None):
            return record
        ended = child.poll() is not None if child else record.phase not in {"starting", "ready"}
        if ended:
            _pass_on(state, say, log_from)
            raise NotRunningError(state.read().failure or "The platform did not come up.")
        time.sleep(POLL_S)
    raise NotRunningError(f"The platform was not ready in {START_S:.0f} s.")


def take_down(state: State) -> list[str]:
    """End the platform; return what was ended. Nothing there is nothing to do."""
    before = survey(state)
    ended = [part.name for part in before.parts if part.process is not None]
    if before.supervisor is not None:
        end(before.supervisor, first=signal.SIGTERM, grace_s=STOP_S)
    after = survey(state)
    for part in reversed(after.parts):
        if part.process is not None:
            end(part.process)
    if before.phase not in {"stopped", "failed"} and after.phase not in {"stopped", "failed"}:
        cleared = tuple(replace(part, process=None, state="stopped") for part in after.parts)
        state.write(replace(after, supervisor=None, phase="stopped", parts=cleared))
    return ended


def token(state: State, subject: str = DEVELOPER, roles: Sequence[str] = DEVELOPER_ROLES) -> str:
    """Return a development token of ten minutes for the services of this platform."""
    if not state.issuer.exists():
        raise NotRunningError("There is no issuer yet. Start the platform with dukao up.")
    return mint(state.issuer, subject, roles)


def addresses(record: Record) -> dict[str, str]:
    """Return the base URLs of the services by name."""
    return {part.name: record.address(part.name) for part in record.parts[2:]}


def last_lines(path: Path, count: int) -> list[str]:
    """Return the end of a log."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", errors="replace") as file:
        return [line.rstrip("\n") for line in deque(file, maxlen=count)]


def logs(state: State, part: str | None) -> dict[str, Path]:
    """Return the logs that are there, or the one that is asked for."""
    names = ("supervisor", *PARTS)
    if part is not None and part not in names:
        raise MissingError(f"There is no part {part}.", f"Parts: {', '.join(names)}.")
    chosen = names if part is None else (part,)
    return {name: state.log(name) for name in chosen if state.log(name).exists()}


def follow(paths: dict[str, Path]) -> Generator[tuple[str, str]]:
    """Yield new lines of logs as they come, for ever."""
    places = {name: path.stat().st_size for name, path in paths.items()}
    while True:
        for name, path in paths.items():
            with path.open("rb") as file:
                file.seek(places[name])
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    places[name] += len(line)
                    yield name, line.decode(errors="replace").rstrip("\n")
        time.sleep(FOLLOW_S)


def _size(state: State) -> int:
    path = state.log("supervisor")
    return path.stat().st_size if path.exists() else 0


def _pass_on(state: State, say: Callable[[str], None], start: int) -> int:
    path = state.log("supervisor")
    if not path.exists():
        return start
    with path.open("rb") as file:
        file.seek(start)
        lines = file.read()
    whole = lines[: lines.rfind(b"\n") + 1]
    for line in whole.decode(errors="replace").splitlines():
        if not line.startswith("{"):
            say(line)
    return start + len(whole)
