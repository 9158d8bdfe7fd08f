"""RFC 9068 access tokens: checked in full, refused with one generic answer, the reason only in the log."""

import json
import re
import time
import warnings
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer
from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import OKPKey

from shared.kernel.errors import Problem, Refused, hidden, refuse
from shared.telemetry.logs import logger
from shared.telemetry.metrics import METRICS
from shared.web.access import ANYTHING, EVERYTHING, Action, Bound, Role, Subject, Thing, Verdict, decide

TOKEN_LIMIT_BYTES = 8 * 1024
LIFE_LIMIT_S = 15 * 60
LEEWAY_S = 5
KEYS_REREAD_S = 5.0
CACHE_LIMIT_TOKENS = 2048

# RFC 9864 renames EdDSA over Ed25519; issuers still send the old name.
ALGORITHMS = ("Ed25519", "EdDSA")
_HEADER_MEMBERS = frozenset({"alg", "typ", "kid"})
_KID = re.compile(r"[0-9A-Za-z_-]{1,64}\Z")
_UNIT_PATH = re.compile(r"/(?:[0-9A-Za-z][0-9A-Za-z:._-]{0,63}(?:/[0-9A-Za-z][0-9A-Za-z:._-]{0,63})*)?\Z")
_LOG = logger(__name__)


def audience_of(service: str) -> str:
    """Return the audience that names a service."""
    return f"dukao/{service}"


class TokenError(Exception):
    """A token is not taken; the message is a short reason for the log."""


