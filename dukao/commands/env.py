"""What a shell, or a program of somebody else's, needs to know of a platform that runs."""

import shlex
from typing import Annotated, Any

import typer

from deploy.control import addresses, running
from deploy.embedded.kafka import BROKER
from deploy.state import State
from dukao.client import Who, minted
from dukao.commands.platform import known_roles
from dukao.options import Output, examples, state_of
from dukao.output import Format, columns, show, show_lines
from shared.web.access import Role

app = typer.Typer()

SUBJECT = "integrator"
_VARIABLES = columns("name", "value")


@app.command(
    name="env",
    epilog=examples(
        'eval "$(dukao env)"                  INGEST, SCORING, … TOKEN, KAFKA, KAFKA_JARS in this shell',
        'eval "$(dukao env --role reader)"    the token of another role; a new one after ten minutes',
        "dukao env --output json | jq -r .INGEST",
    ),
)
def show_env(
    ctx: typer.Context,
    subject: Annotated[str, typer.Option(help="Whom the token names.")] = SUBJECT,
    role: Annotated[
        list[str] | None,
        typer.Option(help="A role of the token; may be repeated. Default: integrator.", show_default=False),
    ] = None,
    output: Output = Format.TABLE,
) -> None:
    """Print where a running platform is as `export` lines: addresses, Kafka, its jars, and a token.

    INGEST, SCORING, SUPERVISION, RANKING and NOTIFY are base addresses; KAFKA is the broker, KAFKA_JARS
    the class path of a Java client; TOKEN is a development token, good for ten minutes.
    """
    roles = known_roles(role) or (Role.INTEGRATOR.value,)
    told = variables(state_of(ctx), Who(subject, roles))
    if output is Format.TABLE:
        show_lines(f"export {name}={shlex.quote(value)}" for name, value in told.items())
        return
    records: list[dict[str, Any]] = [{"name": name, "value": value} for name, value in told.items()]
    show(records, _VARIABLES, output, whole=told)


def variables(state: State, who: Who) -> dict[str, str]:
    """Return the variables by name; of a broker with users the login is told by `dukao admit`."""
    record = running(state)
    return {
        **{service.upper(): address for service, address in addresses(record).items()},
        "KAFKA": f"127.0.0.1:{record.part('kafka').port}",
        "KAFKA_JARS": BROKER.class_path(),
        "TOKEN": minted(state, who),
    }
