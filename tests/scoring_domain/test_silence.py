"""Of which units something may be missing while a feed is silent."""

import copy

from services.scoring.domain.derived import points_plan
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.plan import compile_plan, event_types
from services.scoring.domain.silence import Silence
from tests.scoring.test_stages import SCHEME, TYPES


def silent_units(measure, units):
    """Return the units of which a silent feed of a source of some units says that events may be missing."""
    document = copy.deepcopy(SCHEME)
    document["units"].append({"code": "c1", "parent": "b1", "name": "C1", "level": "county"})
    document["groups"]["counties"] = {"level": "county", "title": "Counties"}
    document["indicators"] = [document["indicators"][1] | {"groups": ["bureaus", "counties"]}]
    document["measures"] = {"missed": document["measures"]["missed"] | measure}
    types = TYPES | {"sources": {"s": {"title": "S", "units": units}}}
    read = SchemeDocument.model_validate(document)
    under = points_plan(read, compile_plan(read, event_types(types)), types)
    told = Silence("s/risks", 1, "s", frozenset({"risk.missed.v1"}), None, stale=True)
    return {one.unit for one in told.losses(under)}


def test_of_units_above_those_that_a_source_sends_of_events_may_be_missing_too():
    assert silent_units({}, ["c1"]) == {"b1", "c1"}
    assert silent_units({}, ["b*"]) == {"b1", "b2"}
    assert silent_units({}, "all") == {"b1", "b2", "c1"}


def test_of_what_counts_for_the_named_unit_alone_nothing_of_those_above_is_missing():
    named = {"counts_for": "named"}
    assert silent_units(named, ["c1"]) == {"c1"}
    assert silent_units(named, ["b1", "c*"]) == {"b1", "c1"}
    assert silent_units(named, "all") == {"b1", "b2", "c1"}
