"""SHA-256 over content, and the running digest that chains the records of a shard."""

import hashlib
import struct
from collections.abc import Callable

EMPTY_CHAIN = bytes(32)
KEY_BYTES = 16
_LENGTH = struct.Struct(">I").pack


def sha256(content: bytes) -> bytes:
    """Return the 32-byte digest."""
    return hashlib.sha256(content).digest()


def sha256_hex(content: bytes) -> str:
    """Return the digest as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def chain(previous: bytes, value: bytes) -> bytes:
    """Return h(n) = SHA-256(h(n-1) + SHA-256(value))."""
    return hashlib.sha256(previous + hashlib.sha256(value).digest()).digest()


def key_digest(*parts: str) -> bytes:
    """Return 16 bytes that stand for the parts; each is prefixed by its length, so no two lists meet."""
    return hashlib.sha256(_prefixed(*parts)).digest()[:KEY_BYTES]


def key_digests_after(*parts: str) -> Callable[[str], bytes]:
    """Return what gives the key of these parts and one more, at less cost where most parts are the same."""
    begun = hashlib.sha256(_prefixed(*parts))

    def key(last: str) -> bytes:
        encoded = last.encode()
        digest = begun.copy()
        digest.update(_LENGTH(len(encoded)) + encoded)
        return digest.digest()[:KEY_BYTES]

    return key


def _prefixed(*parts: str) -> bytes:
    return b"".join([_LENGTH(len(encoded)) + encoded for encoded in map(str.encode, parts)])
