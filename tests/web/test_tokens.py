"""Only a full RFC 9068 token of our issuer passes; every other gets one generic answer (I41)."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends
from joserfc import jws
from joserfc.jwk import OKPKey

from shared.web.access import Action, Role, Subject, Thing, Verdict, decide
from shared.web.app import create_app
from shared.web.development_issuer import ISSUER, DevelopmentIssuer
from shared.web.tokens import KeyFile, TokenCheck, TokenError, audience_of, published

NOW = 1_700_000_000
AUDIENCE = audience_of("ingest")


@pytest.fixture
def issuer(tmp_path: Path) -> DevelopmentIssuer:
    return DevelopmentIssuer(tmp_path / "issuer", environment="development", clock=lambda: NOW)


@pytest.fixture
def check(issuer: DevelopmentIssuer) -> TokenCheck:
    return check_of(issuer)


def check_of(issuer: DevelopmentIssuer, now: float = NOW) -> TokenCheck:
    return TokenCheck(issuer=ISSUER, audience=AUDIENCE, keys=KeyFile(issuer.jwks_file), clock=lambda: now)


def claims(**changes: Any) -> dict[str, Any]:
    plain = {
        "iss": ISSUER,
        "sub": "ada",
        "client_id": "desk",
        "aud": AUDIENCE,
        "iat": NOW,
        "exp": NOW + 600,
        "jti": "1",
        "roles": ["reader"],
        "unit": "/hq",
    }
    return {key: value for key, value in (plain | changes).items() if value is not ...}


def forge(issuer: DevelopmentIssuer, header: dict[str, Any] | None = None, **changes: Any) -> str:
    """Sign with the issuer's own key, whatever the header and the claims say."""
    key = OKPKey.import_key(json.loads((issuer.jwks_file.parent / "issuer-key.json").read_text()))
    head = {"alg": "Ed25519", "typ": "at+jwt", "kid": key.thumbprint()} | (header or {})
    parts = [encoded(head), encoded(claims(**changes))]
    signature = key.private_key.sign(".".join(parts).encode())
    return ".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=").decode()])


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_minted_token_says_who_asks(issuer: DevelopmentIssuer, check: TokenCheck) -> None:
    token = issuer.mint("ada", ["reader", "operator"], [AUDIENCE, "dukao/scoring"], unit="/hq/b-11")
    roles = frozenset({Role.READER, Role.OPERATOR})
    ada = Subject("ada", "dukao-development", roles, "/hq/b-11")
    assert [check.subject(token) for _ in ("checked", "remembered")] == [ada, ada]


def test_a_forged_but_right_token_passes(issuer: DevelopmentIssuer, check: TokenCheck) -> None:
    assert check.subject(forge(issuer)).name == "ada"
    assert check.subject(forge(issuer, {"alg": "EdDSA"})).unit == "/hq"


