"""Rules of notices: which events are told to whom; shown, checked and adopted."""

from pathlib import Path
from typing import Annotated, Any

import typer

from dukao import yamls
from dukao.checking import Paper, check_rules, paper_of
from dukao.client import EVERYBODY, Client, Who, below
from dukao.options import As, Document, Output, examples, state_of
from dukao.output import Format, columns, say, show
from dukao.reports import reading, report, stop_at

app = typer.Typer(no_args_is_help=True)

_RULES = columns("code", "name", "on", "when", "severity", "role", "to")


@app.command(name="show", epilog=examples("dukao rules show", "dukao rules show --version 1 --output json"))
def show_rules(
    ctx: typer.Context,
    version: Annotated[int | None, typer.Option(min=1, help="An older version, not that in force.")] = None,
    output: Output = Format.TABLE,
) -> None:
    """Show the rules in force, or an older version of them."""
    with Client(state_of(ctx)) as client:
        path = "/v1/rules" if version is None else f"/v1/rules{below(version)}"
        _show(client.get("notify", path), output)


@app.command(epilog=examples("dukao rules check samples/national/notices.yaml"))
def check(file: Document, output: Output = Format.TABLE) -> None:
    """Check rules without a platform, each finding with its line; findings end with 6."""
    with reading(file, output):
        report(check_rules(paper_of(yamls.read(file))), file, output)


@app.command(epilog=examples("dukao rules adopt samples/national/notices.yaml --as olga"))
def adopt(ctx: typer.Context, file: Document, subject: As = None, output: Output = Format.TABLE) -> None:
    """Put rules in force for all that is told from now on, in place of those before.

    Events that were told before are never told again by new rules. The same rules again make no new version.
    """
    paper = _checked(file, output)
    who = Who(subject, ("operator",)) if subject else EVERYBODY
    with Client(state_of(ctx)) as client:
        found = client.put("notify", "/v1/rules", paper.document, who)
    say(f"version {found['version']} of the rules is in force, adopted by {found['person']}")
    _show(found, output)


def _checked(file: Path, output: Format) -> Paper:
    with reading(file, output):
        paper = paper_of(yamls.read(file))
        stop_at(check_rules(paper), file, output)
        return paper
    raise AssertionError("what cannot be read has ended the command")


def _show(found: dict[str, Any], output: Format) -> None:
    title = f"rules {found['version']} · adopted by {found['person'] or 'nobody'} · {found['at'] or '—'}"
    none = "no rules in force, so nobody is told anything: dukao rules adopt FILE"
    show([_line(one) for one in found["rules"]], _RULES, output, title=title, whole=found, none=none)


def _line(rule: dict[str, Any]) -> dict[str, Any]:
    when = "; ".join(f"{name} {'/'.join(values)}" for name, values in rule["when"].items())
    return rule | {"when": when, "to": ", ".join(rule["to"])}
