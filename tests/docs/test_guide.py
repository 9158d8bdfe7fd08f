"""The integrator's guide does what it says: its blocks, in order, against a platform of their own."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.control import take_down
from deploy.embedded.files import cache_folder
from deploy.state import State

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "integrators.md"
PATIENCE_S = 540
MARK = "@@@@ block"
PROMISE_S = 300
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Printed:
    """What a block printed, and when it began, in seconds."""

    began: int
    text: str


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the file it is saved as, and what stands in it."""

    language: str
    file: str
    text: str


BLOCKS = [
    Block(*(part or "" for part in found.groups())) for found in BLOCK.finditer(PAGE.read_text("utf-8"))
]


def expected() -> Iterator[tuple[Block, str]]:
    """Yield each block that is run, with what the page says that it prints."""
    for block, after in zip(BLOCKS, [*BLOCKS[1:], Block("", "", "")], strict=True):
        if block.language == "bash":
            yield block, after.text if after.language in {"json", "text"} else ""


def script() -> str:
    """Return all blocks as one session of a shell; what a block prints follows its mark with the time."""
    lines = ["set -euo pipefail", "shopt -s expand_aliases"]
    for place, (block, _) in enumerate(expected()):
        lines += [f'echo; echo "{MARK} {place} $EPOCHSECONDS"', block.text]
    return "\n".join(lines)


def pattern(told: str) -> re.Pattern[str]:
    """Return what a page says is printed as a pattern; … is anything within a line."""
    return re.compile("[^\n]*".join(re.escape(part) for part in told.strip().split("…")))


@pytest.fixture(scope="module")
def printed() -> Iterator[list[Printed]]:
    """What each block printed, in a folder as a newcomer has it after `make setup`."""
    with tempfile.TemporaryDirectory(prefix="guide-", dir=cache_folder().parent) as made:
        folder = Path(made)
        folder.chmod(0o755)
        (folder / "samples").symlink_to(ROOT / "samples")
        for block in BLOCKS:
            if block.file:
                (folder / block.file).write_text(block.text, "utf-8")
        (folder / "guide.sh").write_text(script(), "utf-8")
        state = State(folder / "state")
        try:
            with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
                done = subprocess.run(
                    ["bash", "guide.sh"],
                    cwd=folder,
                    env=os.environ
                    | {
                        "DUKAO_STATE": str(state.folder),
                        "PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}",
                    },
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    timeout=PATIENCE_S,
                    check=False,
                )
            told = (folder / "out").read_text("utf-8")
            assert done.returncode == 0, told[-1500:] + (folder / "err").read_text("utf-8")[-3000:]
            parts = [part.partition("\n") for part in told.split(f"{MARK} ")[1:]]
            yield [Printed(int(mark.split()[1]), text.strip()) for mark, _, text in parts]
        finally:
            take_down(state)


def test_the_page_names_every_way_in() -> None:
    assert {block.file for block in BLOCKS if block.file} == {"send.py", "Send.java"}
    assert len(list(expected())) >= 12


@pytest.mark.long
def test_the_first_block_sets_up_a_checkout(tmp_path: Path) -> None:
    setting_up = next(block.text for block in BLOCKS if block.language == "sh")
    checkout = tmp_path / "dukao"
    left_out = shutil.ignore_patterns(".*_cache", ".venv", ".git", "build", "__pycache__", "*.egg-info")
    shutil.copytree(ROOT, checkout, ignore=left_out)
    told = subprocess.run(
        ["bash", "-euc", f"{setting_up}\ncommand -v dukao\ndukao --help"],
        cwd=checkout,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert told.returncode == 0, told.stderr[-3000:]
    assert f"{checkout}/.venv/bin/dukao" in told.stdout


@pytest.mark.system
@pytest.mark.kafka
@pytest.mark.long
def test_every_block_prints_what_the_page_says(printed: list[Printed]) -> None:
    told = list(expected())
    assert len(printed) == len(told)
    for (block, wanted), got in zip(told, printed, strict=True):
        if wanted:
            assert pattern(wanted).fullmatch(got.text), (
                f"{block.text}\nprints:\n{got.text}\nthe page says:\n{wanted}"
            )


@pytest.mark.system
@pytest.mark.kafka
@pytest.mark.long
def test_the_first_event_is_created_within_five_minutes_of_the_first_block(printed: list[Printed]) -> None:
    created = next(place for place, one in enumerate(printed) if '"status":"created"' in one.text)
    assert printed[created + 1].began - printed[0].began < PROMISE_S


def test_a_page_that_says_something_else_is_noticed() -> None:
    assert pattern('{"status":"created",…}').fullmatch('{"status":"created","duplicate":false}')
    assert not pattern('{"status":"created",…}').fullmatch('{"status":"duplicate"}')
    assert not pattern("a\n…").fullmatch("a\nb\nc")
