"""The charset of codes: plain ASCII, so that no look-alike passes for another unit."""

import re
from typing import NewType

from shared.kernel.errors import refuse

UnitCode = NewType("UnitCode", str)

CODE_PATTERN = r"^[0-9A-Za-z][0-9A-Za-z:._-]{0,63}$"
_CODE = re.compile(CODE_PATTERN[:-1] + r"\Z")
ID_LIMIT_CHARACTERS = 128
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
