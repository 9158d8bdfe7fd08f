"""Settings come from variables with one prefix."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.kernel.errors import Unavailable
from shared.runtime.settings import ServiceSettings

GIVEN = {
    "DATABASE_URL": "postgresql+asyncpg://ingest:secret@127.0.0.1/dukao",
    "KAFKA": "127.0.0.1:9092",
    "PORT": "8001",
    "JWKS_FILE": "/x/jwks.json",
    "ISSUER": "dukao/development",
    "PEERS_SCORING": "http://127.0.0.1:8002",
}


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GIVEN.items():
        monkeypatch.setenv(f"DUKAO_{name}", value)


def test_settings_are_read_and_keep_their_secret() -> None:
    settings = ServiceSettings()
    assert (settings.port, settings.clock, settings.peers()) == (
        8001,
        "live",
        {"scoring": GIVEN["PEERS_SCORING"]},
    )
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "70000"), ("CLOCK", "fast"), ("LOG_LEVEL", "loud"), ("WORKER", ""), ("WORKER", "a/b")],
)
def test_a_wrong_setting_stops_the_start(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"DUKAO_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        ServiceSettings()


def test_the_own_token_is_read_at_each_use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "token"
    monkeypatch.setenv("DUKAO_TOKEN_FILE", str(file))
    settings = ServiceSettings()
    for token in ("one", "two"):
        file.write_text(token + "\n")
        assert settings.own_token() == token


def kafka(monkeypatch: pytest.MonkeyPatch, **given: str) -> ServiceSettings:
    for name, value in given.items():
        monkeypatch.setenv(f"DUKAO_KAFKA_{name.upper()}", value)
    return ServiceSettings()


def test_kafka_is_spoken_to_in_the_clear_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kafka(monkeypatch).access().options() == {
        "bootstrap_servers": "127.0.0.1:9092",
        "security_protocol": "PLAINTEXT",
    }


def test_a_password_of_kafka_is_read_at_each_login_and_shown_nowhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    given = {"protocol": "SASL_SSL", "mechanism": "SCRAM-SHA-256", "user": "ingest"}
    settings = kafka(monkeypatch, **given, password_file=str(file))
    access = settings.access()
    for password in ("one-secret", "two-secret"):
        file.write_text(password + "\n")
        options = access.options()
        assert options.pop("ssl_context").check_hostname
        assert options == {
            "bootstrap_servers": "127.0.0.1:9092",
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "SCRAM-SHA-256",
            "sasl_plain_username": "ingest",
            "sasl_plain_password": password,
        }
    assert "secret" not in f"{settings!r} {access!r}"
    file.unlink()
    with pytest.raises(Unavailable, match="password cannot be read"):
        access.options()


def test_a_ca_file_that_holds_no_certificate_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "ca.pem"
    access = kafka(monkeypatch, protocol="SSL", ca_file=str(file)).access()
    for _ in ("absent", "empty"):
        with pytest.raises(Unavailable, match=r"ca\.pem is no file of certificates"):
            access.options()
        file.write_text("")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"protocol": "SASL_SSL"}, "needs DUKAO_KAFKA_USER"),
        ({"protocol": "SASL_SSL", "user": "x"}, "needs DUKAO_KAFKA_USER and DUKAO_KAFKA_PASSWORD_FILE"),
        ({"user": "x", "password_file": "/x"}, "PLAINTEXT knows no DUKAO_KAFKA_USER"),
        ({"protocol": "SSL", "password_file": "/x"}, "SSL knows no DUKAO_KAFKA_USER"),
        ({"ca_file": "/x"}, "PLAINTEXT shows no certificate"),
        (
            {"protocol": "SASL_PLAINTEXT", "mechanism": "PLAIN", "user": "x", "password_file": "/x"},
            "PLAIN sends the password itself",
        ),
        ({"protocol": "TLS"}, "kafka_protocol"),
        ({"mechanism": "MD5"}, "kafka_mechanism"),
    ],
)
def test_settings_of_kafka_that_would_do_less_than_was_meant_stop_the_start(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], told: str
) -> None:
    with pytest.raises(ValidationError, match=told) as error:
        kafka(monkeypatch, **given)
    assert "secret" not in str(error.value)
