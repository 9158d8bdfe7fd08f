"""The one table of processes and settings: `dukao up` and `docker-compose.yml` both come from it."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.contracts.catalogue import STREAM_OWNERS
from shared.messaging.kafka_access import KafkaAccess
from shared.web.development_issuer import ISSUER

POSTGRES_IMAGE = "postgres:18"
KAFKA_IMAGE = "apache/kafka:4.3.1"
DATABASE = "dukao"
OWNER = "dukao_owner"
TOPICS = tuple(STREAM_OWNERS)
KAFKA_HEAP = ("-Xms256m", "-Xmx512m")
CPU_SHARES = 1024  # of a container that is told nothing
BEHIND_NICE = 5  # who only follows the stream leaves the processor to the door: later, it takes more at once


@dataclass(frozen=True, slots=True)
class Service:
    """A process that serves: its database role and schema are its own, its port is wished for."""

    name: str
    port: int
    nice: int = BEHIND_NICE

    @property
    def role(self) -> str:
        """The database role, which owns the schema of the same name and sees no other."""
        return self.name

    @property
    def schema(self) -> str:
        """The schema in the database."""
        return self.name

    @property
    def module(self) -> str:
        """What `python -m` runs."""
        return f"services.{self.name}"

    @property
    def migrations(self) -> str:
        """The package of the schema's steps."""
        return f"services.{self.name}.migrations"

    @property
    def cpu_shares(self) -> int:
        """What containers are told instead of `nice`: a step of it weighs four fifths of the one before."""
        return round(CPU_SHARES * 0.8**self.nice)


SERVICES = (
    Service("ingest", 8101, nice=0),
    Service("scoring", 8102),
    Service("supervision", 8103),
    Service("ranking", 8104),
    Service("notify", 8105),
)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where one service finds the others and its files; `addresses` are base URLs by service."""

    database_url: str
    kafka: KafkaAccess
    host: str
    port: int
    addresses: Mapping[str, str]
    jwks_file: str
    token_file: str
    storage_folder: str
    clock: str = "live"
    log_level: str = "INFO"


def environment(around: Surroundings) -> dict[str, str]:
    """Return the variables that a service is told."""
    return {
        "DUKAO_DATABASE_URL": around.database_url,
        **kafka_environment(around.kafka),
        "DUKAO_HOST": around.host,
        "DUKAO_PORT": str(around.port),
        "DUKAO_JWKS_FILE": around.jwks_file,
        "DUKAO_ISSUER": ISSUER,
        "DUKAO_TOKEN_FILE": around.token_file,
        "DUKAO_CLOCK": around.clock,
        "DUKAO_LOG_LEVEL": around.log_level,
        "DUKAO_STORAGE_FOLDER": around.storage_folder,
        **{f"DUKAO_PEERS_{name.upper()}": address for name, address in around.addresses.items()},
    }


def kafka_environment(access: KafkaAccess) -> dict[str, str]:
    """Return the variables that tell a process of Kafka; of a password, where it lies."""
    told = {"DUKAO_KAFKA": access.bootstrap, "DUKAO_KAFKA_PROTOCOL": access.security}
    if access.logs_in:
        told["DUKAO_KAFKA_MECHANISM"] = access.mechanism
        told["DUKAO_KAFKA_USER"] = access.user
        told["DUKAO_KAFKA_PASSWORD_FILE"] = str(access.password_file)
    if access.ca_file is not None:
        told["DUKAO_KAFKA_CA_FILE"] = str(access.ca_file)
    return told


def database_url(role: str, password: str, host: str, port: int) -> str:
    """Return a role's address for SQLAlchemy with asyncpg."""
    return f"postgresql+asyncpg://{role}:{password}@{host}:{port}/{DATABASE}"


def password_variable(role: str) -> str:
    """Return the variable that tells a role's password where there is no state folder."""
    return f"DUKAO_PASSWORD_{role.removeprefix('dukao_').upper()}"


POSTGRES_SETTINGS: dict[str, str] = {
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "fsync": "on",
    "full_page_writes": "on",
    "recovery_init_sync_method": "syncfs",  # after a kill, one call instead of one a file; Linux 5.8 or newer
    "timezone": "UTC",
    "log_timezone": "UTC",
}
POSTGRES_INIT = ("--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--data-checksums")


def kafka_settings(
    *, listen: str, host: str, port: int, controller_port: int, log_folder: str
) -> dict[str, str]:
    """Return the settings of a single node that keeps what it is told and makes no topic unasked."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{host}:{controller_port}",
        "listeners": f"BROKER://{listen}:{port},CONTROLLER://{listen}:{controller_port}",
        "advertised.listeners": f"BROKER://{host}:{port}",
        "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "BROKER",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": log_folder,
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        "broker.session.timeout.ms": "4000",
        "broker.heartbeat.interval.ms": "1000",
    }
