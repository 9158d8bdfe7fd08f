"""The comparison with the oracle of the fines: it sees one figure that differs, and asks for the data set by name."""

from pathlib import Path
from typing import Any

import pytest

from campaign.fines import ACTIVITIES, AUTHORITY, COLUMNS, YEARS, Answers, Fines, differences, months

ROW = dict.fromkeys(COLUMNS, "3")
TABLES = {
    "by_unit_year.csv": {"year": "2000", "unit": "7", **ROW, "t1_rate": "0.5", "rank": "1"},
    "by_year.csv": {"year": "2000", **ROW},
    "activity_by_month.csv": {"month": "2000-02", "activity": "Payment", "events": "4"},
}
LATER = {"by_unit_year.csv": "2001", "by_year.csv": "2001", "activity_by_month.csv": "2001-01"}


@pytest.fixture
def fines(tmp_path: Path) -> Fines:
    """A set with a desk, a year and an activity, and rows of a later year that nobody asks for."""
    (tmp_path / "oracle").mkdir()
    for name, row in TABLES.items():
        later = [LATER[name], *list(row.values())[1:]]
        lines = [",".join(row), ",".join(row.values()), ",".join(later)]
        (tmp_path / "oracle" / name).write_text("\n".join(lines) + "\n", "utf-8")
    return Fines(tmp_path, 2000)


def measured(number: str, **more: str) -> dict[str, Any]:
    names = [*COLUMNS.values(), *ACTIVITIES.values()]
    return {name: {"numerator": more.get(name, number)} for name in names} | {"t1": {"ratio": "0.500000"}}


def answers(**december: str) -> Answers:
    monthly = {(month, AUTHORITY): measured("0") for month in months(2000)[2:]}
    monthly |= {("2000-01", AUTHORITY): measured("1.00"), ("2000-02", AUTHORITY): measured("2", log_paid="4")}
    monthly |= {("2000-12", AUTHORITY): measured("0", **december)}
    yearly = {("2000", AUTHORITY): measured("3"), ("2000", "desk:7"): measured("3.0")}
    return Answers(monthly | yearly, {("desks", "2000"): [{"unit": "desk:7", "rank": 1}]}, ())


def test_every_figure_of_the_years_asked_for_is_compared(fines: Fines) -> None:
    compared, wrong = differences(fines, answers())
    assert wrong == []
    assert compared == 1 + len(COLUMNS) + 1 + 2 * len(COLUMNS) + 1


def test_a_figure_of_one_month_that_differs_is_seen(fines: Fines) -> None:
    _, wrong = differences(fines, answers(paid_sum="0.01"))
    assert wrong == ["2000 paid_sum, its months: 3.01, not 3"]


def test_a_rate_that_is_not_answered_is_seen(fines: Fines) -> None:
    found = answers()
    found.measures["2000", "desk:7"]["t1"]["ratio"] = None
    assert differences(fines, found)[1] == ["2000 desk 7 t1_rate: None, not 0.5"]


def test_a_rank_that_is_another_is_seen(fines: Fines) -> None:
    found = answers()
    found.standings["desks", "2000"] = [{"unit": "desk:7", "rank": 2}]
    assert differences(fines, found)[1] == ["2000 desk 7 rank: 2, not 1"]


ALL_YEARS = {
    "by_unit_all.csv": {"unit": "7", **ROW, "t1_rate": "1.0", "rank": ""},
    "totals.csv": {"check": "units", "value": "1"},
}


def test_all_years_and_the_totals_are_compared_where_every_year_is_asked_for(fines: Fines) -> None:
    whole = Fines(fines.folder, YEARS[-1])
    for name, row in (TABLES | ALL_YEARS).items():
        lines = [",".join(row), ",".join(row.values())]
        (fines.folder / "oracle" / name).write_text("\n".join(lines) + "\n", "utf-8")
    found = answers()
    for year in list(YEARS)[1:]:
        found.measures[str(year), AUTHORITY] = measured("0")
        found.standings["desks", str(year)] = []
    compared, wrong = differences(whole, found)
    assert wrong == []
    assert compared == 3 * len(COLUMNS) + 3 + len(COLUMNS) + 2 + 1
    found.measures["2001", "desk:8"] = measured("1")
    assert differences(whole, found)[1] == ["units: 2, not 1"]


def test_the_set_is_here_only_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DUKAO_DATA", raising=False)
    assert Fines.here(2000) is None
    monkeypatch.setenv("DUKAO_DATA", str(tmp_path))
    assert Fines.here(2000) is None
    (tmp_path / "road_traffic_fines").mkdir()
    assert Fines.here(2000) == Fines(tmp_path / "road_traffic_fines", 2000)
