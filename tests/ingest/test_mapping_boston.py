"""The two mappings of the Boston sample over the real files."""

import csv
import gzip
import json
import os
from pathlib import Path

import pytest
import yaml

from services.ingest.domain.catalogue import compile_catalogue, parse
from services.ingest.domain.envelope import candidate
from services.ingest.domain.mapping import compile_mapping
from services.ingest.domain.mapping_check import findings
from services.ingest.domain.mapping_document import MappingDocument

SAMPLE = Path(__file__).parents[2] / "samples" / "boston311"
DATA = os.environ.get("DUKAO_DATA")
EVENTS = 81_195


@pytest.fixture(scope="module")
def catalogue():
    return parse(yaml.safe_load((SAMPLE / "types.yaml").read_text("utf-8")))


def mapping(name):
    return MappingDocument.model_validate(yaml.safe_load((SAMPLE / name).read_text("utf-8")))


@pytest.mark.parametrize("name", ["mapping.yaml", "mapping-cases.yaml"])
def test_the_sample_mappings_agree_with_the_sample_types(name, catalogue):
    assert findings(mapping(name), catalogue) == []


@pytest.mark.long
@pytest.mark.skipif(DATA is None, reason="DUKAO_DATA names no folder of real sets")
def test_events_and_cases_give_the_same_events_and_ingest_takes_them_all(catalogue):
    folder = Path(DATA) / "boston311_2011"
    of_events = compile_mapping(mapping("mapping.yaml"))
    with gzip.open(folder / "events_2011-07_10.ndjson.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line, parse_float=str) for line in lines]
    events = {event["id"]: event for row in rows for event in of_events.events(row)}
    of_cases = compile_mapping(mapping("mapping-cases.yaml"))
    with gzip.open(folder / "cases_2011-07_10.csv.gz", "rt", encoding="utf-8", newline="") as lines:
        table = csv.DictReader(lines)
        of_cases.check_header(table.fieldnames)
        assert {event["id"]: event for row in table for event in of_cases.events(row)} == events
    compiled = compile_catalogue(catalogue)
    contents = {candidate(event, compiled).content for event in events.values()}
    assert (len(events), len(rows), len(contents)) == (EVENTS, EVENTS, EVENTS)
