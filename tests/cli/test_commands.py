"""The command line without a platform: checks with lines, exit codes, messages beside data."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from deploy.control import NotRunningError
from deploy.embedded.files import MissingError
from deploy.state import Options, OtherPlatformError
from dukao import yamls
from dukao.checking import check_mapping, paper_of
from dukao.cli import app
from dukao.client import AwayError, FailedError, RefusedError
from dukao.commands.platform import known_workers, other_options
from dukao.exits import Exit
from dukao.failures import Reporting, failure_of
from dukao.yamls import UnreadableError
from services.ingest.domain.catalogue import CatalogueDocument
from services.ingest.domain.mapping_document import MappingDocument
from shared.kernel.errors import refuse

SAMPLES = Path(__file__).parents[2] / "samples"
UNITS = "unit_id,parent_id,name,level\nboston,,City of Boston,city\ndep:No Q,boston,No Q,department\n"


@pytest.fixture
def dukao(tmp_path):
    def run(*words, **more):
        return CliRunner().invoke(
            app, [str(word) for word in words], env={"DUKAO_STATE": str(tmp_path / "state")}, **more
        )

    return run


@pytest.fixture
def boston(tmp_path):
    """A folder with the sample's scheme and types, and a table of units."""
    folder = tmp_path / "boston"
    folder.mkdir()
    for name in ("scheme.yaml", "types.yaml"):
        shutil.copy(SAMPLES / "boston311" / name, folder)
    levels = "\nq,boston,Q,queue\nn,boston,N,neighborhood\n"
    (folder / "units.csv").write_text(UNITS.rstrip() + levels, "utf-8")
    return folder


