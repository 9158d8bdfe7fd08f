"""A document that is not of a scheme's shape: every place by its JSON pointer, nothing crashes."""

import copy

import pytest

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.reading import Finding, read
from tests.scoring.test_stages import SCHEME


def changed(path, value):
    document = copy.deepcopy(SCHEME)
    at = document
    for step in path[:-1]:
        at = at[step]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return document


def test_a_document_of_the_shape_is_read():
    assert isinstance(read(SCHEME), SchemeDocument)


@pytest.mark.parametrize(
    ("path", "value", "pointer"),
    [
        (("scheme", "code"), None, "/scheme/code"),
        (("scheme", "version"), "1", "/scheme/version"),
        (("scheme", "version"), 0, "/scheme/version"),
        (("scheme", "effective"), "2021-13", "/scheme/effective"),
        (("scheme", "total"), 1000, "/scheme/total"),
        (("scheme", "total"), "1e999", "/scheme/total"),
        (("scheme", "total"), "9" * 40, "/scheme/total"),
        (("scheme", "places"), 10, "/scheme/places"),
        (("scheme", "surprise"), True, "/scheme/surprise"),
        (("units",), [], "/units"),
        (("units", 1, "code"), "Ａ１", "/units/1/code"),
        (("units", 1), "b1", "/units/1"),
        (("measures", "ontime", "period_by"), {"from": "time"}, "/measures/ontime/period_by"),
        (("measures", "ontime", "kind"), "stock", "/measures/ontime"),
        (("measures", "Bad Name"), {"over": "x"}, "/measures/Bad Name"),
        (("measures", "a/b"), {"over": "x"}, "/measures/a~1b"),
        (("indicators", 0, "method"), {}, "/indicators/0/method"),
        (("indicators", 0, "method"), {"target": {}}, "/indicators/0/method/target/target"),
        (
            ("indicators", 0, "method"),
            {"target": {"target": "1"}, "deduct": {"each": "1"}},
            "/indicators/0/method",
        ),
        (("indicators", 0, "method"), {"magic": {}}, "/indicators/0/method/magic"),
        (("indicators", 1, "method", "deduct", "each"), "-0.5", "/indicators/1/method/deduct/each"),
        (("indicators", 0, "groups"), [], "/indicators/0/groups"),
        (("indicators", 0, "cycle"), "week", "/indicators/0/cycle"),
        (("views",), {"case": {"events": [], "columns": {}}}, "/views/case/events"),
        (("views",), {"case": {"events": ["a"], "columns": {"x": {"of": "a"}}}}, "/views/case/columns/x"),
    ],
)
def test_what_is_not_of_the_shape_is_named_by_its_pointer(path, value, pointer):
    found = read(changed(path, value))
    assert pointer in {one.path for one in found}
    assert all(isinstance(one, Finding) and one.code == "shape" and one.reason for one in found)


@pytest.mark.parametrize("document", [None, 7, "scheme", [], {}, {"scheme": []}, {"units": {"a": [[[[]]]]}}])
def test_what_is_no_document_at_all_is_refused(document):
    assert isinstance(read(document), list)
