"""Rights come from the table of streams, and that is what the services really read and publish."""

import stat
from importlib import import_module
from pathlib import Path

import pytest
from pydantic import SecretStr

from deploy.access import Right, commands, rights_of, rights_of_source
from deploy.embedded.files import CHECKOUT
from deploy.embedded.kafka_users import ADMIN, secured
from deploy.platform import kafka_access, kafka_passwords
from deploy.state import OtherPlatformError, State
from deploy.table import SERVICES, kafka_environment
from services.ingest.domain.binding import topic_of
from shared.messaging.kafka_rights import Operation
from shared.runtime.settings import KafkaSettings, ServiceSettings


@pytest.mark.parametrize("service", [service.name for service in SERVICES])
async def test_a_service_has_the_rights_that_it_uses_and_no_other(service):
    settings = ServiceSettings(
        database_url=SecretStr("postgresql+asyncpg://nobody@127.0.0.1/none"),
        kafka="127.0.0.1:9",
        port=0,
        worker="1",
        jwks_file=Path("jwks.json"),
        issuer="none",
    )
    built = import_module(f"services.{service}.wiring").build(settings)
    rights = rights_of(service)
    exact = {(right.operation, right.topic) for right in rights if not right.prefixed}
    reads = {(Operation.READ, stream) for stream in built.reads}
    assert exact == reads | {(Operation.WRITE, stream) for stream in built.writes}
    assert {right.user for right in rights} == {service}
    inbound = {right.operation for right in rights if right.prefixed}
    assert inbound == ({Operation.READ, Operation.CREATE} if service == "ingest" else set())
    for close in built.closing:
        await close()


@pytest.mark.parametrize("source", ["core", "dukao:simulator"])
def test_a_source_may_write_its_own_topic_and_nothing_else(source):
    topic = topic_of(source)
    assert rights_of_source(source) == (Right(topic, Operation.WRITE, topic),)
    assert topic.startswith("in.")


def test_the_page_for_operators_has_the_rights_of_every_service():
    page = (CHECKOUT / "docs/security.md").read_text("utf-8")
    for service in SERVICES:
        for line in commands(rights_of(service.name)):
            assert f"{line}\n" in page, "run python -m deploy.access and put what it prints there"
    (line,) = commands(rights_of_source("core"))
    assert f"{line}\n" in page


def test_a_secured_broker_lets_in_nobody_unasked():
    settings = secured({ADMIN: "pw"})
    assert settings["super.users"] == f"User:{ADMIN}"
    assert settings["allow.everyone.if.no.acl.found"] == "false"
    listeners = settings["listener.security.protocol.map"].split(",")
    assert [listener.partition(":")[2] for listener in listeners] == ["SASL_PLAINTEXT"] * 2
    assert secured({}) == {}


def test_a_service_is_told_where_its_password_lies_and_never_the_password(tmp_path, monkeypatch):
    state = State(tmp_path)
    passwords = kafka_passwords(state)
    assert set(passwords) == {ADMIN, *(service.name for service in SERVICES)}
    told = kafka_environment(kafka_access(state, 9092, "ranking", secure=True))
    for name, value in told.items():
        monkeypatch.setenv(name, value)
        assert value not in passwords.values()
    access = KafkaSettings.model_validate({}).access()
    assert access.options()["sasl_plain_username"] == "ranking"
    assert access.options()["sasl_plain_password"] == passwords["ranking"]
    assert stat.S_IMODE(access.password_file.stat().st_mode) == 0o600


@pytest.mark.parametrize(("secure", "remedy"), [(True, "Leave out --secure"), (False, "Add --secure")])
def test_a_platform_stays_open_or_secured_as_it_was_made(tmp_path, secure, remedy):
    state = State(tmp_path)
    state.keep_access(secure=not secure)
    state.keep_access(secure=not secure)
    with pytest.raises(OtherPlatformError, match=remedy):
        state.keep_access(secure=secure)


def test_a_platform_from_before_there_was_a_choice_is_open(tmp_path):
    state = State(tmp_path)
    state.keep_clock("live")
    with pytest.raises(OtherPlatformError, match="Leave out --secure"):
        state.keep_access(secure=True)
