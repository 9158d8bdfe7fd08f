"""Files of a feed give events or say by line why they do not."""

import gzip
import io
import json
import sys
from pathlib import Path

import pytest

from dukao.feeds import HALF_WRITTEN, STDIN, Feed
from dukao.yamls import UnreadableError
from services.ingest.domain.mapping import compile_mapping
from services.ingest.domain.mapping_document import MappingDocument

EVENT = {
    "specversion": "1.0",
    "id": "e1",
    "source": "s",
    "type": "levy.v1",
    "subject": "b1",
    "data": {"n": 1},
}


def mapping(**changed):
    rule = {
        "type": "levy.v1",
        "id": {"field": "id"},
        "unit": {"field": "unit", "code": "derive"},
        "time": {"field": "time"},
        "data": {"amount": {"field": "amount", "kind": "decimal"}},
    }
    document = {"version": 1, "source": "s", "format": "csv", "zone": "Asia/Shanghai", "events": [rule]}
    document["skip"] = [{"field": "id", "equals": "none"}]
    return compile_mapping(MappingDocument.model_validate(document | changed))


def table(mapping, **more):
    return Feed(mapping, "csv", mapping.document.encoding, **more)


def rows(feed, path):
    return list(feed.rows(path, lambda _read: None))


def faults(found):
    return [(row.line, row.fault.code) for row in found if row.fault]


def test_each_line_is_a_cloudevent_without_a_mapping(tmp_path):
    file = tmp_path / "events.ndjson"
    lines = [json.dumps(EVENT), "", '{"id": 1, "id": 2}', "[1]", '{"n": 0.5}', "{", json.dumps(EVENT)]
    file.write_text("\n".join(lines), "utf-8")
    found = rows(Feed(), file)
    assert faults(found) == [(3, "duplicate_key"), (4, "event"), (5, "number"), (6, "json")]
    assert [row.line for row in found if row.events] == [1, 7]
    assert found[0].events == [EVENT]


HEADING = "id,unit,time,amount\n"
ROW = "e1,b1,2021-03-05T08:00:00,1.50\n"


@pytest.mark.parametrize(
    ("feed", "whole", "half"),
    [
        (Feed(), json.dumps(EVENT) + "\n", '{"id": "e2", "so'),
        (Feed(), json.dumps(EVENT) + "\n", json.dumps(EVENT | {"id": "e2"})),
        (table(mapping()), HEADING + ROW, "e2,b1,2021-03-05T08:00:00,12"),
        (table(mapping()), HEADING + ROW, 'e2,b1,2021-03-05T08:00:00,"12\n'),
    ],
)
def test_a_line_that_has_no_end_yet_is_not_read_of_a_file_that_grows(tmp_path, feed, whole, half):
    file = tmp_path / "feed"
    file.write_text(whole + half)
    first, last = feed.rows(file, lambda _read: None, growing=True)
    assert (first.fault, last.fault) == (None, HALF_WRITTEN)
    file.write_text(whole)
    assert len(list(feed.rows(file, lambda _read: None, growing=True))) == 1


def test_nothing_is_read_behind_a_line_that_was_half_written_when_it_was_read(tmp_path):
    file = tmp_path / "feed"
    file.write_text(ROW)
    for feed, begun in ((Feed(), ""), (table(mapping()), HEADING)):
        file.write_text(f"{begun}half")
        read = feed.rows(file, lambda _read: None, growing=True)
        assert next(read).fault == HALF_WRITTEN
        with file.open("a") as more:
            more.write(" and the rest\n")
        assert list(read) == []


def test_a_source_stands_for_what_the_rows_say(tmp_path):
    file = tmp_path / "events.ndjson"
    file.write_text(json.dumps(EVENT))
    assert rows(Feed(source="other"), file)[0].events[0]["source"] == "other"


