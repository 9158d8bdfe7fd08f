"""Where servers keep their files, and as whom they run; no folder above theirs is ever changed."""

import hashlib
import os
import pwd
import secrets
import shutil
import socket
import stat
from pathlib import Path

from deploy.account import Account

CHECKOUT = Path(__file__).resolve().parents[2]
PORTS = range(15_000, 32_000)
PORT_TRIES = 1_000
ACCOUNTS = ("dukao", "postgres", "nobody")
BASE = Path("/var/tmp")  # noqa: S108 - outlives a reboot; ownership of what lies there is checked


class MissingError(Exception):
    """Something of the machine is missing; `remedy` says how to get it."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what} {remedy}")
        self.what = what
        self.remedy = remedy


def server_account() -> Account | None:
    """Return whom to become, or `None` where we are unprivileged already."""
    if os.geteuid() != 0:
        return None
    for name in ACCOUNTS:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, found.pw_uid, found.pw_gid)
    raise MissingError("No unprivileged account is there.", f"Create one of {', '.join(ACCOUNTS)}.")


def home() -> Path:
    """Return this checkout's folder where every account can reach; `DUKAO_HOME` names another."""
    named = os.environ.get("DUKAO_HOME")
    digest = hashlib.sha256(f"{os.geteuid()} {CHECKOUT}".encode()).hexdigest()[:12]
    return own_folder(Path(named) if named else BASE / f"dukao-{digest}")


def cache_folder() -> Path:
    """Return where downloaded and copied binaries lie, shared by all runs of this checkout."""
    return own_folder(home() / "cache")


def own_folder(path: Path) -> Path:
    """Make a folder that all may read; refuse one that somebody else owns or may write."""
    path.mkdir(mode=0o755, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise MissingError(f"{path} is not ours alone.", "Remove it or name another folder in DUKAO_HOME.")
    return path


def server_folder(path: Path, account: Account | None) -> Path:
    """Make a folder that belongs to the servers' account alone."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account is not None:
        os.chown(path, account.uid, account.gid)
    return path


def readable(*paths: Path) -> bool:
    """Tell whether any account can reach and read the paths, without asking to change a mode."""
    return all(_others(place, stat.S_IXOTH) for path in paths for place in path.resolve().parents) and all(
        _others(path.resolve(), stat.S_IROTH) for path in paths
    )


def reachable(name: str, root: Path, *parts: str, account: Account | None) -> Path:
    """Return a root whose `parts` the account can read: the root itself, else a copy in the cache."""
    if account is None or readable(*(root / part for part in parts)):
        return root
    copy = cache_folder() / name
    if not copy.exists():
        beside = copy.with_name(f"{copy.name}.{os.getpid()}")
        for part in parts:
            shutil.copytree(root / part, beside / part, symlinks=True)
        _rename(beside, copy)
    return copy


def free_port() -> int:
    """Return a free loopback port below those that outgoing connections are given."""
    for _ in range(PORT_TRIES):
        port = secrets.choice(PORTS)
        if is_free(port):
            return port
    raise RuntimeError("No loopback port is free.")


def is_free(port: int) -> bool:
    """Tell whether a server could listen on the loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def sha256_of(path: Path) -> str:
    """Return the digest of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _rename(beside: Path, place: Path) -> None:
    """Move a finished folder into place; another process that was faster made the same."""
    try:
        beside.rename(place)
    except OSError:
        if not place.exists():
            raise
        shutil.rmtree(beside)


def _others(path: Path, bits: int) -> bool:
    return path.stat().st_mode & bits == bits
