"""Writes `docker-compose.yml` from the table, so that containers run what `dukao up` runs."""

from pathlib import Path
from typing import Any

import yaml

from deploy.embedded.files import CHECKOUT
from deploy.embedded.postgres import options
from deploy.issuing import token_file
from deploy.table import (
    DATABASE,
    KAFKA_HEAP,
    KAFKA_IMAGE,
    OWNER,
    POSTGRES_IMAGE,
    POSTGRES_INIT,
    POSTGRES_SETTINGS,
    SERVICES,
    Service,
    Surroundings,
    database_url,
    environment,
    kafka_environment,
    kafka_settings,
    password_variable,
)
from shared.messaging.kafka_access import KafkaAccess
from shared.runtime.process import GRACE_S, PARTS_END_S
from shared.web.development_issuer import JWKS_FILE

Block = dict[str, Any]

FILE = CHECKOUT / "docker-compose.yml"
EXAMPLE = "deploy/compose.env.example"
IMAGE = "dukao"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - of a container; only loopback ports of the machine lead there
POSTGRES_PORT = 5432
KAFKA_PORT = 9092
KAFKA_CONTROLLER_PORT = 9093
KAFKA_DATA = "/var/lib/kafka/data"
HOME = Path("/var/lib/dukao")
ISSUER, KEYS, TOKENS, TOKEN = (HOME / name for name in ("issuer", "keys", "tokens", "token"))
_READY = "python -c \"import urllib.request as r; r.urlopen('http://127.0.0.1:{port}/readyz', timeout=3)\""
# Builds of one name run side by side, and all but the first can fail because the image is there already.
_BUILT: Block = {"image": IMAGE, "pull_policy": "never"}
HEAD = """\
# Made by `python -m deploy.compose` from deploy/table.py; change that, not this.
# Passwords are told by variables: cp deploy/compose.env.example deploy/compose.env, fill it in, then
#   docker compose --env-file deploy/compose.env up --build
# A development token of ten minutes, once it is up:
#   docker compose --env-file deploy/compose.env exec issuer dukao token
"""


def compose() -> Block:
    """Return the whole file as data."""
    volumes = ["postgres", "kafka", "issuer", "keys", *(_volume(service) for service in SERVICES)]
    return {
        "name": "dukao",
        "services": {
            "postgres": _postgres(),
            "kafka": _kafka(),
            "prepare": _prepare(),
            "issuer": _issuer(),
            **{service.name: _service(service) for service in SERVICES},
        },
        "volumes": {volume: {} for volume in volumes},
    }


def text() -> str:
    """Return the whole file as it is written."""
    return HEAD + yaml.safe_dump(compose(), sort_keys=False, width=1000)


def password(role: str) -> str:
    """Return the variable that tells a role's password; without it nothing starts."""
    return f"${{{password_variable(role)}:?see {EXAMPLE}}}"


def kafka_variable(setting: str) -> str:
    """Return the variable by which the image is told a setting."""
    return "KAFKA_" + setting.upper().replace("_", "__").replace("-", "___").replace(".", "_")


def _postgres() -> Block:
    return {
        "image": POSTGRES_IMAGE,
        "command": ["postgres", *options(POSTGRES_SETTINGS)],
        "environment": {
            "POSTGRES_USER": OWNER,
            "POSTGRES_DB": DATABASE,
            "POSTGRES_PASSWORD": password(OWNER),
            "POSTGRES_INITDB_ARGS": " ".join(POSTGRES_INIT),
        },
        "volumes": ["postgres:/var/lib/postgresql"],
        "shm_size": "256mb",
        "healthcheck": _healthy(f"pg_isready -h 127.0.0.1 -U {OWNER} -d {DATABASE}"),
        "stop_grace_period": "1m",
        "restart": "unless-stopped",
    }


