"""What sources promise: feeds that come in time, manifests of what they sent in a day."""

from typing import Annotated

import typer

from dukao.client import Client
from dukao.options import Output, examples, state_of
from dukao.output import Format, columns, show

app = typer.Typer()

PAGE = 200
_FEEDS = columns(
    "source", "feed", "title", "state", "last", "due", "within_minutes", numbers=("within_minutes",)
)
_MANIFESTS = columns("source", "day", "revision", "state", "differing", "told_by", numbers=("revision",))

Source = Annotated[str | None, typer.Option("--source", help="Only those of a source.", show_default=False)]
State = Annotated[
    str | None,
    typer.Option(
        "--state", help="Only those that are matched, missing, surplus or different.", show_default=False
    ),
]


@app.command(epilog=examples("dukao feeds", "dukao feeds --source core --output json"))
def feeds(ctx: typer.Context, source: Source = None, output: Output = Format.TABLE) -> None:
    """Show which feeds are fresh, when they last brought something and when more is due.

    A feed is stale when it brought nothing within its time, and waiting until a tick has first seen it.
    """
    with Client(state_of(ctx)) as client:
        found = client.get("ingest", "/v1/feeds", source=source)
    show(found["items"], _FEEDS, output, whole=found, none="no source in force declares a feed")


@app.command(epilog=examples("dukao manifests --state missing", "dukao manifests --output csv"))
def manifests(
    ctx: typer.Context, source: Source = None, state: State = None, output: Output = Format.TABLE
) -> None:
    """Show each day's manifest of a source and how it compares with the archive.

    The archive holds fewer events than a manifest that is missing, more than one that is surplus, and as many
    but others than one that is different. A mismatch settles when the rest comes, or by a new manifest.
    """
    with Client(state_of(ctx)) as client:
        pages = client.pages("ingest", "/v1/manifests", limit=PAGE, source=source, state=state)
        items = [one for page in pages for one in page["items"]]
    show(items, _MANIFESTS, output, none="no source has sent a manifest")
