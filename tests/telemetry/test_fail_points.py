"""Fail points: off by default, refused outside development, each passed somewhere, each acting once."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shared.telemetry.fail_points import DEVELOPMENT, NAMES, FailPoints, InjectedError, parse
from shared.web.development_issuer import ISSUER

ROOT = Path(__file__).resolve().parents[2]
PASSING = re.compile(r'FAIL_POINTS\.passing\("([^"]+)"\)')


@pytest.fixture
def points(tmp_path: Path) -> FailPoints:
    made = FailPoints()
    made.look_in(tmp_path, issuer=ISSUER)
    return made


def test_every_name_is_passed_somewhere_and_no_other() -> None:
    files = [file for package in ("services", "shared") for file in (ROOT / package).rglob("*.py")]
    assert {name for file in files for name in PASSING.findall(file.read_text("utf-8"))} == set(NAMES)


def test_production_refuses_them() -> None:
    assert DEVELOPMENT == ISSUER
    FailPoints().look_in(None, issuer="https://issuer.example")
    with pytest.raises(RuntimeError, match="development"):
        FailPoints().look_in(Path("/tmp"), issuer="https://issuer.example")


def test_without_a_folder_nothing_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "relay.after_send").write_text("raise")
    assert not FailPoints().passing("relay.after_send")


def test_a_point_acts_once_at_its_passing(points: FailPoints, tmp_path: Path) -> None:
    armed = tmp_path / "relay.skip_record"
    armed.write_text("skip@3")
    assert [points.passing("relay.skip_record") for _ in range(5)] == [False, False, True, False, False]
    assert not armed.exists()
    armed.write_text("skip@2")
    assert [points.passing("relay.skip_record") for _ in range(3)] == [False, True, False]


def test_a_point_raises(points: FailPoints, tmp_path: Path) -> None:
    (tmp_path / "ingest.after_insert").write_text("raise\n")
    with pytest.raises(InjectedError, match="after_insert"):
        points.passing("ingest.after_insert")
    assert not points.passing("ingest.after_insert")


def test_a_point_kills_its_process(tmp_path: Path) -> None:
    (tmp_path / "consumer.before_commit").write_text("kill@2")
    program = (
        "from pathlib import Path\n"
        "from shared.telemetry.fail_points import DEVELOPMENT, FAIL_POINTS\n"
        f"FAIL_POINTS.look_in(Path({str(tmp_path)!r}), issuer=DEVELOPMENT)\n"
        "FAIL_POINTS.passing('consumer.before_commit')\nprint('once', flush=True)\n"
        "FAIL_POINTS.passing('consumer.before_commit')\nprint('twice', flush=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, "twice" in done.stdout) == (-signal.SIGKILL, False)
    assert "once" in done.stdout


@pytest.mark.parametrize("text", ["", "explode", "kill@", "kill@-1", "block:x", "kill;stop"])
def test_a_wrong_arming_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="armed with"):
        parse(text)
