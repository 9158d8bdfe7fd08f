"""Closing of periods (关账): asked for by one person, approved by another, and never changed afterwards."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from dukao.client import CLOSER, SECOND_CLOSER, AwayError, Client, UnansweredError, below
from dukao.filed import PAGE, Kind, Limit, Scheme, by
from dukao.options import As, Output, examples, state_of
from dukao.output import Format, columns, say, show, show_lines
from dukao.telling.languages import Lang, Language, Pair

app = typer.Typer(no_args_is_help=True)

STATES = {"asked": "待审核", "approved": "已关账", "refused": "未通过", "withdrawn": "已撤回"}
STEPS = {"ask": "申请", "approve": "同意", "refuse": "不同意", "withdraw": "撤回"}
PERIODS: dict[str, Pair] = {
    "no_cut": ("方案未设宽限期，不能关账", "no grace in the scheme: it has no cut and is not closed"),
    "open": ("未到截止，或截止前的数据未齐", "before its cut, or not all before it has been told"),
    "unknown": ("截止前有单位无任何数据，不能关账", "of some nothing had been told before the cut"),
    "mixed": ("截止前后的数据无法区分，不能关账", "of some, what is late cannot be told apart"),
    "ready": ("可以关账", "ready to be closed"),
    "asked": ("待审核", "asked for, another person approves"),
    "closed": ("已关账", "closed"),
}


def _line(one: dict[str, Any]) -> dict[str, Any]:
    asked = one["history"][0]
    return one | {
        "request": one["id"],
        "state": STATES[one["state"]],
        "asked_by": asked["person"],
        "reason": asked["reason"],
        "possible": ", ".join(one["possible"]),
        "accepted": ", ".join(_mismatches(one["accepted"])) or None,
    }


_CLOSES = Kind(
    door="/v1/closes",
    none="no such request: dukao close propose asks for one",
    listed=columns("request", "state", "asked_by", "reason", "digest"),
    line=_line,
    shown=("request", "state", "scheme", "period", "asked_by", "reason", "digest", "accepted", "possible"),
    states=STATES,
    steps=STEPS,
    service="ranking",
)
STEPS_OF_CUTS: dict[str, Pair] = {
    "0": ("等待各分片过截止时点", "shards to pass T"),
    "1": ("等待截止前的数据计入", "what came before T"),
    "2": ("等待问题线索与裁定", "findings and rulings"),
    "3": ("等待关联扣分", "deductions"),
    "4": ("等待汇总，随后计算截止数据", "partials, then the figures at T"),
    "5": ("等待排名听取对账结果", "ranking to hear of days that differ"),
}
_CUTS = columns("period", "version", "cut", "day", "step", "waits_for", numbers=("version",))
_SHARDS = columns("shard", "ticked", "items", numbers=("shard",))
SLOWEST = 8
NOTHING_ASKED = "0" * 64  # the door says why there is nothing to close
_GROUPS = columns("group", "version", "cut", "day", "digest", numbers=("version",))

SchemeName = Annotated[str, typer.Argument(help="The code of the scheme.", metavar="SCHEME")]
Period = Annotated[str, typer.Argument(help="2021-03, 2021-Q1, 2021-H1 or 2021.")]
Request = Annotated[str, typer.Argument(help="SCHEME~PERIOD~NUMBER, as dukao close list names it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the history of the request.")]
Accept = Annotated[
    bool,
    typer.Option(
        "--accept-mismatches",
        help="Close although manifests differ, as --digest has it; the other person agrees too.",
    ),
]
Digest = Annotated[
    str | None,
    typer.Option(
        help="Of what was read in dukao close show; left out: as it is now, if no manifest differs.",
        show_default=False,
    ),
]


@app.command(
    epilog=examples(
        "dukao close propose national 2021-03 --reason 3月关账 --as zhao",
        "dukao close propose national 2021-03 --accept-mismatches --digest 5f… --reason 源系统已说明",
    )
)
def propose(
    ctx: typer.Context,
    scheme: SchemeName,
    period: Period,
    *,
    reason: Reason,
    digest: Digest = None,
    accept_mismatches: Accept = False,
    subject: As = None,
    output: Output = Format.TABLE,
) -> None:
    """Ask to close a period; nothing is frozen before another person approves.

    The cut of every group must have passed: all that was received before it has been told. While a source's
    manifest of a day and the archive differ, the period closes only if both persons accept that, and each
    names the digest of what was read, so that nobody accepts what came since.
    """
    if accept_mismatches and digest is None:
        raise _unread_mismatches(scheme, period)
    with Client(state_of(ctx)) as client:
        read = digest or client.get("ranking", _path(scheme, period))["digest"] or NOTHING_ASKED
        body = {"scheme": scheme, "period": period, "digest": read, "reason": reason}
        body |= {"accept_mismatches": True} if accept_mismatches else {}
        found = client.post("ranking", _CLOSES.door, body, by(subject, CLOSER))
    say(f"{found['id']}: {STATES[found['state']]}; another person approves: dukao close approve")
    _CLOSES.show(found, output)


@app.command(epilog=examples("dukao close approve national~2021-03~1 --reason 核对无误 --as qian"))
def approve(
    ctx: typer.Context,
    request: Request,
    *,
    reason: Reason,
    digest: Digest = None,
    subject: As = None,
    output: Output = Format.TABLE,
) -> None:
    """Approve what another person asked for: the standings are frozen, and nothing reopens them."""
    scheme, period = _named(request)
    read = digest
    if read is None:
        with Client(state_of(ctx)) as client:
            read = digest_asked(client.get("ranking", _path(scheme, period))["request"], request)
    body = {"digest": read, "reason": reason}
    _CLOSES.step(ctx, request, "approve", body, by(subject, SECOND_CLOSER), output)


@app.command(epilog=examples("dukao close refuse national~2021-03~1 --reason 尚有争议 --as qian"))
def refuse(
    ctx: typer.Context, request: Request, reason: Reason, subject: As = None, output: Output = Format.TABLE
) -> None:
    """Refuse what another person asked for; the period can be asked for anew."""
    _CLOSES.step(ctx, request, "refuse", {"reason": reason}, by(subject, SECOND_CLOSER), output)


@app.command(epilog=examples("dukao close withdraw national~2021-03~1 --reason 误提 --as zhao"))
def withdraw(
    ctx: typer.Context, request: Request, reason: Reason, subject: As = None, output: Output = Format.TABLE
) -> None:
    """Withdraw what one asked for oneself and nobody approved yet."""
    _CLOSES.step(ctx, request, "withdraw", {"reason": reason}, by(subject, CLOSER), output)


@app.command(name="show", epilog=examples("dukao close show national 2021-03"))
def show_close(
    ctx: typer.Context,
    scheme: SchemeName,
    period: Period,
    *,
    lang: Language = Lang.ZH,
    output: Output = Format.TABLE,
) -> None:
    """Show what closing a period would freeze, or froze: each group with T and the digest of its standing."""
    with Client(state_of(ctx)) as client:
        found = client.get("ranking", _path(scheme, period))
    if output is Format.TABLE:
        show_lines([f"{scheme} · {period} · {lang.word(PERIODS, found['state'])}", *told(found, lang)])
    show(found["groups"], _GROUPS, output, whole=found)
    if output is Format.TABLE and found["request"] is not None:
        _CLOSES.show(found["request"], output)


@app.command(epilog=examples("dukao close waits national", "dukao close waits national -o json"))
def waits(
    ctx: typer.Context, scheme: SchemeName, *, lang: Language = Lang.ZH, output: Output = Format.TABLE
) -> None:
    """Show what the cuts that are due, or come next, wait for (截止): shards, then streams."""
    with Client(state_of(ctx)) as client:
        found = client.get("scoring", f"/v1/cuts{below(scheme)}")
        try:
            found["cuts"] = client.get("ranking", f"/v1/cuts{below(scheme)}")["cuts"] + found["cuts"]
        except (AwayError, UnansweredError):
            say("ranking does not answer. What was told of days that differ is not shown.")
    show([cut_line(one, lang) for one in found["cuts"]], _CUTS, output, whole=found, none="no cut is to come")
    if output is Format.TABLE and found["shards"]:
        lacking = sorted(found["shards"], key=lambda one: (one["ticked"] or "", one["items"] or ""))
        show_lines([slowest(found["cuts"], len(lacking), lang)])
        show(lacking[:SLOWEST], _SHARDS, output)


@app.command(name="list", epilog=examples("dukao close list --state asked", "dukao close list -o json"))
def list_closes(
    ctx: typer.Context,
    *,
    state: Annotated[str | None, typer.Option(help="Only asked, approved, refused or withdrawn.")] = None,
    scheme: Scheme = None,
    period: Annotated[str | None, typer.Option(help="Only those of a period.")] = None,
    limit: Limit = PAGE,
    output: Output = Format.TABLE,
) -> None:
    """List the requests to close periods."""
    _CLOSES.list(ctx, {"state": state, "scheme": scheme, "period": period}, limit, output)


def digest_asked(asked: dict[str, Any] | None, request: str) -> str:
    """Return what a request asks for, as it is now; of one over manifests that differ a person names it."""
    if asked is None or asked["id"] != request:
        return NOTHING_ASKED
    if asked["accepted"]:
        raise _unread_mismatches(*_named(request))
    return asked["digest"]


def cut_line(one: dict[str, Any], lang: Lang) -> dict[str, Any]:
    """Return what is shown of a cut, at step 0 the shards that have not passed its own T."""
    waits_for = "; ".join(_unread(each, lang) for each in one["waits"])
    if one.get("shards"):
        words = ("分片 {shards}（{count}）", "shards {shards} ({count})")
        waits_for = lang.of(words).format(shards=_ranges(one["shards"]), count=len(one["shards"]))
    return one | {"step": lang.word(STEPS_OF_CUTS, str(one["step"])), "waits_for": waits_for}


def slowest(cuts: Sequence[dict[str, Any]], count: int, lang: Lang) -> str:
    """Say how many shards have not passed the last T that is named, and of which periods that is T."""
    upcoming = [one for one in cuts if one["step"] == 0]
    cut = max(one["cut"] for one in upcoming)
    periods = ", ".join(one["period"] for one in upcoming if one["cut"] == cut)
    words = (
        "{count} 个分片未过 {periods} 的截止时点 {cut}，最慢的 {shown} 个",
        "{count} shards have not passed {cut}, T of {periods}; the slowest {shown}",
    )
    return lang.of(words).format(count=count, periods=periods, cut=cut, shown=min(count, SLOWEST))


def _path(scheme: str, period: str) -> str:
    return f"{_CLOSES.door}{below(scheme, period)}"


def _named(request: str) -> tuple[str, str]:
    """Return the scheme and period that the id of a request names."""
    scheme, _, rest = request.partition("~")
    period, _, number = rest.partition("~")
    if not (scheme and period and number):
        raise typer.BadParameter("SCHEME~PERIOD~NUMBER, as dukao close list names it", param_hint="REQUEST")
    return scheme, period


def _unread_mismatches(scheme: str, period: str) -> typer.BadParameter:
    reason = f"what differs is accepted by the digest of what was read: dukao close show {scheme} {period}"
    return typer.BadParameter(reason, param_hint="--digest")


def told(found: dict[str, Any], lang: Lang) -> list[str]:
    """Return what a person reads beside the groups: what keeps a close open, what differs, the digest."""
    words_of = {
        "lacking": ("未到截止的考评组", "lacking"),
        "unknown": ("截止前无数据", "unknown before the cut"),
        "mixed": ("无法区分", "mixed"),
    }
    lines = [f"{lang.of(words)}: {', '.join(found[name])}" for name, words in words_of.items() if found[name]]
    lines += [f"{lang.of(('等待', 'waits for'))}: {_unread(one, lang)}" for one in found["waits"]]
    differ = _mismatches(found["mismatches"])
    lines += [f"{lang.of(('对账不符', 'manifests differ'))}: {', '.join(differ)}"] if differ else []
    return lines + ([f"{lang.of(('摘要', 'digest'))}: {found['digest']}"] if found["digest"] else [])


def _mismatches(found: list[dict[str, Any]]) -> list[str]:
    return [f"{one['source']} {one['day']} {one['state']} {one['difference'][:12]}" for one in found]


def _unread(one: dict[str, Any], lang: Lang) -> str:
    """Say which consumer has yet to apply which records, or that nobody can tell while a producer is away."""
    if one["records"] is None:
        away = lang.of(("{owner} 未应答", "{owner} is away")).format(owner=one["stream"].partition(".")[0])
        return f"{one['consumer']} {one['stream']} ({away})"
    return f"{one['consumer']} {one['stream']} {_ranges(one['shards'])} ({one['records']})"


def _ranges(numbers: Sequence[int]) -> str:
    """Write ascending numbers, those that follow each other as a range."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
