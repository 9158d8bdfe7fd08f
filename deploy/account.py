"""As whom a child process runs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged account of the machine."""

    name: str
    uid: int
    gid: int
