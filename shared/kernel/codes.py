"""The charset of codes: plain ASCII, so that no look-alike passes for another unit."""

import hashlib
import re
from typing import NewType

from shared.kernel.errors import refuse

UnitCode = NewType("UnitCode", str)

CODE_PATTERN = r"^[0-9A-Za-z][0-9A-Za-z:._-]{0,63}$"
CODE_CHARACTERS = 64
OF_TRIAL = "~"  # in no code, so that a trial is never taken for a scheme
_OUTSIDE = re.compile(r"[^0-9A-Za-z:._-]")
_CODE = re.compile(CODE_PATTERN[:-1] + r"\Z")
_ID = re.compile(r"[!-~]{1,128}\Z")


def is_code(text: str) -> bool:
    """Tell whether the text can be a code."""
    return _CODE.match(text) is not None


def code(text: str, pointer: str | None = None) -> UnitCode:
    """Return the text as a code, or refuse it with `code_charset`."""
    if not is_code(text):
        raise refuse(422, "code_charset", "A code is 1 to 64 of 0-9 A-Z a-z : . _ -", pointer=pointer)
    return UnitCode(text)


def is_id(text: str) -> bool:
    """Tell whether the text can be an event's id or source: printable ASCII, no blanks, no path tricks."""
    return _ID.match(text) is not None and "../" not in text


def trial_code(scheme: str, trial: str) -> str:
    """Name a trial of a scheme where codes of schemes stand."""
    return f"{scheme}{OF_TRIAL}{trial}"


def scheme_of(name: str) -> str:
    """Return the code of the scheme of which a name is, of a trial or of itself."""
    return name.partition(OF_TRIAL)[0]


def is_trial(name: str) -> bool:
    """Tell whether a name is that of a trial."""
    return OF_TRIAL in name


def derive_code(text: str) -> UnitCode:
    """Return the code that stands for an identifier of another system, always the same for the same text.

    Characters outside the charset become `-`; what is longer than 64 keeps 55 and gets 8 of its SHA-256.
    """
    plain = _OUTSIDE.sub("-", text.strip())
    if len(plain) > CODE_CHARACTERS:
        plain = f"{plain[:55]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    return code(plain)