def changed(file, old, new):
    text = file.read_text("utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), "utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_the_sample_has_no_findings(dukao, boston):
    done = dukao("scheme", "check", boston / "scheme.yaml", "--units", boston / "units.csv")
    assert (done.exit_code, done.stdout) == (Exit.OK, "")
    assert "nothing found" in done.stderr


def test_a_finding_names_file_line_place_code_and_reason(dukao, boston):
    scheme = boston / "scheme.yaml"
    line = changed(scheme, "numerator: count(deadline)}", "numerator: count(nothing)}")
    done = dukao("scheme", "check", scheme, "--units", boston / "units.csv")
    assert done.exit_code == Exit.INVALID
    assert done.stdout.startswith(f"{scheme}:{line} /measures/with_deadline")
    assert "expression" in done.stdout
    assert "1 finding in" in done.stderr


def test_findings_come_as_json_and_csv_too(dukao, boston):
    scheme = boston / "scheme.yaml"
    line = changed(scheme, 'points: "1000"}', 'points: "900"}')
    words = ("scheme", "check", scheme, "--units", boston / "units.csv", "--output")
    found = json.loads(dukao(*words, "json").stdout)
    assert {one["code"] for one in found} >= {"board_sum"}
    assert {one["file"] for one in found} == {str(scheme)}
    assert next(one for one in found if one["code"] == "board_sum")["line"] == line - 1
    assert dukao(*words, "csv").stdout.startswith("file,line,path,code,reason\n")


@pytest.mark.parametrize(
    "words",
    [
        ("calendar", "apply"),
        ("calendar", "check"),
        ("calendar", "import"),
        ("measure", "test"),
        ("rules", "adopt"),
        ("rules", "check"),
        ("scheme", "apply"),
        ("scheme", "check"),
        ("scheme", "draft"),
        ("types", "apply"),
        ("types", "check"),
        ("types", "draft"),
    ],
    ids=" ".join,
)
def test_what_ends_a_command_early_is_one_document_too(dukao, tmp_path, words):
    file = tmp_path / "twice.yaml"
    file.write_text("a: 1\na: 2\n", "utf-8")
    done = dukao(*words, file, "--output", "json")
    assert done.exit_code == Exit.INVALID
    (finding,) = json.loads(done.stdout)
    assert (finding["file"], finding["line"], finding["code"]) == (str(file), 2, "duplicate_key")


def test_a_misspelt_word_has_its_line(dukao, boston):
    scheme = boston / "scheme.yaml"
    line = changed(scheme, "assessor: boston", "asessor: boston")
    done = dukao("scheme", "check", scheme, "--units", boston / "units.csv")
    assert f"{scheme}:{line} /indicators/0/asessor shape" in done.stdout


def test_yaml_that_is_not_taken_is_a_finding(dukao, boston):
    scheme = boston / "scheme.yaml"
    line = changed(scheme, "  version: 1\n", "  version: 1\n  version: 2\n") + 1
    done = dukao("scheme", "check", scheme, "--output", "json")
    assert done.exit_code == Exit.INVALID
    (finding,) = json.loads(done.stdout)
    assert (finding["line"], finding["code"]) == (line, "duplicate_key")


def test_a_unit_of_the_table_has_the_line_of_the_table(dukao, boston):
    units = boston / "units.csv"
    changed(units, "q,boston,Q,queue", "q,nowhere,Q,queue")
    done = dukao("scheme", "check", boston / "scheme.yaml", "--units", units)
    assert f"{units}:4 /units/2/parent unknown_unit" in done.stdout


@pytest.mark.parametrize(
    ("table", "line", "code"),
    [
        ("unit,parent_id,name,level\n", 1, "columns"),
        (UNITS + "x,boston\n", 4, "columns"),
        (UNITS + "x,boston,X,queue,more\n", 4, "columns"),
        (UNITS + "总局,boston,X,queue\n", 4, "code_charset"),
    ],
)
def test_a_table_of_units_is_refused_at_its_line(dukao, boston, table, line, code):
    units = boston / "units.csv"
    units.write_text(table, "utf-8")
    done = dukao("scheme", "check", boston / "scheme.yaml", "--units", units)
    assert done.exit_code == Exit.INVALID
    assert done.stdout.startswith(f"{units}:{line} / {code} ")


def test_a_wrong_catalogue_beside_the_scheme_is_named_itself(dukao, boston):
    types = boston / "types.yaml"
    line = changed(types, "deadline: {type: time}", "deadline: {type: date}")
    for words in (("types", "check", types), ("scheme", "check", boston / "scheme.yaml")):
        done = dukao(*words)
        assert done.exit_code == Exit.INVALID
        assert f"{types}:{line} /types/case.opened.v1/fields/deadline/type catalogue" in done.stdout


def test_what_a_catalogue_does_not_take_of_a_mapping_has_its_line(tmp_path):
    mapping = tmp_path / "mapping.yaml"
    shutil.copy(SAMPLES / "boston311" / "mapping.yaml", mapping)
    catalogue = CatalogueDocument.model_validate(yamls.read(SAMPLES / "boston311" / "types.yaml").value)

    def found():
        paper = paper_of(yamls.read(mapping))
        return check_mapping(paper, MappingDocument.model_validate(paper.document), catalogue)

    assert found() == []
    line = changed(mapping, "\nsource: ", "\nsource: not-") + 1
    assert [(one.line, one.path, one.code) for one in found()] == [(line, "/source", "unknown_source")]


def test_a_table_of_units_in_gbk_is_told_what_to_be(dukao, boston):
    units = boston / "units.csv"
    for table in (UNITS + "x,boston,北京,queue\n", "编号\n" + UNITS):
        units.write_bytes(table.encode("gbk"))
        done = dukao("scheme", "check", boston / "scheme.yaml", "--units", units)
        assert done.exit_code == Exit.INVALID
        line = table.encode("gbk").split(b"\xb1")[0].count(b"\n") + 1
        assert done.stdout.startswith(f"{units}:{line} / encoding ")
        assert "UTF-8" in done.stdout


def test_the_schema_of_schemes_needs_no_platform(dukao):
    done = dukao("scheme", "schema")
    assert json.loads(done.stdout)["title"] == "SchemeDocument"


@pytest.mark.parametrize(
    "words",
    [
        ("status",),
        ("token",),
        ("env",),
        ("logs",),
    ],
)
def test_without_a_platform_a_command_of_the_machine_says_how_to_start_one(dukao, words):
    done = dukao(*words)
    assert done.exit_code == Exit.NOT_RUNNING
    assert done.stderr.count("dukao up") == 1
    assert "Traceback" not in done.stderr


def test_status_prints_every_part_although_nothing_runs(dukao):
    done = dukao("status", "--output", "json")
    told = json.loads(done.stdout)
    assert told["phase"] == "stopped"
    assert [part["name"] for part in told["parts"]][:3] == ["postgres", "kafka", "ingest"]


def test_down_without_a_platform_is_harmless(dukao):
    assert dukao("down", "--wipe").exit_code == Exit.OK


def test_down_wipes_only_a_folder_of_a_platform(dukao, tmp_path):
    kept = tmp_path / "state" / "mine.txt"
    kept.parent.mkdir()
    kept.write_text("mine")
    assert dukao("down", "--wipe").exit_code == Exit.OK
    assert kept.exists()


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("up", "--clock", "sundial"),
        ("up", "--workers", "scoring"),
        ("up", "--workers", "scoring=17"),
        ("up", "--workers", "postgres=2"),
        ("token", "--role", "king"),
        ("standings", "boston311", "city"),
        ("standings", "--as-of", "2021-04-10"),
        ("standings", "boston311", "city", "2011-09", "--watch", "--as-of", "2021-04-10"),
        ("explain", "mini", "b1"),
        ("explain", "mini", "b1", "ontime"),
        ("explain", "mini", "b1", "ontime", "2021-03", "--only", "some"),
        ("incidents", "rises", "national@1", "c", "2021-07", "--lang", "fr"),
        ("scheme", "diff", "national@1", "national@2", "--lang", "fr"),
        ("inbox", "list", "--lang", "fr"),
        ("inbox", "show", "0" * 32, "--lang", "fr"),
        ("results", "list", "--scheme", "gcservice"),
        ("send", "/nowhere.ndjson"),
        ("send", SAMPLES / "boston311" / "types.yaml", "--format", "csv"),
        ("status", "--output", "xml"),
        ("simulate", "--out", "/nowhere/month.ndjson"),
        ("simulate", "--send", "--truth", "/nowhere/truth.json"),
    ],
)
def test_a_wrong_command_line_ends_with_2(dukao, words):
    assert dukao(*words).exit_code == Exit.USAGE


