"""What is generated from code is as the code says, and is what it claims to be."""

import pytest

from dukao.documents import FOLDER, SERVICES, documents, text_of

DOCUMENTS = documents()


@pytest.mark.parametrize("path", sorted(DOCUMENTS))
def test_a_generated_document_is_not_stale(path: str) -> None:
    stored = (FOLDER / path).read_text("utf-8")
    assert stored == text_of(DOCUMENTS[path]), f"docs/{path} is stale: run `make docs`"


@pytest.mark.parametrize("path", [path for path in sorted(DOCUMENTS) if path.startswith("openapi/")])
def test_an_openapi_document_names_every_operation_once(path: str) -> None:
    document = DOCUMENTS[path]
    operations = [
        operation["operationId"]
        for methods in document["paths"].values()
        for operation in methods.values()
    ]
    assert document["openapi"].startswith("3.1.")
    assert operations
    assert len(operations) == len(set(operations))


def test_every_stored_openapi_document_belongs_to_a_service() -> None:
    assert {file.stem for file in (FOLDER / "openapi").glob("*.json")} <= set(SERVICES)
