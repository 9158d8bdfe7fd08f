"""What is asked of a platform from outside: bring it up detached, look at it, take it down, read its logs."""

import json
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.embedded.files import CHECKOUT, MissingError
from deploy.issuing import DEVELOPER, DEVELOPER_ROLES, mint
from deploy.managed import end_recorded
from deploy.processes import Identity, alive, detach, end
from deploy.state import Options, OtherPlatformError, Record, State
from deploy.table import SERVICES

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
        raise NotRunningError(f"The platform is {record.phase}.")
    return record


def bring_up(state: State, options: Options, say: Callable[[str], None]) -> Up:
    """Start a supervisor in the background, or find the one there is; return when all is ready."""
    found = _settled(state, say)
    log_from = _size(state)
    if found.phase in {"ready", "starting"}:
        _same_platform(found, options)
        say("the platform runs already" if found.phase == "ready" else "the platform is starting already")
        return Up(wait_ready(state, None, say, log_from), already=True)
    state.make()
    words = ["--clock", options.clock, "--postgres", options.postgres, "--java", options.java]
    words += ["--secure"] if options.secure else []
    words += ["--workers", json.dumps(dict(options.workers))] if options.workers else []
    command = [sys.executable, "-m", "deploy.platform", str(state.folder), *words]
    child = detach(command, state.log("supervisor"), {**os.environ, "PYTHONPATH": str(CHECKOUT)})
    try:
        record = wait_ready(state, child, say, log_from)
    except KeyboardInterrupt:
        end(child, grace_s=STOP_S)
        raise
    return Up(record, already=record.supervisor is None or record.supervisor.pid != child.pid)


def wait_ready(state: State, child: Identity | None, say: Callable[[str], None], log_from: int) -> Record:
    """Wait until a supervisor says that all is ready, passing on what it says; raise if it ends before."""
    before = survey(state)
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        begun = child is not None and alive(child)
        record = survey(state)
        failed = record.phase == "failed" and record != before
        if not failed:
            log_from = _pass_on(state, say, log_from)
        if record.phase == "ready":
            return record
        if not begun and record.phase != "starting":
            raise NotRunningError(record.failure if failed else "The platform did not come up.")
        time.sleep(POLL_S)
    raise NotRunningError(f"The platform was not ready in {START_S:.0f} s.")


def take_down(state: State) -> list[str]:
    """End the platform; return what was ended. Nothing there is nothing to do."""
    before = survey(state)
    ended = [part.name for part in before.parts if part.process is not None]
    if before.supervisor is not None:
        end(before.supervisor, grace_s=STOP_S)
    after = survey(state)
    end_recorded(after.parts)
    if after.phase == "abandoned":
        cleared = tuple(replace(part, process=None, state="stopped") for part in after.parts)
        state.write(replace(after, phase="stopped", parts=cleared))
    return ended


def token(state: State, subject: str = DEVELOPER, roles: Sequence[str] = DEVELOPER_ROLES) -> str:
    """Return a development token of ten minutes for the services of this platform."""
    if not state.issuer.exists():
        raise NotRunningError("There is no issuer yet.")
    return mint(state.issuer, subject, roles)


def addresses(record: Record) -> dict[str, str]:
    """Return the base URLs of the services by name."""
    return {service.name: record.address(service.name) for service in SERVICES}


def last_lines(path: Path, count: int) -> list[str]:
    """Return the end of a log."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", errors="replace") as file:
        return [line.rstrip("\n") for line in deque(file, maxlen=count)]


def logs(state: State, part: str | None) -> dict[str, Path]:
    """Return the logs that are there, or the one that is asked for."""
    names = ("supervisor", *state.read().options.parts)
    if part is not None and part not in names:
        raise MissingError(f"There is no part {part}.", f"Parts: {', '.join(names)}.")
    chosen = names if part is None else (part,)
    return {name: state.log(name) for name in chosen if state.log(name).exists()}


def follow(paths: dict[str, Path]) -> Generator[tuple[str, str]]:
    """Yield new lines of logs as they come, for ever."""
    places = {name: path.stat().st_size for name, path in paths.items()}
    while True:
        for name, path in paths.items():
            lines, places[name] = read_on(path, places[name])
            yield from ((name, line) for line in lines)
        time.sleep(FOLLOW_S)


def read_on(path: Path, place: int) -> tuple[list[str], int]:
    """Return the whole lines of a log after a place, and where they end; a turned log begins anew."""
    with path.open("rb") as file:
        file.seek(place if place <= path.stat().st_size else 0)
        begun = file.tell()
        read = file.read()
    whole = read[: read.rfind(b"\n") + 1]
    return [line.decode(errors="replace") for line in whole.split(b"\n")[:-1]], begun + len(whole)


def _size(state: State) -> int:
    path = state.log("supervisor")
    return path.stat().st_size if path.exists() else 0


def _pass_on(state: State, say: Callable[[str], None], start: int) -> int:
    path = state.log("supervisor")
    if not path.exists():
        return start
    lines, end_of_lines = read_on(path, start)
    for line in lines:
        if not line.startswith("{"):
            say(line)
    return end_of_lines


def _settled(state: State, say: Callable[[str], None]) -> Record:
    """Return the record when nobody is about to end the platform."""
    until = time.monotonic() + STOP_S
    found = survey(state)
    if found.phase == "stopping":
        say("waiting for the platform to end")
    while found.phase == "stopping" and time.monotonic() < until:
        time.sleep(POLL_S)
        found = survey(state)
    return found


def _same_platform(found: Record, options: Options) -> None:
    if found.options.clock != options.clock:
        raise OtherPlatformError(
            f"The platform runs by the {found.options.clock} clock.",
            "End it with dukao down, or name another folder with --state.",
        )
    if found.options.secure != options.secure:
        raise OtherPlatformError(
            f"The platform runs with{'' if found.options.secure else 'out'} --secure.",
            "End it with dukao down, or name another folder with --state.",
        )
