"""Lines of at most 100 columns, in which a Chinese character takes two."""

from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

COLUMNS = 100
BETWEEN = " · "


def labelled(pairs: Sequence[tuple[str, str]], indent: int = 0) -> Iterator[str]:
    """Yield texts behind their labels, which stand under each other; an empty text is left out."""
    told = [(label, text) for label, text in pairs if text]
    width = 2 + max((cell_len(label) for label, _ in told), default=0)
    for label, text in told:
        yield from hanging(f"{' ' * indent}{label}{' ' * (width - cell_len(label))}", text)


def hanging(start: str, text: str) -> Iterator[str]:
    """Yield a text behind its start; the lines that follow begin where it began."""
    room = cell_len(start)
    lines = _wrapped(text, COLUMNS - room)
    for at, line in enumerate(lines):
        yield f"{start if at == 0 else ' ' * room}{line}".rstrip()


def joined(start: str, parts: Iterable[str]) -> Iterator[str]:
    """Yield parts side by side, as many in a line as fit, none torn that fits into one."""
    room = COLUMNS - cell_len(start)
    line = ""
    for part in parts:
        longer = f"{line}{BETWEEN}{part}" if line else part
        if line and cell_len(longer) > room:
            yield from hanging(start, line)
            start, longer = " " * cell_len(start), part
        line = longer
    if line:
        yield from hanging(start, line)


def _wrapped(text: str, width: int) -> list[str]:
    console = Console(width=width, highlight=False)
    return [line.plain for line in Text(text).wrap(console, width, overflow="fold")] or [""]