def test_simulated_events_take_the_place_of_no_device(dukao, tmp_path):
    pipe = tmp_path / "pipe.ndjson"
    os.mkfifo(pipe)
    done = dukao("simulate", "--days", "1", "--units", "1", "--out", pipe)
    assert (done.exit_code, pipe.is_fifo()) == (Exit.USAGE, True)


@pytest.mark.parametrize("words", [(), ("close",), ("items",), ("scheme",)])
def test_a_line_that_names_no_command_shows_which_there_are(dukao, words):
    done = dukao(*words)
    assert done.exit_code == Exit.USAGE
    assert done.stderr.count("COMMANDS") == 1


def test_a_wrong_command_line_says_so_in_lines_that_can_be_searched(dukao):
    told = dukao("explain", "mini").stderr.splitlines()
    assert told[0].startswith("Usage: dukao explain ")
    assert told[-1] == "Error: Missing argument 'unit'."


def test_a_platform_that_runs_with_other_options_is_told_apart():
    assert list(other_options(Options(postgres="wheel"), Options(postgres="wheel", java="wheel"))) == []
    (told,) = other_options(Options(postgres="wheel", java="wheel"), Options(java="wheel"))
    assert told == "it runs with --postgres auto; for wheel end it first: dukao down"


def test_a_platform_that_runs_with_other_workers_is_told_apart():
    assert list(other_options(Options(), Options(workers={"scoring": 2}))) == []
    (told,) = other_options(Options(workers={"ranking": 3}), Options(workers={"scoring": 2}))
    assert told == "its workers are scoring=2; for others end it first: dukao down"


def test_workers_are_counted_by_service():
    assert known_workers(["scoring=2", "ranking=1"]) == {"scoring": 2}
    assert known_workers(None) == {}


def test_every_command_has_help_and_examples(dukao):
    def leaves(group, words):
        for name, command in sorted(group.commands.items()):
            if hasattr(command, "commands"):
                yield from leaves(command, [*words, name])
            else:
                yield [*words, name], command

    root = typer.main.get_command(app)
    found = list(leaves(root, []))
    assert len(found) >= 18
    for words, command in found:
        assert command.help, words
        assert command.epilog, words
        assert command.epilog.startswith("Examples:"), words
        assert all(parameter.help for parameter in command.params if parameter.name != "help"), words
        page = dukao(*words, "--help").stdout
        headings = re.findall("^[A-Z][A-Z ]+$", page, re.MULTILINE)
        assert headings[:2] == ["NAME", "SYNOPSIS"], words
        assert headings[-1] == "EXIT CODES", words
        assert "EXAMPLES" in headings, words
        assert re.search(r"\.\.\.\}|\[\[", page) is None, words  # a metavar has its marks once
        assert max(len(line) for line in page.splitlines() if "dukao " not in line) <= 100, words


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (AwayError("ingest"), Exit.NOT_RUNNING, "dukao status"),
        (NotRunningError("The platform is stopped."), Exit.NOT_RUNNING, "stopped"),
        (FailedError("kafka is not ready"), Exit.FAILED, "dukao logs"),
        (OtherPlatformError("It lives by the live clock.", "End it: dukao down."), Exit.USAGE, "dukao down"),
        (MissingError("No Java.", "Install Java 17."), Exit.MISSING, "Install Java 17."),
        (UnreadableError("a.csv", 3, "columns", "too few"), Exit.INVALID, "a.csv:3 columns too few"),
        (refuse(422, "period", "A period is written as 2021-03."), Exit.REFUSED, "period"),
        (RefusedError(403, {"code": "same_person", "detail": "Another."}, "ingest"), Exit.REFUSED, "--as"),
        (RefusedError(503, {"code": "unavailable"}, "ingest"), Exit.REFUSED, "Try again"),
        (FileNotFoundError(2, "No such file or directory", "/a/b"), Exit.USAGE, "/a/b: No such file"),
        (PermissionError(13, "Permission denied", "/a/b"), Exit.USAGE, "/a/b: Permission denied"),
        (OSError(28, "No space left on device"), Exit.FAILED, "No space left"),
        (RefusedError(502, {}, "ingest"), Exit.REFUSED, "http_502"),
        (
            RefusedError(422, {"code": "field", "detail": "No.", "pointer": "/a"}, "ingest"),
            Exit.REFUSED,
            "/a",
        ),
    ],
)
def test_an_expected_error_has_its_code_and_says_what_to_do(error, code, says):
    failing = typer.Typer(cls=Reporting)

    @failing.callback()
    def root():
        pass

    @failing.command()
    def fail():
        raise error

    assert failure_of(error).exit is code
    done = CliRunner().invoke(failing, ["fail"])
    assert done.exit_code == code
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert says in done.stderr
