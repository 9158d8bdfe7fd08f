"""Simulated events of a nation of tax bureaus: into a file, or into the platform."""

import gzip
import json
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO, cast

import msgspec
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.control import running
from deploy.platform import ADMIN, kafka_access
from dukao.client import Client
from dukao.exits import Exit
from dukao.feeds import Event, Row
from dukao.options import Output, examples, state_of
from dukao.output import Format, columns, say, show, stderr
from dukao.producing import Produced, produce
from dukao.sending import LARGEST_BATCH_EVENTS, Sender, Tally
from dukao.simulator.nation import load
from dukao.simulator.stream import Settings, problem
from dukao.simulator.stream import simulate as simulated
from dukao.simulator.truth import Truth

app = typer.Typer()

NOTICE = "模拟 simulated: nothing here is about a real tax administration"
FAULTS_NAMED = 20

_SUMMARY = columns(
    "events", "first_reports", "late=late by a day or more", "repeated=same event again",
    "same_fact=same fact, other id", "corrections", "corrections_first=before their original",
    "retractions", "out", "truth",
)  # fmt: skip


Start = Annotated[
    datetime,
    typer.Option(
        formats=["%Y-%m-%d"],
        show_default="2021-01-01",
        metavar="YYYY-MM-DD",
        help="The first day, within the scheme's year.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(dir_okay=False, show_default=False, metavar="FILE", help="NDJSON; .gz compresses."),
]
PerSecond = Annotated[
    int | None,
    typer.Option(
        min=1,
        show_default=False,
        metavar="N",
        help="With --send or --kafka: N events a second, in place of as many as are taken.",
    ),
]
TruthFile = Annotated[
    Path | None,
    typer.Option(
        dir_okay=False, show_default=False, metavar="FILE", help="Write what really happened, as JSON."
    ),
]
NEW_YEAR = datetime(2021, 1, 1)  # noqa: DTZ001 - a day of the calendar


@app.command(
    epilog=examples(
        "dukao simulate --days 30 --seed 1 --out month.ndjson.gz --truth truth.json",
        "dukao simulate --days 365 --rate 9 --out year.ndjson.gz --truth truth.json",
        "dukao types apply samples/national/types.yaml; dukao scheme apply samples/national/scheme.yaml",
        "dukao simulate --days 365 --send",
        "dukao simulate --days 30 --send --per-second 200 --truth truth.json",
        "dukao simulate --days 365 --rate 9 --kafka",
    )
)
def simulate(
    ctx: typer.Context,
    *,
    units: Annotated[
        int, typer.Option(help="How many units, the first of the sample's 98: bureaus come first.")
    ] = 98,
    days: Annotated[int, typer.Option(help="How many days.")] = 30,
    rate: Annotated[int, typer.Option(help="Mean events per unit and day, in all seasons.")] = 8,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    start: Start = NEW_YEAR,
    out: Out = None,
    send: Annotated[bool, typer.Option("--send", help="Send to the platform instead, by HTTP.")] = False,
    kafka: Annotated[
        bool, typer.Option("--kafka", help="Write into the inbound topics of the sources instead.")
    ] = False,
    per_second: PerSecond = None,
    truth: TruthFile = None,
    output: Output = Format.TABLE,
) -> None:
    """Simulate (模拟) the work of a tax administration as CloudEvents, in the order in which they arrive.

    36 bureaus, 20 departments, 6 inspectorates and 36 disciplinary bodies work by seasons and habits. Some
    events come twice, late, corrected, withdrawn, or before what they correct. Nothing is about a real unit.
    """
    settings, nation = Settings(units, days, rate, seed, start.date()), load()
    wrong = problem(settings, nation)
    if wrong is not None:
        raise typer.BadParameter(wrong)
    if (out is not None) + send + kafka != 1:
        raise typer.BadParameter(
            "say where the events go: --out FILE, or --send, or --kafka", param_hint="--out"
        )
    if per_second is not None and out is not None:
        raise typer.BadParameter("a pace is one of sending: --send or --kafka", param_hint="--per-second")
    _check_files(out, truth)
    happened = Truth(nation.scheme)
    with _counted(simulated(settings, nation, happened), units * days * rate) as events:
        if out is not None:
            tally = _write(out, events)
        else:
            tally = (_produce if kafka else _send)(ctx, events, per_second)
    if truth is not None:
        truth.write_text(_json(happened.document(settings.written())) + "\n", "utf-8")
    summary = {"simulated": True, "notice": NOTICE, **settings.written(), **_tallied(tally), **happened.kinds}
    summary |= {"out": str(out) if out else None, "truth": str(truth) if truth else None}
    show([summary], _SUMMARY, output, title=NOTICE, whole=summary)
    if isinstance(tally, Tally) and tally.bad:
        raise typer.Exit(Exit.INVALID)


def _check_files(*files: Path | None) -> None:
    """Refuse what cannot be written before a long work is done for it, and what a file must not replace."""
    for file in files:
        if file is not None and not file.parent.is_dir():
            raise typer.BadParameter(f"There is no folder {file.parent}; make it first.")
        if file is not None and file.exists() and not file.is_file():
            raise typer.BadParameter(f"{file} is no file; name one, or send with --send.")


@contextmanager
def _counted(events: Iterator[Event], expected: int) -> Generator[Iterator[Event]]:
    """Show on a terminal how many events there were."""
    console = stderr()
    shown = (TextColumn("模拟 simulated"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*shown, console=console, transient=True, disable=not console.is_terminal) as bar:
        yield cast("Iterator[Event]", bar.track(events, total=expected))


def _write(path: Path, events: Iterable[Event]) -> int:
    """Write events line by line; the file is there only when it is whole."""
    beside = path.with_name(f"{path.name}.part")
    count = 0
    with beside.open("wb") as raw, _packed(path, raw) as file:
        for event in events:
            file.write(msgspec.json.encode(event) + b"\n")
            count += 1
    beside.replace(path)
    return count


@contextmanager
def _packed(path: Path, raw: BinaryIO) -> Generator[BinaryIO]:
    """Compress where the name says so, with no name and no time in it, so that the bytes stay the same."""
    if path.suffix != ".gz":
        yield raw
        return
    with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as file:
        yield cast("BinaryIO", file)


def _send(ctx: typer.Context, events: Iterable[Event], per_second: int | None) -> Tally:
    batch = LARGEST_BATCH_EVENTS if per_second is None else max(1, min(LARGEST_BATCH_EVENTS, per_second // 4))
    rows = (Row("simulated", number, (event,)) for number, event in enumerate(events, 1))
    with Client(state_of(ctx)) as client:
        sender = Sender(
            client.bases["ingest"],
            client.tokens,
            batch,
            lambda _: None,
            per_second=per_second,
            in_order=client.in_order,
        )
        tally = sender.send(rows)
    for fault in tally.faults[:FAULTS_NAMED]:
        say(f"simulated event {fault.line} {fault.outcome} {fault.code} {fault.detail}")
    return tally


def _produce(ctx: typer.Context, events: Iterable[Event], per_second: int | None) -> Produced:
    state = state_of(ctx)
    record = running(state)
    access = kafka_access(state, record.part("kafka").port, ADMIN, secure=record.options.secure)
    return produce(access, events, lambda _: None, per_second=per_second)


def _tallied(tally: int | Tally | Produced) -> dict[str, Any]:
    return {"events": tally} if isinstance(tally, int) else {"events": tally.events, "sent": tally.record()}


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1)
