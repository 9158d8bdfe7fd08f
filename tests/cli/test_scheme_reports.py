"""What schemes of files say beside their documents, without a platform."""

import json

import pytest
from typer.testing import CliRunner

from dukao import yamls
from dukao.cli import app
from dukao.exits import Exit
from tests.hostile_schemes.corpus import BASE, HERE

TYPES = HERE / "types.yaml"


@pytest.fixture
def dukao(tmp_path):
    def run(*words):
        state = {"DUKAO_STATE": str(tmp_path / "state")}
        return CliRunner().invoke(app, [str(word) for word in words], env=state)

    return run


@pytest.fixture
def versions(tmp_path):
    older, newer = tmp_path / "old.yaml", tmp_path / "new.yaml"
    older.write_text(BASE, "utf-8")
    changed = BASE.replace('target: "0.98"', 'target: "0.99"').replace(
        "code: mini\n  version: 1", "code: mini\n  version: 2"
    )
    newer.write_text(changed, "utf-8")
    return older, newer


def test_two_files_are_compared_in_words(dukao, versions):
    done = dukao("scheme", "diff", *versions)
    assert (done.exit_code, done.stdout) == (
        Exit.OK,
        "指标 training（到课率）：目标值由 0.98 改为 0.99（分段计分）\n",
    )
    assert "1 change" in done.stderr
    english = dukao("scheme", "diff", *versions, "--lang", "en").stdout
    assert english == "Indicator training (到课率): target from 0.98 to 0.99 (scored in parts)\n"


def test_the_difference_of_files_is_told_to_programs_too(dukao, versions):
    found = json.loads(dukao("scheme", "diff", *versions, "--output", "json").stdout)
    assert (found["since"], found["version"], found["splits"]) == (1, 2, ["training"])
    (one,) = found["differences"]
    assert (one["section"], one["key"], one["place"], one["old"], one["new"]) == (
        "indicators",
        "training",
        "method/target/target",
        "0.98",
        "0.99",
    )


