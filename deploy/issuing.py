"""Keeps the services' own tokens fresh, from the development issuer."""

import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from deploy.table import SERVICES
from shared.web.access import Role
from shared.web.development_issuer import JWKS_FILE, LIFE_LIMIT_S, DevelopmentIssuer
from shared.web.tokens import audience_of

REFRESH_S = LIFE_LIMIT_S / 3
AUDIENCES = tuple(audience_of(service.name) for service in SERVICES)
DEVELOPER = "developer"
DEVELOPER_ROLES = tuple(role.value for role in Role if role is not Role.SERVICE)


def open_issuer(folder: Path) -> DevelopmentIssuer:
    """Return the issuer over the folder of its key; in production it refuses."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return DevelopmentIssuer(folder, environment=os.environ.get("DUKAO_ENVIRONMENT", "development"))


def refresh(issuer: DevelopmentIssuer, tokens: Path) -> None:
    """Write a new token for each service, whole or not at all."""
    for service in SERVICES:
        path = token_file(tokens, service.name)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        minted = issuer.mint(f"service:{service.name}", [Role.SERVICE.value, Role.READER.value], AUDIENCES)
        beside = path.with_suffix(".new")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(minted)
        beside.replace(path)


def token_file(tokens: Path, service: str) -> Path:
    """Return where a service reads its own token."""
    return tokens / service / "token"


def mint(folder: Path, subject: str = DEVELOPER, roles: Sequence[str] = DEVELOPER_ROLES) -> str:
    """Return a development token for a person, good at every service for ten minutes."""
    return open_issuer(folder).mint(subject, roles, AUDIENCES)


def publish_keys(issuer: DevelopmentIssuer, keys: Path) -> None:
    """Copy the public keys to where services read them and the private key is not."""
    beside = keys / f"{JWKS_FILE}.new"
    shutil.copyfile(issuer.jwks_file, beside)
    beside.replace(keys / JWKS_FILE)


def keep_fresh(folder: Path, keys: Path, tokens: Path) -> None:
    """Refresh for ever."""
    issuer = open_issuer(folder)
    publish_keys(issuer, keys)
    while True:
        refresh(issuer, tokens)
        time.sleep(REFRESH_S)


if __name__ == "__main__":
    keep_fresh(*(Path(os.environ[f"DUKAO_{name}_FOLDER"]) for name in ("ISSUER", "KEYS", "TOKENS")))
