"""What the commands on points, reviews, replies and closes share: options, lists, steps, how one is shown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from dukao.client import Client, Who, below
from dukao.options import state_of
from dukao.output import Column, Format, columns, say, show

PAGE = 200
ENTRY = "The id of an entry: dukao explain SCHEME UNIT INDICATOR MONTH --entries lists them."
_HISTORY = columns("at", "what", "person", "reason")

Scheme = Annotated[str | None, typer.Option(help="Only those of a scheme.")]
Unit = Annotated[str | None, typer.Option(help="Only those of a unit.")]
Indicator = Annotated[str | None, typer.Option(help="Only those of an indicator.")]
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")]
Line = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Kind:
    """Requests, reviews, replies or closes: their door, what a line has, what states and steps are called."""

    door: str
    none: str
    listed: Sequence[Column]
    line: Line
    shown: Sequence[str] = ()
    states: Mapping[str, str] | None = None
    steps: Mapping[str, str] | None = None
    service: str = "scoring"

    def list(self, ctx: typer.Context, only: Mapping[str, str | None], limit: int, output: Format) -> None:
        """Print those of the own units and of units that they assess."""
        with Client(state_of(ctx)) as client:
            found = client.first(self.service, self.door, most=limit, page=PAGE, **only)
        show([self.line(one) for one in found], self.listed, output, whole=found, none=self.none)

    def find(self, ctx: typer.Context, name: str | int, output: Format) -> None:
        """Print one."""
        with Client(state_of(ctx)) as client:
            self.show(client.get(self.service, f"{self.door}{below(name)}"), output)

    def step(
        self, ctx: typer.Context, name: str, step: str, body: Mapping[str, Any], who: Who, output: Format
    ) -> None:
        """Take a step and print where it leads."""
        with Client(state_of(ctx)) as client:
            found = client.post(self.service, f"{self.door}{below(name)}:{step}", dict(body), who)
        say(f"{name}: {(self.states or {})[found['state']]}")
        self.show(found, output)

    def show(self, found: dict[str, Any], output: Format) -> None:
        """Print one for people, with its history if it has one; JSON and CSV have all of it."""
        fields = self.line(found)
        names = self.shown or fields
        told = [{"field": name, "value": fields[name]} for name in names if fields[name] is not None]
        show(told, columns("field", "value"), output, whole=found)
        if output is Format.TABLE and self.steps is not None:
            history = [one | {"what": self.steps[one["what"]]} for one in found["history"]]
            show(history, _HISTORY, output)


def by(subject: str | None, default: Who) -> Who:
    """Return who does it: in development another person than the usual may be named."""
    return Who(subject, default.roles) if subject else default
