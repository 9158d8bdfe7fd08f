"""A broker that asks who is there: SCRAM users, an access list, and one administrator who may everything."""

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.account import Account
from shared.messaging.kafka_access import Mechanism

ADMIN = "admin"
MECHANISM: Mechanism = "SCRAM-SHA-512"
_LOGIN = "org.apache.kafka.common.security"


def secured(passwords: Mapping[str, str]) -> dict[str, str]:
    """Return the settings by which a single node lets in its users alone; none where there are no users.

    Between controller and broker it is PLAIN, because a controller cannot know SCRAM users before it runs.
    """
    if not passwords:
        return {}
    known = f'username="{ADMIN}" password="{passwords[ADMIN]}"'
    plain = f'{_LOGIN}.plain.PlainLoginModule required {known} user_{ADMIN}="{passwords[ADMIN]}";'
    return {
        "listener.security.protocol.map": "BROKER:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
        "sasl.enabled.mechanisms": MECHANISM,
        "sasl.mechanism.inter.broker.protocol": MECHANISM,
        f"listener.name.broker.{MECHANISM.lower()}.sasl.jaas.config": _scram(known),
        "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.controller.plain.sasl.jaas.config": plain,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        "super.users": f"User:{ADMIN}",
    }


def with_users(passwords: Mapping[str, str]) -> list[str]:
    """Return what StorageTool is told so that a new log knows the users."""
    made = [f"{MECHANISM}=[name={user},password={password}]" for user, password in passwords.items()]
    return [word for one in made for word in ("--add-scram", one)]


def admin_properties(password: str) -> str:
    """Return what Kafka's own tools are told to be the administrator."""
    known = f'username="{ADMIN}" password="{password}"'
    return f"security.protocol=SASL_PLAINTEXT\nsasl.mechanism={MECHANISM}\nsasl.jaas.config={_scram(known)}\n"


@contextmanager
def sealed(place: Path, words: Sequence[str], account: Account | None) -> Generator[str]:
    """Hold a program's words in a file of its account, because others may see those of a command line."""
    path = place / "words"
    write_closed(path, "\n".join(f'"{_escaped(word)}"' for word in words), account)
    try:
        yield f"@{path}"
    finally:
        path.unlink()


def write_closed(path: Path, text: str, account: Account | None) -> None:
    """Write a file that the account alone may read."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(text)
    if account is not None:
        os.chown(path, account.uid, account.gid)


def _scram(known: str) -> str:
    return f"{_LOGIN}.scram.ScramLoginModule required {known};"


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace('"', '\\"')
