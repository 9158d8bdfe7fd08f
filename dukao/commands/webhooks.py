"""Webhooks: endpoints and their secrets, what was sent to them, what is dead and sent again."""

import time
from typing import Annotated, Any

import typer

from dukao.client import EVERYBODY, Client, Who, below
from dukao.options import As, Output, examples, state_of
from dukao.output import Format, columns, say, show

app = typer.Typer(no_args_is_help=True)

PAGE = 200
PING_S = 20.0
LOOK_S = 0.2
STATES = {"on": "启用", "paused": "已暂停", "disabled": "已停用(410)"}
OUTCOMES = {
    "delivered": "送达",
    "refused": "拒收",
    "failed": "失败",
    "blocked": "已拦截",
    None: "进行中或已中断",
}
_LIST = columns("code", "url", "title", "state", "waiting", "dead", numbers=("waiting", "dead"))
_ATTEMPTS = columns(
    "at",
    "delivery",
    "number=attempt",
    "outcome",
    "status",
    "latency_ms=ms",
    "error",
    numbers=("number", "status", "latency_ms"),
)
_DELIVERIES = columns("delivery", "endpoint", "kind", "created", "state", "attempts", numbers=("attempts",))
_FIELDS = columns("field", "value")

Code = Annotated[str, typer.Argument(help="The code of the endpoint: dukao webhooks list.", metavar="CODE")]
Delivery = Annotated[
    str, typer.Argument(help="The webhook-id of the delivery: dukao webhooks dead.", metavar="ID")
]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the audit.")]
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")]


@app.command(name="list", epilog=examples("dukao webhooks list", "dukao webhooks list --output json"))
def list_webhooks(ctx: typer.Context, output: Output = Format.TABLE) -> None:
    """List endpoints with how they stand, what waits for them and what is dead.

    Which notices an endpoint gets is said by the rules, in which it is named webhook:CODE.
    """
    with Client(state_of(ctx)) as client:
        pages = client.pages("notify", "/v1/webhooks", limit=PAGE)
        found = [one for page in pages for one in page["items"]]
    none = "no endpoint yet: dukao webhooks add CODE URL, then name webhook:CODE in a rule"
    show([_line(one) for one in found], _LIST, output, whole=found, none=none)


@app.command(epilog=examples("dukao webhooks add oa https://oa.example.com/in --title 协同办公"))
def add(
    ctx: typer.Context,
    code: Annotated[str, typer.Argument(help="By which rules name it: webhook:CODE.", metavar="CODE")],
    url: Annotated[str, typer.Argument(help="https, a name, port 443 or at least 1024.", metavar="URL")],
    title: Annotated[str, typer.Option(help="What it is, in a line.")] = "",
    subject: As = None,
    output: Output = Format.TABLE,
) -> None:
    """Add an endpoint and print its secret, now and never again.

    The name must lead to an address of the open internet, or of a network that the installation allows:
    DUKAO_WEBHOOK_NETWORKS. A secret that is lost is replaced: dukao webhooks rotate.
    """
    asked = {"code": code, "url": url, "title": title}
    with Client(state_of(ctx)) as client:
        made = client.post("notify", "/v1/webhooks", asked, _who(subject))
    say(f"added {code}; its secret is shown this once")
    _show(made, output)


@app.command(name="show", epilog=examples("dukao webhooks show oa"))
def show_webhook(ctx: typer.Context, code: Code, output: Output = Format.TABLE) -> None:
    """Show an endpoint: how it stands and why, and since when its secrets sign."""
    with Client(state_of(ctx)) as client:
        _show(client.get("notify", f"/v1/webhooks{below(code)}"), output)


@app.command(epilog=examples("dukao webhooks rotate oa", "dukao webhooks rotate oa --keep-old-hours 0"))
def rotate(
    ctx: typer.Context,
    code: Code,
    keep_old_hours: Annotated[
        int, typer.Option(min=0, max=168, help="How long the secrets before it sign too; 0 ends them now.")
    ] = 24,
    subject: As = None,
    output: Output = Format.TABLE,
) -> None:
    """Make a new secret and print it, now and never again.

    Until the old one ends both sign, so that the receiver can be told the new one without a gap.
    """
    with Client(state_of(ctx)) as client:
        path = f"/v1/webhooks{below(code)}:rotate"
        made = client.post("notify", path, {"keep_old_hours": keep_old_hours}, _who(subject))
    say(f"the new secret of {code} is shown this once")
    _show(made, output)


@app.command(epilog=examples('dukao webhooks pause oa --reason "receiver is being moved"'))
def pause(
    ctx: typer.Context, code: Code, reason: Reason, subject: As = None, output: Output = Format.TABLE
) -> None:
    """Send nothing to an endpoint for now; what is to be sent waits."""
    _act(ctx, code, "pause", reason, subject, output)


