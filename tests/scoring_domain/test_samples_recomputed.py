"""Every measure of every sample: DuckDB, PostgreSQL and live folding agree on every unit and month, exactly."""

import pytest

from dukao import yamls
from dukao.simulator.stream import Settings, simulate
from dukao.simulator.truth import Truth
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.facts import standing
from services.scoring.domain.plan import event_types
from tests.scoring import test_gc_service_standards as service_standards
from tests.scoring_domain.opinions import assert_agreed, report_of
from tests.scoring_domain.test_boston import DATA, SAMPLE, cases, folder, set_of, types, units
from tests.simulator.test_simulation import FOLDING, NATION

__all__ = ["cases", "folder", "types", "units"]


@pytest.mark.parametrize(
    ("chosen", "measured"),
    [
        (Settings(units=98, days=30, rate=1, seed=5), 31),
        pytest.param(
            Settings(units=98, days=150, rate=4, seed=6),
            len(NATION.scheme.event_measures),
            marks=pytest.mark.long,
        ),
    ],
    ids=["a month", "five months hold all"],
)
async def test_the_measures_of_the_national_sample(postgres_url, chosen, measured):
    events = FOLDING.accepted(list(simulate(chosen, NATION, Truth(NATION.scheme))))
    groups = [standing(reports).facts for reports in FOLDING.together(events)]
    agreed = await assert_agreed(postgres_url, NATION.scheme, FOLDING.types, groups)
    assert len({name for name, _, _ in agreed}) == measured


@pytest.mark.long
@pytest.mark.skipif(DATA is None, reason="DUKAO_DATA names no folder of real sets")
@pytest.mark.parametrize("name", ["scheme-service.yaml", "scheme-dates.yaml"])
async def test_the_measures_of_boston(postgres_url, name, units, types, cases):
    written = yamls.parse((SAMPLE / name).read_text(), name).value
    document = SchemeDocument.model_validate(written | {"units": units})
    groups = [standing(set_of(reports)).facts for reports in cases]
    agreed = await assert_agreed(postgres_url, document, types, groups)
    assert {name for name, _, _ in agreed} == document.measures.keys()


def test_the_first_scheme_of_boston_measures_nothing_that_the_second_does_not():
    first, second = (
        yamls.parse((SAMPLE / name).read_text(), name).value
        for name in ("scheme.yaml", "scheme-service.yaml")
    )
    assert [first[one] for one in ("views", "trees")] == [second[one] for one in ("views", "trees")]
    assert first["measures"].items() <= second["measures"].items()


@pytest.mark.long
@pytest.mark.skipif(DATA is None, reason="DUKAO_DATA names no folder of real sets")
async def test_the_measures_of_the_service_standards(postgres_url):
    columns = event_types(service_standards.written("types.yaml"))
    scheme = SchemeDocument.model_validate(service_standards.scheme())
    events = [event for found, _ in service_standards.files() for event in found]
    groups = [[report_of(event, number, columns)] for number, event in enumerate(events, 1)]
    agreed = await assert_agreed(postgres_url, scheme, columns, groups)
    assert {name for name, _, _ in agreed} == scheme.measures.keys()
