"""Reads the files of a feed: every row with its line, and the events that it gives or why it gives none."""

import csv
import gzip
import io
import json
import sys
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, Self, cast

from dukao.yamls import UnreadableError
from services.ingest.domain.mapping import FeedMapping
from shared.kernel.errors import Problem, Refused, refuse
from shared.kernel.strict_json import decode

LONGEST_LINE_BYTES = 1 << 20
STDIN = Path("-")
GZIP_MAGIC = b"\x1f\x8b"

HALF_WRITTEN = Problem(422, "half_written", "The line has no end yet; the next sending takes it up.")

Event = dict[str, Any]
Form = Literal["csv", "ndjson"]
Moved = Callable[[int], None]
Found = tuple[int, Callable[[], Event], bool]  # where a row begins, what reads it, whether its end is there


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a file; without events and fault it is one that the mapping skips."""

    file: str
    line: int
    events: Sequence[Event] = ()
    fault: Problem | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """How files are read: without a mapping a row is a CloudEvent; `source` stands for what rows say."""

    mapping: FeedMapping | None = None
    form: Form = "ndjson"
    encoding: str = "utf-8"
    source: str | None = None

    def rows(self, path: Path, moved: Moved, *, growing: bool = False) -> Iterator[Row]:
        """Yield every row of a file; `moved` hears of the bytes read so far.

        Of one that is `growing` a last line without an end may be half of one: it is told and not read.
        """
        name = "<stdin>" if path == STDIN else str(path)
        with _opened(path) as (raw, content):
            place = raw.tell if raw.seekable() else lambda: 0
            try:
                yield from self._rows(name, content, lambda: moved(place()), growing=growing)
            except (EOFError, OSError, zlib.error) as error:
                raise UnreadableError(name, 1, "damaged", f"The file cannot be read: {error}.") from None

    def _rows(
        self, name: str, content: BinaryIO, moved: Callable[[], None], *, growing: bool
    ) -> Iterator[Row]:
        read = self._lines(content) if self.form == "ndjson" else self._table(name, content)
        for line, found, ended in read:
            if growing and not ended:
                yield Row(name, line, fault=HALF_WRITTEN)
                return  # what may be there by now is the other half
            yield self._row(name, line, found)
            moved()

    def _row(self, name: str, line: int, found: Callable[[], Event]) -> Row:
        try:
            row = found()
            events = self.mapping.events(row) if self.mapping else [row]
        except Refused as refused:
            return Row(name, line, fault=refused.problem)
        if self.source is not None:
            events = [event | {"source": self.source} for event in events]
        return Row(name, line, events)

    def _lines(self, content: BinaryIO) -> Iterator[Found]:
        read = _mapped_row if self.mapping else _event
        for number, (line, ended) in enumerate(_lines(content), start=1):
            if line.strip():
                yield number, lambda line=line: read(line), ended

    def _table(self, name: str, content: BinaryIO) -> Iterator[Found]:
        assert self.mapping is not None
        text = io.TextIOWrapper(content, encoding=self.encoding, errors="surrogateescape", newline="")
        with text:
            lines = _Lines(text)
            reader = csv.reader(lines, delimiter=self.mapping.document.delimiter, strict=True)
            heading = self._heading(name, reader)
            while True:
                line = reader.line_num + 1
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    yield line, _refusing(refuse(422, "csv", f"The line is not CSV: {error}.")), lines.ended
                    continue
                if cells:
                    yield line, lambda cells=cells: _cells(heading, cells), lines.ended

    def _heading(self, name: str, reader: Iterator[list[str]]) -> list[str]:
        assert self.mapping is not None
        try:
            heading = next(reader, [])
            "".join(heading).encode()
        except (csv.Error, UnicodeEncodeError):
            detail = "The heading is not CSV in the encoding that the mapping names."
            raise UnreadableError(name, 1, "encoding", detail) from None
        if not heading:
            raise UnreadableError(name, 1, "empty", "The table has no heading.")
        twice = next((column for column in heading if heading.count(column) > 1), None)
        if twice is not None:
            raise UnreadableError(name, 1, "duplicate_key", f"The column {twice} stands twice.")
        try:
            self.mapping.check_header(heading)
        except Refused as refused:
            raise UnreadableError(name, 1, refused.problem.code, refused.problem.detail) from None
        return heading


@contextmanager
def _opened(path: Path) -> Generator[tuple[BinaryIO, BinaryIO]]:
    """Open a file or stdin and, if its first bytes say so, what is compressed in it."""
    with sys.stdin.buffer if path == STDIN else path.open("rb") as raw:
        reader = cast("io.BufferedReader", raw)
        if reader.peek(2)[:2] != GZIP_MAGIC:
            yield reader, reader
            return
        with gzip.GzipFile(fileobj=reader) as content:
            yield reader, cast("BinaryIO", content)


def _lines(content: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """Yield lines and whether they have an end; one that is too long comes without what is behind it."""
    while line := content.readline(LONGEST_LINE_BYTES + 1):
        rest = line
        while len(rest) > LONGEST_LINE_BYTES and not rest.endswith(b"\n"):
            rest = content.readline(LONGEST_LINE_BYTES + 1)
        yield line, rest.endswith(b"\n")


@dataclass(slots=True)
class _Lines:
    """Lines of a table; `ended` says whether the last one has an end, which what is behind them has not."""

    text: Iterator[str]
    ended: bool = True

    def __iter__(self) -> Self:
        """Return itself."""
        return self

    def __next__(self) -> str:
        """Return the next line."""
        line = next(self.text, "")
        self.ended = line.endswith(("\n", "\r"))
        if not line:
            raise StopIteration
        return line


def _event(line: bytes) -> Event:
    """Decode a CloudEvent as strictly as ingest does."""
    return _object(decode(line.rstrip(b"\r\n"), max_bytes=LONGEST_LINE_BYTES))


def _mapped_row(line: bytes) -> Event:
    """Decode a row of another system; its numbers with a fraction stay text."""
    if len(line) > LONGEST_LINE_BYTES:
        raise refuse(413, "too_large", f"A line has at most {LONGEST_LINE_BYTES} bytes.")
    try:
        found: object = json.loads(
            line, parse_float=str, parse_constant=_constant, object_pairs_hook=_once_each
        )
    except (ValueError, RecursionError):
        raise refuse(422, "json", "The line is not JSON in UTF-8.") from None
    return _object(found)


def _object(found: object) -> Event:
    if not isinstance(found, dict):
        raise refuse(422, "event", "A line is a JSON object.")
    return cast("Event", found)


def _once_each(pairs: list[tuple[str, Any]]) -> Event:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise refuse(400, "duplicate_key", "A key stands twice in one object.")
    return found


def _constant(_name: str) -> Any:
    raise refuse(400, "non_finite", "NaN and Infinity are not JSON.")


def _cells(heading: Sequence[str], cells: Sequence[str]) -> Event:
    if len(cells) != len(heading):
        raise refuse(422, "columns", f"The line has {len(cells)} cells where the heading has {len(heading)}.")
    row: Event = dict(zip(heading, cells, strict=True))
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        detail = "The line is not in the encoding that the mapping names."
        raise refuse(422, "encoding", detail) from None
    return row


def _refusing(refused: Refused) -> Callable[[], Event]:
    def found() -> Event:
        raise refused

    return found
