"""What brokers refuse is known and said; a broker that is away refuses nothing."""

import pytest

from shared.messaging.kafka_access import KafkaAccess
from shared.messaging.kafka_broker import ensure_topics
from shared.messaging.kafka_login import Login

AWAY = "127.0.0.1:9"


def secured(bootstrap, password_file):
    return KafkaAccess(bootstrap, "SASL_PLAINTEXT", None, "SCRAM-SHA-512", "ranking", password_file)


async def test_a_password_file_that_cannot_be_read_is_said(tmp_path):
    file = tmp_path / "password"
    login = Login(secured(AWAY, file), reads=["a"], writes=["b"])
    assert not await login.look()
    assert login.refusal.reason == f"{file} cannot be read: FileNotFoundError"
    assert not login.ready


async def test_brokers_that_are_away_refuse_nothing(tmp_path):
    file = tmp_path / "password"
    file.write_text("secret")
    login = Login(secured(AWAY, file), reads=["a"], writes=["b"])
    assert not await login.look()
    assert login.refusal is None


@pytest.mark.kafka
async def test_an_open_broker_grants_everything_and_knows_no_login(kafka_bootstrap, tmp_path):
    await ensure_topics(KafkaAccess(kafka_bootstrap), ["login.here"])
    login = Login(KafkaAccess(kafka_bootstrap), reads=["login.here"], writes=["login.absent"])
    assert await login.look()
    file = tmp_path / "password"
    file.write_text("secret")
    login = Login(secured(kafka_bootstrap, file), reads=["login.here"], writes=[])
    assert not await login.look()
    assert login.refusal is not None
    assert "no login by SCRAM-SHA-512" in login.refusal.reason
    assert "DUKAO_KAFKA_MECHANISM" in login.refusal.remedy
