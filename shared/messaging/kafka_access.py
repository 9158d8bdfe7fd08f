"""Where the brokers are and as whom we speak to them: the value that every client of Kafka is made from."""

from dataclasses import dataclass
from pathlib import Path
from ssl import create_default_context
from typing import Any, Literal

from shared.kernel.errors import Unavailable

Security = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]


@dataclass(frozen=True, slots=True)
class KafkaAccess:
    """Brokers as `host:port, host:port`, and how to be let in; secrets lie in files and stay there."""

    bootstrap: str
    security: Security = "PLAINTEXT"
    ca_file: Path | None = None
    mechanism: Mechanism = "SCRAM-SHA-512"
    user: str = ""
    password_file: Path | None = None

    @property
    def logs_in(self) -> bool:
        """Whether the brokers ask for a user."""
        return self.security.startswith("SASL_")

    @property
    def guarded(self) -> bool:
        """Whether the brokers may turn us away."""
        return self.security != "PLAINTEXT"

    @property
    def encrypted(self) -> bool:
        """Whether the brokers show a certificate."""
        return self.security.endswith("SSL")

    def options(self) -> dict[str, Any]:
        """Return what every client of aiokafka is told; files are read anew, so a changed one is taken."""
        told: dict[str, Any] = {"bootstrap_servers": self.bootstrap, "security_protocol": self.security}
        if self.encrypted:
            told["ssl_context"] = self._context()
        if self.logs_in:
            told["sasl_mechanism"] = self.mechanism
            told["sasl_plain_username"] = self.user
            told["sasl_plain_password"] = self._password()
        return told

    def _context(self) -> Any:
        try:
            return create_default_context(cafile=self.ca_file)
        except OSError as error:
            raise Unavailable(f"{self.ca_file} is no file of certificates: {error.strerror}") from error

    def _password(self) -> str:
        assert self.password_file is not None, "settings ask for it"
        try:
            return self.password_file.read_text("utf-8").strip()
        except (OSError, UnicodeError) as error:
            raise Unavailable(f"{self.password_file} cannot be read: {type(error).__name__}") from error
