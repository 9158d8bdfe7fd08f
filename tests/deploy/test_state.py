"""The folder of a platform: its record, its secrets, its clock."""

import json
import stat

import pytest

from deploy.embedded.files import MissingError
from deploy.processes import Identity
from deploy.state import (
    CHANGED,
    LOG_LIMIT_BYTES,
    PARTS,
    RECORD,
    Options,
    OtherPlatformError,
    Part,
    Record,
    State,
)


@pytest.fixture
def state(server_folder):
    made = State(server_folder / "state")
    made.make()
    return made


def test_a_record_is_read_as_it_was_written(state):
    record = Record(
        supervisor=Identity(17, 1700000000.25),
        phase="ready",
        failure="text with 中文",
        options=Options("replay", "wheel", "wheel"),
    ).with_part(Part("kafka", 19092, Identity(18, 1700000001.5), "ready", 2, "signal SIGKILL"))
    state.write(record)
    assert state.read() == record
    assert record.part("kafka").restarts == 2


def test_where_nothing_was_written_nothing_was_started(tmp_path):
    record = State(tmp_path).read()
    assert record.phase == "stopped"
    assert [part.name for part in record.parts] == list(PARTS)


def test_a_record_of_other_parts_is_filled_up(state):
    state.write(Record())
    stored = json.loads((state.folder / RECORD).read_text())
    stored["parts"] = [part for part in stored["parts"] if part["name"] != "notify"] + [
        stored["parts"][0] | {"name": "gone"}
    ]
    (state.folder / RECORD).write_text(json.dumps(stored))
    assert state.read() == Record()


def test_a_record_names_every_worker_of_a_service(state):
    options = Options(workers={"scoring": 3})
    names = [name for name in options.parts if name.startswith("scoring")]
    assert names == ["scoring", "scoring-2", "scoring-3"]
    record = Record(options=options, parts=tuple(Part(name, 1000) for name in options.parts))
    state.write(record)
    assert state.read() == record


def test_a_record_that_is_no_record_is_said_with_its_place(state):
    (state.folder / RECORD).write_text("{")
    with pytest.raises(MissingError, match=RECORD):
        state.read()


def test_one_supervisor_holds_the_folder(state):
    first = state.lock()
    assert first is not None
    assert state.lock() is None


def test_secrets_are_closed_to_others_and_stay(state):
    password = state.password("ingest")
    assert password == state.password("ingest") != state.password("scoring")
    path = state.folder / "passwords" / "ingest"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_platform_keeps_its_clock(state):
    state.keep_clock("replay")
    state.keep_clock("replay")
    with pytest.raises(OtherPlatformError, match="replay"):
        state.keep_clock("live")


def test_long_logs_are_put_aside_and_short_ones_stay(state):
    with state.log("kafka").open("wb") as file:
        file.truncate(LOG_LIMIT_BYTES + 1)
    state.log("ingest").write_text("short\n")
    state.turn_logs(("kafka", "ingest", "scoring"))
    assert state.log("kafka").stat().st_size == 0
    assert state.log("kafka.old").stat().st_size == LOG_LIMIT_BYTES + 1
    assert state.log("ingest").read_text() == "short\n"
    assert not state.log("scoring").exists()


def test_wiping_removes_what_is_ours_and_nothing_else(state):
    state.write(Record())
    state.password("ingest")
    (state.folder / "letter").write_text("not ours")
    state.wipe()
    assert [path.name for path in state.folder.iterdir()] == ["letter"]
    (state.folder / "letter").unlink()
    state.wipe()
    assert not state.folder.exists()


def test_what_a_person_changed_is_told_to_its_part_alone(state):
    assert state.changed("ingest") == {}
    (state.folder / CHANGED).write_text('{"ingest": {"DUKAO_LOG_LEVEL": "DEBUG"}}')
    assert state.changed("ingest") == {"DUKAO_LOG_LEVEL": "DEBUG"}
    assert state.changed("kafka") == {}
    (state.folder / CHANGED).write_text('{"ingest": "DEBUG"}')
    with pytest.raises(MissingError, match="Mend it"):
        state.changed("ingest")
