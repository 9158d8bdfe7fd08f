"""A small administration that is rated by its leaders and by the public."""

import copy

from tests.scoring.test_stages import SCHEME

METHOD = {
    "scale": 100,
    "trim": "0.1",
    "classes": [
        {"rater": "leaders", "weight": "0.4", "minimum": 5},
        {"rater": "public", "weight": "0.6", "minimum": 6},
    ],
}
ROUND = {"opens": "2021-03-10", "closes": "2021-03-25", "remind": ["2021-03-20"]}


def scheme(*, method=METHOD, rounds=(ROUND,), **head):
    """Return a scheme of 10 points by events and 20 by a survey of two classes of raters."""
    document = copy.deepcopy(SCHEME)
    document["scheme"] |= {"total": "30"} | head
    document["boards"][0]["points"] = "30"
    document["measures"]["reliability"] = {"survey": "ratings"}
    document["surveys"] = {
        "ratings": {
            "title": "多维测评",
            "raters": {"leaders": "上级领导", "public": "服务对象"},
            "rounds": copy.deepcopy(list(rounds)),
        }
    }
    document["indicators"][1] = {
        "code": "reliability",
        "name": "Reliability",
        "board": "work",
        "points": "20",
        "groups": ["bureaus"],
        "collection": "system",
        "measure": "reliability",
        "method": {"survey": copy.deepcopy(method)},
    }
    return document
