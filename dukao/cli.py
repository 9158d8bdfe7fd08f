"""The command `dukao`."""

import typer

from dukao.commands import (
    calendar,
    closes,
    consumers,
    demo,
    env,
    events,
    explain,
    inbox,
    incidents,
    items,
    measure,
    platform,
    points,
    promises,
    rebuild,
    replies,
    results,
    reviews,
    rules,
    scheme,
    scheme_consulting,
    scheme_reports,
    send,
    simulate,
    standings,
    surveys,
    suspense,
    trial,
    types,
    verify,
    webhooks,
    worklists,
)
from dukao.failures import Reporting
from dukao.manual import paged
from dukao.options import StateFolder, examples, remember

app = typer.Typer(
    name="dukao",
    cls=Reporting,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # with it typer draws errors in boxes, and a group without a command says nothing
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples("dukao up --detach", "dukao demo", "dukao standings", "dukao down"),
)


@app.callback()
def root(ctx: typer.Context, state: StateFolder = None) -> None:
    """Assess the units of a layered administration, live, from the events of their daily work.

    Data goes to standard output as --output table, json or csv; what is said to people goes to stderr. Every
    command that speaks to the platform is an operation of a service's OpenAPI, which its page names.
    """
    remember(ctx, state)


app.add_typer(platform.app)
app.add_typer(env.app)
app.add_typer(demo.app)
app.add_typer(explain.app)
app.add_typer(send.app)
app.add_typer(events.app, name="events", help="Events as they were published: follow a stream, send again.")
app.add_typer(simulate.app)
app.add_typer(standings.app)
app.add_typer(suspense.app)
app.add_typer(consumers.lag_app)
app.add_typer(rebuild.app)
app.add_typer(verify.app, name="verify", help="Prove on a live system: scores.")
app.add_typer(
    consumers.app, name="consumers", help="Consumers: pause, resume, retry, skip by two persons, orders."
)
app.add_typer(promises.app)
app.add_typer(
    worklists.refusals, name="refusals", help="What ingest refused: list, show, fix, replay, dismiss."
)
app.add_typer(worklists.conflicts, name="conflicts", help="What contradicts: list, show, replay, dismiss.")
app.add_typer(
    items.app, name="items", help="Items under supervision: list, show, open, every act, counts, coverage."
)
app.add_typer(
    incidents.app,
    name="incidents",
    help="Incidents: list, show, decide what waits, join, part, rises, judge, unread.",
)
app.add_typer(
    closes.app,
    name="close",
    help="Closing of periods (关账): propose, approve, refuse, withdraw, show, list.",
)
app.add_typer(
    points.app,
    name="points",
    help="Manual points: request with evidence, list, show, approve, refuse, withdraw.",
)
app.add_typer(replies.app, name="replies", help="Replies to entries (绩效沟通): send, list, show, answer.")
app.add_typer(
    results.app, name="results", help="Ready results of other systems, reconciled (对账): list, differences."
)
app.add_typer(reviews.app, name="reviews", help="Reviews (申诉复核): ask, list, show, drop, uphold, change.")
app.add_typer(
    surveys.app, name="surveys", help="Surveys (多维测评): list, show, tokens for raters, answer from a file."
)
app.add_typer(
    webhooks.app,
    name="webhooks",
    help="Webhooks: list, add, show, rotate, pause, resume, remove, ping, attempts, dead, resend.",
)
app.add_typer(inbox.app, name="inbox", help="Inboxes of units: list, show, sign for (签收).")
app.add_typer(rules.app, name="rules", help="Rules of notices, who is told of what: show, check, adopt.")
app.add_typer(
    calendar.app,
    name="calendar",
    help="Working days: seed, check, import, adopt, apply, list, show a month or a day.",
)
scheme.app.add_typer(scheme_reports.app)
scheme.app.add_typer(scheme_consulting.app)
app.add_typer(
    measure.app,
    name="measure",
    help="Measures (取数口径): test against the examples of a scheme, backtest on a past period.",
)
app.add_typer(types.app, name="types", help="Event types: list, show, check, draft, adopt, apply.")
app.add_typer(
    scheme.app,
    name="scheme",
    help="Schemes: check, diff, coverage, layers, draft, consult, comment, answer, adopt, apply, list, show.",
)
app.add_typer(
    trial.app,
    name="trial",
    help="Trials (试考评), a draft beside the scheme in force: start, list, show, diff, end.",
)
paged(app)


def main() -> None:
    """Run the command line."""
    app()