class KeyFile:
    """The public keys of the issuer, from a JWKS file that is read again when it changes."""

    def __init__(self, path: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._monotonic = monotonic
        self._next_look = 0.0
        self._stamp: tuple[int, int] | None = None
        self._keys: dict[str, OKPKey] = {}

    def keys(self) -> Mapping[str, OKPKey]:
        """Return the keys by kid; an unreadable file leaves the known ones, without any it is tried again."""
        now = self._monotonic()
        if now >= self._next_look or not self._keys:
            self._next_look = now + KEYS_REREAD_S
            self._look()
        return self._keys

    def _look(self) -> None:
        try:
            found = self._path.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            if stamp != self._stamp:
                self._keys = _read_keys(self._path.read_bytes())
                self._stamp = stamp
        except (OSError, ValueError, KeyError, TypeError, JoseError):
            _LOG.exception("keys not read", path=str(self._path))


def _read_keys(raw: bytes) -> dict[str, OKPKey]:
    members = json.loads(raw)["keys"]
    return {
        member["kid"]: OKPKey.import_key({name: member[name] for name in ("kty", "crv", "x")})
        for member in members
        if member["kty"] == "OKP" and member["crv"] == "Ed25519" and _KID.match(member["kid"])
    }


@dataclass(frozen=True, slots=True)
class _Known:
    """A token that was checked: with which key, from when and until when it is good."""

    subject: Subject
    key: OKPKey
    kid: str
    expires: int


class TokenCheck:
    """Checks tokens for one audience and one issuer."""

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        keys: KeyFile,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys = keys
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def subject(self, token: str) -> Subject:
        """Return who the token speaks for, or raise TokenError."""
        subject = self.known(token)
        if subject is not None:
            return subject
        known = self._check(token, self._keys.keys(), self._clock())
        self._known[token] = known
        if len(self._known) > CACHE_LIMIT_TOKENS:
            self._known.popitem(last=False)
        return known.subject

    def known(self, token: str) -> Subject | None:
        """Return who a token speaks for that was checked before and is still good."""
        known = self._known.get(token)
        if known is None or self._clock() >= known.expires:
            return None
        return known.subject if self._keys.keys().get(known.kid) is known.key else None

    def _check(self, token: str, keys: Mapping[str, OKPKey], now: float) -> _Known:
        if len(token) > TOKEN_LIMIT_BYTES or not token.isascii():
            raise TokenError("size")
        header, claims, kid = _verify(token, keys)
        if str(header["typ"]).lower() not in {"at+jwt", "application/at+jwt"}:
            raise TokenError("typ")
        self._check_claims(claims, now)
        return _Known(_subject_of(claims), keys[kid], kid, claims["exp"])

    def _check_claims(self, claims: Mapping[str, Any], now: float) -> None:
        if claims.get("iss") != self._issuer:
            raise TokenError("iss")
        audience = claims.get("aud")
        audiences = cast("list[object]", audience) if isinstance(audience, list) else [audience]
        if self._audience not in audiences:
            raise TokenError("aud")
        _check_times(claims, now)


def _verify(token: str, keys: Mapping[str, OKPKey]) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Check the header against the short list of what we take, then the signature."""
    try:
        header = jws.extract_compact(token.encode()).headers()
        kid = header.get("kid")
        if frozenset(header.keys()) != _HEADER_MEMBERS or header["alg"] not in ALGORITHMS:
            raise TokenError("header")
        if not isinstance(kid, str) or kid not in keys:
            raise TokenError("kid")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)
            signed = jws.deserialize_compact(token, keys[kid], algorithms=list(ALGORITHMS))
        claims = json.loads(signed.payload)
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise TokenError("form") from error
    if not isinstance(claims, dict):
        raise TokenError("form")
    return header, cast("dict[str, Any]", claims), kid


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    expires, issued, begins = claims.get("exp"), claims.get("iat"), claims.get("nbf", 0)
    if type(expires) is not int or type(issued) is not int or type(begins) is not int:
        raise TokenError("times")
    if expires <= now:
        raise TokenError("expired")
    if issued > now + LEEWAY_S or begins > now + LEEWAY_S:
        raise TokenError("not yet")
    if expires - issued > LIFE_LIMIT_S:
        raise TokenError("life")


def _subject_of(claims: Mapping[str, Any]) -> Subject:
    name, client, unit = claims.get("sub"), claims.get("client_id"), claims.get("unit")
    if not (
        isinstance(name, str) and name and isinstance(client, str) and isinstance(claims.get("jti"), str)
    ):
        raise TokenError("sub")
    if not isinstance(unit, str) or _UNIT_PATH.match(unit) is None:
        raise TokenError("unit")
    roles = claims.get("roles")
    if not isinstance(roles, list):
        raise TokenError("roles")
    known = set(Role)
    taken = frozenset(Role(role) for role in cast("list[object]", roles) if role in known)
    return Subject(name=name, client=client, roles=taken, unit=unit)


INVALID = Problem(
    401,
    "invalid_token",
    "A valid token is needed.",
    headers={"www-authenticate": 'Bearer error="invalid_token"'},
)


_SCHEME = HTTPBearer(auto_error=False, bearerFormat="at+jwt", scheme_name="token")


async def authenticated(request: Request, _described: Annotated[object, Security(_SCHEME)] = None) -> Subject:
    """Return the subject of the request's only token, or refuse with the one generic answer.

    It awaits nothing, but any other function would be handed to a thread, which costs more than all it does.
    """
    try:
        subject = _checker(request).subject(_bearer(request.headers.getlist("authorization")))
    except TokenError as error:
        reason = str(error)
        METRICS.count("dukao_tokens_refused_total", reason=reason)
        _LOG.info("token refused", reason=reason)
        raise Refused(INVALID) from None
    request.state.subject = subject
    return subject


def _checker(request: Request) -> TokenCheck:
    checker = request.app.state.tokens
    assert isinstance(checker, TokenCheck)
    return checker


def _bearer(headers: list[str]) -> str:
    if len(headers) != 1:
        raise TokenError("authorization")
    scheme, _, token = headers[0].partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise TokenError("authorization")
    return token


@dataclass(frozen=True, slots=True)
class Declared:
    """What an operation declares: who may use it, and how far it reaches."""

    action: Action
    bound: Bound


class Right(Declared):
    """The dependency that lets those pass who have the right."""

    async def __call__(self, subject: Annotated[Subject, Depends(authenticated)]) -> Subject:
        """Return the subject, or refuse."""
        allow(subject, self.action, EVERYTHING if self.bound is Bound.WHOLE else ANYTHING)
        return subject


def whole(*roles: str) -> Right:
    """Let these roles pass whose unit is `/`: `Depends(whole(Role.OPERATOR))`."""
    return Right(_any_of(roles), Bound.WHOLE)


def of_units(*roles: str) -> Right:
    """Let these roles pass; the operation keeps to the units of the token."""
    return Right(_any_of(roles), Bound.UNITS)


def of_own(*roles: str) -> Right:
    """Let these roles pass; the operation keeps to what the account itself sends."""
    return Right(_any_of(roles), Bound.OWN)


def published(*roles: str) -> Right:
    """Let these roles pass; the operation answers everyone alike."""
    return Right(_any_of(roles), Bound.PUBLISHED)


class Open(Declared):
    """The dependency of an operation that looks at no token."""

    async def __call__(self) -> None:
        """Let everyone pass."""


def anyone() -> Open:
    """Let everyone pass, without a token; what is sent carries its own right."""
    return Open(Action(frozenset()), Bound.ANYONE)


def _any_of(roles: Collection[str]) -> Action:
    return Action(frozenset(Role(role) for role in roles))


def allow(subject: Subject, action: Action, thing: Thing = ANYTHING) -> None:
    """Let an allowed act pass; refuse any other as its verdict says."""
    match decide(subject, action, thing):
        case Verdict.ALLOWED:
            return
        case Verdict.FORBIDDEN:
            raise refuse(403, "forbidden", "None of your roles may do this.")
        case Verdict.BELOW:
            raise refuse(403, "forbidden", "It concerns every unit; the unit of your token is not /.")
        case Verdict.HIDDEN:
            raise hidden()
