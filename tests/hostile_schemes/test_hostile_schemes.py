"""No hostile document is taken, none makes a reader stumble, and each is refused with line, path and reason."""

import pytest

from dukao.checking import check_scheme, paper_of, unreadable
from dukao.yamls import UnreadableError, parse
from services.scoring.api import SCHEME_LIMITS
from services.scoring.domain.check import findings
from services.scoring.domain.reading import read
from shared.kernel.errors import Refused
from shared.kernel.strict_json import decode
from tests.hostile_schemes.corpus import BASE, CASES, CATALOGUE, GOOD, RAW_JSON, RAW_YAML

FILE = "scheme.yaml"
SLICE = 8


def sliced(cases, slice_=1, but=""):
    """One of so many is asked in every run, all in a long one."""
    return [
        pytest.param(
            case,
            id=f"{place} {case.code}",
            marks=[pytest.mark.long] if place % slice_ or case.code == but else [],
        )
        for place, case in enumerate(cases)
    ]


def of_yaml(text):
    """What `dukao scheme check` finds."""
    try:
        paper = paper_of(parse(text, FILE))
    except UnreadableError as error:
        return [unreadable(error)]
    return check_scheme(paper, CATALOGUE)


def of_json(text):
    """What the door finds: a problem of the decoder, or findings."""
    try:
        document = decode(text.encode("utf-8", "surrogatepass"), limits=SCHEME_LIMITS)
    except Refused as refused:
        return {("", refused.problem.code)}
    found = read(document)
    return {
        (one.path, one.code) for one in (found if isinstance(found, list) else findings(found, CATALOGUE))
    }


def test_the_good_document_is_taken_as_yaml_and_as_json():
    assert of_yaml(BASE) == []
    assert of_json(GOOD) == set()


def test_there_are_more_than_two_hundred_and_no_two_are_the_same():
    texts = [one.text for one in (*CASES, *RAW_YAML)]
    assert len(set(texts)) == len(texts) > 300
    assert len(set(RAW_JSON)) == len(RAW_JSON) > 20


@pytest.mark.parametrize("case", sliced(CASES, SLICE))
def test_a_hostile_document_is_refused_with_its_line_its_path_and_a_reason(case):
    found = of_yaml(case.text)
    assert (case.line, case.path, case.code) in {(one.line, one.path, one.code) for one in found}
    assert all(one.reason and one.file == FILE for one in found)
    assert all((one.path + one.reason).isprintable() for one in found)


@pytest.mark.parametrize("case", sliced(CASES, SLICE))
def test_the_door_refuses_the_same_document_at_the_same_path(case):
    found = of_json(case.document)
    unreadable_here = {code for path, code in found if not path} & {"encoding", "number", "complexity"}
    assert (case.path, case.code) in found or unreadable_here


@pytest.mark.parametrize("raw", sliced(RAW_YAML, but="complexity"))
def test_what_is_no_plain_yaml_is_refused_at_its_line(raw):
    (found,) = of_yaml(raw.text)
    assert (found.code, found.line) == (raw.code, raw.line)
    assert found.reason


@pytest.mark.parametrize(("code", "text"), RAW_JSON, ids=range(len(RAW_JSON)))
def test_what_is_no_strict_json_is_refused_by_its_code(code, text):
    assert of_json(text) == {("", code)}
