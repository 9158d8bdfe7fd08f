"""Events as the services published them: follow a stream, send again what ingest has accepted."""

import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.state import State
from dukao.client import Client, Who
from dukao.exits import Exit
from dukao.feeds import Event, Row
from dukao.options import Output, examples, state_of
from dukao.output import Format, columns, csv_text, say, show_lines
from dukao.reports import report_tally
from dukao.sending import LARGEST_BATCH_EVENTS, Sender
from dukao.streams import Only, Stream, as_sent, following, newest
from shared.contracts.catalogue import STREAM_OWNERS
from shared.contracts.ingest import ACCEPTED

app = typer.Typer(no_args_is_help=True)

DATA_SHOWN = 120
FAULTS_SHOWN = 20
REPLAYER = Who("replay", ("integrator", "backfill"))
_COLUMNS = columns("received", "shard", "number", "type", "unit", "source", "id", "case", "time", "data")

Types = Annotated[
    list[str] | None,
    typer.Option("--type", help="Only these types; a * stands for anything.", show_default=False),
]
Units = Annotated[
    list[str] | None, typer.Option("--unit", help="Only of these units, as 11*.", show_default=False)
]
Sources = Annotated[
    list[str] | None, typer.Option("--source", help="Only of these sources.", show_default=False)
]
Since = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d"], help="Only what occurred on this day (UTC) or later.", show_default=False
    ),
]
Until = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Only what occurred before this day (UTC).", show_default=False),
]
To = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        file_okay=False,
        help="The state folder of another platform, which takes the events; default: this one.",
        show_default=False,
    ),
]


@app.command(
    epilog=examples(
        "dukao events tail                                  what ingest accepts, until Ctrl-C",
        "dukao events tail --type 'case.*' --unit '11*'     some of it",
        "dukao events tail ranking.standings --output json  another stream, an event a line",
        "dukao events tail --last 100 --no-follow -o csv    what is there, and no more",
    )
)
def tail(
    ctx: typer.Context,
    stream: Annotated[str, typer.Argument(help=f"One of {', '.join(STREAM_OWNERS)}.")] = ACCEPTED,
    types: Types = None,
    unit: Units = None,
    source: Sources = None,
    last: Annotated[
        int, typer.Option("--last", "-n", min=0, max=10_000, help="How many to begin with.")
    ] = 10,
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Go on until Ctrl-C, or end.")] = True,
    output: Output = Format.TABLE,
) -> None:
    """Follow a stream: the newest events in the order in which they were received, then each that comes.

    Ticks are left out unless --type names them. With a choice the beginning looks back over a thousand
    records of each shard. JSON is an event a line, as it stands in the stream.
    """
    if stream not in STREAM_OWNERS:
        raise typer.BadParameter(f"{stream} is no stream; one of {', '.join(STREAM_OWNERS)}")
    only = Only(types or (), unit or (), source or ())
    with Client(state_of(ctx)) as client:
        told = Stream(client, stream)
        reached = told.reached()
        if output is Format.CSV:
            sys.stdout.write(csv_text([], _COLUMNS))
        _show(newest(told, reached, only, last), output)
        for events in following(told, reached, only) if follow else ():
            _show(events, output)


@app.command(
    epilog=examples(
        "dukao events replay                                    everything again: all are duplicates",
        "dukao events replay --source core --since 2021-03-01 --until 2021-04-01",
        "dukao events replay --to second                        into another platform, as they came",
    )
)
def replay(
    ctx: typer.Context,
    types: Types = None,
    unit: Units = None,
    source: Sources = None,
    since: Since = None,
    until: Until = None,
    to: To = None,
    output: Output = Format.TABLE,
) -> None:
    """Send again what ingest has accepted, as it was sent and in the order in which it came.

    Into this platform every event is a duplicate and moves nothing; one that is not ends the command with 6.
    With --to another platform takes them. The types of the events must be in force where they go. What a
    service made of events is folded anew, without sending anything, by dukao rebuild.
    """
    only = Only(types or (), unit or (), source or (), _utc(since), _utc(until))
    with Client(state_of(ctx)) as here, Client(_other(to) or state_of(ctx)) as there:
        rows = (
            Row(ACCEPTED, line, [event])
            for line, event in enumerate(as_sent(Stream(here, ACCEPTED), only), 1)
        )
        sender = Sender(
            there.bases["ingest"],
            there.tokens,
            LARGEST_BATCH_EVENTS,
            lambda _: None,
            who=REPLAYER,
            in_order=True,
        )
        tally = sender.send(rows)
    if to is None and tally.outcomes["created"]:
        say(f"{tally.outcomes['created']} events were taken as new: ingest had them and did not know them")
    report_tally(tally, FAULTS_SHOWN, output)
    if to is None and tally.outcomes["created"]:
        raise typer.Exit(Exit.INVALID)


def _show(events: Iterable[Event], output: Format) -> None:
    match output:
        case Format.TABLE:
            show_lines(_line(event) for event in events)
        case Format.JSON:
            for event in events:
                print(json.dumps(event, ensure_ascii=False))
        case Format.CSV:
            sys.stdout.write(csv_text([_record(event) for event in events], _COLUMNS, heading=False))
    sys.stdout.flush()


def _line(event: Event) -> str:
    data = json.dumps(event.get("data"), ensure_ascii=False)
    place = f"{event['partitionkey']}/{event['sequence']}"
    short = data if len(data) <= DATA_SHOWN else f"{data[:DATA_SHOWN]}…"
    named = " ".join(event[name] for name in ("type", "subject", "source", "id"))
    return f"{event['received']} {place} {named} {short}"


def _record(event: Event) -> dict[str, Any]:
    placed = {"shard": event["partitionkey"], "number": event["sequence"], "unit": event["subject"]}
    return event | placed


def _utc(day: datetime | None) -> datetime | None:
    return None if day is None else day.replace(tzinfo=UTC)


def _other(folder: Path | None) -> State | None:
    return None if folder is None else State(folder.absolute())
