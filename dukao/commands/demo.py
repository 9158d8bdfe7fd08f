"""The demonstration, on simulated or on real data."""

import signal
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from dukao.demo import boston, national
from dukao.demo.staging import missing
from dukao.options import examples, state_of
from dukao.telling.languages import Lang

app = typer.Typer()


@app.command(
    epilog=examples(
        "dukao demo                    a simulated year of a tax administration",
        "dukao demo --keep             the same, and the platform stays up",
        "dukao demo --data boston311_2011",
    )
)
def demo(
    ctx: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            show_default=False,
            metavar="FOLDER",
            help="The real set boston311_2011 instead of simulated events.",
        ),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the platform running at the end.")] = False,
    lang: Annotated[Lang, typer.Option("--lang", help="The language of explanations: zh or en.")] = Lang.ZH,
) -> None:
    """Bring a platform up, feed it, show the standing move, explain a point, check every figure, and end.

    Without --data everything is simulated (模拟): a year of 98 units in four groups, over 100,000 events,
    whose true figures the simulator knows. The platform is in a folder of its own; a failure or Ctrl-C takes
    it down.
    """
    if data is not None and (absent := missing(data, boston.FILES)) is not None:
        raise typer.BadParameter(f"{data} has no {absent}", param_hint="--data")
    signal.signal(signal.SIGTERM, _stopped)
    if data is None:
        national.run(state_of(ctx), keep=keep, lang=lang)
    else:
        boston.run(state_of(ctx), data, keep=keep, lang=lang)


def _stopped(*_: object) -> NoReturn:
    raise KeyboardInterrupt
