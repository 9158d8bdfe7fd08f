"""Settings come from variables with one prefix."""

from pathlib import Path

import pytest
from pydantic import ValidationError

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
