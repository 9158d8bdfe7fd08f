"""What is generated from code is as the code says, and is what it claims to be."""

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from dukao.documents import FOLDER, SERVICES, documents, text_of

DOCUMENTS = documents()
OPENAPI = [path for path in sorted(DOCUMENTS) if path.startswith("openapi/")]
ASYNCAPI_SCHEMA = json.loads((Path(__file__).parent / "asyncapi-3.0.0.schema.json").read_text("utf-8"))


@pytest.mark.parametrize("path", sorted(DOCUMENTS))
def test_a_generated_document_is_not_stale(path: str) -> None:
    stored = (FOLDER / path).read_text("utf-8")
    assert stored == text_of(DOCUMENTS[path]), f"docs/{path} is stale: run `make docs`"


def test_every_service_has_an_openapi_document_and_no_other_is_stored() -> None:
    assert sorted(f"openapi/{name}.json" for name in SERVICES) == OPENAPI
    assert sorted(file.stem for file in (FOLDER / "openapi").glob("*.json")) == sorted(SERVICES)


@pytest.mark.parametrize("path", OPENAPI)
def test_an_openapi_document_is_valid_3_1(path: str) -> None:
    document = DOCUMENTS[path]
    assert document["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
    broken = copy.deepcopy(document)
    next(iter(broken["paths"].values()))["get"] = {"responses": "none"}
    assert not OpenAPIV31SpecValidator(broken).is_valid()


@pytest.mark.parametrize("path", OPENAPI)
def test_an_openapi_document_names_every_operation_once_and_who_may_call_it(path: str) -> None:
    operations = [
        (place, operation)
        for place, methods in DOCUMENTS[path]["paths"].items()
        for operation in methods.values()
    ]
    names = [operation["operationId"] for _, operation in operations]
    assert operations
    assert len(names) == len(set(names))
    unguarded = {place for place, operation in operations if not operation.get("security")}
    of_raters = {"/v1/surveys/{survey}/answers"} if path == "openapi/scoring.json" else set()
    assert unguarded == {"/livez", "/readyz", "/metrics"} | of_raters
    assert all("default" in operation["responses"] for _, operation in operations)


def asyncapi_errors(document: Any) -> list[str]:
    validator = jsonschema.Draft7Validator(ASYNCAPI_SCHEMA)
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(document)]


def test_the_asyncapi_document_is_valid_3_0() -> None:
    document = DOCUMENTS["asyncapi.json"]
    assert asyncapi_errors(document) == []
    assert asyncapi_errors(document | {"asyncapi": "2.6.0"})
    assert asyncapi_errors(document | {"servers": []})
    broken = copy.deepcopy(document)
    next(iter(broken["operations"].values()))["action"] = "publish"
    assert asyncapi_errors(broken)
