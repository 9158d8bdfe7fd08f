"""Rows become events as a mapping says, or are refused by a code that names the field."""

import json

import jsonschema
import pytest
from pydantic import ValidationError

from services.ingest.domain.catalogue import parse
from services.ingest.domain.mapping import compile_mapping
from services.ingest.domain.mapping_check import findings
from services.ingest.domain.mapping_document import MappingDocument, json_schema
from shared.kernel.errors import Refused

CATALOGUE = parse(
    {
        "types": {
            "task.done.v1": {
                "title": "Done",
                "case": "required",
                "fields": {
                    "number": {"type": "code", "required": True},
                    "amount": {"type": "decimal", "scale": 2},
                    "due": {"type": "time"},
                },
            }
        },
        "sources": {"desk": {"title": "Desk"}},
    }
)


def rule(**changes):
    made = {
        "type": "task.done.v1",
        "id": {"field": "no"},
        "unit": {"field": "unit", "code": "derive"},
        "time": {"field": "at"},
        "case": {"field": "no"},
        "data": {"number": {"field": "no", "kind": "code"}},
    } | changes
    return {name: value for name, value in made.items() if value is not None}


def document(*rules, **changes):
    made = {"version": 1, "source": "desk", "format": "csv", "zone": "America/New_York", "empty": ["", " "]}
    return made | changes | {"events": list(rules) or [rule()]}


def events(written, catalogue=None, **row):
    given = {"no": "7", "unit": "a b", "at": "2011-07-01T08:00:00Z"} | row
    return compile_mapping(MappingDocument.model_validate(written), catalogue).events(given)


def data(cell, **row):
    return events(document(rule(data={"x": cell})), **row)[0]["data"].get("x")


def refusal(call, *arguments, **named):
    with pytest.raises(Refused) as refused:
        call(*arguments, **named)
    return refused.value.problem.code, refused.value.problem.pointer


def test_a_row_becomes_an_event():
    assert events(document()) == [
        {
            "specversion": "1.0",
            "source": "desk",
            "type": "task.done.v1",
            "id": "7",
            "subject": "a-b",
            "time": "2011-07-01T08:00:00.000000Z",
            "case": "7",
            "data": {"number": "7"},
        }
    ]


def test_a_row_gives_an_event_for_each_rule_that_holds():
    closed = rule(id={"template": "{no}:closed"}, when=[{"field": "closed", "present": True}])
    both = document(rule(), closed)
    assert [event["id"] for event in events(both, closed="1")] == ["7", "7:closed"]
    assert [event["id"] for event in events(both, closed=" ")] == ["7"]


def test_a_row_without_an_event_is_refused_unless_it_is_skipped_by_name():
    some = document(
        rule(when=[{"field": "kind", "equals": ["a", "b"]}]), skip=[{"field": "kind", "equals": "c"}]
    )
    assert len(events(some, kind="b")) == 1
    assert events(some, kind="c") == []
    assert refusal(events, some, kind="d") == ("mapping_no_event", None)


TIMES = {
    "naive": ({}, "2011-07-01T08:00:00", "2011-07-01T12:00:00.000000Z"),
    "zoned": ({}, "2011-07-01T08:00:00+08:00", "2011-07-01T00:00:00.000000Z"),
    "pattern": ({"formats": ["iso", "%d.%m.%Y %H:%M"]}, "01.07.2011 08:00", "2011-07-01T12:00:00.000000Z"),
    "day": ({}, "2011-07-01", "2011-07-01T04:00:00.000000Z"),
    "lived twice": ({}, "2011-11-06T01:30:00", "2011-11-06T05:30:00.000000Z"),
}


@pytest.mark.parametrize("case", TIMES)
def test_an_instant_is_written_in_utc(case):
    formats, written, instant = TIMES[case]
    assert data({"field": "x", "kind": "time"} | formats, x=written) == instant


def test_an_hour_lived_twice_is_the_first_the_second_or_refused_as_the_mapping_says():
    twice = {"at": "2011-11-06T01:30:00"}
    assert events(document(fold="second"), **twice)[0]["time"] == "2011-11-06T06:30:00.000000Z"
    assert refusal(events, document(fold="refuse"), **twice) == ("mapping_time_fold", "/at")


BAD_TIMES = {
    "mapping_time_gap": "2011-03-13T02:30:00",
    "mapping_time": "１２",
}


@pytest.mark.parametrize("code", BAD_TIMES)
def test_a_time_that_is_none_is_refused(code):
    assert refusal(events, document(), at=BAD_TIMES[code]) == (code, "/at")


def test_a_local_time_needs_a_zone():
    assert refusal(events, document(zone=None), at="2011-07-01T08:00:00") == ("mapping_time_zone", "/at")
    assert refusal(events, document(zone="Nowhere/At_All")) == ("mapping_zone", "/zone")


VALUES = {
    "decimal text": ("decimal", "62.590", "62.590"),
    "decimal of an integer": ("decimal", 36, "36"),
    "integer": ("integer", "007", 7),
    "boolean": ("boolean", "false", False),
    "boolean itself": ("boolean", True, True),
    "text of an integer": ("text", 5, "5"),
    "empty": ("text", " ", None),
    "null": ("text", None, None),
}


@pytest.mark.parametrize("case", VALUES)
def test_a_value_is_read_by_its_kind(case):
    kind, given, found = VALUES[case]
    assert data({"field": "x", "kind": kind}, x=given) == found