BAD: dict[str, Callable[[DevelopmentIssuer], str]] = {
    "alg none": lambda i: forge(i, {"alg": "none"}).rsplit(".", 1)[0] + ".",
    "alg nOnE": lambda i: forge(i, {"alg": "nOnE"}),
    "kid path": lambda i: forge(i, {"kid": "../../dev/null"}),
    "kid sql": lambda i: forge(i, {"kid": "' OR 1=1 --"}),
    "kid number": lambda i: forge(i, {"kid": 1}),
    "kid list": lambda i: forge(i, {"kid": []}),
    "jku": lambda i: forge(i, {"jku": "x"}),
    "x5u": lambda i: forge(i, {"x5u": "x"}),
    "jwk": lambda i: forge(i, {"jwk": {"kty": "OKP"}}),
    "crit": lambda i: forge(i, {"crit": ["exp"]}),
    "b64": lambda i: forge(i, {"b64": False}),
    "typ JWT": lambda i: forge(i, {"typ": "JWT"}),
    "typ list": lambda i: forge(i, {"typ": ["at+jwt"]}),
    "expired": lambda i: forge(i, exp=NOW),
    "nbf ahead": lambda i: forge(i, nbf=NOW + 60),
    "iat ahead": lambda i: forge(i, iat=NOW + 60),
    "no exp": lambda i: forge(i, exp=...),
    "exp string": lambda i: forge(i, exp=str(NOW + 60)),
    "exp true": lambda i: forge(i, exp=True),
    "exp float": lambda i: forge(i, exp=NOW + 60.5),
    "no iat": lambda i: forge(i, iat=...),
    "long life": lambda i: forge(i, exp=NOW + 901),
    "wrong aud": lambda i: forge(i, aud="dukao/scoring"),
    "no aud": lambda i: forge(i, aud=...),
    "wrong iss": lambda i: forge(i, iss="other"),
    "no sub": lambda i: forge(i, sub=...),
    "no client": lambda i: forge(i, client_id=...),
    "no jti": lambda i: forge(i, jti=...),
    "roles text": lambda i: forge(i, roles="operator"),
    "no unit": lambda i: forge(i, unit=...),
    "unit relative": lambda i: forge(i, unit="hq"),
    "unit dots": lambda i: forge(i, unit="/hq/../other"),
    "too long": lambda i: forge(i, pad="x" * 8192),
    "other signature": lambda i: forge(i)[:-8] + "AAAAAAAA",
    "two parts": lambda i: forge(i).rsplit(".", 1)[0],
    "empty": lambda _: "",
    "dots": lambda _: "..",
    "not ascii": lambda _: "é.é.é",
    "deep header": lambda _: f"{base64.urlsafe_b64encode(b'[' * 4000).decode()}.e30.AA",
}


def listed(issuer: DevelopmentIssuer) -> str:
    key = OKPKey.import_key(json.loads((issuer.jwks_file.parent / "issuer-key.json").read_text()))
    header = {"alg": "Ed25519", "typ": "at+jwt", "kid": key.thumbprint()}
    return jws.serialize_compact(header, b"[1]", key, algorithms=["Ed25519"])


def hmac_token(issuer: DevelopmentIssuer) -> str:
    public = json.loads(issuer.jwks_file.read_text())["keys"][0]
    parts = [encoded({"alg": "HS256", "typ": "at+jwt", "kid": public["kid"]}), encoded(claims())]
    secret = base64.urlsafe_b64decode(public["x"] + "=")
    signature = hmac.new(secret, ".".join(parts).encode(), hashlib.sha256).digest()
    return ".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=").decode()])


BAD |= {"claims a list": listed, "hmac with the public key": hmac_token}


@pytest.mark.parametrize("make", BAD.values(), ids=BAD.keys())
def test_a_bad_token_is_refused(
    make: Callable[[DevelopmentIssuer], str], issuer: DevelopmentIssuer, check: TokenCheck
) -> None:
    with pytest.raises(TokenError):
        check.subject(make(issuer))


def test_while_no_key_is_known_the_file_is_read_at_each_call(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "jwks.json", monotonic=lambda: 0.0)
    assert keys.keys() == {}
    DevelopmentIssuer(tmp_path, environment="development")
    assert len(keys.keys()) == 1


def test_an_issuer_leaves_its_published_keys_alone(issuer: DevelopmentIssuer) -> None:
    before = issuer.jwks_file.stat()
    DevelopmentIssuer(issuer.jwks_file.parent, environment="development")
    after = issuer.jwks_file.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_known_token_expires_too(issuer: DevelopmentIssuer) -> None:
    now = [float(NOW)]
    keys = KeyFile(issuer.jwks_file)
    check = TokenCheck(issuer=ISSUER, audience=AUDIENCE, keys=keys, clock=lambda: now[0])
    token = forge(issuer)
    check.subject(token)
    now[0] = NOW + 600
    with pytest.raises(TokenError):
        check.subject(token)


