"""The command line against a platform of its own, which a test brings up, feeds and waits for."""

import gzip
import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.control import survey
from deploy.embedded.files import cache_folder
from deploy.state import State
from dukao.cli import app
from dukao.exits import Exit
from tests.cli.operations import asked, unlisted
from tests.waiting import until

PATIENCE_S = 300
EVERY_S = 0.2
TYPES = """
types:
  levy.done.v1:
    title: A levy was made
    fields:
      ontime: {type: boolean, required: true}
sources:
  hq: {title: 总局}
"""
SCHEME = """
scheme: {code: mini, version: 1, effective: 2021-01, until: 2021-12, zone: Asia/Shanghai, total: "10",
         title: Mini, simulated: true}
units: []
trees: {organisation: unit}
groups: {bureaus: {level: bureau, title: Bureaus}}
boards: [{code: work, title: Work, points: "10"}]
measures:
  ontime: {over: levy.done.v1, period_by: time, numerator: count(*) FILTER (WHERE ontime), denominator: count(*)}
indicators:
  - {code: ontime, name: 及时率, board: work, points: "10", groups: [bureaus], measure: ontime,
     method: {target: {target: "1"}}, assessor: hq, source: {document: 本方案设定}}
tiers: [{code: first, share: "0.5"}, {code: second, share: "0.5"}]
"""
UNITS = "unit_id,parent_id,name,level\nhq,,总局,headquarters\nb1,hq,北京市税务局,bureau\nb2,hq,上海市税务局,bureau\nb3,hq,重庆市税务局,bureau\n"
MAPPING = """
version: 1
source: hq
format: csv
encoding: gb18030
zone: Asia/Shanghai
events:
  - type: levy.done.v1
    id: {field: 编号}
    unit: {field: 单位}
    time: {field: 时间, formats: ["%Y-%m-%d %H:%M:%S"]}
    data:
      ontime: {field: 及时, values: {是: true, 否: false}}
"""


class Command:
    """The command line of one state folder, in this process."""

    def __init__(self, folder):
        self.folder = folder
        self.state = State(folder / "state")

    def __call__(self, *words, ends=Exit.OK):
        """Run a command, which may ask nothing of the services but the operations that are its own."""
        line = [str(word) for word in words]
        with asked() as requests:
            done = CliRunner().invoke(app, ["--state", str(self.state.folder), *line])
        assert ends is None or done.exit_code == ends, done.output
        ports = {part.port: part.name for part in survey(self.state).parts}
        assert line[0] == "down" or unlisted(line, requests, ports) == []
        return done

    def json(self, *words, ends=Exit.OK):
        return json.loads(self(*words, "--output", "json", ends=ends).stdout)

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path


@contextmanager
def command_of_its_own():
    """A command over a folder that the servers' account can reach."""
    with tempfile.TemporaryDirectory(prefix="cli-", dir=cache_folder().parent) as made:
        Path(made).chmod(0o755)
        yield Command(Path(made))


@pytest.fixture(scope="module")
def dukao():
    with command_of_its_own() as command:
        up = command.json("up", "--detach")
        assert {one["name"] for one in up["services"]} >= {"ingest", "scoring", "ranking"}
        try:
            yield command
        finally:
            command("down", "--wipe")


@pytest.fixture(scope="module")
def fed(dukao):
    """The platform with types, a scheme and some events: b1 has 3 of 4 on time, b2 has 1 of 1, b3 nothing."""
    dukao("types", "apply", dukao.file("types.yaml", TYPES))
    scheme, units = dukao.file("scheme.yaml", SCHEME), dukao.file("units.csv", UNITS)
    dukao("scheme", "apply", scheme, "--units", units)
    rows = [
        "编号,单位,时间,及时",
        *(f"l{n},b1,2021-03-0{n} 08:00:00,{'否' if n == 4 else '是'}" for n in range(1, 5)),
    ]
    table = dukao.file(
        "rows.csv.gz", gzip.compress("\n".join([*rows, "l9,b1,2021-03-09,是", ""]).encode("gb18030"))
    )
    told = dukao.json("send", table, "--mapping", dukao.file("mapping.yaml", MAPPING), ends=Exit.INVALID)
    assert (told["created"], told["unmappable"]) == (4, 1)
    assert (told["faults"][0]["line"], told["faults"][0]["outcome"]) == (6, "unmappable")
    event = {
        "specversion": "1.0",
        "id": "l5",
        "source": "hq",
        "type": "levy.done.v1",
        "subject": "b2",
        "time": "2021-03-05T08:00:00+08:00",
        "data": {"ontime": True},
    }
    bad = event | {"id": "l6", "type": "nothing.v1"}
    lines = dukao.file("events.ndjson", "\n".join(map(json.dumps, (event, bad))))
    told = dukao.json("send", lines, ends=Exit.INVALID)
    assert (told["created"], told["rejected"]) == (1, 1)
    assert [(fault["line"], fault["code"]) for fault in told["faults"]] == [(2, "unknown_type")]
    dukao.file("good.ndjson", json.dumps(event))
    return dukao


def standing(dukao):
    """Return the standing of March as soon as it is complete."""

    def complete():
        done = CliRunner().invoke(
            app, ["--state", str(dukao.state.folder), "standings", "mini", "bureaus", "2021-03", "-o", "json"]
        )
        found = json.loads(done.stdout) if done.exit_code == Exit.OK else {"units": []}
        return {unit["points"] for unit in found["units"]} >= {"10.00", "7.50"} and found

    return until(complete, PATIENCE_S, every_s=EVERY_S)


def caught_up(dukao):
    """Wait until no consumer is behind, and return every shard."""

    def level():
        found = dukao.json("lag")
        behind = found["silent"] or any(one["lag"] != 0 for one in found["items"])
        return not behind and found

    return until(level, PATIENCE_S, every_s=EVERY_S, why=lambda: dukao.json("lag"))["items"]


HEEDING = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "  # a shell's background does not


def started(command, *words, before=""):
    """Start a command beside this process, as a shell does."""
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"{before}from dukao.cli import main; main()",
            "--state",
            str(command.state.folder),
            *words,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )


@contextmanager
def following(command, *words):
    """A command that goes on until it is interrupted, as a shell without a terminal has it."""
    child = started(command, *words, before=HEEDING)
    try:
        yield child
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=PATIENCE_S)
        assert (child.returncode, err) == (130, ""), out
    finally:
        child.kill()
        child.communicate()
