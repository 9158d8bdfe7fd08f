"""What a service is told by its surroundings: variables `DUKAO_*`, read once in its wiring."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.kernel.errors import Unavailable
from shared.messaging.kafka_access import KafkaAccess, Mechanism, Security
from shared.runtime.process import GRACE_S
from shared.web.tokens import KeyFile, TokenCheck, audience_of


class KafkaSettings(BaseSettings):
    """Where the brokers are and as whom to speak to them."""

    model_config = SettingsConfigDict(env_prefix="DUKAO_", frozen=True, hide_input_in_errors=True)

    kafka: str
    kafka_protocol: Security = "PLAINTEXT"
    kafka_ca_file: Path | None = Field(
        default=None, description="Who signs the brokers' certificates; left out: whom the machine trusts."
    )
    kafka_mechanism: Mechanism = "SCRAM-SHA-512"
    kafka_user: str = ""
    kafka_password_file: Path | None = Field(
        default=None, description="Read at each login, so that a new password needs no restart."
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """Refuse what would speak in the clear, or as nobody, where more was meant."""
        given = f"DUKAO_KAFKA_PROTOCOL={self.kafka_protocol}"
        logs_in = self.kafka_protocol.startswith("SASL_")
        if logs_in and not (self.kafka_user and self.kafka_password_file):
            raise ValueError(f"{given} needs DUKAO_KAFKA_USER and DUKAO_KAFKA_PASSWORD_FILE")
        if not logs_in and (self.kafka_user or self.kafka_password_file):
            raise ValueError(f"{given} knows no DUKAO_KAFKA_USER; set SASL_SSL or leave it out")
        if self.kafka_ca_file and not self.kafka_protocol.endswith("SSL"):
            raise ValueError(f"{given} shows no certificate; leave out DUKAO_KAFKA_CA_FILE")
        if self.kafka_mechanism == "PLAIN" and self.kafka_protocol == "SASL_PLAINTEXT":
            raise ValueError("DUKAO_KAFKA_MECHANISM=PLAIN sends the password itself; use SASL_SSL or SCRAM")
        return self

    def access(self) -> KafkaAccess:
        """Return what clients of Kafka are made from."""
        return KafkaAccess(
            self.kafka,
            self.kafka_protocol,
            self.kafka_ca_file,
            self.kafka_mechanism,
            self.kafka_user,
            self.kafka_password_file,
        )


class ServiceSettings(KafkaSettings):
    """The settings that every service has; one that needs more adds fields in its wiring."""

    database_url: SecretStr
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
    shutdown_grace_s: int = Field(
        default=GRACE_S,
        ge=1,
        le=GRACE_S,
        description="How long requests that were taken may still be answered when the process is to end.",
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
