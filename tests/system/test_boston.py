"""Boston 311 through the doors: every figure of the oracle, whatever the order, the doubles, the day of adoption."""

import asyncio
import csv
import os
import random
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from dukao.feeds import Feed
from services.ingest.domain.mapping import compile_mapping
from services.ingest.domain.mapping_document import MappingDocument
from shared.kernel.codes import derive_code
from tests.system.rig import Event, Rig, note, platform

SAMPLE = Path(__file__).parents[2] / "samples" / "boston311"
DATA = os.environ.get("DUKAO_DATA")
MONTHS = ("2011-07", "2011-08", "2011-09", "2011-10")
GROUPS = {"city": "city", "department": "departments", "queue": "queues", "neighborhood": "neighborhoods"}
COLUMNS = (
    "opened",
    "with_deadline",
    "due",
    "due_met",
    "due_missed",
    "closed",
    "closed_late",
    "backlog_end",
    "overdue_end",
    "handle_seconds_sum",
)
GATE = 20
EXPLAINED = 3
AT_ONCE = 8

pytestmark = [
    pytest.mark.system,
    pytest.mark.kafka,
    pytest.mark.long,
    pytest.mark.skipif(DATA is None, reason="DUKAO_DATA names no folder of real sets"),
]


def folder() -> Path:
    assert DATA is not None
    return Path(DATA) / "boston311_2011"


def units() -> list[dict[str, str | None]]:
    with (folder() / "units.csv").open() as file:
        return [
            {
                "code": derive_code(row["unit_id"]),
                "parent": derive_code(row["parent_id"]) if row["parent_id"] else None,
                "name": row["name"],
                "level": row["level"],
            }
            for row in csv.DictReader(file)
        ]


def oracle(level: str) -> list[dict[str, str]]:
    with (folder() / "oracle" / f"by_{level}_month.csv").open() as file:
        return list(csv.DictReader(file))


def mapped(mapping: str, file: str) -> list[Event]:
    """Return the events of a file of the set by a mapping of the sample."""
    document = MappingDocument.model_validate(yaml.safe_load((SAMPLE / mapping).read_text("utf-8")))
    feed = Feed(compile_mapping(document), document.format, document.encoding)
    rows = list(feed.rows(folder() / file, lambda _read: None))
    assert [row for row in rows if row.fault] == []
    return [event for row in rows for event in row.events]


class Answers:
    """What the platform answers about every unit, month and group; the clock's traces taken off."""

    def __init__(self, measures: dict[tuple[str, str], dict], standings: dict[tuple[str, str], dict]) -> None:
        self.measures = measures
        self.standings = standings

    @staticmethod
    async def of(rig: Rig) -> "Answers":
        gate = asyncio.Semaphore(AT_ONCE)

        async def get(service: str, path: str) -> dict:
            async with gate:
                return await rig.get(service, path)

        async with asyncio.TaskGroup() as group:
            measures = {
                (month, unit["code"]): group.create_task(
                    get("scoring", f"/v1/measures/boston311/1/{month}/{unit['code']}")
                )
                for month in MONTHS
                for unit in units()
            }
            standings = {
                (name, period): group.create_task(get("ranking", f"/v1/standings/boston311/{name}/{period}"))
                for name in GROUPS.values()
                for period in (*MONTHS, "2011-Q3", "2011-Q4", "2011-H2", "2011")
            }
        return Answers(
            {key: task.result()["measures"] for key, task in measures.items()},
            {key: task.result() for key, task in standings.items()},
        )

    def timeless(self) -> dict[tuple[str, str], dict]:
        """Return the standings without how fresh they are, which tells of the run and not of the facts."""
        return {
            key: {name: value for name, value in found.items() if name not in {"as_of", "fresh_at"}}
            for key, found in self.standings.items()
        }


def differences(answers: Answers) -> list[str]:
    """Return every figure of the oracle that the platform answers otherwise."""
    codes = {(unit["level"], unit["name"].removeprefix("City of ")): unit["code"] for unit in units()}
    wrong: list[str] = []
    for level, group in GROUPS.items():
        for row in oracle(level):
            unit = codes[level, row["unit"]]
            measured = answers.measures[row["month"], unit]
            lines = {line["unit"]: line for line in answers.standings[group, row["month"]]["units"]}
            found = {name: measured[name]["numerator"] for name in COLUMNS}
            found |= {"ontime_rate": rate(measured["ontime"]["ratio"]), "rank": lines[unit]["rank"]}
            expected = {name: row[name] for name in COLUMNS}
            expected |= {
                "ontime_rate": rate(row["ontime_rate"] or None),
                "rank": int(row["rank"]) if int(row["due"]) >= GATE else None,
            }
            wrong += [
                f"{level} {row['unit']} {row['month']} {name}: {found[name]}, not {expected[name]}"
                for name in expected
                if found[name] != expected[name]
            ]
    return wrong


