"""The compose file says what the table says, and what the embedded platform runs."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from deploy.compose import EXAMPLE, FILE, HOME, IMAGE, TOKENS, kafka_variable, text
from deploy.control import token
from deploy.embedded.files import CHECKOUT
from deploy.embedded.kafka import properties
from deploy.embedded.postgres import options
from deploy.managed import Managed
from deploy.platform import surroundings
from deploy.state import PARTS, Options, State
from deploy.table import (
    DATABASE,
    KAFKA_HEAP,
    OWNER,
    POSTGRES_INIT,
    POSTGRES_SETTINGS,
    SERVICES,
    environment,
)
from shared.runtime.process import GRACE_S, PARTS_END_S
from shared.runtime.settings import ServiceSettings
from shared.web.development_issuer import ISSUER
from shared.web.tokens import KeyFile, TokenCheck, audience_of
from tests.waiting import until

VARIABLE = re.compile(r"\$\{(\w+):\?[^}]+\}")
FOLDERS = re.compile(r"mkdir -p (.+?) \\")


@pytest.fixture(scope="module")
def file():
    return yaml.safe_load(FILE.read_text("utf-8"))


def told(value):
    """A value as compose hands it on when every password is `secret`."""
    return VARIABLE.sub("secret", value)


def test_the_file_is_what_the_table_makes():
    assert FILE.read_text("utf-8") == text(), "run python -m deploy.compose"


def test_a_service_has_the_time_to_end_that_it_has_under_the_supervisor(file):
    graces = {file["services"][service.name]["stop_grace_period"] for service in SERVICES}
    supervised = Managed("ingest", 8101, start=lambda: None).grace_s
    assert graces == {f"{supervised:.0f}s"}
    assert supervised > GRACE_S + PARTS_END_S


def test_the_door_comes_before_those_that_follow_the_stream(file):
    shares = {service.name: file["services"][service.name]["cpu_shares"] for service in SERVICES}
    assert shares == {"ingest": 1024, "scoring": 336, "supervision": 336, "ranking": 336, "notify": 336}


def test_every_process_of_the_table_has_its_command(file):
    ours = {name: block["command"][-1] for name, block in file["services"].items() if block["image"] == IMAGE}
    assert ours == {
        "prepare": "deploy.prepare",
        "issuer": "deploy.issuing",
        **{service.name: f"services.{service.name}" for service in SERVICES},
    }
    assert set(file["services"]) - set(ours) == {"postgres", "kafka"}


def test_the_image_is_built_by_one_part_and_asked_of_no_registry_by_the_others(file):
    ours = [name for name, block in file["services"].items() if block["image"] == IMAGE]
    built = [name for name in ours if "build" in file["services"][name]]
    taken = [name for name in ours if file["services"][name].get("pull_policy") == "never"]
    assert built == ["prepare"]
    assert sorted(built + taken) == sorted(ours)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_service_is_told_the_same_as_the_embedded_one(file, service, tmp_path):
    ports = {name: 20_000 + place for place, name in enumerate(PARTS)}
    embedded = environment(surroundings(State(tmp_path), service, ports, Options().clock))
    composed = file["services"][service.name]["environment"]
    assert list(composed) == list(embedded)
    places = {
        "DUKAO_HOST",
        "DUKAO_JWKS_FILE",
        "DUKAO_TOKEN_FILE",
        "DUKAO_KAFKA",
        "DUKAO_DATABASE_URL",
        "DUKAO_PORT",
        "DUKAO_STORAGE_FOLDER",
    }
    for name in composed:
        if name not in places and not name.startswith("DUKAO_PEERS_"):
            assert composed[name] == embedded[name], name
    role = re.compile(r"postgresql\+asyncpg://(\w+):[^@]+@[\w.]+:\d+/(\w+)")
    assert role.match(told(composed["DUKAO_DATABASE_URL"])).groups() == (service.role, DATABASE)
    assert role.match(embedded["DUKAO_DATABASE_URL"]).groups() == (service.role, DATABASE)
    assert composed["DUKAO_PORT"] == str(service.port)
    for other in SERVICES:
        assert composed[f"DUKAO_PEERS_{other.name.upper()}"] == f"http://{other.name}:{other.port}"


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_the_settings_of_a_service_take_what_the_file_says(file, service, monkeypatch):
    for name, value in file["services"][service.name]["environment"].items():
        monkeypatch.setenv(name, told(value))
    settings = ServiceSettings.model_validate({})
    assert settings.port == service.port
    assert set(settings.peers()) == {other.name for other in SERVICES}


def test_kafka_has_the_embedded_settings(file):
    embedded = dict(
        line.split("=", 1)
        for line in properties(Path("/place"), 9092, 9093).replace("127.0.0.1", "HOST").split()
    )
    composed = dict(file["services"]["kafka"]["environment"])
    assert composed.pop("KAFKA_HEAP_OPTS") == " ".join(KAFKA_HEAP)
    assert composed.pop("KAFKA_LOG_DIRS") == "/var/lib/kafka/data"
    assert embedded.pop("log.dirs") == "/place/log"
    same = {name: re.sub(r"0\.0\.0\.0|kafka(?=:)", "HOST", value) for name, value in composed.items()}
    assert same == {kafka_variable(name): value for name, value in embedded.items()}
    assert file["services"]["kafka"]["volumes"] == ["kafka:/var/lib/kafka/data"]


def test_postgres_has_the_embedded_settings_and_database(file):
    block = file["services"]["postgres"]
    assert block["command"] == ["postgres", *options(POSTGRES_SETTINGS)]
    assert block["environment"]["POSTGRES_USER"] == OWNER
    assert block["environment"]["POSTGRES_DB"] == DATABASE
    assert block["environment"]["POSTGRES_INITDB_ARGS"].split() == list(POSTGRES_INIT)


def test_images_and_ports_are_those_of_the_table(file):
    assert re.fullmatch(r"postgres:\d+", file["services"]["postgres"]["image"])
    assert re.fullmatch(r"apache/kafka:[\d.]+", file["services"]["kafka"]["image"])
    for service in SERVICES:
        assert file["services"][service.name]["ports"] == [f"127.0.0.1:{service.port}:{service.port}"]


def test_services_wait_for_what_they_need_and_all_parts_but_one_say_how_they_are(file):
    for service in SERVICES:
        conditions = {
            name: need["condition"] for name, need in file["services"][service.name]["depends_on"].items()
        }
        assert conditions == {
            "postgres": "service_healthy",
            "kafka": "service_healthy",
            "issuer": "service_healthy",
            "prepare": "service_completed_successfully",
        }
    assert [name for name, block in file["services"].items() if "healthcheck" not in block] == ["prepare"]


def test_a_service_sees_its_own_token_and_the_public_keys_alone(file):
    for service in SERVICES:
        volumes = [volume.split(":") for volume in file["services"][service.name]["volumes"]]
        assert [(name, mode) for name, _place, mode in volumes] == [
            ("keys", "ro"),
            (f"token-{service.name}", "ro"),
        ]
    private = [name for name, block in file["services"].items() if "issuer" in str(block.get("volumes"))]
    assert private == ["issuer"]
    named = {
        volume.split(":")[0] for block in file["services"].values() for volume in block.get("volumes", [])
    }
    assert named == set(file["volumes"])


def test_every_password_comes_from_a_variable_that_the_example_names():
    example = (CHECKOUT / EXAMPLE).read_text("ascii")
    names = set(re.findall(r"^(\w+)=$", example, re.MULTILINE))
    written = FILE.read_text("utf-8")
    assert set(VARIABLE.findall(written)) == names
    assert len(names) == len(SERVICES) + 1
    assert "$" not in VARIABLE.sub("", written.replace(text().split("name:")[0], ""))


def test_the_image_holds_the_locked_packages_runs_unprivileged_and_names_no_registry():
    lines = (CHECKOUT / "deploy/Dockerfile").read_text("ascii")
    assert "--require-hashes -r requirements.lock" in lines
    assert re.findall(r"^USER (\w+)$", lines, re.MULTILINE) == ["dukao"]
    assert "chmod -R a+rX ." in lines
    assert "://" not in lines
    assert re.findall(r"^FROM (.+)$", lines, re.MULTILINE) == ["python:3.11-slim"]


def test_the_image_has_every_folder_that_a_volume_is_mounted_over(file):
    made = FOLDERS.search((CHECKOUT / "deploy/Dockerfile").read_text("ascii")).group(1).split()
    blocks = [block for block in file["services"].values() if block["image"] == IMAGE]
    mounted = {volume.split(":")[1] for block in blocks for volume in block.get("volumes", [])}
    assert mounted == {str(HOME / folder) for folder in made}


def test_what_the_image_copies_is_let_through(file):
    ignored = (CHECKOUT / ".dockerignore").read_text("ascii").splitlines()
    copied = re.findall(r"^COPY (\S+) ", (CHECKOUT / "deploy/Dockerfile").read_text("ascii"), re.MULTILINE)
    assert ignored[0] == "*"
    assert {line[1:] for line in ignored if line.startswith("!")} == set(copied)


def test_the_issuer_runs_with_what_the_file_tells_it(file, tmp_path):
    variables = {
        name: value.replace(str(HOME), str(tmp_path))
        for name, value in file["services"]["issuer"]["environment"].items()
    }
    command = [sys.executable, *file["services"]["issuer"]["command"][1:]]
    (tmp_path / "keys").mkdir()
    with subprocess.Popen(command, cwd=CHECKOUT, env={"PATH": os.environ["PATH"], **variables}) as issuer:
        try:
            tokens = [tmp_path / TOKENS.name / service.name / "token" for service in SERVICES]
            until(lambda: all(token.exists() for token in tokens))
        finally:
            issuer.send_signal(signal.SIGTERM)
    assert (tmp_path / "keys/jwks.json").exists()
    assert not (tmp_path / "keys/issuer-key.json").exists()
    check = TokenCheck(
        issuer=ISSUER, audience=audience_of("ingest"), keys=KeyFile(tmp_path / "keys/jwks.json")
    )
    assert check.subject(token(State(tmp_path), "ada")).name == "ada"
    assert f"DUKAO_STATE={HOME}" in (CHECKOUT / "deploy/Dockerfile").read_text("ascii")
