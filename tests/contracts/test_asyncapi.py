"""The AsyncAPI document describes every golden message and nothing else."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from shared.contracts import catalogue
from shared.contracts.asyncapi import SENT, UPSTREAM, document
from shared.contracts.catalogue import PUBLISHED, STREAM_OWNERS, Published

GOLDEN = Path(catalogue.__file__).parent / "golden"


def resolve(root: dict[str, Any], reference: str) -> Any:
    found: Any = root
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [reference for item in value.values() for reference in references(item)]
    if isinstance(value, list):
        return [reference for item in value for reference in references(item)]
    return []


def test_every_reference_leads_somewhere() -> None:
    made = document()
    found = references(made)
    assert len(found) > len(PUBLISHED)
    for reference in found:
        resolve(made, reference)


def test_every_stream_is_a_channel_with_the_messages_of_its_owner() -> None:
    made = document()
    assert set(made["channels"]) == {"inbound", *STREAM_OWNERS}
    named = [name for channel in made["channels"].values() for name in channel["messages"]]
    assert sorted(named) == sorted([UPSTREAM, SENT, *(p.type for p in PUBLISHED)])


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda published: published.type)
def test_golden_messages_are_valid_and_broken_ones_are_not(published: Published) -> None:
    made = document()
    payload = made["components"]["messages"][published.type]["payload"]
    validator = jsonschema.Draft202012Validator({**made, **payload})
    golden = json.loads((GOLDEN / f"{published.type}.json").read_text("utf-8"))
    validator.validate(golden)
    assert not validator.is_valid(golden | {"type": "other"})
    assert not validator.is_valid(golden | {"data": golden["data"] | {"is_admin": True}})
    assert not validator.is_valid(golden | {"extra": 1})
