"""The national sample is accepted by the services' own checks and says everywhere that it is simulated."""

from decimal import Decimal

import pytest
import yaml

from dukao.simulator.nation import SAMPLE, load
from services.ingest.domain.catalogue import compile_catalogue, parse
from services.scoring.domain.check import findings


@pytest.fixture(scope="module")
def nation():
    return load()


def test_the_scheme_has_no_findings(nation):
    assert findings(nation.scheme, nation.types) == []


def test_the_types_are_a_catalogue(nation):
    assert len(compile_catalogue(parse(nation.types)).types) == len(nation.types["types"])


def test_thirty_six_bureaus_share_a_thousand_points(nation):
    assert len(nation.bureaus) == 36
    assert [board.points for board in nation.scheme.boards] == ["260", "440", "180", "120"]
    assert len(nation.scheme.indicators) >= 14
    assert {one.cycle for one in nation.scheme.indicators} == {"month", "quarter", "year"}


def test_machine_and_system_reach_four_fifths_of_the_points(nation):
    machine_born = [i for i in nation.scheme.indicators if i.collection in {"machine", "system"}]
    assert sum(Decimal(one.points) for one in machine_born) >= 800


def test_everything_says_that_it_is_simulated(nation):
    assert nation.scheme.scheme.simulated
    assert "模拟" in nation.scheme.scheme.title
    assert not any(indicator.verified for indicator in nation.scheme.indicators)
    assert all("本方案设定" in indicator.source.document for indicator in nation.scheme.indicators)
    assert all("模拟" in source["title"] for source in nation.types["sources"].values())


def test_every_indicator_is_explained_to_the_reader(nation):
    written = (SAMPLE / "README.md").read_text("utf-8")
    assert [one.code for one in nation.scheme.indicators if f"`{one.code}`" not in written] == []


def test_regions_name_units_of_the_scheme(nation):
    codes = {unit.code for unit in nation.scheme.units}
    assert {bureau.region for bureau in nation.bureaus} <= codes
    assert all(bureau.counts_for == (bureau.code, "HQ", bureau.region) for bureau in nation.bureaus)


def test_another_sample_is_read_from_its_folder(tmp_path):
    for name in ("scheme.yaml", "types.yaml", "regions.csv"):
        (tmp_path / name).write_text((SAMPLE / name).read_text("utf-8"), "utf-8")
    assert load(tmp_path) == load()
    assert yaml.safe_load((tmp_path / "types.yaml").read_text("utf-8")) == load().types
