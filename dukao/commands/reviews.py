"""Reviews (申诉复核): a unit asks about an entry within thirty days, who stands above decides."""

from typing import Annotated, Any

import typer

from dukao.client import APPROVER, AUTHOR, Client
from dukao.filed import ENTRY, PAGE, Indicator, Kind, Limit, Scheme, Unit, by
from dukao.objections import REVIEWS as STATES
from dukao.options import As, Output, examples, state_of
from dukao.output import Format, columns, say

app = typer.Typer(no_args_is_help=True)

STEPS = {"ask": "申诉", "drop": "撤回", "uphold": "维持", "change": "变更"}


def _line(one: dict[str, Any]) -> dict[str, Any]:
    decided = {name: value for name, value in (one["decided"] or {}).items() if value is not None}
    return one | {
        "review": one["id"],
        "state": STATES[one["state"]],
        "decided": ", ".join(f"{name} {value}" for name, value in decided.items()),
    }


_REVIEWS = Kind(
    door="/v1/reviews",
    none="no such review: dukao reviews ask asks for one",
    listed=columns(
        "review", "state", "unit", "indicator", "month", "old", "new", "reason", numbers=("old", "new")
    ),
    line=_line,
    shown=("review", "state", "unit", "indicator", "month", "old", "new", "decide_until", "decided"),
    states=STATES,
    steps=STEPS,
)

Review = Annotated[str, typer.Argument(help="ENTRY-NUMBER, as dukao reviews list names it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the history of the review.")]


@app.command(epilog=examples("dukao reviews ask 1742 --reason 整改已按时报送 --as wang"))
def ask(
    ctx: typer.Context,
    entry: Annotated[int, typer.Argument(min=1, help=ENTRY)],
    reason: Reason,
    subject: As = None,
    output: Output = Format.TABLE,
) -> None:
    """Ask for a review of an entry, within thirty days of its date.

    Calendar days; if the last is not worked, until the next working day.
    """
    with Client(state_of(ctx)) as client:
        body = {"entry": entry, "reason": reason}
        found = client.post("scoring", _REVIEWS.door, body, by(subject, AUTHOR))
    say(f"{found['id']}: {STATES[found['state']]}; to be decided until {found['decide_until']}")
    _REVIEWS.show(found, output)


@app.command(
    name="list",
    epilog=examples("dukao reviews list --state asked", "dukao reviews list --unit b1 -o json"),
)
def list_reviews(
    ctx: typer.Context,
    *,
    state: Annotated[str | None, typer.Option(help="Only asked, dropped, upheld or changed.")] = None,
    scheme: Scheme = None,
    unit: Unit = None,
    indicator: Indicator = None,
    limit: Limit = PAGE,
    output: Output = Format.TABLE,
) -> None:
    """List reviews, of the own units and of those that they assess."""
    only = {"state": state, "scheme": scheme, "unit": unit, "indicator": indicator}
    _REVIEWS.list(ctx, only, limit, output)


@app.command(name="show", epilog=examples("dukao reviews show 1742-1"))
def show_review(ctx: typer.Context, review: Review, output: Output = Format.TABLE) -> None:
    """Show a review with its last days, its history, and what can be done now."""
    _REVIEWS.find(ctx, review, output)


@app.command(epilog=examples("dukao reviews drop 1742-1 --reason 已核实 --as wang"))
def drop(
    ctx: typer.Context, review: Review, reason: Reason, subject: As = None, output: Output = Format.TABLE
) -> None:
    """Take back a review that the unit asked for."""
    _REVIEWS.step(ctx, review, "drop", {"reason": reason}, by(subject, AUTHOR), output)


@app.command(epilog=examples("dukao reviews uphold 1742-1 --reason 扣分依据充分 --as sun"))
def uphold(
    ctx: typer.Context, review: Review, reason: Reason, subject: As = None, output: Output = Format.TABLE
) -> None:
    """Decide that the entry stays; by a person above the unit and its assessor."""
    _REVIEWS.step(ctx, review, "uphold", {"reason": reason}, by(subject, APPROVER), output)


@app.command(
    epilog=examples(
        "dukao reviews change 1742-1 --points 0.5 --reason 经复核属实 --as sun",
        "dukao reviews change 1743-1 --numerator 1 --reason 系统延时 --as sun",
    )
)
def change(
    ctx: typer.Context,
    review: Review,
    reason: Reason,
    *,
    points: Annotated[str | None, typer.Option(help="Points given back, of a measure in points.")] = None,
    numerator: Annotated[str | None, typer.Option(help="What is added to a numerator: 1 or -1.")] = None,
    denominator: Annotated[str | None, typer.Option(help="What is added to a denominator.")] = None,
    subject: As = None,
    output: Output = Format.TABLE,
) -> None:
    """Decide that the cell's sums change; the difference is posted at once."""
    body = {"points": points, "numerator": numerator, "denominator": denominator, "reason": reason}
    if points is None and numerator is None and denominator is None:
        raise typer.BadParameter("--points, or --numerator and --denominator", param_hint="--points")
    _REVIEWS.step(ctx, review, "change", body, by(subject, APPROVER), output)
