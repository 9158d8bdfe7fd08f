"""Items under supervision (督考事项): what there is, what is possible, and every act on them."""

import hashlib
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer

from dukao import item_options as options
from dukao import watching
from dukao.client import EVERYBODY, Client, Who, below
from dukao.item_words import ACTS, STATES, happened, line, told
from dukao.options import As, Output, examples, state_of
from dukao.output import Format, columns, say, show, show_lines, table
from dukao.watching import Watch

app = typer.Typer(no_args_is_help=True)

PAGE = 500
_LIST = columns("item", "title", "kind", "unit", "state", "light", "due", "late=late days", numbers=("late",))
_HISTORY = columns("at", "act", "person", "state", "reason", "refused=without effect")
_COVERAGE = columns("indicator", "name", "items=items of each unit", "missing=units without")
_COUNTS = columns(
    "at",
    "given",
    "open",
    "submitted",
    "overdue",
    "provisional",
    "done",
    "done_late",
    numbers=("given", "open", "submitted", "overdue", "provisional", "done", "done_late"),
)

Item = Annotated[str, typer.Argument(help="The id of the item: dukao items list.", metavar="ITEM")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the item's history.")]
Shares = Annotated[
    list[str] | None,
    typer.Option(
        "--share",
        help="A unit and its share of the points, as b1=0.7; once for each, the lead included, summing to 1.",
        show_default=False,
        metavar="UNIT=SHARE",
    ),
]


@app.command(
    name="list",
    epilog=examples(
        "dukao items list --overdue", "dukao items list --open --watch", "dukao items list --unit b11 -o json"
    ),
)
def list_items(
    ctx: typer.Context,
    *,
    state: Annotated[str | None, typer.Option(help="Only in this state, as submitted.")] = None,
    light: Annotated[
        str | None, typer.Option(help="Only green, yellow, red, done, done_late or off.")
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(help="Only decision, document, instruction, control_risk or alleged_finding."),
    ] = None,
    unit: Annotated[str | None, typer.Option(help="Only those that this unit leads.")] = None,
    scheme: Annotated[str | None, typer.Option(help="Only those of a scheme.")] = None,
    indicator: Annotated[str | None, typer.Option(help="Only those of an indicator.")] = None,
    open_: Annotated[
        bool | None,
        typer.Option("--open/--closed", help="Only those that are not done or cancelled, or others."),
    ] = None,
    overdue: Annotated[
        bool | None,
        typer.Option("--overdue/--in-time", help="Only those that are or were late, or that are not."),
    ] = None,
    provisional: Annotated[
        bool | None,
        typer.Option(
            "--provisional/--known", help="Only those due past the known calendar (暂定), or only others."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")] = PAGE,
    watch: Watch = False,
    output: Output = Format.TABLE,
) -> None:
    """List items in the order of their ids, with state, light and late working days."""
    only = {
        "state": state,
        "light": light,
        "kind": kind,
        "unit": unit,
        "scheme": scheme,
        "indicator": indicator,
        "open": open_,
        "overdue": overdue,
        "provisional": provisional,
    }
    with Client(state_of(ctx)) as client:
        if watch:
            watching.watch(
                lambda: client.first("supervision", "/v1/items", most=limit, page=PAGE, **only),
                drawn=lambda found: table([line(one) for one in found], _LIST),
                tell=lambda found: _show_list(found, output),
                form=output,
            )
        else:
            _show_list(client.first("supervision", "/v1/items", most=limit, page=PAGE, **only), output)


@app.command(
    name="show", epilog=examples("dukao items show decision-7", "dukao items show decision-7 -o json")
)
def show_item(ctx: typer.Context, item: Item, output: Output = Format.TABLE) -> None:
    """Show an item: terms, late days, what is possible now and who may, and its history."""
    with Client(state_of(ctx)) as client:
        show_one(client.get("supervision", f"/v1/items{below(item)}"), output)


@app.command(
    name="open",
    epilog=examples(
        'dukao items open --title "常务会议决定事项" --unit b11 --working-days 8',
        'dukao items open --name matter-7 --kind document --title "公文" --unit b11 --day 2021-05-07',
    ),
)
def open_item(
    ctx: typer.Context,
    *,
    title: options.Title,
    unit: options.LeadUnit,
    kind: options.Kind = "decision",
    working_days: options.WorkingDays = None,
    office_minutes: options.OfficeMinutes = None,
    day: options.Day = None,
    at: options.At = None,
    name: options.Name = None,
    scheme: options.OfScheme = None,
    indicator: options.OfIndicator = None,
    case: options.OfCase = None,
    given: options.Given = None,
    sign_days: options.SignDays = None,
    yellow_days: options.YellowDays = None,
    approval_days: options.ApprovalDays = None,
    share: Shares = None,
    reason: Reason = "",
    subject: As = None,
    output: Output = Format.TABLE,
) -> None:
    """Open an item (登记); exactly one of --working-days, --office-minutes, --day, --at says until when."""
    due = options.until(working_days=working_days, office_minutes=office_minutes, day=day, at=at)
    asked = {"kind": kind, "title": title, "unit": unit, "due": due} | {
        "shares": _shares(share),
        "reason": reason,
    }
    more = {
        "item": name or str(uuid4()),
        "scheme": scheme,
        "indicator": indicator,
        "case": case,
        "given": given,
        "sign_days": sign_days,
        "yellow_days": yellow_days,
        "approval_days": approval_days,
    }
    asked |= {name: value for name, value in more.items() if value is not None}
    if name is None:
        say(f"if the answer is lost, ask again with --name {asked['item']}")
    with Client(state_of(ctx)) as client:
        found = client.post("supervision", "/v1/items", asked, _who(subject))
    say(f"opened {found['item']}: its clock begins when it is assigned, dukao items assign {found['item']}")
    show_one(found, output)


@app.command(epilog=examples("dukao items assign decision-7 --unit b11 --share b11=0.7 --share b12=0.3"))
def assign(
    ctx: typer.Context,
    item: Item,
    unit: Annotated[str, typer.Option(help="The lead unit.")],
    share: Shares = None,
    reason: Reason = "",
    subject: As = None,
    output: Output = Format.TABLE,
) -> None:
    """Give an item to a lead unit (交办) and its co-handlers."""
    _act(ctx, item, "assign", {"unit": unit, "shares": _shares(share), "reason": reason}, subject, output)


@app.command(epilog=examples("dukao items submit decision-7 --evidence report.pdf --as zhao"))
def submit(
    ctx: typer.Context,
    item: Item,
    evidence: Annotated[
        list[Path],
        typer.Option(
            exists=True, dir_okay=False, help="A paper; its SHA-256 is sent, it stays here.", metavar="FILE"
        ),
    ],
    reason: Reason = "",
    subject: As = None,
    output: Output = Format.TABLE,
) -> None:
    """Submit an item with evidence (报送); if it is accepted in the end, the clock stops now."""
    papers = [
        {"name": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()} for file in evidence
    ]
    _act(ctx, item, "submit", {"evidence": papers, "reason": reason}, subject, output)


@app.command(epilog=examples('dukao items extend decision-7 --day 2021-05-07 --reason "资料未齐" --as zhao'))
def extend(
    ctx: typer.Context,
    item: Item,
    day: Annotated[str, typer.Option(help="The new date: 2021-05-07.")],
    reason: Reason,
    subject: As = None,
    output: Output = Format.TABLE,
) -> None:
    """Ask for a new date, before the due time; two other persons approve it: dukao items approve."""
    _act(ctx, item, "ask-extension", {"day": day, "reason": reason}, subject, output)


def _plain(verb: str, act: str, about: str, *shown: str) -> None:
    """Add an act that says nothing but, if it wants to, why."""

    @app.command(name=verb, help=about, epilog=examples(*shown))
    def take(
        ctx: typer.Context, item: Item, reason: Reason = "", subject: As = None, output: Output = Format.TABLE
    ) -> None:
        _act(ctx, item, act, {"reason": reason}, subject, output)


def _reasoned(verb: str, act: str, about: str, shown: str) -> None:
    """Add an act that must say why."""

    @app.command(name=verb, help=about, epilog=examples(shown))
    def take(
        ctx: typer.Context, item: Item, reason: Reason, subject: As = None, output: Output = Format.TABLE
    ) -> None:
        _act(ctx, item, act, {"reason": reason}, subject, output)


_plain("sign", "sign", "Sign for an item (签收).", "dukao items sign decision-7 --as zhao")
_plain("start", "start", "Say that the work has begun.", "dukao items start decision-7")
_plain(
    "accept",
    "accept",
    "Accept what was submitted and strike it off (销号); not who submitted it.",
    "dukao items accept decision-7 --as li",
)
_plain("resume", "resume", "Let the clock of an item run again.", "dukao items resume decision-7")
_plain(
    "approve",
    "approve-extension",
    "Approve the extension that was asked for; the second person's approval moves the due time.",
    "dukao items approve decision-7 --as li",
    "dukao items approve decision-7 --as wang",
)
_reasoned(
    "send-back",
    "send-back",
    "Send back what was submitted (退回); the time since the submission is a pause.",
    'dukao items send-back decision-7 --reason "缺附件" --as li',
)
_reasoned("pause", "pause", "Stop the clock of an item.", 'dukao items pause decision-7 --reason "等待批复"')
_reasoned(
    "refuse",
    "refuse-extension",
    "Refuse the extension that was asked for.",
    'dukao items refuse decision-7 --reason "无正当理由" --as li',
)
_reasoned(
    "cancel",
    "cancel",
    "Cancel an item; late days before today stay.",
    'dukao items cancel decision-7 --reason "并入另一事项"',
)
_reasoned(
    "reopen",
    "reopen",
    "Open an item again that was done or cancelled.",
    'dukao items reopen decision-7 --reason "问题反弹" --as li',
)


@app.command(epilog=examples("dukao items counts", "dukao items counts --at 2011-08-01T04:00:00Z"))
def counts(
    ctx: typer.Context,
    at: Annotated[
        str | None, typer.Option(help="Just before this instant; else now by the newest tick.")
    ] = None,
    unit: Annotated[str | None, typer.Option(help="Only those that this unit leads.")] = None,
    output: Output = Format.TABLE,
) -> None:
    """Count items that are given, open, overdue and done, by the facts as they are known now."""
    with Client(state_of(ctx)) as client:
        found = client.get("supervision", "/v1/item-counts", at=at, unit=unit)
    show([found], _COUNTS, output, whole=found)


@app.command(epilog=examples("dukao items coverage national"))
def coverage(
    ctx: typer.Context,
    scheme: Annotated[str, typer.Argument(help="The code of the scheme.")],
    output: Output = Format.TABLE,
) -> None:
    """Show for which of their units individual indicators (个性指标) have an item, and name those without."""
    with Client(state_of(ctx)) as client:
        found = client.get("supervision", f"/v1/coverage{below(scheme)}")
    show_coverage(found, output)


def show_coverage(found: dict[str, Any], output: Format) -> None:
    """Print an answer on coverage: a line for each indicator; what is missing is named on stderr."""
    share = "nothing to cover" if found["percent"] is None else f"{found['percent']} %"
    title = (
        f"{found['scheme']} v{found['version']} · {found['covered']} of {found['pairs']} "
        f"individual indicators have an item, each unit counted: {share}"
    )
    none = "the scheme has no individual indicators of units that you see"
    lines = [_covered(one) for one in found["indicators"]]
    show(lines, _COVERAGE, output, title=title, whole=found, none=none)
    for one in found["missing"]:
        say(f"missing: {one['indicator']} {one['name']} of {one['unit']} {one['unit_name']}")


def _covered(one: dict[str, Any]) -> dict[str, Any]:
    items = ", ".join(f"{unit} {count}" for unit, count in one["items"].items())
    return one | {"items": items, "missing": ", ".join(one["missing"])}


def _show_list(found: list[dict[str, Any]], output: Format) -> None:
    none = "no such item: a scheme with `items` and its events open some, or dukao items open"
    show([line(one) for one in found], _LIST, output, whole=found, none=none)


def _act(
    ctx: typer.Context, item: str, act: str, asked: dict[str, Any], subject: str | None, output: Format
) -> None:
    with Client(state_of(ctx)) as client:
        found = client.post("supervision", f"/v1/items{below(item)}:{act}", asked, _who(subject))
    say(f"{item}: {STATES[found['state']]}")
    show_one(found, output)


def _who(subject: str | None) -> Who:
    return Who(subject, EVERYBODY.roles) if subject else EVERYBODY


def _shares(given: list[str] | None) -> dict[str, str]:
    pairs = [one.partition("=") for one in given or ()]
    if any(not unit or not share for unit, _, share in pairs):
        raise typer.BadParameter("write UNIT=SHARE, as b1=0.7", param_hint="--share")
    return {unit: share for unit, _, share in pairs}


def show_one(item: dict[str, Any], output: Format) -> None:
    """Show an item for people in parts; JSON and CSV have all of it."""
    shown = {name: value for name, value in told(item).items() if name not in {"possible", "history", "late"}}
    fields = [{"field": name, "value": value} for name, value in shown.items() if value not in (None, [], {})]
    show(fields, columns("field", "value"), output, whole=item)
    if output is Format.TABLE:
        show([happened(one) for one in item["history"]], _HISTORY, output)
        possible = ", ".join(
            f"{ACTS[one['act']]} {one['act']} ({'/'.join(one['roles'])})" for one in item["possible"]
        )
        show_lines([f"possible now: {possible or 'nothing'}"])
