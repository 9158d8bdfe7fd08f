"""The languages in which a person is told something."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import typer

Pair = tuple[str, str]
Words = Mapping[str, Pair]


class Lang(StrEnum):
    """Chinese for officials, or English."""

    ZH = "zh"
    EN = "en"

    def of(self, pair: Pair) -> str:
        """Return the text of a pair (Chinese, English)."""
        return pair[self is Lang.EN]

    def word(self, words: Words, name: str) -> str:
        """Return a word that is known, else its name."""
        return self.of(words[name]) if name in words else name


Language = Annotated[Lang, typer.Option("--lang", help="The language of the texts: zh or en.")]
