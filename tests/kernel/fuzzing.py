"""The property that the strict decoder is fuzzed for: it takes what JSON is, the same each time, or refuses by name.

`python -m tests.kernel.fuzzing SECONDS` changes the seeds at random for so long; what fails is printed and kept.
"""

import json
import random
import sys
import time
from hashlib import sha256
from pathlib import Path

import rfc8785

from shared.kernel.canonical import canonical
from shared.kernel.errors import Refused
from shared.kernel.strict_json import decode

SEEDS = Path(__file__).parent / "seeds"
CODES = frozenset(
    {"too_large", "encoding", "depth", "complexity", "non_finite", "number", "duplicate_key", "json"}
)
PIECES = (
    b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\u0000", b"\\ud800", b"\\udc00", b"\\u00e9", b"\\ud83d\\ude00", b"1", b"-", b"0",
    b"-0", b"01", b"1e9", b".5", b"9007199254740991", b"9007199254740992", b"true", b"false", b"null", b"NaN", b"Infinity",
    b"-Infinity", b" ", b"\n", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xff", b"\x00", "督".encode(), "\U0001f600".encode(), b'{"a":1,"a":2}',
    b"[" * 65, b'"k"', b"//", b"'",
)  # fmt: skip


def check(raw: bytes) -> None:
    """Assert the property of one input; anything but a Refused with a known code goes up."""
    try:
        value = decode(raw)
    except Refused as refused:
        problem = refused.problem
    else:
        _check_taken(raw, value)
        return
    assert problem.code in CODES
    assert problem.status in {400, 413}


def _check_taken(raw: bytes, value: object) -> None:
    assert value == json.loads(raw)
    written = canonical(value)
    assert written == rfc8785.dumps(value)
    assert decode(written) == value
    assert canonical(decode(written)) == written


def seeds() -> list[bytes]:
    """The inputs that are kept: good ones to begin with, and every one that ever failed."""
    return [file.read_bytes() for file in sorted(SEEDS.iterdir())]


def changed(raw: bytes, chance: random.Random) -> bytes:
    """Change an input in a few places: bytes, pieces of JSON, parts left out or said twice."""
    made = bytearray(raw)
    for _ in range(chance.randint(1, 6)):
        at = chance.randint(0, len(made))
        match chance.randint(0, 3):
            case 0:
                made[at:at] = chance.choice(PIECES)
            case 1:
                del made[at : at + chance.randint(1, 8)]
            case 2:
                made[at:at] = made[at : at + chance.randint(1, 40)]
            case _:
                made[at : at + 1] = bytes([chance.randrange(256)])
    return bytes(made)


def fuzz(seconds: float, chance: random.Random) -> int:
    """Check changed inputs for so long and return how many; what is taken becomes a seed of this run."""
    known = seeds()
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        raw = changed(chance.choice(known), chance)
        count += 1
        try:
            check(raw)
        except BaseException:
            place = SEEDS / sha256(raw).hexdigest()[:16]
            place.write_bytes(raw)
            say(f"fails: {raw!r}, kept as {place}")
            raise
        if len(known) < 2_000 and _is_taken(raw):
            known.append(raw)
    return count


def say(line: str) -> None:
    sys.stderr.write(line + "\n")


def _is_taken(raw: bytes) -> bool:
    try:
        decode(raw)
    except Refused:
        return False
    return True


if __name__ == "__main__":
    number = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(1 << 32)
    say(f"seed {number}")
    say(f"{fuzz(float(sys.argv[1]), random.Random(number))} inputs, nothing found")
