"""SHA-256 over content, and the running digest that chains the records of a shard."""

import hashlib

EMPTY_CHAIN = bytes(32)
KEY_BYTES = 16


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
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(4, "big"))
        digest.update(encoded)
    return digest.digest()[:KEY_BYTES]
