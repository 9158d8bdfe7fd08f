"""Points and values that persons give (人工计分): asked for with evidence by one, approved by another."""

import hashlib
from pathlib import Path
from typing import Annotated, Any

import typer

from dukao.client import APPROVER, AUTHOR, Client, Who, below
from dukao.options import As, Output, examples, state_of
from dukao.output import Format, columns, say, show

app = typer.Typer(no_args_is_help=True)

PAGE = 200
DOOR = "/v1/points-requests"
STATES = {
    "asked": "待审核",
    "refused": "未通过",
    "approved": "已生效",
    "withdrawal_asked": "已生效·申请撤回",
    "withdrawn": "已撤回",
}
STEPS = {"ask": "申请", "approve": "同意", "refuse": "不同意", "withdraw": "申请撤回"}
_LIST = columns("request", "state", "points", "value", "evidence", "reason", numbers=("points", "value"))
_HISTORY = columns("at", "what", "person", "reason")

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
        found = client.post("scoring", DOOR, body, _who(subject, AUTHOR))
    say(f"{found['id']}: {STATES[found['state']]}; another person approves: dukao points approve")
    _show(found, output)


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
    scheme: Annotated[str | None, typer.Option(help="Only those of a scheme.")] = None,
    unit: Annotated[str | None, typer.Option(help="Only those of a unit.")] = None,
    indicator: Annotated[str | None, typer.Option(help="Only those of an indicator.")] = None,
    month: Annotated[str | None, typer.Option(help="Only those of a month: 2021-03.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")] = PAGE,
    output: Output = Format.TABLE,
) -> None:
    """List requests for points and values, of the own units and of those that they assess."""
    only = {"state": state, "scheme": scheme, "unit": unit, "indicator": indicator, "month": month}
    with Client(state_of(ctx)) as client:
        found = client.first("scoring", DOOR, most=limit, page=PAGE, **only)
    show([_line(one) for one in found], _LIST, output, whole=found, none="no such request")


@app.command(name="show", epilog=examples("dukao points show mini~b1~conduct~2021-03~1"))
def show_points(ctx: typer.Context, request: Request, output: Output = Format.TABLE) -> None:
    """Show a request, its history with every person, and what can be done now."""
    with Client(state_of(ctx)) as client:
        _show(client.get("scoring", f"{DOOR}{below(request)}"), output)


@app.command(
    epilog=examples("dukao points approve mini~b1~conduct~2021-03~1 --reason 属实 --as qian"),
)
def approve(
    ctx: typer.Context, request: Request, reason: Reason, subject: As = None, output: Output = Format.TABLE
) -> None:
    """Approve what another person asked for: points, a value, or their withdrawal. It is posted at once."""
    _step(ctx, request, "approve", reason, _who(subject, APPROVER), output)


@app.command(
    epilog=examples("dukao points refuse mini~b1~conduct~2021-03~1 --reason 证据不足 --as qian"),
)
def refuse(
    ctx: typer.Context, request: Request, reason: Reason, subject: As = None, output: Output = Format.TABLE
) -> None:
    """Refuse what another person asked for: it never counts; a withdrawal that is refused changes nothing."""
    _step(ctx, request, "refuse", reason, _who(subject, APPROVER), output)


@app.command(
    epilog=examples("dukao points withdraw mini~b1~conduct~2021-03~1 --reason 误报 --as zhao"),
)
def withdraw(
    ctx: typer.Context, request: Request, reason: Reason, subject: As = None, output: Output = Format.TABLE
) -> None:
    """Ask to take back what counts; when another person approves, the difference is posted."""
    _step(ctx, request, "withdraw", reason, _who(subject, AUTHOR), output)


def _step(ctx: typer.Context, request: str, step: str, reason: str, who: Who, output: Format) -> None:
    with Client(state_of(ctx)) as client:
        found = client.post("scoring", f"{DOOR}{below(request)}:{step}", {"reason": reason}, who)
    say(f"{request}: {STATES[found['state']]}")
    _show(found, output)


def _who(subject: str | None, default: Who) -> Who:
    return Who(subject, default.roles) if subject else default


def _line(one: dict[str, Any]) -> dict[str, Any]:
    return one | {
        "request": one["id"],
        "state": STATES[one["state"]],
        "evidence": f"{one['evidence']['name']} {one['evidence']['sha256'][:12]}",
    }


def _show(found: dict[str, Any], output: Format) -> None:
    """Show a request for people in two tables; JSON and CSV have all of it."""
    names = ("request", "state", "points", "value", "evidence", "reason", "possible")
    fields = _line(found) | {"possible": ", ".join(found["possible"])}
    told = [{"field": name, "value": fields[name]} for name in names if fields[name] is not None]
    show(told, columns("field", "value"), output, whole=found)
    if output is Format.TABLE:
        show([one | {"what": STEPS[one["what"]]} for one in found["history"]], _HISTORY, output)