@app.command(epilog=examples('dukao webhooks resume oa --reason "receiver is back"'))
def resume(
    ctx: typer.Context, code: Code, reason: Reason, subject: As = None, output: Output = Format.TABLE
) -> None:
    """Send to an endpoint again that a person paused, or whose receiver answered 410 Gone."""
    _act(ctx, code, "resume", reason, subject, output)


@app.command(epilog=examples("dukao webhooks remove oa"))
def remove(ctx: typer.Context, code: Code, subject: As = None) -> None:
    """Remove an endpoint with its secrets; what waits for it is dead from then on."""
    with Client(state_of(ctx)) as client:
        client.delete("notify", f"/v1/webhooks{below(code)}", _who(subject))
    say(f"removed {code}")


@app.command(epilog=examples("dukao webhooks ping oa", "dukao webhooks ping oa --output json"))
def ping(ctx: typer.Context, code: Code, subject: As = None, output: Output = Format.TABLE) -> None:
    """Send a test message, once, and show how it went: status, milliseconds, error."""
    with Client(state_of(ctx)) as client:
        asked = client.post("notify", f"/v1/webhooks{below(code)}:ping", who=_who(subject))
        until = time.monotonic() + PING_S
        while asked["state"] == "waiting" and time.monotonic() < until:
            time.sleep(LOOK_S)
            asked = client.get("notify", f"/v1/deliveries{below(asked['delivery'])}")
    show(_tried(asked["tried"]), _ATTEMPTS, output, whole=asked, none="it was not sent yet: dukao status")


@app.command(
    epilog=examples("dukao webhooks attempts oa --limit 20", "dukao webhooks attempts oa --output csv")
)
def attempts(ctx: typer.Context, code: Code, limit: Limit = PAGE, output: Output = Format.TABLE) -> None:
    """List the attempts to reach an endpoint, the newest first.

    delivered: 2xx; refused: another status; failed: no answer; blocked: not sent, because of where the name
    led. One without outcome is under way, or its worker was ended: then another follows.
    """
    with Client(state_of(ctx)) as client:
        path = f"/v1/webhooks{below(code)}/attempts"
        found = _all(client, path, limit)
    show(_tried(found), _ATTEMPTS, output, whole=found, none="nothing was sent to it: dukao webhooks ping")


@app.command(epilog=examples("dukao webhooks dead", "dukao webhooks dead --endpoint oa --output json"))
def dead(
    ctx: typer.Context,
    endpoint: Annotated[
        str | None, typer.Option(help="Only those for an endpoint.", show_default=False)
    ] = None,
    limit: Limit = PAGE,
    output: Output = Format.TABLE,
) -> None:
    """List deliveries that are tried no more, oldest first; they wait for dukao webhooks resend."""
    with Client(state_of(ctx)) as client:
        found = _all(client, "/v1/deliveries", limit, state="dead", kind="notice", endpoint=endpoint)
    show(found, _DELIVERIES, output, whole=found, none="no delivery is dead")


@app.command(
    epilog=examples('dukao webhooks resend 8c4b0cf3a1f05f4a6d5e0c7b9a1d2e3f --reason "receiver is back"')
)
def resend(
    ctx: typer.Context, delivery: Delivery, reason: Reason, subject: As = None, output: Output = Format.TABLE
) -> None:
    """Send a delivery again now, with the same webhook-id, from the beginning of the schedule."""
    with Client(state_of(ctx)) as client:
        path = f"/v1/deliveries{below(delivery)}:resend"
        found = client.post("notify", path, {"reason": reason}, _who(subject))
    say(f"{delivery}: sent again to {found['endpoint']}")
    show([found], _DELIVERIES, output, whole=found)


def _act(ctx: typer.Context, code: str, verb: str, reason: str, subject: str | None, output: Format) -> None:
    with Client(state_of(ctx)) as client:
        path = f"/v1/webhooks{below(code)}:{verb}"
        found = client.post("notify", path, {"reason": reason}, _who(subject))
    say(f"{code}: {STATES[found['state']]} {found['state']}")
    _show(found, output)


def _all(client: Client, path: str, limit: int, **only: str | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for page in client.pages("notify", path, limit=min(limit, PAGE), **only):
        found += page["items"]
        if len(found) >= limit:
            break
    return found[:limit]


def _who(subject: str | None) -> Who:
    return Who(subject, EVERYBODY.roles) if subject else EVERYBODY


def _line(one: dict[str, Any]) -> dict[str, Any]:
    return one | {"state": STATES[one["state"]]}


def _tried(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one | {"outcome": OUTCOMES[one["outcome"]]} for one in found]


def _show(one: dict[str, Any], output: Format) -> None:
    fields = [{"field": name, "value": value} for name, value in _line(one).items() if value != ""]
    show(fields, _FIELDS, output, whole=one)
