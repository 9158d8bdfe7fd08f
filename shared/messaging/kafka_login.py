"""Looks now and then whether the brokers take us and grant what we need; says what to do while they do not.

aiokafka's clients hide a refused login behind an error of connection, and wait without end for a topic that
they may not see; so this asks over a connection of its own.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka.conn import AIOKafkaConnection, collect_hosts, create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from shared.kernel.errors import Unavailable
from shared.messaging.kafka_access import KafkaAccess
from shared.messaging.kafka_clients import REQUEST_TIMEOUT_MS
from shared.messaging.kafka_rights import Operation, rights
from shared.telemetry.logs import logger

LOOK_S = 30.0
LOOK_AGAIN_S = 2.0
LOOK_TIMEOUT_S = 10.0

_LOG = logger(__name__)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the brokers refuse us, and what a person can do about it."""

    reason: str
    remedy: str


class Login:
    """Whether our user is let in, may read the streams that we read and write those that we write."""

    def __init__(self, access: KafkaAccess, *, reads: Iterable[str], writes: Iterable[str]) -> None:
        self._access = access
        self._needs = [(Operation.READ, topic) for topic in sorted(set(reads))]
        self._needs += [(Operation.WRITE, topic) for topic in sorted(set(writes))]
        self.refusal: Refusal | None = None
        self._looked = False

    @property
    def ready(self) -> bool:
        """Whether a look was taken and nothing is refused."""
        return self._looked and self.refusal is None

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            granted = await self.look()
            self._looked = True
            await asyncio.sleep(LOOK_S if granted else LOOK_AGAIN_S)

    async def look(self) -> bool:
        """Ask once and tell whether all is granted; a broker that is away changes nothing."""
        try:
            async with asyncio.timeout(LOOK_TIMEOUT_S):
                found = await self._asked()
        except (KafkaError, TimeoutError, OSError):
            return False
        if found is not None:
            _LOG.error("Kafka refuses us", reason=found.reason, remedy=found.remedy, **self._who())
        elif self.refusal is not None:
            _LOG.info("Kafka takes us again", **self._who())
        self.refusal = found
        return found is None

    async def _asked(self) -> Refusal | None:
        try:
            async with connected(self._access) as connection:
                return await self._lacking(connection)
        except Unavailable as error:
            return Refusal(str(error), "Mend the file; it is read again at each login.")
        except ssl.SSLCertVerificationError as error:
            return Refusal(
                f"the certificate is not to be trusted: {error.verify_message}",
                "Name who signed it in DUKAO_KAFKA_CA_FILE, and the brokers in DUKAO_KAFKA as it names them.",
            )
        except SaslAuthenticationFailed as error:
            return Refusal(
                str(error),
                f"Give the cluster a user {self._access.user} with the password that is in "
                f"{self._access.password_file}, or correct that file; it is read again at each login.",
            )
        except (UnsupportedSaslMechanismError, IllegalSaslStateError) as error:
            return Refusal(
                f"no login by {self._access.mechanism} here: {type(error).__name__}",
                "Set DUKAO_KAFKA_PROTOCOL and DUKAO_KAFKA_MECHANISM to what the brokers' listener has.",
            )
        except ValueError as error:  # the answer of one who does not know our password
            return Refusal(f"the brokers do not prove who they are: {error}", "Look at DUKAO_KAFKA.")

    async def _lacking(self, connection: AIOKafkaConnection) -> Refusal | None:
        granted = await rights(connection, sorted({topic for _, topic in self._needs}))
        lacking = [(operation, topic) for operation, topic in self._needs if operation not in granted[topic]]
        if not lacking:
            return None
        told = ", ".join(f"{operation.name} {topic}" for operation, topic in lacking)
        return Refusal(
            f"not allowed: {told}", f"Give User:{self._access.user} these rights; see docs/security.md."
        )

    def _who(self) -> dict[str, str]:
        access = self._access
        told = {"brokers": access.bootstrap, "protocol": access.security}
        return told | ({"user": access.user, "mechanism": access.mechanism} if access.logs_in else {})


@asynccontextmanager
async def connected(access: KafkaAccess) -> AsyncGenerator[AIOKafkaConnection]:
    """Connect to one of the brokers, another each time, and log in."""
    options = access.options()
    host, port, _ = collect_hosts(options.pop("bootstrap_servers"))[0]
    connection = await create_conn(host, port, request_timeout_ms=REQUEST_TIMEOUT_MS, **options)
    try:
        yield connection
    finally:
        closed = connection.close()
        if closed is not None:
            await closed
