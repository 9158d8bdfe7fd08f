"""The catalogue of events names every published event once, with who reads it, its fields and its golden message."""

import json
import re

import pytest

from dukao.event_page import GOLDEN, page
from shared.contracts.catalogue import PUBLISHED, STREAM_READERS, Published

PAGE = page()
SECTIONS = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def test_every_published_event_has_its_section_and_no_other() -> None:
    assert [name for name in SECTIONS if name.startswith("dukao.")] == [one.type for one in PUBLISHED]


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda one: one.type)
def test_a_section_has_stream_owner_readers_every_field_and_the_golden_message(published: Published) -> None:
    told = SECTIONS[published.type]
    readers = [name for name, streams in STREAM_READERS.items() if published.stream in streams]
    assert f"Stream `{published.stream}`, published by {published.owner}, " in told
    assert all(reader in told.partition(".\n")[0] for reader in readers)
    fields = re.findall(r"^\| `([a-z0-9_]+)` \|", told, re.MULTILINE)
    assert set(published.model.model_fields) <= set(fields)
    sample = re.search(r"^```json\n(.*?)^```", told, re.MULTILINE | re.DOTALL)
    assert sample
    assert json.loads(sample[1]) == json.loads((GOLDEN / f"{published.type}.json").read_text("utf-8"))


def test_every_table_has_as_many_cells_in_each_row() -> None:
    for table in re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE):
        rows = [re.sub(r"\\\||`[^`]*`", "", row).count("|") for row in table.splitlines()]
        assert len(set(rows)) == 1, table
