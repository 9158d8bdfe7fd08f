"""What is said of an item when it is opened, as options of a command."""

from typing import Annotated

import typer

Title = Annotated[str, typer.Option(help="What is to be done, in a line.")]
LeadUnit = Annotated[str, typer.Option(help="The lead unit.")]
Kind = Annotated[str, typer.Option(help="decision, document, instruction, control_risk, alleged_finding.")]
WorkingDays = Annotated[int | None, typer.Option(min=1, help="Budget in working days.")]
OfficeMinutes = Annotated[int | None, typer.Option(min=1, help="Budget in minutes of office hours.")]
Day = Annotated[str | None, typer.Option(help="Until 24:00 of a day: 2021-05-07.")]
At = Annotated[str | None, typer.Option(help="Until an instant: 2021-05-07T12:00:00+08:00.")]
Name = Annotated[
    str | None, typer.Option(help="Its id, else one is made; a retry with it opens nothing twice.")
]
OfScheme = Annotated[str | None, typer.Option(help="The scheme whose indicator it counts for.")]
OfIndicator = Annotated[str | None, typer.Option(help="The indicator it counts for.")]
OfCase = Annotated[str | None, typer.Option(help="The case it belongs to.")]
Given = Annotated[
    str | None, typer.Option(help="When it was given out, if not now: 2021-04-20T09:00:00+08:00.")
]
SignDays = Annotated[int | None, typer.Option(min=1, help="The limit of 签收, in working days.")]
YellowDays = Annotated[
    int | None, typer.Option(min=0, help="How many of the last working days are yellow (黄灯), else 1.")
]
ApprovalDays = Annotated[
    int | None, typer.Option(min=1, help="Working days to approve an extension in, else 3.")
]


def until(**due: str | int | None) -> dict[str, str | int]:
    """Return the one deadline that was given, or refuse none and several."""
    found = {name: value for name, value in due.items() if value is not None}
    if len(found) != 1:
        reason = "exactly one of --working-days, --office-minutes, --day, --at"
        raise typer.BadParameter(reason, param_hint="deadline")
    return found
