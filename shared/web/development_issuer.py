"""An issuer of tokens for development: it refuses to start in production."""

import json
import os
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import OKPKey

from shared.web.access import Role

LIFE_LIMIT_S = 600
ISSUER = "dukao/development"
KEY_FILE = "issuer-key.json"
JWKS_FILE = "jwks.json"


class DevelopmentIssuer:
    """Keeps an Ed25519 key in a folder and mints tokens of at most ten minutes."""

    def __init__(
        self,
        folder: Path,
        *,
        environment: str,
        issuer: str = ISSUER,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if environment.strip().lower() == "production":
            raise RuntimeError("The development issuer does not start in production.")
        folder.mkdir(parents=True, exist_ok=True)
        self.issuer = issuer
        self.jwks_file = folder / JWKS_FILE
        self._clock = clock
        self._key = _key(folder / KEY_FILE)
        self._kid = self._key.thumbprint()
        public = {**self._key.as_dict(private=False), "kid": self._kid, "use": "sig", "alg": "Ed25519"}
        published = json.dumps({"keys": [public]}, indent=2)
        if not self.jwks_file.exists() or self.jwks_file.read_text("utf-8") != published:
            _write(self.jwks_file, published, 0o644)

    def mint(
        self,
        subject: str,
        roles: Sequence[str],
        audiences: Sequence[str],
        *,
        unit: str = "/",
        client: str = "dukao-development",
        life_s: int = LIFE_LIMIT_S,
    ) -> str:
        """Return a token; a longer life than ten minutes or an unknown role is our own mistake."""
        if not 0 < life_s <= LIFE_LIMIT_S:
            raise ValueError(f"A token lives for 1 to {LIFE_LIMIT_S} s.")
        now = int(self._clock())
        claims = {
            "iss": self.issuer,
            "sub": subject,
            "client_id": client,
            "aud": list(audiences),
            "iat": now,
            "exp": now + life_s,
            "jti": secrets.token_hex(16),
            "roles": [Role(role).value for role in roles],
            "unit": unit,
        }
        header = {"alg": "Ed25519", "typ": "at+jwt", "kid": self._kid}
        return jwt.encode(header, claims, self._key, algorithms=["Ed25519"])


def _key(path: Path) -> OKPKey:
    if not path.exists():
        made = OKPKey.generate_key("Ed25519", private=True)
        _write(path, json.dumps(made.as_dict(private=True)), 0o600)
    return OKPKey.import_key(json.loads(path.read_text("utf-8")))


def _write(path: Path, text: str, mode: int) -> None:
    """Replace a file as a whole, so that no reader sees half of it and two writers do not meet."""
    beside = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(
        os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8"
    ) as file:
        file.write(text)
    beside.replace(path)
