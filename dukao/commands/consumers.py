"""Consumers: how far behind they are, and what operators order of them."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.text import Text

from deploy.control import addresses, running
from deploy.state import State
from dukao import lags, watching
from dukao.client import Client, Who
from dukao.lags import INBOUND, INBOUND_PREFIX, INGEST, RELAYING, SHARDS
from dukao.options import Output, examples, state_of
from dukao.output import Format, columns, say, show, show_lines, table
from dukao.watching import Watch
from shared.contracts.catalogue import STREAM_OWNERS

app = typer.Typer(no_args_is_help=True)
lag_app = typer.Typer()

OPERATOR = ("operator",)
SKIPS = "/v1/operations/skips"
NO_CONSUMER = "no consumer has begun yet: dukao status shows whether the services are ready"
AWAY = "what does not answer is not shown: dukao status, dukao logs"
NOT_READ = (
    "nothing is read of {name} yet: a topic is in.SOURCE, of a source in force; dukao lag --all lists them"
)
NOT_BEGUN = "no consumer {name} has begun: dukao lag --all lists those that have"
NOT_WRITTEN = "no stream has a record yet that could be written into Kafka"
STREAM = "{name} is a stream: dukao lag relay says how far it is written, dukao lag --all who reads it"

Consumer = Annotated[str, typer.Argument(help="As scoring-a: dukao lag lists them.")]
Reading = Annotated[
    str, typer.Argument(help="As scoring-a, or an inbound topic as in.core: dukao lag lists them.")
]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; kept with the order for good.")]
Partitions = Annotated[
    list[int] | None,
    typer.Option(
        "--partition", "-p", min=0, max=15, help="May be repeated; all if left out.", show_default=False
    ),
]
Person = Annotated[
    str, typer.Option("--as", help="In development: the person who does it.", metavar="SUBJECT")
]
OrderId = Annotated[int, typer.Argument(min=1, help="The id of the order: dukao consumers orders.")]
Digest = Annotated[str, typer.Option(help="SHA-256 of the record's body: dukao lag --all --output json.")]

_AT_REST = ("paused", "stopped", "halted", "unowned")
_ORDERS = columns(
    "service",
    "id",
    "kind",
    "consumer",
    "partition",
    "stream",
    "shard",
    "number",
    "reason",
    "person",
    "approver",
    "outcome",
    numbers=("id", "partition", "shard", "number"),
)


@lag_app.command(
    epilog=examples("dukao lag", "dukao lag --all", "dukao lag scoring-a --watch", "dukao lag --output json")
)
def lag(
    ctx: typer.Context,
    consumer: Annotated[
        str | None,
        typer.Argument(
            help="One only: a consumer, an inbound topic as in.core, or relay.", show_default=False
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", "-a", help="Also shards that run and are not behind.")
    ] = False,
    watch: Watch = False,
    output: Output = Format.TABLE,
) -> None:
    """Show how far each shard of each consumer is behind its producer, and which rest or are halted.

    `lag` is the newest number of the producer less the one that is applied; `published` is what the broker
    has. A shard is running, paused by an operator, halted at a record that cannot be applied, or unowned
    while no worker holds it. Shards that run and are not behind are left out unless --all is given.

    An inbound topic of a source is a row for each partition, in offsets: `applied` is the next that ingest
    takes, `newest` where the topic ends; one is stopped where mistakes of ours met record after record. A row
    `relay` is a stream that is written into Kafka: `newest` records are archived, `published` are there.

    Ends with 1 if something of it is halted or stopped, and says what to do next.
    """
    with Client(state_of(ctx)) as client:
        if watch:
            watching.watch(
                lambda: lags.read(client, consumer),
                drawn=lambda found: _drawn(found, every=every),
                tell=lambda found: show_lag(found, output, consumer=consumer, every=every),
                form=output,
            )
        else:
            found = lags.read(client, consumer)
            show_lag(found, output, consumer=consumer, every=every)
            lags.check(lags.standstills(found))


def _of_partitions(verb: str, about: str, why: str) -> None:
    """Add an order about partitions of a consumer."""

    @app.command(
        name=verb,
        help=about,
        epilog=examples(f"dukao consumers {verb} scoring-b --partition 3 --reason '{why}'"),
    )
    def order(
        ctx: typer.Context,
        consumer: Reading,
        reason: Reason,
        partition: Partitions = None,
        person: Person = "operator",
        output: Output = Format.TABLE,
    ) -> None:
        _order(ctx, consumer, verb, {"reason": reason, "partitions": partition}, person, output)


_of_partitions(
    "pause",
    "Let partitions of a consumer rest: leases stay, nothing is applied, also after restarts.\n\n"
    "What is published meanwhile waits and is applied after dukao consumers resume. Of an inbound topic "
    "(in.core, partitions 0 to 3) nothing more is taken; Kafka keeps what comes for 30 days.",
    "disk exchange",
)
_of_partitions(
    "resume",
    "Let partitions that rest go on, or those of an inbound topic that were stopped for mistakes of ours.",
    "disk exchanged",
)


@app.command(epilog=examples("dukao consumers retry scoring-a --reason 'deployed the fix'"))
def retry(
    ctx: typer.Context,
    consumer: Consumer,
    reason: Reason,
    stream: Annotated[
        str | None, typer.Option(help="Only shards of this stream.", show_default=False)
    ] = None,
    shard: Annotated[
        int | None, typer.Option(min=0, max=63, help="Only this shard.", show_default=False)
    ] = None,
    person: Person = "operator",
    output: Output = Format.TABLE,
) -> None:
    """Try halted shards again from their producer's archive; what still fails halts again.

    Nothing is lost or doubled by it: a shard goes on behind the last record that it applied.
    """
    body = {"reason": reason, "stream": stream, "shard": shard}
    _order(ctx, consumer, "retry", body, person, output)


@app.command(epilog=examples("dukao consumers orders", "dukao consumers orders --output json"))
def orders(ctx: typer.Context, output: Output = Format.TABLE) -> None:
    """List every order ever given: by whom, approved by whom, and what came of it."""
    with Client(state_of(ctx)) as client:
        found = [
            {"service": service} | order
            for service in client.bases
            for page in client.pages(service, "/v1/operations/orders")
            for order in page["items"]
        ]
    show(found, _ORDERS, output, none="no order was ever given")


@app.command(
    epilog=examples(
        "dukao consumers skip scoring-a ingest.accepted/17/4711 --digest 5f… --reason 'case 12/7' --as ada",
        "dukao consumers approve scoring-a 3 --digest 5f… --as bob",
    )
)
def skip(
    ctx: typer.Context,
    consumer: Consumer,
    record: Annotated[str, typer.Argument(help="The record: stream/shard/number.", metavar="RECORD")],
    digest: Digest,
    reason: Reason,
    person: Person = "operator",
    output: Output = Format.TABLE,
) -> None:
    """Ask that the record which halts a shard is passed over; another person approves it within a day."""
    service = _service_of(ctx, consumer)
    body = {"consumer": consumer, **_place(record), "digest": digest, "reason": reason}
    with Client(state_of(ctx)) as client:
        asked = client.post(service, SKIPS, body, Who(person, OPERATOR))
    say(f"approve it as another person: dukao consumers approve {consumer} {asked['id']} --digest {digest}")
    _show_orders(service, [asked], output)


@app.command(epilog=examples("dukao consumers approve scoring-a 3 --digest 5f… --as bob"))
def approve(
    ctx: typer.Context,
    consumer: Consumer,
    order: OrderId,
    digest: Digest,
    person: Person = "operator",
    output: Output = Format.TABLE,
) -> None:
    """Approve that a record is passed over; who asked for it cannot.

    The digest names the content that both persons mean: an order about other content is refused.
    """
    _decide(ctx, consumer, f"{order}:approve", {"digest": digest}, person, output)


@app.command(epilog=examples("dukao consumers withdraw scoring-a 3"))
def withdraw(
    ctx: typer.Context,
    consumer: Consumer,
    order: OrderId,
    person: Person = "operator",
    output: Output = Format.TABLE,
) -> None:
    """Take back an order to skip that is not approved."""
    _decide(ctx, consumer, f"{order}:withdraw", None, person, output)


def _order(
    ctx: typer.Context, consumer: str, verb: str, body: dict[str, Any], person: str, output: Format
) -> None:
    service = _service_of(ctx, consumer)
    with Client(state_of(ctx)) as client:
        doors = INBOUND if consumer.startswith(INBOUND_PREFIX) else SHARDS
        done = client.post(service, f"{doors}/{consumer}:{verb}", body, Who(person, OPERATOR))
    _show_orders(service, done["items"], output)


def _place(record: str) -> dict[str, Any]:
    """Return the members that name a record."""
    match record.split("/"):
        case [stream, shard, number] if shard.isdecimal() and number.isdecimal():
            return {"stream": stream, "shard": int(shard), "number": int(number)}
        case _:
            raise typer.BadParameter(f"{record} is no record: stream/shard/number, as dukao lag shows them")


def _decide(ctx: typer.Context, consumer: str, what: str, body: Any, person: str, output: Format) -> None:
    service = _service_of(ctx, consumer)
    with Client(state_of(ctx)) as client:
        done = client.post(service, f"{SKIPS}/{what}", body, Who(person, OPERATOR))
    _show_orders(service, [done], output)


def _show_orders(service: str, found: list[dict[str, Any]], output: Format) -> None:
    show([{"service": service} | order for order in found], _ORDERS, output)


def _service_of(ctx: typer.Context, consumer: str) -> str:
    """Return the service of a consumer, whose name begins with its own; ingest reads inbound topics."""
    state: State = state_of(ctx)
    service = INGEST if consumer.startswith(INBOUND_PREFIX) else consumer.partition("-")[0]
    if service not in addresses(running(state)):
        raise typer.BadParameter(f"there is no consumer {consumer}: dukao lag lists them")
    return service


def _shown(found: Mapping[str, Any], *, every: bool) -> list[dict[str, Any]]:
    return [one for one in lags.rows(found) if every or one["lag"] != 0 or one["state"] != "running"]


def _heading(found: Mapping[str, Any]) -> str:
    """Return one line a consumer, an inbound topic and the relay: records behind, and what does not run."""
    lines: list[str] = []
    rows = lags.rows(found)
    for name in sorted({one["consumer"] for one in rows}):
        mine = [one for one in rows if one["consumer"] == name]
        behind = sum(one["lag"] or 0 for one in mine)
        counts = {state: sum(one["state"] == state for one in mine) for state in _AT_REST}
        told = "".join(f" · {count} {state}" for state, count in counts.items() if count)
        parts = (
            "partitions" if name.startswith(INBOUND_PREFIX) else "streams" if name == RELAYING else "shards"
        )
        lines.append(f"{name}: {len(mine)} {parts}, {behind} records behind{told}")
    lines += [f"does not answer: {one}" for one in found["silent"]]
    return "\n".join(lines)


def show_lag(found: Mapping[str, Any], output: Format, *, consumer: str | None, every: bool) -> None:
    """Print what was found, and why nothing is there where nothing of what was asked for is."""
    heading = _heading(found)
    if output is Format.TABLE and heading:
        show_lines([heading])
    shown = _shown(found, every=every)
    if output is not Format.TABLE or shown:
        show(shown, lags.COLUMNS, output, whole=found)
    begun = found["items"] if consumer is None else lags.rows(found)
    if not begun:
        say(_nothing(consumer, found["silent"]))


def _nothing(consumer: str | None, silent: Sequence[str]) -> str:
    """Return why there is nothing of what was asked for, and where to look."""
    if silent:
        return AWAY
    if consumer is None:
        return NO_CONSUMER
    if consumer == RELAYING:
        return NOT_WRITTEN
    if consumer.startswith(INBOUND_PREFIX):
        return NOT_READ.format(name=consumer)
    return (STREAM if consumer in STREAM_OWNERS else NOT_BEGUN).format(name=consumer)


def _drawn(found: Mapping[str, Any], *, every: bool) -> Group:
    return Group(Text(_heading(found)), table(_shown(found, every=every), lags.COLUMNS))
