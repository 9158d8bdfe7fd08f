"""Incidents (同一问题): what is found, what it costs whom and why, and what a person says of it."""

from typing import Annotated, Any

import typer

from dukao import watching
from dukao.client import EVERYBODY, Client, Who, below
from dukao.options import As, Output, examples, state_of
from dukao.output import Format, columns, say, show, table
from dukao.telling.incidents import DOUBTS, HAPPENED, RISES, ROLES, STAGES, STANCES, STATES, UNREAD
from dukao.telling.languages import Lang, Language
from dukao.watching import Watch

app = typer.Typer(no_args_is_help=True)

PAGE = 200
_RISES = columns(
    "unit",
    "count",
    "exposure",
    "before",
    "exposure_before=exposure before",
    "p",
    "adjusted",
    "rose",
    numbers=("count", "exposure", "before", "exposure_before", "p", "adjusted"),
)
_LIST = columns("incident", "stage", "sources", "units", "lost", "waiting")
_FINDINGS = columns("finding", "unit", "finder", "status", "stance", "discovered", "severity")
_INSPECTIONS = columns("inspection", "inspector", "content", "years", "started", "ended", "found")
_DEDUCTIONS = columns("unit", "role", "indicator", "month", "points", "state", "why", numbers=("points",))
_WAITING = columns("finding", "trigger", "inspection", "why")
_HISTORY = columns("at", "what", "by", "id", "says", "reason")

Incident = Annotated[
    str,
    typer.Argument(help="OBJECT~CONTENT~YEAR, as dukao incidents list names it.", metavar="INCIDENT"),
]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the history of the incident.")]
Rise = Annotated[str, typer.Argument(help="The trigger's code in the scheme, as c.", metavar="CODE")]


