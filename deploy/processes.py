"""Child processes: each in a group of its own, ended by its recorded id and never by a name."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from deploy.account import Account

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
KILL_WAIT_S = 10.0
POLL_S = 0.05
START_SKEW_S = 2.0
AUTOGROUP_TRIES = 20


@dataclass(frozen=True, slots=True)
class Identity:
    """A process as it can be found again: its id and when it was made, as ids are used anew."""

    pid: int
    created: float


def spawn(
    command: Sequence[str],
    folder: Path,
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    account: Account | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child in its own process group, as the account, with what it prints appended to the log."""
    with log.open("ab") as output:
        return subprocess.Popen(
            list(command),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(env) if env is not None else {"PATH": PATH, "LANG": "C.UTF-8", "HOME": str(folder)},
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )


def give_way(pid: int, nice: int) -> None:
    """Let a process that has just been spawned take the processor after those of lower niceness.

    Where each session is a scheduling group of its own, Linux weighs the groups by their own niceness. One
    that may not give way, or gives way more already, runs as it is.
    """
    with contextlib.suppress(psutil.Error, OSError):
        process = psutil.Process(pid)
        process.nice(max(nice, process.nice()))
        _write_patiently(Path(f"/proc/{pid}/autogroup"), str(process.nice()))


def _write_patiently(file: Path, text: str) -> None:
    """Write what the kernel takes from the unprivileged only every tenth of a second."""
    for _ in range(AUTOGROUP_TRIES):
        with contextlib.suppress(BlockingIOError):
            file.write_text(text, "ascii")
            return
        time.sleep(POLL_S)


def detach(command: Sequence[str], log: Path, env: Mapping[str, str]) -> Identity:
    """Start a process that outlives this one, in a session of its own, with what it prints in the log."""
    with log.open("ab") as output, Path(os.devnull).open("rb") as nothing:
        files = [(os.POSIX_SPAWN_DUP2, nothing.fileno(), 0)]
        files += [(os.POSIX_SPAWN_DUP2, output.fileno(), number) for number in (1, 2)]
        pid = os.posix_spawn(command[0], list(command), dict(env), file_actions=files, setsid=True)
    return Identity(pid, psutil.Process(pid).create_time())


def run(
    command: Sequence[str], folder: Path, *, account: Account | None, timeout_s: float, given: str = ""
) -> str:
    """Run to the end as the account and return what was printed; a failure raises with the last of it."""
    done = subprocess.run(
        list(command),
        cwd=folder,
        input=given.encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={"PATH": PATH, "LANG": "C.UTF-8", "HOME": str(folder)},
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        timeout=timeout_s,
        check=False,
    )
    printed = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        raise RuntimeError(f"{Path(command[0]).name} ended with {done.returncode}: {printed[-2000:]}")
    return printed


def wait_until(ready: Callable[[], bool], child: subprocess.Popen[bytes], limit_s: float, log: Path) -> None:
    """Wait for a child to be ready; raise if it ends or takes too long."""
    until = time.monotonic() + limit_s
    while not ready():
        if child.poll() is not None:
            raise RuntimeError(f"It ended with {child.returncode}; see {log}")
        if time.monotonic() > until:
            raise RuntimeError(f"It was not ready in {limit_s:.0f} s; see {log}")
        time.sleep(POLL_S)


def stop(child: subprocess.Popen[bytes], *, first: int = signal.SIGTERM, grace_s: float = 15.0) -> None:
    """Ask a child to end, then end its whole group; return when it is gone."""
    if child.poll() is None:
        child.send_signal(first)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(grace_s)
    _kill_group(child.pid)
    child.wait(KILL_WAIT_S)


def identity(pid: int) -> Identity | None:
    """Return the identity of a process that lives."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return Identity(pid, process.create_time())
    except psutil.NoSuchProcess:
        return None


def alive(known: Identity) -> bool:
    """Tell whether the very process lives, not another that got its id."""
    found = identity(known.pid)
    return found is not None and abs(found.created - known.created) < START_SKEW_S


def listens(pid: int, port: int) -> bool:
    """Tell whether it is this process that listens on the TCP port, and no other."""
    with contextlib.suppress(psutil.Error):
        found = psutil.Process(pid).net_connections(kind="tcp")
        return any(one.status == psutil.CONN_LISTEN and one.laddr[1] == port for one in found)
    return False


def end(known: Identity, *, first: int = signal.SIGTERM, grace_s: float = 15.0) -> bool:
    """End a recorded process that need not be our child; tell whether it was there."""
    if not alive(known):
        return False
    process = psutil.Process(known.pid)
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(first)
    with contextlib.suppress(psutil.TimeoutExpired, psutil.NoSuchProcess):
        process.wait(grace_s)
    if alive(known):
        _kill_group(known.pid)
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
        with contextlib.suppress(psutil.TimeoutExpired, psutil.NoSuchProcess):
            process.wait(KILL_WAIT_S)
    return True


def _kill_group(pid: int) -> None:
    """Kill what is left of a group that the process leads; our own group is never touched."""
    if pid == os.getpgrp():
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