def test_a_file_that_is_no_scheme_has_findings_and_a_language_is_zh_or_en(dukao, versions, tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(BASE.replace("places: 2", 'places: "2"'), "utf-8")
    done = dukao("scheme", "diff", wrong, versions[1])
    assert (done.exit_code, done.stdout.split()[:3]) == (
        Exit.INVALID,
        [f"{wrong}:9", "/scheme/places", "shape"],
    )
    assert dukao("scheme", "diff", *versions, "--lang", "xx").exit_code == Exit.USAGE
    assert dukao("scheme", "diff", "nothing.yaml", versions[1]).exit_code == Exit.USAGE


@pytest.mark.parametrize(
    ("old", "new", "place", "code"),
    [
        ("  until: 2021-12", "  until: 2021-11", "/scheme/until", "overlap"),
        ("mini\n  version: 2", "mini\n  version: 1", "/scheme/version", "overlap"),
        ("  zone: Asia/Shanghai", "  zone: UTC\n  first_month: 1", "/scheme/zone", "zone_of_versions"),
        (
            "count(*) FILTER (WHERE answered <= done)",
            "count(*)",
            "/measures/ontime/version",
            "measure_version",
        ),
    ],
)
def test_what_adoption_refuses_beside_the_version_in_force_is_found_with_its_line(
    dukao, versions, old, new, place, code
):
    older, newer = versions
    check = "scheme", "check", newer, "--types", TYPES, "--beside", older
    text = newer.read_text("utf-8").replace("  effective: 2021-01\n  until", "  effective: 2021-07\n  until")
    newer.write_text(text, "utf-8")
    assert dukao(*check).exit_code == Exit.OK
    assert text.count(old) == 1
    newer.write_text(text.replace(old, new), "utf-8")
    assert dukao(*check[:-2]).exit_code == Exit.OK, "by itself it is sound"
    done = dukao(*check)
    assert done.exit_code == Exit.INVALID
    where, path, found, *_ = done.stdout.split()
    assert (where.rpartition(":")[0], path, found) == (str(newer), place, code)
    line = newer.read_text("utf-8").splitlines()[int(where.rpartition(":")[2]) - 1]
    assert place.rpartition("/")[2] in line


@pytest.mark.parametrize("by_table", ["old.yaml", "new.yaml"])
def test_a_table_of_units_is_for_the_version_that_leaves_them_to_it_and_the_other_has_its_own(
    dukao, versions, tmp_path, by_table
):
    older, newer = versions
    text = newer.read_text("utf-8").replace("  effective: 2021-01\n  until", "  effective: 2021-07\n  until")
    newer.write_text(text, "utf-8")
    table, file = tmp_path / "units.csv", tmp_path / by_table
    head, _, rest = file.read_text("utf-8").partition("units:\n")
    own, _, rest = rest.partition("trees:")
    units = yamls.parse(f"units:\n{own}", "own").value["units"]
    rows = [",".join((one["code"], one.get("parent", ""), one["name"], one["level"])) for one in units]
    table.write_text("\n".join(["unit_id,parent_id,name,level", *rows]), "utf-8")
    file.write_text(f"{head}units: []\ntrees:{rest}", "utf-8")
    check = "scheme", "check", newer, "--types", TYPES, "--beside", older
    done = dukao(*check, "--units", table)
    assert (done.exit_code, done.stdout) == (Exit.OK, "")
    assert dukao(*check).exit_code == Exit.INVALID, "without the table a version has no units"


def test_a_table_of_units_that_no_version_leaves_its_units_to_is_refused_as_without_another_version(
    dukao, versions, tmp_path
):
    older, newer = versions
    table = tmp_path / "units.csv"
    table.write_text("unit_id,parent_id,name,level\n", "utf-8")
    check = "scheme", "check", newer, "--types", TYPES, "--units", table
    for words in (check, (*check, "--beside", older)):
        done = dukao(*words)
        assert (done.exit_code, done.stdout.split()[1:3]) == (Exit.INVALID, ["/", "units"]), words
        assert done.stdout.startswith(f"{newer}:")


def test_a_version_that_is_no_scheme_is_named_itself(dukao, versions):
    older, newer = versions
    older.write_text(BASE.replace("places: 2", 'places: "2"'), "utf-8")
    done = dukao("scheme", "check", newer, "--types", TYPES, "--beside", older)
    assert (done.exit_code, done.stdout.split()[:3]) == (
        Exit.INVALID,
        [f"{older}:9", "/scheme/places", "shape"],
    )
    older.write_text(BASE.replace("code: mini\n  version", "code: maxi\n  version"), "utf-8")
    done = dukao("scheme", "check", newer, "--types", TYPES, "--beside", older)
    assert (done.exit_code, "maxi" in done.stderr) == (Exit.USAGE, True)


def test_what_machines_are_to_give_is_shown_of_a_file(dukao, versions):
    done = dukao("scheme", "coverage", versions[0])
    assert done.exit_code == Exit.OK
    assert "no target" in done.stdout
    found = json.loads(dukao("scheme", "coverage", versions[0], "--output", "json").stdout)
    assert [(one["group"], one["planned"]["share"]) for one in found["groups"]] == [
        ("bureaus", "1.000000"),
        ("regions", "1.000000"),
    ]
    assert dukao("scheme", "coverage", versions[0], "--period", "2021-03").exit_code == Exit.USAGE


def test_a_child_of_files_is_checked_against_its_parents(dukao, versions, tmp_path):
    child = tmp_path / "city.yaml"
    text = BASE.replace(
        "units:\n  - {code: hq", "parent: {scheme: mini, version: 1, unit: b1}\nunits:\n  - {code: hq"
    )
    child.write_text(
        text.replace("    measure: came\n", "    decomposes: missed\n    measure: came\n").replace(
            'each: "0.5", floor', 'each: "0.6", floor'
        ),
        "utf-8",
    )
    done = dukao("scheme", "layers", child, "--parent", versions[0])
    assert done.exit_code == Exit.OK
    assert "层层加码：指标 missed 为 0.6，严于上级的 0.5" in done.stdout
    (layer,) = json.loads(dukao("scheme", "layers", child, "--parent", versions[0], "-o", "json").stdout)[
        "layers"
    ]
    assert (layer["points"], layer["total"]) == ("20", "100")
