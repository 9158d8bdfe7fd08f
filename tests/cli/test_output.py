"""Data goes out as a table, JSON or CSV, and comes back as it was."""

import csv
import io
import json

import pytest

from dukao.output import Format, columns, complain, csv_text, guarded, say, show

SHOWN = columns("unit=code", "name", "points", numbers=("points",))
RECORDS = [
    {"unit": "b1", "name": "北京市税务局", "points": "991.50", "boards": {"party": "250.00"}},
    {"unit": "b2", "name": 'A, "B"\nC', "points": None, "boards": {}},
]


def test_json_is_the_whole_answer(capsys):
    show(RECORDS, SHOWN, Format.JSON, whole={"units": RECORDS})
    assert json.loads(capsys.readouterr().out) == {"units": RECORDS}


def test_csv_reads_back_as_it_was(capsys):
    show(RECORDS, SHOWN, Format.CSV)
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert rows == [
        {"unit": "b1", "name": "北京市税务局", "points": "991.50"},
        {"unit": "b2", "name": 'A, "B"\nC', "points": ""},
    ]


@pytest.mark.parametrize("cell", ["=1+1", "+cmd", "-2+3", "@sum", "\tx", "\rx", "＝1+1", "-", "+1 2"])
def test_a_cell_that_a_sheet_would_run_is_guarded(cell):
    assert guarded(cell) == f"'{cell}"
    written = csv_text([{"unit": cell}], columns("unit"))
    assert list(csv.reader(io.StringIO(written, newline=""))) == [["unit"], [f"'{cell}"]]


@pytest.mark.parametrize("cell", ["-1.50", "12", "a=b", "", "+3"])
def test_a_plain_number_or_text_stays(cell):
    assert guarded(cell) == cell


def test_a_table_gives_chinese_its_width(capsys):
    show(RECORDS[:1], SHOWN, Format.TABLE, title="税务")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].rstrip() == "税务"
    assert "│ b1   │ 北京市税务局 │ 991.50 │" in lines
    assert "┃ code ┃ name         ┃ points ┃" in lines


def test_without_a_terminal_nothing_is_coloured_or_cut(capsys):
    long = "x" * 150
    show([{"unit": long}], columns("unit"), Format.TABLE)
    out = capsys.readouterr().out
    assert long in out
    assert "\x1b" not in out


def test_what_would_steer_a_terminal_is_shown_as_a_sign(capsys):
    hostile = "a\x1b[2Jb\x9b1m\r\x7f"
    show([{"name": hostile}], columns("name"), Format.TABLE, title=hostile)
    say(hostile)
    complain(hostile, hostile)
    printed = "".join(capsys.readouterr())
    assert printed.count("a␛[2Jb\ufffd1m␍␡") == 5
    assert not set(printed) & {"\x1b", "\x9b", "\r", "\x7f"}


def test_messages_go_beside_the_data(capsys):
    say("[bold]as it is[/bold]")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "[bold]as it is[/bold]\n")


@pytest.mark.parametrize("form", Format)
def test_where_there_is_nothing_a_person_is_told_what_to_do(capsys, form):
    show([], SHOWN, form, none="dukao send FILE")
    show(RECORDS, SHOWN, form, none="not so")
    assert capsys.readouterr().err == "dukao send FILE\n"
