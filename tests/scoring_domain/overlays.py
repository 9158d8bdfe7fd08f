"""A special assessment (专项考评) over the mini scheme, and versions of a year that have it."""

import copy

from tests.scoring.test_stages import SCHEME
from tests.scoring_domain.test_parts import version

SAFETY = {
    "code": "safety",
    "name": "安全生产专项考评",
    "from": "2021-04",
    "until": "2021-08",
    "counts": "added",
    "points": "6",
}
DRILL = {
    "code": "drill",
    "name": "演练率",
    "overlay": "safety",
    "points": "6",
    "groups": ["bureaus"],
    "measure": "ontime",
    "method": {"target": {"target": "1"}},
}


def with_overlay(document=SCHEME, indicator=None, **said):
    """Return a scheme with a special assessment from April to August, said otherwise where it is."""
    found = copy.deepcopy(document)
    found["overlays"] = [SAFETY | said]
    found["indicators"] = [*found["indicators"], DRILL | (indicator or {})]
    return found


def halves(number, effective, points, target, **said):
    spec = {"points": points, "method": {"target": {"target": target}}}
    base = version(number, effective)
    return with_overlay(base, spec, **{"from": "2021-04", "until": "2021-09", "points": points} | said)