@app.command(
    name="list",
    epilog=examples(
        "dukao incidents list --waiting",
        "dukao incidents list --waiting --watch",
        "dukao incidents list --unit B110000 --stage confirmed",
        "dukao incidents list --object 9111 -o json",
    ),
)
def list_incidents(
    ctx: typer.Context,
    *,
    stage: Annotated[
        str | None, typer.Option(help="Only confirmed, checked, alleged, dropped or withdrawn.")
    ] = None,
    unit: Annotated[str | None, typer.Option(help="Only those that concern a unit, in any role.")] = None,
    object_: Annotated[str | None, typer.Option("--object", help="Only those about it: a taxpayer.")] = None,
    content: Annotated[str | None, typer.Option(help="Only those of a content.")] = None,
    year: Annotated[int | None, typer.Option(help="Only those of this year of the problem.")] = None,
    waiting: Annotated[
        bool | None,
        typer.Option("--waiting/--settled", help="Only those that wait for a person, or that do not."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")] = PAGE,
    watch: Watch = False,
    output: Output = Format.TABLE,
) -> None:
    """List incidents: one problem of one year, however many reports name it.

    A line says how far the incident has come, which sources say so, what each unit loses by it, and whether
    a person is asked something: dukao incidents decide.
    """
    only = {
        "stage": stage,
        "unit": unit,
        "object": object_,
        "content": content,
        "year": year,
        "waiting": None if waiting is None else str(waiting).lower(),
    }
    with Client(state_of(ctx)) as client:
        if watch:
            watching.watch(
                lambda: client.first("scoring", "/v1/incidents", most=limit, page=PAGE, **only),
                drawn=lambda found: table([_line(one) for one in found], _LIST),
                tell=lambda found: _show_list(found, output),
                form=output,
            )
        else:
            _show_list(client.first("scoring", "/v1/incidents", most=limit, page=PAGE, **only), output)


@app.command(
    name="show",
    epilog=examples("dukao incidents show t1~vat~2019", "dukao incidents show t1~vat~2019 -o json"),
)
def show_incident(ctx: typer.Context, incident: Incident, output: Output = Format.TABLE) -> None:
    """Show an incident: sources side by side, deductions in their roles, what waits, and the history.

    A deduction is 扣分 counted, 扣分·恢复 revived (it counts since a higher one was revoked), 已抵减·从高
    suppressed (another of the same problem counts for the unit) or 不适用 not scored.
    """
    with Client(state_of(ctx)) as client:
        _show(client.get("scoring", f"/v1/incidents{below(incident)}"), output)


@app.command(
    epilog=examples(
        'dukao incidents decide t1~vat~2019 --apply --reason "上午已办结"',
        'dukao incidents decide t1~vat~2019 --dismiss --finding f1 --trigger b --reason "误判" --as li',
    )
)
def decide(
    ctx: typer.Context,
    incident: Incident,
    reason: Reason,
    *,
    apply: Annotated[
        bool | None,
        typer.Option("--apply/--dismiss", help="The trigger fires, or it does not.", show_default=False),
    ] = None,
    finding: Annotated[str | None, typer.Option(help="Of which finding, where several are asked.")] = None,
    trigger: Annotated[str | None, typer.Option(help="Which trigger, where several are asked.")] = None,
    inspection: Annotated[str | None, typer.Option(help="After which inspection, where several are.")] = None,
    subject: As = None,
    output: Output = Format.TABLE,
) -> None:
    """Answer what waits for a person, as a discovery on the day on which the inspection ended.

    Until then the trigger costs nobody anything. The ruling is a fact with its reason; a later one on
    the same question takes it back: what was answered can be decided anew. Of a month that rose another
    person decides than the one who judged it.
    """
    if apply is None:
        raise typer.BadParameter("say --apply or --dismiss", param_hint="--apply")
    with Client(state_of(ctx)) as client:
        known = client.get("scoring", f"/v1/incidents{below(incident)}")
        wanted = {"finding": finding, "trigger": trigger, "inspection": inspection}
        asked = _questions(known["waiting"], wanted) or _questions(known["answered"], wanted)
        if len(asked) != 1:
            told = "; ".join(
                " ".join(f"--{name} {value}" for name, value in _asked(one))
                for one in (*known["waiting"], *known["answered"])
            )
            how_many = "nothing like this is asked" if not asked else f"{len(asked)} questions are asked"
            raise typer.BadParameter(f"{how_many}; asked: {told or 'nothing'}", param_hint="--finding")
        question = {name: asked[0][name] for name in ("finding", "trigger", "inspection")}
        body = question | {"ruling": "apply" if apply else "dismiss", "reason": reason}
        found = client.post("scoring", f"/v1/incidents{below(incident)}:decide", body, _who(subject))
    say(f"{incident}: trigger {question['trigger']} {'applies' if apply else 'is dismissed'}")
    _show(found, output)


@app.command(
    epilog=examples('dukao incidents join t1~vat~2019 t9~vat~2019 --reason "同一纳税人更名" --as li')
)
def join(
    ctx: typer.Context,
    incident: Incident,
    other: Annotated[str, typer.Argument(help="The other incident.", metavar="OTHER")],
    reason: Reason,
    subject: As = None,
    output: Output = Format.TABLE,
) -> None:
    """Say that two incidents are one problem: for each unit only the highest deduction of both counts."""
    _pair(ctx, incident, other, "join", reason, subject, output)


@app.command(epilog=examples('dukao incidents part t1~vat~2019 t9~vat~2019 --reason "查明系两户" --as li'))
def part(
    ctx: typer.Context,
    incident: Incident,
    other: Annotated[str, typer.Argument(help="The other incident.", metavar="OTHER")],
    reason: Reason,
    subject: As = None,
    output: Output = Format.TABLE,
) -> None:
    """Take back that two incidents are one problem."""
    _pair(ctx, incident, other, "part", reason, subject, output)


@app.command(epilog=examples("dukao incidents rises national@1 c 2021-07 --lang en"))
def rises(
    ctx: typer.Context,
    scheme: Annotated[str, typer.Argument(help="CODE@VERSION of the platform.")],
    rise: Rise,
    month: Annotated[str, typer.Argument(help="The month, as 2021-07.")],
    lang: Language = Lang.ZH,
    output: Output = Format.TABLE,
) -> None:
    """Show whether the risk of regions rose significantly (区域执法风险显著上升), with all figures.

    p is the chance of as many events or more if nothing had changed since the baseline; adjusted is the same,
    corrected for all regions tested (Holm). Looking costs nobody anything: dukao incidents judge does.
    """
    path = _rises_of(scheme, rise, month)
    with Client(state_of(ctx)) as client:
        found = client.get("scoring", path)
    _show_rises(found, lang, output)


@app.command(epilog=examples("dukao incidents judge national@1 c 2021-07 --as li"))
def judge(
    ctx: typer.Context,
    scheme: Annotated[str, typer.Argument(help="CODE@VERSION of the platform.")],
    rise: Rise,
    month: Annotated[str, typer.Argument(help="The month, as 2021-07.")],
    subject: As = None,
    output: Output = Format.TABLE,
) -> None:
    """Judge the regions of a month once, after its T, by what was received before it.

    What was tested is a fact from then on, with its figures; nothing that comes later changes it. What rose
    costs nobody anything until another person says so: dukao incidents decide.
    """
    path = _rises_of(scheme, rise, month)
    with Client(state_of(ctx)) as client:
        found = client.post("scoring", f"{path}:judge", {}, _who(subject))
    _show_rises(found, Lang.ZH, output)


def _rises_of(scheme: str, rise: str, month: str) -> str:
    code, at, version = scheme.rpartition("@")
    if not at or not version.isdecimal():
        raise typer.BadParameter("CODE@VERSION of the platform", param_hint="SCHEME")
    return f"/v1/rises{below(code, version, rise, month)}"


def _show_rises(found: dict[str, Any], lang: Lang, output: Format) -> None:
    words = RISES[lang]
    baseline = found["baseline"]
    span = f"{baseline[0]}–{baseline[-1]}" if baseline else "—"
    if output is Format.TABLE:
        say(words[2].format(**found | {"span": span}))
        say(words[4][found["judged_by"] is not None].format(**found))
    told = [one | {"rose": words[0] if one["significant"] else words[1]} for one in found["regions"]]
    show(told, _RISES, output, whole=found, none=words[3])


@app.command(epilog=examples("dukao incidents unread", "dukao incidents unread -o csv > unread.csv"))
def unread(ctx: typer.Context, output: Output = Format.TABLE) -> None:
    """List reports of findings and inspections that cannot be judged until a correction mends them.

    status: not alleged, checked, confirmed or dropped; years: none, or in no order; days: an inspection
    that ends before it starts; fields: something is missing; no_scheme: no scheme covers the day.
    """
    with Client(state_of(ctx)) as client:
        pages = client.pages("scoring", "/v1/unread-reports", limit=PAGE)
        found = [one for page in pages for one in page["items"]]
    told = [one | {"why": UNREAD[one["why"]]} for one in found]
    show(
        told, columns("object", "source", "id", "why"), output, whole=found, none="every report can be judged"
    )


def _show_list(found: list[dict[str, Any]], output: Format) -> None:
    none = "no such incident: a scheme with `incidents` and findings that name an object make some"
    show([_line(one) for one in found], _LIST, output, whole=found, none=none)


def _pair(
    ctx: typer.Context, incident: str, other: str, act: str, reason: str, subject: str | None, output: Format
) -> None:
    path = f"/v1/incidents{below(incident)}:{act}"
    with Client(state_of(ctx)) as client:
        found = client.post("scoring", path, {"other": other, "reason": reason}, _who(subject))
    others = [one for one in found["together"] if one != incident]
    say(f"{incident}: one problem with {', '.join(others) or 'none'}")
    _show(found, output)


def _who(subject: str | None) -> Who:
    return Who(subject, EVERYBODY.roles) if subject else EVERYBODY


def _questions(of: list[dict[str, Any]], wanted: dict[str, str | None]) -> list[dict[str, Any]]:
    """Return the questions that have every part that is wanted."""
    return [
        one for one in of if all(value in {None, dict(_asked(one))[name]} for name, value in wanted.items())
    ]


def _asked(one: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("finding", one["finding"]["id"]),
        ("trigger", one["trigger"]),
        ("inspection", one["inspection"]["id"]),
    ]


def _named(report: dict[str, str] | None) -> str | None:
    return None if report is None else f"{report['source']}/{report['id']}"


def _line(one: dict[str, Any]) -> dict[str, Any]:
    lost = [f"{lost['unit']} {ROLES[lost['role']]} −{_points(lost['points'])}" for lost in one["lost"]]
    asked = [f"{asked['trigger']} {DOUBTS[asked['why']]}" for asked in one["waiting"]]
    return one | {
        "incident": one["id"],
        "stage": f"{STAGES[one['stage']]}{'·说法不一' if one['contradicted'] else ''}",
        "sources": ", ".join(one["sources"]),
        "units": ", ".join(one["units"]),
        "lost": "\n".join(lost),
        "waiting": "\n".join(asked),
    }


def _points(written: str) -> str:
    return written.rstrip("0").removesuffix(".") if "." in written else written


def _show(found: dict[str, Any], output: Format) -> None:
    """Show an incident for people in parts; JSON and CSV have all of it."""
    fields = _line(found) | {"together": ", ".join(found["together"])}
    names = ("incident", "stage", "sources", "units", "together", "problem")
    told = [{"field": name, "value": fields[name]} for name in names]
    show(told, columns("field", "value"), output, whole=found)
    if output is not Format.TABLE:
        return
    findings = [
        one
        | {
            "finding": _named(one),
            "stance": STANCES[one["stance"]],
            "status": STAGES.get(one["status"], one["status"]),
        }
        for one in found["reports"]
    ]
    inspections = [
        one | {"inspection": _named(one), "years": "–".join(map(str, one["years"]))}
        for one in found["inspections"]
    ]
    show(findings, _FINDINGS, output)
    if inspections:
        show(inspections, _INSPECTIONS, output)
    show(
        [_deduction(one) for one in found["deductions"]], _DEDUCTIONS, output, none="it costs nobody anything"
    )
    if found["waiting"]:
        waiting = [dict(_asked(one)) | {"why": DOUBTS[one["why"]]} for one in found["waiting"]]
        show(waiting, _WAITING, output)
    show([one | {"what": HAPPENED[one["what"]]} for one in found["history"]], _HISTORY, output)


def _deduction(one: dict[str, Any]) -> dict[str, Any]:
    why = [f"finding {_named(one['finding'])}"]
    if one["trigger"] is not None:
        after = "" if one["inspection"] is None else f" after {_named(one['inspection'])}"
        why.append(f"trigger {one['trigger']}{after}")
    if one["suppressed_by"] is not None:
        why.append(f"{_named(one['suppressed_by'])} counts instead")
    return one | {
        "role": ROLES[one["role"]],
        "points": _points(one["points"]),
        "state": STATES[one["state"]],
        "why": "; ".join(why),
    }
