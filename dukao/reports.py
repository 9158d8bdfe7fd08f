"""How the findings of a check, and what became of sent events, are printed and end a command."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import typer

from dukao.checking import Finding, unreadable
from dukao.exits import Exit
from dukao.output import Format, columns, say, show, show_lines
from dukao.sending import Tally
from dukao.yamls import UnreadableError

_COLUMNS = columns("file", "line", "path", "code", "reason", numbers=("line",))
_TALLY = (
    "rows", "resumed", "skipped", "events", "created", "duplicate", "report", "conflict", "rejected",
    "unmappable", "after_close", "seconds", "events_per_second",
)  # fmt: skip


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


def stop_at(findings: Sequence[Finding], file: Path, form: Format) -> None:
    """End a command that would go on if nothing were found."""
    if findings:
        report(findings, file, form)


@contextmanager
def reading(file: Path, form: Format) -> Generator[None]:
    """Report a file that is not the YAML that is taken like any other finding."""
    try:
        yield
    except UnreadableError as error:
        report([unreadable(error)], file, form)


def report_tally(tally: Tally, first: int, form: Format) -> None:
    """Print what became of sent events, the first faults beside it; faults end the command with 6."""
    for fault in tally.faults[:first]:
        say(f"{fault.file}:{fault.line} {fault.outcome} {fault.code} {fault.detail}")
    if tally.bad > first:
        say(f"and {tally.bad - min(first, len(tally.faults))} more")
    record = tally.record()
    whole = record | {"faults": [asdict(fault) for fault in tally.faults[:first]]}
    show([record], columns(*_TALLY, numbers=_TALLY), form, whole=whole)
    if tally.bad:
        raise typer.Exit(Exit.INVALID)
