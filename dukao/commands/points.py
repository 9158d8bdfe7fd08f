"""Points and values that persons give (人工计分): asked for with evidence by one, approved by another."""

import hashlib
from pathlib import Path
from typing import Annotated, Any

import typer

from dukao.client import APPROVER, AUTHOR, Client
from dukao.filed import PAGE, Indicator, Kind, Limit, Scheme, Unit, by
from dukao.options import As, Output, examples, state_of
from dukao.output import Format, columns, say

app = typer.Typer(no_args_is_help=True)

STATES = {
    "asked": "待审核",
    "refused": "未通过",
    "approved": "已生效",
    "withdrawal_asked": "已生效·申请撤回",
    "withdrawn": "已撤回",
}
STEPS = {"ask": "申请", "approve": "同意", "refuse": "不同意", "withdraw": "申请撤回"}


def _line(one: dict[str, Any]) -> dict[str, Any]:
    return one | {
        "request": one["id"],
        "state": STATES[one["state"]],
        "evidence": f"{one['evidence']['name']} {one['evidence']['sha256'][:12]}",
        "possible": ", ".join(one.get("possible", ())),
    }


_POINTS = Kind(
    door="/v1/points-requests",
    none="no such request: dukao points request asks for one",
    listed=columns("request", "state", "points", "value", "evidence", "reason", numbers=("points", "value")),
    line=_line,
    shown=("request", "state", "points", "value", "evidence", "reason", "possible"),
    states=STATES,
    steps=STEPS,
)

Request = Annotated[
    str,
    typer.Argument(help="SCHEME~UNIT~INDICATOR~MONTH~NUMBER, as dukao points list names it."),
]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the history of the request.")]


@app.command(
    name="request",
    epilog=examples(
        "dukao points request mini b1 conduct 2021-03 --points 0.5 --evidence 通报.pdf --reason 未按要求整改",
        "dukao points request mini b1 marks 2021-03 --value 92.5 --evidence 评分表.xlsx --reason 半年测评",
    ),
)
def request_points(
    ctx: typer.Context,
    scheme: Annotated[str, typer.Argument(help="The code of the scheme.")],
    unit: Annotated[str, typer.Argument(help="The assessed unit.")],
    indicator: Annotated[str, typer.Argument(help="An indicator whose measure is `manual`.")],
    month: Annotated[str, typer.Argument(help="The month it counts in: 2021-03.")],
    *,
    reason: Reason,
    evidence: Annotated[
        Path,
        typer.Option(exists=True, dir_okay=False, help="A file; its name and SHA-256 are sent, not itself."),
    ],
    points: Annotated[str | None, typer.Option(help="Points that the unit loses.")] = None,
    value: Annotated[str | None, typer.Option(help="The value of the month.")] = None,
    subject: As = None,
    output: Output = Format.TABLE,
) -> None:
    """Ask for points or for a value of a unit in a month; nothing counts before another person approves it.

    By people of the indicator's assessor. The same evidence costs a unit once for an indicator and month; a
    retry of the same request answers with the first.
    """
    if (points is None) == (value is None):
        raise typer.BadParameter("exactly one of --points, --value", param_hint="--points")
    with evidence.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    body = {
        "scheme": scheme,
        "unit": unit,
        "indicator": indicator,
        "month": month,
        "points": points,
        "value": value,
        "reason": reason,
        "evidence": {"name": evidence.name, "sha256": digest},
    }
    with Client(state_of(ctx)) as client:
        found = client.post("scoring", _POINTS.door, body, by(subject, AUTHOR))
    say(f"{found['id']}: {STATES[found['state']]}; another person approves: dukao points approve")
    _POINTS.show(found, output)


@app.command(
    name="list",
    epilog=examples("dukao points list --state asked", "dukao points list --unit b1 --month 2021-03 -o json"),
)
def list_points(
    ctx: typer.Context,
    *,
    state: Annotated[
        str | None, typer.Option(help="Only asked, refused, approved, withdrawal_asked or withdrawn.")
    ] = None,
    scheme: Scheme = None,
    unit: Unit = None,
    indicator: Indicator = None,
    month: Annotated[str | None, typer.Option(help="Only those of a month: 2021-03.")] = None,
    limit: Limit = PAGE,
    output: Output = Format.TABLE,
) -> None:
    """List requests for points and values, of the own units and of those that they assess."""
    only = {"state": state, "scheme": scheme, "unit": unit, "indicator": indicator, "month": month}
    _POINTS.list(ctx, only, limit, output)


@app.command(name="show", epilog=examples("dukao points show mini~b1~conduct~2021-03~1"))
def show_points(ctx: typer.Context, request: Request, output: Output = Format.TABLE) -> None:
    """Show a request, its history with every person, and what can be done now."""
    _POINTS.find(ctx, request, output)


@app.command(
    epilog=examples("dukao points approve mini~b1~conduct~2021-03~1 --reason 属实 --as qian"),
)
def approve(
    ctx: typer.Context, request: Request, reason: Reason, subject: As = None, output: Output = Format.TABLE
) -> None:
    """Approve what another person asked for: points, a value, or their withdrawal. It is posted at once."""
    _POINTS.step(ctx, request, "approve", {"reason": reason}, by(subject, APPROVER), output)


@app.command(
    epilog=examples("dukao points refuse mini~b1~conduct~2021-03~1 --reason 证据不足 --as qian"),
)
def refuse(
    ctx: typer.Context, request: Request, reason: Reason, subject: As = None, output: Output = Format.TABLE
) -> None:
    """Refuse what another person asked for: it never counts; a withdrawal that is refused changes nothing."""
    _POINTS.step(ctx, request, "refuse", {"reason": reason}, by(subject, APPROVER), output)


@app.command(
    epilog=examples("dukao points withdraw mini~b1~conduct~2021-03~1 --reason 误报 --as zhao"),
)
def withdraw(
    ctx: typer.Context, request: Request, reason: Reason, subject: As = None, output: Output = Format.TABLE
) -> None:
    """Ask to take back what counts; when another person approves, the difference is posted."""
    _POINTS.step(ctx, request, "withdraw", {"reason": reason}, by(subject, AUTHOR), output)
