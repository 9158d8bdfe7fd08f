"""CPU seconds and memory by process, and the machine's size; reading them slows nothing down."""

import contextlib
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from deploy.embedded.kafka import VERSION as KAFKA_VERSION
from deploy.embedded.postgres import find_postgres
from deploy.table import POSTGRES_SETTINGS

MIB = 1 << 20
CLIENT = "client"


@dataclass(frozen=True, slots=True)
class Reading:
    """CPU seconds since each process began, by name; `client` is the benchmark itself."""

    cpu_s: Mapping[str, float]

    def since(self, before: "Reading") -> dict[str, float]:
        """Return what was used since an earlier reading."""
        return {name: used - before.cpu_s.get(name, 0.0) for name, used in self.cpu_s.items()}


def read(processes: Mapping[str, int]) -> Reading:
    """Read every process; PostgreSQL is the sum of its processes, those that have ended included."""
    return Reading({name: cpu_s(pid) for name, pid in processes.items()} | {CLIENT: cpu_s(os.getpid())})


def cpu_s(pid: int) -> float:
    """Return the CPU seconds of a process and of all that it started; of our own, without those."""
    root = psutil.Process(pid)
    used = root.cpu_times()
    total = used.user + used.system
    if pid == os.getpid():
        return total
    total += used.children_user + used.children_system
    for child in root.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = child.cpu_times()
            total += times.user + times.system
    return total


def per_100k(used: Mapping[str, float], events: int) -> dict[str, float]:
    """Return CPU seconds per 100,000 events by process; `all` leaves out the client."""
    found = {name: round(spent * 100_000 / events, 2) for name, spent in sorted(used.items())}
    return found | {"all": round(sum(spent for name, spent in found.items() if name != CLIENT), 2)}


def slope(samples: Sequence[tuple[float, float]]) -> float:
    """Return how steeply the second grows with the first, by least squares."""
    return statistics.linear_regression(*zip(*samples, strict=True)).slope


def rss_mib(processes: Mapping[str, int]) -> dict[str, float]:
    """Return the resident memory; of PostgreSQL the shared pages count once."""
    return {name: round(_memory(name, pid) / MIB, 1) for name, pid in processes.items()}


def machine() -> dict[str, Any]:
    """Say on what was measured."""
    return {
        "cores": os.cpu_count(),
        "memory_mib": psutil.virtual_memory().total // MIB,
        "cpu": _cpu_model(),
        "python": platform.python_version(),
        "kafka": KAFKA_VERSION,
        "postgres": find_postgres().major,
        "fsync": POSTGRES_SETTINGS["fsync"],
    }


def _memory(name: str, pid: int) -> int:
    root = psutil.Process(pid)
    if name != "postgres":
        return root.memory_info().rss
    private, shared = 0, 0
    for process in (root, *root.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            info = process.memory_info()
            private += info.rss - info.shared
            shared = max(shared, info.shared)
    return private + shared


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
