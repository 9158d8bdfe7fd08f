"""The house passes its own contracts, and each contract catches what it is there for."""

import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.house.rules import findings, packages_imported

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("services", "shared", "deploy", "dukao", "campaign")

DECISIONS = "Decisions touch no I/O"
ROOMS = "Rooms inside a service"
CHECKER = "The checker shares nothing"
IMPORT_VIOLATIONS = [
    ("No service imports another", "services/ingest/domain/seeded.py", "import services.ranking.domain\n"),
    ("The command over the deployment", "shared/kernel/seeded.py", "import services.ingest.domain\n"),
    ("Layers of shared", "shared/kernel/seeded.py", "import shared.contracts\n"),
    ("Layers of shared", "shared/helpers.py", ""),
    (ROOMS, "services/ranking/domain/seeded.py", "import services.ranking.wiring\n"),
    (ROOMS, "services/notify/manager.py", ""),
    (DECISIONS, "services/scoring/domain/seeded.py", "import sqlalchemy\n"),
    (DECISIONS, "services/supervision/domain/seeded.py", "import time\n"),
    (DECISIONS, "services/notify/domain/seeded.py", "import shared.runtime.process\n"),
    (CHECKER, "campaign/checker/seeded.py", "import shared.kernel.digests\n"),
    (CHECKER, "campaign/checker/seeded.py", "import campaign.workload\n"),
]
CYCLES_BETWEEN = [
    ("shared/kernel/seeded_a.py", "shared/kernel/seeded_b.py"),
    ("services/scoring/domain/seeded_a.py", "services/scoring/domain/seeded_b.py"),
    ("deploy/seeded_a.py", "deploy/embedded/seeded_b.py"),
    ("dukao/demo/seeded_a.py", "dukao/commands/seeded_b.py"),
]
SYNTAX_VIOLATIONS = {
    "one place commits": "async def f(connection):\n    await connection.commit()\n",
    "one place publishes": "async def f(producer):\n    await producer.send('topic', b'')\n",
    "no clock in a decision": "import datetime\n\n\ndef f():\n    return datetime.datetime.now()\n",
    "no import inside a function": "def f():\n    import json\n    return json\n",
    "a pattern ends where the text ends": "from msgspec import Meta\n\nKIND = Meta(pattern=CODE_PATTERN)\n",
    "settings are read in wiring": "import os\n\nHOME = os.environ['HOME']\n",
}


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"],
        cwd=root,
        env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "static")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_house_keeps_every_import_contract() -> None:
    outcome = lint_imports(ROOT)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_every_service_is_held_by_every_contract_of_services() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    held = {contract["name"]: contract for contract in contracts}
    services = sorted(f"services.{path.parent.name}" for path in (ROOT / "services").glob("*/__init__.py"))
    assert len(services) == 5
    assert sorted(held["No service imports another"]["modules"]) == services
    assert sorted(held[ROOMS]["containers"]) == services
    assert {f"{service}.domain" for service in services} < set(held[DECISIONS]["source_modules"])
    assert held[ROOMS]["exhaustive"]
    assert held["Layers of shared"]["exhaustive"]


def test_every_package_that_is_imported_is_named_and_not_only_brought_by_another() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    told = project["dependencies"] + project["optional-dependencies"]["embedded"]
    named = {line.partition(">")[0].partition("[")[0] for line in told}
    brought = packages_distributions()
    used = {name for top in packages_imported(ROOT, PACKAGES) for name in brought.get(top, [])}
    assert {name.lower().replace("_", "-") for name in used} - named <= {project["name"]}


def test_the_house_keeps_every_rule_of_its_syntax() -> None:
    assert findings(ROOT) == []


@pytest.mark.parametrize(("contract", "path", "code"), IMPORT_VIOLATIONS)
def test_a_seeded_import_is_caught(contract: str, path: str, code: str, copy: Path) -> None:
    (copy / path).write_text(f'"""Seeded."""\n{code}')
    assert is_broken(contract, copy)


@pytest.mark.parametrize(("one", "other"), CYCLES_BETWEEN)
def test_a_seeded_cycle_is_caught(one: str, other: str, copy: Path) -> None:
    for path, imported in ((one, other), (other, one)):
        module = imported.removesuffix(".py").replace("/", ".")
        (copy / path).write_text(f'"""Seeded."""\nimport {module}\n')
    assert is_broken("No cycles at any depth", copy)


def is_broken(contract: str, root: Path) -> bool:
    outcome = lint_imports(root)
    lines = [line for line in outcome.stdout.splitlines() if "BROKEN" in line]
    assert lines, outcome.stdout + outcome.stderr
    return any(contract in line for line in lines)


@pytest.mark.parametrize("rule", SYNTAX_VIOLATIONS)
def test_a_seeded_line_is_caught(rule: str, tmp_path: Path) -> None:
    seeded = tmp_path / "services/ingest/domain/seeded.py"
    seeded.parent.mkdir(parents=True)
    seeded.write_text(SYNTAX_VIOLATIONS[rule])
    assert [finding.rule for finding in findings(tmp_path)] == [rule]
