"""What could not be scored and waits in suspense, and what was settled since."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from dukao.client import Client
from dukao.options import Output, examples, state_of
from dukao.output import Format, columns, show

app = typer.Typer()

PAGE = 200
_SHOWN = columns("state", "why", "what", "case", "reports", "opened", "settled")


class Wanted(StrEnum):
    """What is listed."""

    WAITING = "waiting"
    SETTLED = "settled"
    ALL = "all"


@app.command(
    epilog=examples("dukao suspense", "dukao suspense --show settled", "dukao suspense --output json")
)
def suspense(
    ctx: typer.Context,
    wanted: Annotated[
        Wanted, typer.Option("--show", help="What waits, was settled, or both.")
    ] = Wanted.WAITING,
    output: Output = Format.TABLE,
) -> None:
    """List what was accepted and is worth 0 points until it can be scored.

    `why` is unknown_unit, no_scheme, not_applicable or original_missing; opened and settled are the records
    that did it, as stream/shard/number (`dukao events`). It is settled by what makes it scorable, never by
    hand.
    """
    with Client(state_of(ctx)) as client:
        pages = client.pages("scoring", "/v1/suspense", limit=PAGE, state=wanted.value)
        items = [one for page in pages for one in page["items"]]
    none = "nothing waits" if wanted is Wanted.WAITING else "there is nothing of the kind"
    show([_line(one) for one in items], _SHOWN, output, whole=items, none=none)


def _line(one: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item as a line: of its reports the first, and how many more there are."""
    ids = [f"{report['source']}/{report['id']}" for report in one["reports"]]
    more = one["reports_total"] - 1
    return {**one, "reports": f"{ids[0]} +{more}" if ids and more else "".join(ids)}
