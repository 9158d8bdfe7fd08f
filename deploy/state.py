"""The one folder of a platform: what runs with which id and port, its secrets, its logs."""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Self

from pydantic import TypeAdapter, ValidationError

from deploy.embedded.files import MissingError, home, own_folder, readable, server_account
from deploy.embedded.postgres import PASSWORD_FILE
from deploy.processes import Identity, identity
from deploy.table import SERVICES

Clock = Literal["live", "replay"]
Choice = Literal["auto", "wheel"]

RECORD = "platform.json"
CHANGED = "changed.json"
OURS = (
    "postgres",
    "kafka",
    "issuer",
    "passwords",
    PASSWORD_FILE,
    "clock",
    "access",
    "logs",
    "lock",
    CHANGED,
    RECORD,
)
LOG_LIMIT_BYTES = 64 * 1024 * 1024
SERVERS = ("postgres", "kafka")
PARTS = (*SERVERS, *(service.name for service in SERVICES))


def worker_name(service: str, worker: int) -> str:
    """Return the name of a worker's part: the first is called as its service."""
    return service if worker == 1 else f"{service}-{worker}"


class OtherPlatformError(Exception):
    """The platform of the folder is another than the one asked for; `remedy` says what to do."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what} {remedy}")
        self.what = what
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the platform as last seen by the supervisor."""

    name: str
    port: int = 0
    process: Identity | None = None
    state: str = "stopped"
    restarts: int = 0
    last_exit: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """What `up` was asked for."""

    clock: Clock = "live"
    postgres: Choice = "auto"
    java: Choice = "auto"
    secure: bool = False
    workers: Mapping[str, int] = field(default_factory=dict[str, int])

    def workers_of(self, service: str) -> range:
        """Return the numbers of a service's workers; the first has its address."""
        return range(1, self.workers.get(service, 1) + 1)

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the names of what is run."""
        services = (worker_name(one.name, n) for one in SERVICES for n in self.workers_of(one.name))
        return (*SERVERS, *services)


@dataclass(frozen=True, slots=True)
class Record:
    """What the supervisor tells everybody else; it alone writes it."""

    supervisor: Identity | None = None
    phase: str = "stopped"
    failure: str = ""
    options: Options = field(default_factory=Options)
    parts: tuple[Part, ...] = tuple(Part(name) for name in PARTS)

    def part(self, name: str) -> Part:
        """Return a part by its name."""
        return next(part for part in self.parts if part.name == name)

    def with_part(self, changed: Part) -> Self:
        """Return the record with one part changed."""
        parts = tuple(changed if part.name == changed.name else part for part in self.parts)
        return replace(self, parts=parts)

    def address(self, name: str) -> str:
        """Return the base URL of a service."""
        return f"http://127.0.0.1:{self.part(name).port}"


_RECORD = TypeAdapter(Record)
_CHANGED = TypeAdapter(dict[str, dict[str, str]])


class State:
    """The folder itself. Its parts: `logs`, `issuer` (private), the servers' folders, and the record."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def issuer(self) -> Path:
        """The folder of the issuer's key, closed to others."""
        return self.folder / "issuer"

    @property
    def tokens(self) -> Path:
        """The folder of the services' tokens."""
        return self.issuer / "tokens"

    def log(self, part: str) -> Path:
        """Return the log of a part."""
        return self.folder / "logs" / f"{part}.log"

    def make(self) -> None:
        """Make the folder where the servers' account can reach it."""
        own_folder(self.folder)
        account = server_account()
        if account is not None and not readable(self.folder):
            raise MissingError(
                f"{account.name}, who runs the servers, cannot reach {self.folder}.",
                "Name another folder with --state or DUKAO_STATE.",
            )
        (self.folder / "logs").mkdir(exist_ok=True)

    def read(self) -> Record:
        """Return the record; where there is none, nothing was ever started."""
        path = self.folder / RECORD
        if not path.exists():
            return Record()
        try:
            record = _RECORD.validate_json(path.read_bytes())
        except ValidationError as error:
            raise MissingError(
                f"{path} cannot be read: {error}.", "Remove it; look for what still runs."
            ) from error
        known = {part.name: part for part in record.parts}
        return replace(record, parts=tuple(known.get(name, Part(name)) for name in record.options.parts))

    def write(self, record: Record) -> None:
        """Replace the record as a whole."""
        beside = self.folder / f"{RECORD}.new"
        beside.write_bytes(_RECORD.dump_json(record, indent=2))
        beside.replace(self.folder / RECORD)

    def lock(self) -> int | None:
        """Become the one supervisor of this folder until the process ends; `None` if there is one."""
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def password_file(self, role: str) -> Path:
        """Return where the password of a role of the database, or of a user of Kafka, lies."""
        return self.folder / "passwords" / role

    def password(self, role: str) -> str:
        """Return such a password, made at the first asking."""
        path = self.password_file(role)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_hex(24))
        return path.read_text("ascii")

    def changed(self, part: str) -> dict[str, str]:
        """Return what a person changed of a part in `changed.json`: variables of a service, or settings.

        It is read at each start of a process: `{"ingest": {"DUKAO_LOG_LEVEL": "DEBUG"}}`.
        """
        path = self.folder / CHANGED
        try:
            return _CHANGED.validate_json(path.read_bytes()).get(part, {})
        except FileNotFoundError:
            return {}
        except ValidationError as error:
            raise MissingError(f"{path} cannot be read: {error}.", "Mend it or remove it.") from error

    def keep_clock(self, clock: str) -> None:
        """Hold the platform to the clock that its first events were stored under."""
        path = self.folder / "clock"
        if not path.exists():
            path.write_text(clock, "ascii")
        kept = path.read_text("ascii")
        if kept != clock:
            raise OtherPlatformError(
                f"This platform lives by the {kept} clock.",
                "Name another folder with --state, or remove this one with dukao down --wipe.",
            )

    def keep_access(self, *, secure: bool) -> None:
        """Hold the platform to a broker with users or without, as its log was made at first."""
        path, wished = self.folder / "access", "secured" if secure else "open"
        if not path.exists():
            path.write_text("open" if (self.folder / "clock").exists() else wished, "ascii")
        kept = path.read_text("ascii")
        if kept != wished:
            raise OtherPlatformError(
                f"This platform's broker is {kept}.",
                f"{'Leave out' if secure else 'Add'} --secure, or name another folder with --state.",
            )

    def turn_logs(self, parts: Iterable[str]) -> None:
        """Copy long logs aside, one of each, and empty them; who writes one appends and need not know."""
        for part in parts:
            log = self.log(part)
            if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
                shutil.copyfile(log, self.log(f"{part}.old"))
                os.truncate(log, 0)

    def wipe(self) -> None:
        """Remove everything that was ever fed; what is not ours in the folder stays."""
        for name in OURS:
            path = self.folder / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        if self.folder.exists() and not any(self.folder.iterdir()):
            self.folder.rmdir()


def default_folder() -> Path:
    """Return the folder that `DUKAO_STATE` names, else the one of this checkout."""
    named = os.environ.get("DUKAO_STATE")
    return Path(named).absolute() if named else home() / "state"


def myself() -> Identity:
    """Return the identity of this process."""
    found = identity(os.getpid())
    assert found is not None
    return found