@pytest.mark.parametrize(
    ("encoding", "written"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("gb18030", "gb18030")]
)
def test_a_table_is_read_in_the_encoding_of_its_mapping(tmp_path, encoding, written):
    file = tmp_path / "rows.csv"
    file.write_bytes("id,unit,time,amount,说明\ne1,b1,2021-03-05T08:00:00,1.50,税务\n".encode(written))
    (row,) = rows(table(mapping(encoding=encoding)), file)
    assert row.events[0]["data"] == {"amount": "1.50"}
    assert row.events[0]["time"] == "2021-03-05T00:00:00.000000Z"


def test_rows_of_a_table_are_named_by_the_line_they_begin_at(tmp_path):
    file = tmp_path / "rows.csv"
    file.write_bytes(
        b"id,unit,time,amount\n"
        b'e1,b1,2021-03-05T08:00:00,"1\n50"\n'
        b"none,,,\n"
        b"\n"
        b"e2,b1\n"
        b"e3,b1,2021-03-05T08:00:00,1.50\n"
        b"e4,b1,2021-02-30T08:00:00,1.50\n"
        b"e5,\xff,2021-03-05T08:00:00,1.50\n"
        b'e6,"b"1,2021-03-05T08:00:00,1\n'
        b"e7,b1,2021-03-05T08:00:00,2\n"
    )
    found = rows(table(mapping()), file)
    lines = dict(faults(found))
    assert sorted(lines) == [2, 6, 8, 9, 10]
    assert (lines[6], lines[9], lines[10]) == ("columns", "encoding", "csv")
    assert [row.line for row in found if row.events] == [7, 11]
    assert [row.line for row in found if not row.events and not row.fault] == [4]


@pytest.mark.parametrize(
    ("heading", "code"),
    [
        ("", "empty"),
        ("id,\udcff\n", "encoding"),
        ("id,unit,time\n", "mapping_column"),
        ("id,id,unit,time,amount\n", "duplicate_key"),
    ],
)
def test_a_table_without_the_columns_of_its_mapping_is_refused(tmp_path, heading, code):
    file = tmp_path / "rows.csv"
    file.write_text(heading, "utf-8", "surrogateescape")
    with pytest.raises(UnreadableError) as refused:
        rows(table(mapping()), file)
    assert (refused.value.line, refused.value.code) == (1, code)


def test_numbers_of_mapped_lines_never_pass_through_float(tmp_path):
    file = tmp_path / "rows.ndjson"
    row = '{"id":"e1","unit":"b1","time":"2021-03-05T08:00:00Z","amount":0.10000000000000001}'
    file.write_text(f'{row}\n{{"id": NaN}}\n{{"id":1,"id":2}}\n')
    found = rows(Feed(mapping(format="ndjson")), file)
    assert found[0].events[0]["data"]["amount"] == "0.10000000000000001"
    assert faults(found) == [(2, "non_finite"), (3, "duplicate_key")]


def test_what_is_compressed_is_seen_from_its_first_bytes(tmp_path):
    file = tmp_path / "events"
    file.write_bytes(gzip.compress(json.dumps(EVENT).encode()))
    assert rows(Feed(), file)[0].events == [EVENT]


def test_a_damaged_archive_is_refused(tmp_path):
    file = tmp_path / "events.gz"
    file.write_bytes(gzip.compress(b"x" * 10_000)[:-12])
    with pytest.raises(UnreadableError) as refused:
        rows(Feed(), file)
    assert refused.value.code == "damaged"


def test_a_line_without_end_is_bounded(tmp_path):
    file = tmp_path / "events.ndjson"
    file.write_bytes(b'"' + b"x" * (5 << 20) + b'"\n' + json.dumps(EVENT).encode())
    found = rows(Feed(), file)
    assert faults(found) == [(1, "too_large")]
    assert found[1].events == [EVENT]


def test_stdin_is_a_file_too(monkeypatch):
    monkeypatch.setattr(
        sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(json.dumps(EVENT).encode())))
    )
    (row,) = rows(Feed(), Path(STDIN))
    assert (row.file, row.line, row.events) == ("<stdin>", 1, [EVENT])
