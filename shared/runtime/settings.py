"""What a service is told by its surroundings: variables `DUKAO_*`, read once in its wiring."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.kernel.errors import Unavailable
from shared.web.tokens import KeyFile, TokenCheck, audience_of


class ServiceSettings(BaseSettings):
    """The settings that every service has; one that needs more adds fields in its wiring."""

    model_config = SettingsConfigDict(env_prefix="DUKAO_", frozen=True)

    database_url: SecretStr
    kafka: str
    host: str = "127.0.0.1"
    port: int = Field(ge=0, le=65535)
    worker: str = Field(
        "1",
        pattern="^[0-9A-Za-z-]{1,32}$",
        description="Names one of several workers of a service and outlives its restart; those of one name "
        "take each other's partitions.",
    )
    jwks_file: Path
    issuer: str
    token_file: Path | None = None
    peers_ingest: str | None = None
    peers_scoring: str | None = None
    peers_supervision: str | None = None
    peers_ranking: str | None = None
    peers_notify: str | None = None
    clock: Literal["live", "replay"] = "live"
    fail_points: Path | None = None  # where tests of faults arm them; for development only
    client_requests_per_s: int = Field(
        default=200,
        ge=1,
        description="Of one client or person; more are answered 429. A burst may be twice as many.",
    )
    address_requests_per_s: int = Field(
        default=50,
        ge=1,
        description="Of one address without a token that is known, and of its probes.",
    )
    storage_folder: Path | None = Field(
        default=None,
        description="Where PostgreSQL keeps its data, if this machine sees it: what is free is watched.",
    )
    storage_capacity_bytes: int | None = Field(
        default=None,
        ge=1,
        description="What a PostgreSQL elsewhere may use in all, if its folder is not seen here.",
    )
    storage_floor_bytes: int = Field(
        default=512 << 20,
        ge=0,
        description="With less free than this no event is taken, before PostgreSQL fails.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    def peers(self) -> dict[str, str]:
        """Return the base addresses of the services that are known, by name."""
        named = {
            "ingest": self.peers_ingest,
            "scoring": self.peers_scoring,
            "supervision": self.peers_supervision,
            "ranking": self.peers_ranking,
            "notify": self.peers_notify,
        }
        return {name: address for name, address in named.items() if address}

    def token_check(self, service: str) -> TokenCheck:
        """Return the check of tokens that name the service."""
        return TokenCheck(issuer=self.issuer, audience=audience_of(service), keys=KeyFile(self.jwks_file))

    def own_token(self) -> str:
        """Return the service's own token, read anew at each use because it is short-lived."""
        if self.token_file is None:
            raise Unavailable("DUKAO_TOKEN_FILE is not set, so no other service can be asked")
        try:
            return self.token_file.read_text("utf-8").strip()
        except OSError as error:
            raise Unavailable(f"{self.token_file} cannot be read: {error.strerror}") from error
