"""How the findings of a check are printed and end a command."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from dukao.checking import Finding, unreadable
from dukao.exits import Exit
from dukao.output import Format, columns, say, show, show_lines
from dukao.yamls import UnreadableError

_COLUMNS = columns("file", "line", "path", "code", "reason", numbers=("line",))


def report(findings: Sequence[Finding], file: Path, form: Format) -> None:
    """Print what was found; findings end the command with 6."""
    if form is Format.TABLE:
        show_lines(f"{one.file}:{one.line} {one.path or '/'} {one.code} {one.reason}" for one in findings)
    else:
        show([one.record() for one in findings], _COLUMNS, form)
    if findings:
        say(f"{len(findings)} finding{'s' if len(findings) > 1 else ''} in {file}")
        raise typer.Exit(Exit.INVALID)
    say(f"{file}: nothing found")


def stop_at(findings: Sequence[Finding], file: Path) -> None:
    """End a command that would go on if nothing were found."""
    if findings:
        report(findings, file, Format.TABLE)


@contextmanager
def reading(file: Path, form: Format = Format.TABLE) -> Generator[None]:
    """Report a file that is not the YAML that is taken like any other finding."""
    try:
        yield
    except UnreadableError as error:
        report([unreadable(error)], file, form)