def _kafka() -> Block:
    settings = kafka_settings(
        listen=EVERYWHERE,
        host="kafka",
        port=KAFKA_PORT,
        controller_port=KAFKA_CONTROLLER_PORT,
        log_folder=KAFKA_DATA,
    )
    return {
        "image": KAFKA_IMAGE,
        "environment": {
            "KAFKA_HEAP_OPTS": " ".join(KAFKA_HEAP),
            **{kafka_variable(name): value for name, value in settings.items()},
        },
        "volumes": [f"kafka:{KAFKA_DATA}"],
        "healthcheck": _healthy(f"bash -c '</dev/tcp/127.0.0.1/{KAFKA_PORT}'"),
        "stop_grace_period": "1m",
        "restart": "unless-stopped",
    }


def _prepare() -> Block:
    """Makes roles, schemas and topics, and ends; the services wait for that. It alone builds the image."""
    passwords = {password_variable(service.role): password(service.role) for service in SERVICES}
    return {
        "image": IMAGE,
        "build": {"context": ".", "dockerfile": "deploy/Dockerfile"},
        **_ours("deploy.prepare"),
        "environment": {
            "DUKAO_OWNER_URL": _database_url(OWNER),
            **kafka_environment(_access()),
            **passwords,
        },
        "depends_on": {name: {"condition": "service_healthy"} for name in ("postgres", "kafka")},
        "restart": "no",
    }


def _issuer() -> Block:
    """The development issuer: it alone sees its private key, and each service only its own token."""
    tokens = [f"{_volume(service)}:{TOKENS / service.name}" for service in SERVICES]
    last = token_file(TOKENS, SERVICES[-1].name)
    return {
        **_BUILT,
        **_ours("deploy.issuing"),
        "environment": {
            "DUKAO_ENVIRONMENT": "development",
            "DUKAO_ISSUER_FOLDER": str(ISSUER),
            "DUKAO_KEYS_FOLDER": str(KEYS),
            "DUKAO_TOKENS_FOLDER": str(TOKENS),
        },
        "volumes": [f"issuer:{ISSUER}", f"keys:{KEYS}", *tokens],
        "healthcheck": _healthy(f"test -s {last}"),
        "restart": "unless-stopped",
    }


def _service(service: Service) -> Block:
    around = Surroundings(
        database_url=_database_url(service.role),
        kafka=_access(),
        host=EVERYWHERE,
        port=service.port,
        addresses={other.name: f"http://{other.name}:{other.port}" for other in SERVICES},
        jwks_file=str(KEYS / JWKS_FILE),
        token_file=str(TOKEN / "token"),
        storage_folder=str(HOME),  # on the disk of the engine, as the volume of PostgreSQL is
    )
    return {
        **_BUILT,
        **_ours(service.module),
        "environment": environment(around),
        "ports": [f"127.0.0.1:{service.port}:{service.port}"],
        "volumes": [f"keys:{KEYS}:ro", f"{_volume(service)}:{TOKEN}:ro"],
        "depends_on": {
            "postgres": {"condition": "service_healthy"},
            "kafka": {"condition": "service_healthy"},
            "issuer": {"condition": "service_healthy"},
            "prepare": {"condition": "service_completed_successfully"},
        },
        "healthcheck": _healthy(_READY.format(port=service.port)),
        "stop_grace_period": f"{GRACE_S + PARTS_END_S + 1}s",
        "cpu_shares": service.cpu_shares,
        "restart": "unless-stopped",
    }


def _ours(module: str) -> Block:
    """`init` passes signals on to a process that would be the first."""
    return {"init": True, "command": ["python", "-m", module]}


def _healthy(command: str) -> Block:
    return {
        "test": ["CMD-SHELL", command],
        "interval": "5s",
        "timeout": "5s",
        "retries": 12,
        "start_period": "60s",
    }


def _volume(service: Service) -> str:
    return f"token-{service.name}"


def _database_url(role: str) -> str:
    return database_url(role, password(role), "postgres", POSTGRES_PORT)


def _access() -> KafkaAccess:
    """Only its containers reach the broker of the file; docs/security.md says how to name another."""
    return KafkaAccess(f"kafka:{KAFKA_PORT}")


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
