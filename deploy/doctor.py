"""What the platform needs of this machine, what was found, and how to get what is missing."""

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from deploy.control import survey
from deploy.embedded.files import MissingError, free_port, is_free, server_account
from deploy.embedded.java import find_java
from deploy.embedded.kafka import BROKER, VERSION
from deploy.embedded.maven import REMEDY
from deploy.embedded.postgres import find_postgres
from deploy.state import Options, State
from deploy.table import SERVICES

OLDEST_PYTHON = (3, 11)
FREE_DISK_GIB = 2.0
FREE_MEMORY_GIB = 1.5
GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Check:
    """One need: whether it is met, by what, and what to do if it is not."""

    name: str
    ok: bool
    found: str
    remedy: str = ""


Look = Callable[[State, Options], Check]


def examine(state: State, options: Options) -> tuple[Check, ...]:
    """Return every check; nothing is fetched or started."""
    return tuple(_checked(name, look, state, options) for name, look in CHECKS.items())


def _checked(name: str, look: Look, state: State, options: Options) -> Check:
    try:
        return look(state, options)
    except MissingError as error:
        return Check(name, ok=False, found=error.what, remedy=error.remedy)
    except OSError as error:
        remedy = "Mend that, or name another folder with --state or DUKAO_STATE."
        return Check(name, ok=False, found=str(error), remedy=remedy)


def _python(_state: State, _options: Options) -> Check:
    wanted = ".".join(map(str, OLDEST_PYTHON))
    found = f"{sys.version.split()[0]} at {sys.executable}"
    return Check("python", sys.version_info >= OLDEST_PYTHON, found, f"Install Python {wanted} or newer.")


def _account(_state: State, _options: Options) -> Check:
    account = server_account()
    return Check("account", ok=True, found=f"servers run as {account.name if account else 'you'}")


def _postgres(_state: State, options: Options) -> Check:
    found = find_postgres(options.postgres, server_account())
    return Check("postgres", ok=True, found=f"{found.major} ({found.origin}) at {found.folder}")


def _java(_state: State, options: Options) -> Check:
    found = find_java(options.java, server_account())
    return Check("java", ok=True, found=f"{found.major} ({found.origin}) at {found.program}")


def _kafka(_state: State, _options: Options) -> Check:
    jars = BROKER.cached()
    if jars is not None:
        return Check("kafka", ok=True, found=f"{VERSION} at {jars}")
    ways = [way for way, there in _ways().items() if there]
    if ways:
        return Check(
            "kafka", ok=True, found=f"{VERSION} not here yet; the first dukao up fetches it by {ways[0]}"
        )
    return Check("kafka", ok=False, found="neither its jars nor a way to fetch them", remedy=REMEDY)


def _ways() -> dict[str, bool]:
    return {
        "mvn": shutil.which("mvn") is not None,
        "DUKAO_MAVEN_URL": bool(os.environ.get("DUKAO_MAVEN_URL")),
    }


def _state_folder(state: State, _options: Options) -> Check:
    state.make()
    return Check("state", ok=True, found=str(state.folder))


def _disk(state: State, _options: Options) -> Check:
    place = _nearest(state.folder)
    free_gib = shutil.disk_usage(place).free / GIB
    remedy = f"Free {FREE_DISK_GIB:.0f} GiB, or name a folder on another disk in DUKAO_STATE."
    return Check("disk", free_gib >= FREE_DISK_GIB, f"{free_gib:.1f} GiB free at {place}", remedy)


def _memory(_state: State, _options: Options) -> Check:
    free_gib = psutil.virtual_memory().available / GIB
    remedy = f"Free {FREE_MEMORY_GIB} GiB: Kafka, PostgreSQL and five services live in it."
    return Check("memory", free_gib >= FREE_MEMORY_GIB, f"{free_gib:.1f} GiB available", remedy)


def _ports(state: State, _options: Options) -> Check:
    """A port that somebody else has is no fault: another is taken."""
    ours = {part.port for part in survey(state).parts if part.process is not None}
    taken = [
        str(service.port) for service in SERVICES if service.port not in ours and not is_free(service.port)
    ]
    free_port()
    others = (
        f"{', '.join(taken)} taken; others are used instead" if taken else "wished ports are free or ours"
    )
    return Check("ports", ok=True, found=others)


def _nearest(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if place.exists())


CHECKS: dict[str, Look] = {
    "python": _python,
    "account": _account,
    "postgres": _postgres,
    "java": _java,
    "kafka": _kafka,
    "state": _state_folder,
    "disk": _disk,
    "memory": _memory,
    "ports": _ports,
}
