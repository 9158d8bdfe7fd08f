"""What is generated from code is as the code says, and is what it claims to be."""

import re

import pytest
from jsonschema import Draft202012Validator

from dukao import yamls
from dukao.documents import FOLDER, SERVICES, documents, text_of

DOCUMENTS = documents()
SAMPLES = sorted((FOLDER.parent / "samples").glob("*/*.yaml"))
MODELINE = re.compile(r"# yaml-language-server: \$schema=(\S+)\n")


@pytest.mark.parametrize("path", sorted(DOCUMENTS))
def test_a_generated_document_is_not_stale(path: str) -> None:
    stored = (FOLDER / path).read_text("utf-8")
    assert stored == text_of(DOCUMENTS[path]), f"docs/{path} is stale: run `make docs`"


@pytest.mark.parametrize("path", [path for path in sorted(DOCUMENTS) if path.startswith("openapi/")])
def test_an_openapi_document_names_every_operation_once(path: str) -> None:
    document = DOCUMENTS[path]
    operations = [
        operation["operationId"] for methods in document["paths"].values() for operation in methods.values()
    ]
    assert document["openapi"].startswith("3.1.")
    assert operations
    assert len(operations) == len(set(operations))


def test_every_stored_openapi_document_belongs_to_a_service() -> None:
    assert {file.stem for file in (FOLDER / "openapi").glob("*.json")} <= set(SERVICES)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_sample_names_its_schema_and_keeps_to_it(path) -> None:
    named = MODELINE.match(path.read_text("utf-8"))
    assert named, f"{path} begins with no yaml-language-server line"
    schema = (path.parent / named[1]).resolve().relative_to(FOLDER).as_posix()
    document = yamls.read(path).value
    if document.get("units") == []:
        document["units"] = [{"code": "u", "name": "put in by the command", "level": "city"}]
    Draft202012Validator.check_schema(DOCUMENTS[schema])
    assert [str(error) for error in Draft202012Validator(DOCUMENTS[schema]).iter_errors(document)] == []
