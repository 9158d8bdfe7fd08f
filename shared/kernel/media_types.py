"""Reads the content type of what came by HTTP or Kafka; what it says wrongly is no content type."""

from collections.abc import Sequence
from email.message import Message

UTF_8 = frozenset({"utf-8", "utf8", "us-ascii"})
MOST_CHARACTERS = 1_000


def in_utf_8(written: Sequence[str]) -> str:
    """Return the one media type written in lower case, `""` if it is not one, or its text not UTF-8.

    The parser takes time by the square of the length and raises at extended parameters: ValueError at numbers
    that are none, TypeError where one has a number and another none.
    """
    if len(written) != 1 or len(written[0]) > MOST_CHARACTERS:
        return ""
    message = Message()
    message["content-type"] = written[0]
    try:
        charset = message.get_content_charset() or "utf-8"
        return message.get_content_type() if charset in UTF_8 else ""
    except (ValueError, TypeError):
        return ""
