"""The platform itself: up, down, status, logs, doctor and development tokens."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Annotated, Any

import typer

from deploy.admitting import admit as admit_source
from deploy.control import (
    NotRunningError,
    addresses,
    bring_up,
    follow,
    last_lines,
    logs,
    survey,
    take_down,
)
from deploy.doctor import examine
from deploy.embedded.files import MissingError
from deploy.issuing import DEVELOPER, DEVELOPER_ROLES
from deploy.platform import supervise
from deploy.state import RECORD, Choice, Clock, Options, Record, State
from deploy.table import SERVICES
from dukao import lags
from dukao.client import EVERYBODY, FailedError, Who, minted
from dukao.lags import Look, SilentError
from dukao.options import Output, examples, state_of
from dukao.output import Format, columns, say, show, show_lines
from shared.kernel.codes import CODE_PATTERN
from shared.kernel.shards import PARTITIONS
from shared.web.access import Role
from shared.web.development_issuer import LIFE_LIMIT_S

app = typer.Typer()

SUPERVISOR = "supervisor"
MOST_WORKERS = PARTITIONS  # more would find no partition

PostgresChoice = Annotated[
    Choice, typer.Option(help="auto: the machine's PostgreSQL 15+, else the wheel's. wheel: the wheel's.")
]
JavaChoice = Annotated[
    Choice, typer.Option(help="auto: the machine's Java 17+, else the wheel's. wheel: the wheel's.")
]

_ADMITTED = columns("bootstrap", "protocol", "mechanism", "user", "password_file", "topic")
_CHECKS = columns("name=need", "ok=met", "found", "remedy=how to get it")
_SERVICES = columns("name=service", "url=address", "docs=API documentation")
_PARTS = columns(
    "name=part", "state", "pid", "port", "restarts", "last_exit", numbers=("pid", "port", "restarts")
)


@app.command(
    epilog=examples(
        "dukao up                     stays in the foreground; Ctrl-C ends everything",
        "dukao up --detach            returns when all is ready",
        "dukao up --clock replay      time comes from the feed, for old data",
        "dukao up --postgres wheel --java wheel   without the machine's own",
        "dukao up --secure            Kafka asks who is there: docs/security.md",
        "dukao up --workers scoring=2   another worker, which shares scoring's partitions",
    )
)
def up(
    ctx: typer.Context,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return when all is ready; dukao down ends it.")
    ] = False,
    clock: Annotated[
        Clock, typer.Option(help="live: the database's clock. replay: time comes from the feed.")
    ] = "live",
    postgres: PostgresChoice = "auto",
    java: JavaChoice = "auto",
    secure: Annotated[
        bool,
        typer.Option("--secure", help="A broker with users and access lists, from the first start on."),
    ] = False,
    workers: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SERVICE=N",
            help=f"How many workers a service has, up to {MOST_WORKERS}; may be given more than once.",
            show_default=False,
        ),
    ] = None,
    output: Output = Format.TABLE,
) -> None:
    """Start the platform: PostgreSQL, Kafka and the five services.

    Prints where the services are, where their API is described, and a development token.
    A platform that runs already is left alone and its addresses are printed.
    """
    state = state_of(ctx)
    options = Options(clock, postgres, java, secure, known_workers(workers))
    if detach or not _in_the_foreground(state, options, output):
        record = bring_up(state, options, say).record
        for line in other_options(options, record.options):
            say(line)
        _announce(state, record, output)


@app.command(epilog=examples("dukao admit core      a user of Kafka who may write in.core and nothing else"))
def admit(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(help="The source, as the types document names it.")],
    output: Output = Format.TABLE,
) -> None:
    """Make the user by which a source writes its inbound topic of a platform that runs with --secure.

    Prints where the password lies, never the password.
    """
    if re.fullmatch(CODE_PATTERN, source) is None:
        raise typer.BadParameter(f"{source} is no name of a source")
    made = {name: str(value) for name, value in asdict(admit_source(state_of(ctx), source)).items()}
    show([made], _ADMITTED, output, whole=made)


@app.command(epilog=examples("dukao down", "dukao down --wipe      also forget everything that was fed"))
def down(
    ctx: typer.Context,
    wipe: Annotated[
        bool, typer.Option("--wipe", help="Also remove the state folder with all data. Cannot be undone.")
    ] = False,
) -> None:
    """End the platform; data stays for the next dukao up.

    What was acknowledged is on disk and comes back. Nothing running is nothing to do.
    """
    state = state_of(ctx)
    ended = take_down(state)
    say(f"ended: {', '.join(ended)}" if ended else "nothing was running")
    if wipe and (state.folder / RECORD).exists():
        state.wipe()
        say(f"removed {state.folder}")


@app.command(
    epilog=examples(
        "dukao status", "dukao status --output json | jq '.parts[] | select(.state != \"ready\")'"
    )
)
def status(ctx: typer.Context, output: Output = Format.TABLE) -> None:
    """Show each part: state, process, port, restarts and how it last ended; and what stands still.

    Ends with 4 unless every part is ready and every service tells what stands still there: one that hangs for
    ten seconds or refuses does not. Else ends with 1 if shards are halted or inbound partitions are stopped,
    which waits for a person. What stands still is said in either case.
    """
    state = state_of(ctx)
    record = survey(state)
    parts: list[dict[str, Any]] = [
        {
            "name": part.name,
            "state": part.state,
            "pid": part.process.pid if part.process else None,
            "port": part.port or None,
            "restarts": part.restarts,
            "last_exit": part.last_exit,
        }
        for part in record.parts
    ]
    if output is not Format.JSON:
        show(parts, _PARTS, output, title=f"{record.phase} · {state.folder}")
    ready = record.phase == "ready"
    asked = [one.name for one in SERVICES if ready and record.part(one.name).state == "ready"]
    look = lags.look(state, asked)
    if output is Format.JSON:
        whole = {"phase": record.phase, "failure": record.failure, "state": str(state.folder), "parts": parts}
        whole |= {"stands_still": [asdict(one) for one in look.found], "silent": sorted(look.silent)}
        show(parts, _PARTS, output, whole=whole)
    _end(record, look)


@app.command(
    name="logs",
    epilog=examples("dukao logs scoring --lines 100", "dukao logs --follow      all parts, as they come"),
)
def show_logs(
    ctx: typer.Context,
    part: Annotated[
        str | None, typer.Argument(help="supervisor, postgres, kafka or a service; all if left out.")
    ] = None,
    follow_on: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with new lines until Ctrl-C.")
    ] = False,
    lines: Annotated[int, typer.Option(min=0, max=10_000, help="How many last lines of each log.")] = 20,
) -> None:
    """Print the end of the logs.

    Services write JSON, a line each; without a part each line begins with the name of its part.
    """
    state = state_of(ctx)
    parts = (SUPERVISOR, *state.read().options.parts)
    if part is not None and part not in parts:
        raise typer.BadParameter(f"{part} is no part; one of {', '.join(parts)}")
    paths = logs(state, part)
    if not paths:
        raise NotRunningError("There are no logs yet.")
    for name, path in paths.items():
        show_lines(_named(name, line, part) for line in last_lines(path, lines))
    if follow_on:
        for name, line in follow(paths):
            show_lines([_named(name, line, part)])


@app.command(epilog=examples("dukao doctor", "dukao doctor --postgres wheel --java wheel"))
def doctor(
    ctx: typer.Context,
    postgres: PostgresChoice = "auto",
    java: JavaChoice = "auto",
    output: Output = Format.TABLE,
) -> None:
    """Check what the platform needs of this machine, and say how to get what is missing.

    Nothing is fetched or started. Ends with 3 if something is missing.
    """
    checks = examine(state_of(ctx), Options(postgres=postgres, java=java))
    show([asdict(check if not check.ok else replace(check, remedy="")) for check in checks], _CHECKS, output)
    missing = [check.name for check in checks if not check.ok]
    if missing:
        raise MissingError(f"Missing: {', '.join(missing)}.", "The last column says how to get it.")


@app.command(
    name="token",
    epilog=examples(
        "dukao token",
        "dukao token --subject ada --role author",
        'curl -H "Authorization: Bearer $(dukao token)" http://127.0.0.1:8104/v1/standings',
    ),
)
def show_token(
    ctx: typer.Context,
    subject: Annotated[str, typer.Option(help="Whom the token names.")] = DEVELOPER,
    role: Annotated[
        list[str] | None,
        typer.Option(
            help=f"A role; may be given more than once. One of {', '.join(DEVELOPER_ROLES)}; default all.",
            show_default=False,
        ),
    ] = None,
    output: Output = Format.TABLE,
) -> None:
    """Print a development token, good at every service of this platform for ten minutes.

    With --role it may only what these roles may, so that a door can be tried as others meet it. In production
    there is no such issuer.
    """
    roles = known_roles(role) or DEVELOPER_ROLES
    made = minted(state_of(ctx), Who(subject, roles))
    if output is Format.TABLE:
        show_lines([made])
        return
    record = {"token": made, "subject": subject, "roles": list(roles), "expires_in_s": LIFE_LIMIT_S}
    show([record], columns("token", "subject", "roles", "expires_in_s"), output, whole=record)


def known_roles(named: Sequence[str] | None) -> tuple[str, ...]:
    """Return the roles that a command line names, which must be roles."""
    unknown = sorted(set(named or ()) - {known.value for known in Role})
    if unknown:
        raise typer.BadParameter(f"{unknown[0]} is no role; one of {', '.join(DEVELOPER_ROLES)}")
    return tuple(named or ())


def known_workers(named: Sequence[str] | None) -> dict[str, int]:
    """Return the numbers of workers that a command line names, by service; one is what each has."""
    services = [service.name for service in SERVICES]
    workers: dict[str, int] = {}
    for given in named or ():
        service, _, count = given.partition("=")
        if service not in services:
            raise typer.BadParameter(f"{service} is no service; one of {', '.join(services)}")
        if not count.isdecimal() or not 1 <= int(count) <= MOST_WORKERS:
            raise typer.BadParameter(f"{given}: a service has 1 to {MOST_WORKERS} workers")
        workers[service] = int(count)
    return {service: count for service, count in workers.items() if count > 1}


def other_options(asked: Options, running: Options) -> Iterator[str]:
    """Yield what a platform that runs already does not have as it was asked for; auto takes what there is."""
    for name, wanted, there in (
        ("postgres", asked.postgres, running.postgres),
        ("java", asked.java, running.java),
    ):
        if wanted not in {"auto", there}:
            yield f"it runs with --{name} {there}; for {wanted} end it first: dukao down"
    if asked.workers and asked.workers != running.workers:
        there = ", ".join(f"{name}={count}" for name, count in running.workers.items()) or "one of each"
        yield f"its workers are {there}; for others end it first: dukao down"


def _end(record: Record, look: Look) -> None:
    """Raise unless all is well; what stands still is said beside what is worse."""
    for service, why in sorted(look.silent.items()):
        say(f"{service} does not tell what stands still there: {why}")
    ready = record.phase == "ready" and all(part.state == "ready" for part in record.parts)
    if ready and not look.silent:
        lags.check(look.found)
        return
    for one in look.found:
        say(f"{one.told()}. {one.advice()}")
    if not ready:
        raise NotRunningError(
            record.failure or f"The platform is {record.phase}, and not every part is ready."
        )
    raise SilentError(look.silent)


def _in_the_foreground(state: State, options: Options, output: Format) -> bool:
    """Run until Ctrl-C; `False` if the platform runs already."""
    try:
        return supervise(state, options, say, lambda record: _announce(state, record, output))
    except RuntimeError as error:
        raise FailedError(str(error)) from error


def _announce(state: State, record: Record, output: Format) -> None:
    services = [{"name": name, "url": url, "docs": f"{url}/docs"} for name, url in addresses(record).items()]
    made = minted(state, EVERYBODY)
    whole = {"state": str(state.folder), "clock": record.options.clock, "services": services, "token": made}
    show(services, _SERVICES, output, title="Dukao is up", whole=whole)
    if output is Format.TABLE:
        show_lines(["", "Development token, good for ten minutes (a new one: dukao token):", made, ""])
    say("Status: dukao status. Logs: dukao logs. End: dukao down.")


def _named(name: str, line: str, part: str | None) -> str:
    return line if part else f"{name} | {line}"