def rate(text: str | None) -> str | None:
    return None if text is None else f"{float(text):.6f}"


def types() -> dict[str, Any]:
    return yaml.safe_load((SAMPLE / "types.yaml").read_text("utf-8"))


def scheme() -> dict[str, Any]:
    return yaml.safe_load((SAMPLE / "scheme.yaml").read_text("utf-8")) | {"units": units()}


async def fed(rig: Rig, feed: list[Event]) -> dict[str, int]:
    started = time.monotonic()
    statuses = await rig.send(feed)
    sent = time.monotonic() - started
    await rig.drained()
    note(f"{len(feed)} sent in {sent:.1f} s, drained after {time.monotonic() - started:.1f} s: {statuses}")
    return statuses


async def counted(rig: Rig, statement: str) -> list[tuple]:
    database = await rig.database()
    try:
        return [tuple(row) for row in await database.fetch(statement)]
    finally:
        await database.close()


CELLS = "SELECT scheme, version, month, unit, indicator, value FROM scoring.cells ORDER BY 1, 2, 3, 4, 5"
ENTRIES = "SELECT count(*), max(id) FROM scoring.entries"


async def test_every_figure_is_the_oracles_whatever_the_order_and_however_often() -> None:
    feed = mapped("mapping.yaml", "events_2011-07_10.ndjson.gz")
    async with platform() as rig:
        await rig.adopt_types(types())
        await rig.adopt_scheme(scheme())
        assert await fed(rig, feed) == {"created": len(feed)}
        ordered = await Answers.of(rig)
        assert differences(ordered) == []
        for row in oracle("department")[:EXPLAINED]:
            assert await unexplained(rig, row) == []
        cells, entries = await counted(rig, CELLS), await counted(rig, ENTRIES)

        assert await fed(rig, random.Random(311).sample(feed, len(feed))) == {"duplicate": len(feed)}
        again = await Answers.of(rig)
        assert again.standings == ordered.standings
        assert again.measures == ordered.measures
        assert (await counted(rig, CELLS), await counted(rig, ENTRIES)) == (cells, entries)
        assert await rig.faults(feed) == {}

    shuffled = mapped("mapping-cases.yaml", "cases_2011-07_10.csv.gz")
    random.Random(7).shuffle(shuffled)
    half = len(shuffled) // 2
    async with platform() as rig:
        await rig.adopt_types(types())
        assert await fed(rig, shuffled[:half]) == {"created": half}
        await rig.adopt_scheme(scheme())
        assert await fed(rig, shuffled[half:]) == {"created": len(feed) - half}
        other = await Answers.of(rig)
        assert other.measures == ordered.measures
        assert other.timeless() == ordered.timeless()
        assert await counted(rig, CELLS) == cells
        assert await rig.faults(shuffled) == {}


async def unexplained(rig: Rig, row: dict[str, str]) -> list[str]:
    """Return where the explanation of a department's month differs from the oracle's due and met cases."""
    unit = next(
        unit["code"] for unit in units() if (unit["level"], unit["name"]) == ("department", row["unit"])
    )
    path = f"/v1/cells/{row['month']}/{unit}/ontime/explain"
    found: list[dict] = []
    after: dict[str, str] = {}
    while True:
        page = await rig.get("scoring", path, scheme="boston311", counted="true", limit="200", **after)
        found += page["rows"]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    told = {
        "due": len({case["case"] for case in found}),
        "due_met": sum(case["met"] for case in found),
        "numerator": int(page["inputs"]["numerator"]),
        "denominator": int(page["inputs"]["denominator"]),
    }
    expected = {"due": int(row["due"]), "due_met": int(row["due_met"])}
    expected |= {"numerator": expected["due_met"], "denominator": expected["due"]}
    met = {case["case"]: is_met(case["columns"]) for case in found}
    return [
        *(f"{name}: {told[name]}, not {wanted}" for name, wanted in expected.items() if told[name] != wanted),
        *(f"{case['case']} is marked {case['met']}" for case in found if case["met"] != met[case["case"]]),
    ]


def is_met(columns: dict[str, str | None]) -> bool:
    """Judge a case by its printed instants, which sort as texts."""
    closed, deadline = columns["closed"], columns["deadline"]
    return closed is not None and deadline is not None and closed <= deadline
