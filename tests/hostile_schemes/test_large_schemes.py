"""A document as large as the door takes is checked, and of very many findings the first are told.

What grows with the square of a document takes minutes here, where the rest takes seconds.
"""

import copy

import pytest

from services.scoring.domain.check import findings
from services.scoring.domain.reading import MOST_FINDINGS, read
from services.scoring.handlers import LARGEST_DOCUMENT_BYTES
from shared.kernel.canonical import canonical
from tests.hostile_schemes.corpus import BASE, CATALOGUE, yamls

DOCUMENT = yamls.parse(BASE, "base").value


def boards_and_groups():
    """Two million sums, none of them right."""
    boards = [{"code": f"b{at}", "title": "t", "points": "1"} for at in range(2000)]
    groups = {f"g{at}": {"level": "bureau", "title": "t"} for at in range(1000)}
    first = DOCUMENT["indicators"][0] | {"groups": sorted(groups)}
    return {"boards": boards, "groups": DOCUMENT["groups"] | groups, "indicators": [first]}


def jurisdictions():
    days = [f"{1900 + at // 300}-{1 + at // 25 % 12:02d}-{1 + at % 25:02d}" for at in range(2500)]
    spans = [{"inspectorate": "r1", "units": ["b1"], "from": day, "until": day} for day in days]
    return {"incidents": DOCUMENT["incidents"] | {"jurisdictions": spans}}


def individual_indicators():
    own = [DOCUMENT["indicators"][6] | {"code": f"x{at}", "units": ["b1"]} for at in range(600)]
    units = [{"code": f"u{at}", "parent": "hq", "name": "n", "level": "bureau"} for at in range(1500)]
    return {"indicators": [*DOCUMENT["indicators"], *own], "units": [*DOCUMENT["units"], *units]}


def measures():
    plain = {"over": "levy", "period_by": "done", "numerator": "count(*)"}
    return {"measures": DOCUMENT["measures"] | {f"m{at}": plain for at in range(1500)}}


def filtered_columns():
    """As many columns as a view may have, in lines of nine that stand one above the other."""
    levy, plain = DOCUMENT["views"]["levy"], {"count": "*", "of": "levy.answered.v1"}
    more = {
        f"c{at}": plain | ({"where": f"levy.c{at - 1} > 0"} if at % 9 else {})
        for at in range(2000 - len(levy["columns"]))
    }
    return {"views": {"levy": levy | {"columns": levy["columns"] | more}}}


def line_of_units():
    line = [
        {"code": f"c{at}", "parent": f"c{at - 1}" if at else "hq", "name": "n", "level": "post"}
        for at in range(3000)
    ]
    return {"units": [*DOCUMENT["units"], *line]}


@pytest.mark.parametrize(
    "made",
    [boards_and_groups, jurisdictions, individual_indicators, measures, filtered_columns, line_of_units],
)
def test_a_document_as_large_as_is_taken_is_checked(made):
    document = copy.deepcopy(DOCUMENT) | made()
    assert len(canonical(document)) <= LARGEST_DOCUMENT_BYTES
    found = findings(read(document), CATALOGUE)
    assert len(found) <= MOST_FINDINGS
    assert bool(found) == (made not in {measures, filtered_columns, jurisdictions})


def test_of_very_many_findings_the_first_are_told():
    assert len(findings(read(DOCUMENT | boards_and_groups()), CATALOGUE)) == MOST_FINDINGS
    assert len(read(DOCUMENT | {"units": [7] * 4000})) == MOST_FINDINGS
    assert len(read(DOCUMENT | {"units": ["\u202e"] * 4000})) == MOST_FINDINGS
