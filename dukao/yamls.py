"""Strict YAML: what reads differently than it looks is refused with its line; every place knows its line.

The scalars are those of JSON without fractions: `null`, `true`, `false`, integers; everything else is text.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

LARGEST_FILE_BYTES = 1 << 20
DEEPEST = 32
MOST_VALUES = 100_000
_LINE_ENDS = ("\x85", "\u2028", "\u2029")
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,15})\Z")
_FRACTION = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*([eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)\Z")
_WORDS: Mapping[str, bool | None] = {"": None, "null": None, "true": True, "false": False}


class UnreadableError(Exception):
    """A file is not the YAML that is taken; says where and why."""

    def __init__(self, file: str, line: int, code: str, reason: str) -> None:
        super().__init__(f"{file}:{line} {code} {reason}")
        self.file = file
        self.line = line
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Sheet:
    """A document with the line of every JSON pointer in it."""

    file: str
    value: Any
    lines: Mapping[str, int]

    def line(self, pointer: str) -> int:
        """Return the line of a place, of the nearest place above it if it is not there."""
        while pointer and pointer not in self.lines:
            pointer = pointer.rpartition("/")[0]
        return self.lines.get(pointer, 1)


def read(path: Path) -> Sheet:
    """Read a file strictly, or raise `UnreadableError`."""
    raw = path.read_bytes()
    if len(raw) > LARGEST_FILE_BYTES:
        raise UnreadableError(str(path), 1, "too_large", f"A file has at most {LARGEST_FILE_BYTES} bytes.")
    return parse(decoded(raw, str(path)), str(path))


def decoded(raw: bytes, file: str, encoding: str = "utf-8") -> str:
    """Return the text of a file, or raise `UnreadableError` with the line that is not UTF-8."""
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        reason = "The file is not UTF-8, it may be GBK; save it as UTF-8."
        raise UnreadableError(file, line, "encoding", reason) from None


def parse(text: str, file: str) -> Sheet:
    """Read a text strictly; `file` is its name in messages."""
    _check_characters(text, file)
    try:
        _check_events(yaml.parse(text, Loader=yaml.SafeLoader), file)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise UnreadableError(
            file, mark.line + 1 if mark else 1, "yaml", f"This is not YAML: {error.problem}."
        ) from None
    except yaml.YAMLError:
        raise UnreadableError(file, 1, "yaml", "This is not YAML: a character is not allowed.") from None
    if root is None:
        raise UnreadableError(file, 1, "empty", "The file holds nothing.")
    lines: dict[str, int] = {"": 1}
    return Sheet(file, _value(root, "", lines, file), lines)


def escaped(key: str) -> str:
    """Return a key as a step of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def _check_characters(text: str, file: str) -> None:
    if text.startswith("\ufeff"):
        raise UnreadableError(file, 1, "encoding", "Save the file as UTF-8 without a byte order mark.")
    for number, line in enumerate(text.split("\n"), start=1):
        if "\t" in line:
            raise UnreadableError(file, number, "tab", "A tab stands in this line; use blanks.")
        if any(end in line for end in _LINE_ENDS):
            reason = "A line ends by what editors do not show as its end; use line feeds."
            raise UnreadableError(file, number, "characters", reason)


def _check_events(events: Iterator[yaml.Event], file: str) -> None:
    """Refuse what makes a document larger or other than it looks."""
    documents = depth = values = 0
    for event in events:
        documents += isinstance(event, yaml.DocumentStartEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        values += isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent)
        found = _oddity(event, documents, depth, values)
        if found:
            raise UnreadableError(file, event.start_mark.line + 1, *found)


def _oddity(event: yaml.Event, documents: int, depth: int, values: int) -> tuple[str, str] | None:
    if documents > 1:
        return "documents", "A file holds one document; a second begins here."
    if depth > DEEPEST:
        return "depth", f"At most {DEEPEST} levels are taken."
    if values > MOST_VALUES:
        return "complexity", f"At most {MOST_VALUES} values are taken."
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        return "anchor", "Anchors and aliases are not taken; write the value out."
    if getattr(event, "tag", None):
        return "tag", "Tags are not taken; write the plain value."
    return None


def _value(node: yaml.Node, pointer: str, lines: dict[str, int], file: str) -> Any:
    match node:
        case yaml.MappingNode():
            return _mapping(node, pointer, lines, file)
        case yaml.SequenceNode():
            found: list[Any] = []
            for place, item in enumerate(node.value):
                lines[f"{pointer}/{place}"] = item.start_mark.line + 1
                found.append(_value(item, f"{pointer}/{place}", lines, file))
            return found
        case _:
            return _scalar(node, file)


def _mapping(node: yaml.MappingNode, pointer: str, lines: dict[str, int], file: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise UnreadableError(file, line, "key", "A key is a text.")
        if key.value in found:
            first = lines[f"{pointer}/{escaped(key.value)}"]
            raise UnreadableError(
                file, line, "duplicate_key", f"{key.value} stands twice, first in line {first}."
            )
        below = f"{pointer}/{escaped(key.value)}"
        lines[below] = line
        found[key.value] = _value(value, below, lines, file)
    return found


def _scalar(node: yaml.Node, file: str) -> Any:
    text: str = node.value
    if getattr(node, "style", None):
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.match(text):
        return int(text)
    if _FRACTION.match(text):
        reason = f'A number with a fraction is written as text: "{text}".'
        raise UnreadableError(file, node.start_mark.line + 1, "number", reason)
    return text
