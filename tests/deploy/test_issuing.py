"""Tokens of the services and of persons, from the development issuer."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from deploy.issuing import mint, open_issuer, publish_keys, refresh, token_file
from deploy.table import SERVICES
from shared.web.development_issuer import ISSUER, JWKS_FILE
from shared.web.tokens import KeyFile, TokenCheck, audience_of


def check(jwks, service):
    return TokenCheck(issuer=ISSUER, audience=audience_of(service), keys=KeyFile(jwks))


def test_each_service_has_a_token_of_its_own_that_the_others_take(tmp_path):
    issuer = open_issuer(tmp_path / "issuer")
    refresh(issuer, tmp_path / "tokens")
    first = {service.name: token_file(tmp_path / "tokens", service.name).read_text() for service in SERVICES}
    assert len(set(first.values())) == len(SERVICES)
    for name, minted in first.items():
        for other in SERVICES:
            assert check(issuer.jwks_file, other.name).subject(minted).name == f"service:{name}"
    refresh(issuer, tmp_path / "tokens")
    assert all(token_file(tmp_path / "tokens", name).read_text() != old for name, old in first.items())


def test_keys_and_tokens_are_closed_to_others(tmp_path):
    issuer = open_issuer(tmp_path / "issuer")
    refresh(issuer, tmp_path / "issuer" / "tokens")
    assert stat.S_IMODE((tmp_path / "issuer").stat().st_mode) == 0o700
    for service in SERVICES:
        path = token_file(tmp_path / "issuer" / "tokens", service.name)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_is_published_is_public(tmp_path):
    keys = tmp_path / "keys"
    keys.mkdir()
    publish_keys(open_issuer(tmp_path / "issuer"), keys)
    published = json.loads((keys / JWKS_FILE).read_text())
    assert all("d" not in key for key in published["keys"])
    assert [path.name for path in keys.iterdir()] == [JWKS_FILE]


def test_many_may_mint_at_once(tmp_path):
    jwks = open_issuer(tmp_path / "issuer").jwks_file
    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(lambda n: mint(tmp_path / "issuer", f"person-{n}", ["reader"]), range(40)))
    assert [check(jwks, "ingest").subject(token).name for token in tokens] == [
        f"person-{n}" for n in range(40)
    ]


def test_there_is_no_development_issuer_in_production(tmp_path, monkeypatch):
    monkeypatch.setenv("DUKAO_ENVIRONMENT", "production")
    with pytest.raises(RuntimeError, match="production"):
        open_issuer(tmp_path / "issuer")
