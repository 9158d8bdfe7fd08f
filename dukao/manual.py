"""The help of every command, written like a page of a manual: name, synopsis, description, examples, ends."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from dukao.exits import MEANINGS
from dukao.operations import OPERATIONS

WIDTH = 100
NARROWEST = 50
HEADING = "Examples:"


class Page(TyperCommand):
    """A command whose help is a page."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the page."""
        formatter.write(page(ctx, self, formatter.width))


class GroupPage(TyperGroup):
    """A group whose help is a page."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the page."""
        formatter.write(page(ctx, self, formatter.width))


def paged(app: typer.Typer) -> None:
    """Give every command and group below an app such a help."""
    for command in app.registered_commands:
        command.cls = Page
    for group in app.registered_groups:
        group.cls = GroupPage
        if group.typer_instance is not None:
            paged(group.typer_instance)


def page(ctx: Any, command: Any, columns: int) -> str:
    """Return the page of a command or group, for a terminal of so many columns."""
    width = max(NARROWEST, min(columns, WIDTH))
    first, *more = (command.help or "").split("\n\n")
    synopsis = " ".join((ctx.command_path, *command.collect_usage_pieces(ctx)))
    sections = {
        "NAME": [*_text(f"{ctx.command_path} - {first}", width)],
        "SYNOPSIS": [f"    {synopsis}"],
        "DESCRIPTION": [*_paragraphs(more, width)],
        "COMMANDS": [*_commands(ctx, command, width)],
        "ARGUMENTS": [*_parameters(ctx, command, "argument", width)],
        "OPTIONS": [*_parameters(ctx, command, "option", width)],
        "EXAMPLES": [f"    {line.strip()}" for line in _examples(command.epilog)],
        "OPERATIONS": [*_text(_operations(ctx), width)],
        "EXIT CODES": [
            *_text("; ".join(f"{code:d} {meant}" for code, meant in MEANINGS.items()) + ".", width)
        ],
    }
    return "\n".join(
        "\n".join((f"\x1b[1m{title}\x1b[0m", *lines, "")) for title, lines in sections.items() if lines
    )


def _text(text: str, width: int, indent: str = "    ") -> list[str]:
    return textwrap.wrap(
        " ".join(text.split()),
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )


def _paragraphs(paragraphs: Sequence[str], width: int) -> Iterator[str]:
    for place, paragraph in enumerate(paragraphs):
        yield from ([""] if place else [])
        yield from _text(paragraph, width)


def _commands(ctx: Any, command: Any, width: int) -> Iterator[str]:
    if not isinstance(command, TyperGroup):
        return
    for name in command.list_commands(ctx):
        below = command.get_command(ctx, name)
        if below is not None and not below.hidden:
            yield f"    {name}"
            yield from _text((below.help or "").split("\n\n")[0], width, " " * 8)


def _parameters(ctx: Any, command: Any, kind: str, width: int) -> Iterator[str]:
    for parameter in command.get_params(ctx):
        told = parameter.get_help_record(ctx) if parameter.param_type_name == kind else None
        if told is not None:
            yield f"    {told[0].strip()}"
            yield from _text(told[1], width, " " * 8)


def _examples(epilog: str | None) -> list[str]:
    return [line for line in (epilog or "").splitlines() if line.strip() and line.strip() != HEADING]


def _operations(ctx: Any) -> str:
    """Return which operations of which services' OpenAPI a command calls."""
    called: dict[str, list[str]] = {}
    for operation in OPERATIONS.get(ctx.command_path.partition(" ")[2], ()):
        service, _, name = operation.partition(".")
        called.setdefault(name, []).append(service)
    return "; ".join(f"{name} of {', '.join(services)}" for name, services in called.items())