BAD_VALUES = {
    "float": ("decimal", 62.59, "mapping_value"),
    "nested": ("text", ["a"], "mapping_value"),
    "exponent": ("decimal", "1e3", "mapping_decimal"),
    "separator": ("decimal", "1,000.00", "mapping_decimal"),
    "fraction": ("integer", "1.0", "mapping_integer"),
    "other digits": ("integer", "１２", "mapping_integer"),
    "2^53": ("integer", "9007199254740992", "mapping_integer"),
    "word": ("boolean", "yes", "mapping_boolean"),
}


@pytest.mark.parametrize("case", BAD_VALUES)
def test_a_value_that_is_not_of_its_kind_is_refused(case):
    kind, given, code = BAD_VALUES[case]
    assert refusal(data, {"field": "x", "kind": kind}, x=given) == (code, "/x")


def test_words_of_the_source_are_translated_and_unknown_ones_refused():
    cell = {"field": "x", "kind": "boolean", "values": {"是": True, "否": False}, "default": False}
    assert [data(cell, x="是"), data(cell, x="否"), data(cell, x="")] == [True, False, False]
    assert refusal(data, cell, x="?") == ("mapping_word", "/x")


def test_a_code_is_derived_or_made_of_a_name():
    assert data({"field": "x", "kind": "code", "code": "derive"}, x="Dep A/1") == "Dep-A-1"
    assert data({"template": "dep:{x}", "kind": "code", "code": "slug"}, x="A b_c (D)") == "dep:a-b-c--d"
    assert data({"field": "x", "kind": "code", "code": "slug"}, x="A b:c") == "a-b-c"
    assert refusal(data, {"field": "x", "kind": "code", "code": "slug"}, x="（）") == (
        "mapping_code_charset",
        "/x",
    )


def test_a_row_without_id_unit_or_time_is_refused():
    assert refusal(events, document(), unit="") == ("mapping_missing", "/subject")


def test_a_row_may_correct_or_retract_what_came_before():
    revising = rule(
        corrects={"id": {"field": "old"}, "revision": {"field": "rev"}},
        retraction=[{"field": "void", "equals": "1"}],
    )
    (correction,) = events(document(revising), old="6", rev="2")
    assert (correction["correctssource"], correction["correctsid"], correction["revision"]) == (
        "desk",
        "6",
        2,
    )
    (retraction,) = events(document(revising), old="6", rev="2", void="1")
    assert "data" not in retraction
    assert "revision" not in events(document(revising), old="")[0]
    assert refusal(events, document(revising), old="6") == ("mapping_missing", "/revision")
    assert refusal(events, document(revising), void="1") == ("mapping_retraction", None)


def test_a_kind_that_the_mapping_leaves_out_is_that_of_the_adopted_type():
    open_kind = document(rule(data={"due": {"field": "due"}}))
    (event,) = events(open_kind, CATALOGUE, due="2011-07-01")
    assert event["data"] == {"due": "2011-07-01T04:00:00.000000Z"}
    assert refusal(events, open_kind) == ("mapping_kind", "/events/0/data/due")


def test_a_table_without_a_column_is_refused_before_its_first_row():
    compiled = compile_mapping(MappingDocument.model_validate(document()))
    compiled.check_header(["no", "unit", "at", "more"])
    assert refusal(compiled.check_header, ["no", "at"]) == ("mapping_column", "/unit")


MISTAKES = {
    "/events/0/data/x": rule(data={"x": {"field": "a", "constant": "b"}}),
    "/events/0/data/y": rule(data={"y": {"template": "{a!r}", "kind": "text"}}),
    "/events/0/unknown": rule(unknown=1),
    "/events/0/type": rule(type="Done"),
    "/events/0/time/formats/0": rule(time={"field": "at", "formats": ["%d %B %Y"]}),
    "/events/0": rule(retraction=[{"field": "a", "present": True}]),
}


@pytest.mark.parametrize("pointer", MISTAKES)
def test_a_mistake_in_the_document_is_refused_with_its_pointer(pointer):
    with pytest.raises(ValidationError) as refused:
        MappingDocument.model_validate(document(MISTAKES[pointer]))
    assert "".join(f"/{step}" for step in refused.value.errors()[0]["loc"]) == pointer


FINDINGS = {
    ("/events/0/time/formats", "time_zone"): document(
        rule(time={"field": "at", "formats": ["%Y-%m-%d"]}), zone=None
    ),
    ("/events/0/data/due/formats", "time_zone"): document(
        rule(data={"number": {"field": "no"}, "due": {"field": "due", "formats": ["%Y%m%d"]}}), zone=None
    ),
    ("/zone", "zone"): document(zone="Mars/North"),
    ("/source", "unknown_source"): document(source="other"),
    ("/events/0/type", "unknown_type"): document(rule(type="task.lost.v1")),
    ("/events/0/data/x", "unknown_field"): document(
        rule(data={"x": {"field": "x"}, "number": {"field": "no"}})
    ),
    ("/events/0/data/number/kind", "kind"): document(rule(data={"number": {"field": "no", "kind": "text"}})),
    ("/events/0/data", "missing_field"): document(rule(data={})),
    ("/events/0", "missing_case"): document(rule(case=None)),
}


@pytest.mark.parametrize("finding", FINDINGS)
def test_a_check_names_what_the_catalogue_does_not_allow(finding):
    found = findings(MappingDocument.model_validate(FINDINGS[finding]), CATALOGUE)
    assert [(one.path, one.code) for one in found] == [finding]


def test_the_schema_of_the_document_takes_a_mapping():
    jsonschema.validate(document(), json_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document(rule(unknown=1)), json_schema())
    assert json.dumps(json_schema())