def test_keys_are_read_again_and_old_ones_end(issuer: DevelopmentIssuer, tmp_path: Path) -> None:
    ticks = [0.0]
    keys = KeyFile(issuer.jwks_file, monotonic=lambda: ticks[0])
    check = TokenCheck(issuer=ISSUER, audience=AUDIENCE, keys=keys, clock=lambda: NOW)
    old = forge(issuer)
    check.subject(old)
    other = DevelopmentIssuer(tmp_path / "other", environment="test", clock=lambda: NOW)
    issuer.jwks_file.write_text(other.jwks_file.read_text() + "\n")
    ticks[0] = 6
    with pytest.raises(TokenError):
        check.subject(old)
    assert check.subject(forge(other)).name == "ada"
    issuer.jwks_file.write_text("{")
    ticks[0] = 12
    assert check.subject(forge(other)).name == "ada"


def test_the_development_issuer_refuses_production_and_long_lives(
    tmp_path: Path, issuer: DevelopmentIssuer
) -> None:
    with pytest.raises(RuntimeError):
        DevelopmentIssuer(tmp_path / "p", environment="Production")
    assert not (tmp_path / "p").exists()
    with pytest.raises(ValueError, match="600"):
        issuer.mint("ada", ["reader"], [AUDIENCE], life_s=601)
    assert (issuer.jwks_file.parent / "issuer-key.json").stat().st_mode & 0o777 == 0o600
    assert '"d"' not in issuer.jwks_file.read_text()


def test_the_key_outlives_a_restart(issuer: DevelopmentIssuer, check: TokenCheck) -> None:
    again = DevelopmentIssuer(issuer.jwks_file.parent, environment="development", clock=lambda: NOW)
    assert check.subject(again.mint("bo", ["author"], [AUDIENCE])).name == "bo"


@pytest.mark.parametrize(
    ("action", "thing", "verdict"),
    [
        (Action(frozenset({Role.READER})), Thing(), Verdict.ALLOWED),
        (Action(frozenset({Role.OPERATOR})), Thing(), Verdict.FORBIDDEN),
        (Action(frozenset({Role.READER})), Thing(unit="/hq/a"), Verdict.ALLOWED),
        (Action(frozenset({Role.READER})), Thing(unit="/hq"), Verdict.ALLOWED),
        (Action(frozenset({Role.READER})), Thing(unit="/hqx"), Verdict.HIDDEN),
        (Action(frozenset({Role.READER})), Thing(unit="/"), Verdict.BELOW),
        (Action(frozenset({Role.OPERATOR})), Thing(unit="/other"), Verdict.FORBIDDEN),
    ],
)
def test_a_decision_looks_at_role_and_unit(action: Action, thing: Thing, verdict: Verdict) -> None:
    assert decide(Subject("ada", "c", frozenset({Role.READER}), "/hq"), action, thing) is verdict


async def test_the_door_gives_one_answer_to_every_bad_token(issuer: DevelopmentIssuer) -> None:
    router = APIRouter()

    @router.get("/who")
    async def who(subject: Annotated[Subject, Depends(published(Role.OPERATOR))]) -> str:
        return subject.name

    async def ready() -> dict[str, bool]:
        return {}

    app = create_app(title="t", service="ingest", routers=[router], readiness=ready, tokens=check_of(issuer))
    good = forge(issuer, roles=["operator"])
    answers: set[tuple[int, bytes]] = set()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        assert (await client.get("/who", headers={"authorization": f"Bearer {good}"})).json() == "ada"
        reader = await client.get("/who", headers={"authorization": f"Bearer {forge(issuer)}"})
        assert (reader.status_code, reader.json()["code"]) == (403, "forbidden")
        for make in BAD.values():
            header = b"Bearer " + make(issuer).encode()
            bad = await client.get("/who", headers={b"authorization": header})
            answers.add((bad.status_code, bad.content))
        twice = [("authorization", f"Bearer {good}")] * 2
        for headers in ([], twice, [("authorization", good)], [("authorization", f"Basic {good}")]):
            bad = await client.get("/who", headers=headers)
            answers.add((bad.status_code, bad.content))
    ((status, body),) = answers
    assert (status, json.loads(body)["code"]) == (401, "invalid_token")
