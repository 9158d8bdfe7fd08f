"""The JSON Schema that completes in editors: every field says what it is, and it takes what scoring takes."""

import json
from pathlib import Path

import jsonschema
import pytest

from dukao import yamls
from services.scoring.domain.document import SchemeDocument, json_schema
from tests.hostile_schemes.corpus import BASE, CASES

SCHEMA = json_schema()
SAMPLES = Path(__file__).parents[2] / "samples"
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def properties():
    yield from (("SchemeDocument", name, one) for name, one in SCHEMA["properties"].items())
    for title, definition in SCHEMA["$defs"].items():
        yield from ((title, name, one) for name, one in definition.get("properties", {}).items())


def test_every_field_says_what_it_is():
    assert [f"{title}.{name}" for title, name, one in properties() if not one.get("description")] == []


def test_every_part_says_what_it_is():
    assert [name for name, one in SCHEMA["$defs"].items() if not one.get("description")] == []


def test_no_word_is_taken_that_is_not_described():
    parts = [SCHEMA, *(one for one in SCHEMA["$defs"].values() if one.get("type") == "object")]
    assert {one["additionalProperties"] for one in parts} == {False}


@pytest.mark.parametrize(
    "sample", sorted(SAMPLES.glob("*/scheme*.yaml")), ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_a_sample_names_the_schema_and_passes_it(sample):
    text = sample.read_text("utf-8")
    assert text.startswith("# yaml-language-server: $schema=../../docs/schemas/scheme.json\n")
    assert (sample.parent / "../../docs/schemas/scheme.json").resolve().exists()
    document = yamls.parse(text, str(sample)).value
    units = [{"code": "a", "name": "A", "level": "a"}]
    assert [
        one.message for one in VALIDATOR.iter_errors(document | {"units": document["units"] or units})
    ] == []


@pytest.mark.long
def test_an_editor_marks_what_the_check_refuses_for_its_shape():
    """All but what several words together make wrong, which no JSON Schema says: less than a tenth."""
    assert VALIDATOR.is_valid(yamls.parse(BASE, "base").value)
    shaped = [case for case in CASES if case.code == "shape"]
    unmarked = [case.name for case in shaped if VALIDATOR.is_valid(json.loads(case.document))]
    assert len(shaped) > 150
    assert len(unmarked) <= len(shaped) // 10, unmarked


def strictness(schema, path=""):
    """Yield the path of every integer and truth value of a core schema that takes another kind for it."""
    if isinstance(schema, dict):
        if schema.get("type") in ("int", "bool") and not schema.get("strict"):
            yield path
        for key, value in schema.items():
            yield from strictness(value, f"{path}/{key}")
    elif isinstance(schema, list | tuple):
        for place, value in enumerate(schema):
            yield from strictness(value, f"{path}/{place}")


def test_no_text_passes_for_a_number_and_no_number_for_true():
    assert sorted(strictness(SchemeDocument.__pydantic_core_schema__)) == []
