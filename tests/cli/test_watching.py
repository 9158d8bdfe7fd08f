"""What is watched is shown again when it has changed, and only then; Ctrl-C ends it."""

import json

import pytest
import typer
from rich.text import Text
from typer.testing import CliRunner

from dukao.output import Format
from dukao.watching import changes, watch


def reader(*values):
    """Return what reads one value after the other, then is interrupted as by Ctrl-C."""
    left = iter(values)

    def read():
        try:
            return next(left)
        except StopIteration:
            raise KeyboardInterrupt from None

    return read


def watched(form, *values):
    app = typer.Typer()

    @app.command()
    def show():
        def tell(one):
            typer.echo(f"told {one}")

        watch(reader(*values), drawn=lambda one: Text(str(one)), tell=tell, form=form, every_s=0)

    return CliRunner().invoke(app, [])


def test_only_what_has_changed_is_shown_again():
    shown = changes(reader(1, 1, 2, -2, 1), abs, 0)
    assert [next(shown) for _ in range(3)] == [1, 2, 1]
    with pytest.raises(KeyboardInterrupt):
        next(shown)


def test_an_interrupt_ends_with_130_and_no_traceback():
    done = watched(Format.TABLE, 1)
    assert (done.exit_code, done.stdout, done.stderr) == (130, "told 1\n", "")


def test_json_is_a_document_a_line():
    lines = watched(Format.JSON, {"a": "省"}, {"a": 2}).stdout.splitlines()
    assert [json.loads(line) for line in lines] == [{"a": "省"}, {"a": 2}]
    assert watched(Format.CSV, 1, 2).stdout == "told 1\ntold 2\n"
