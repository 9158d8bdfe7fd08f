"""Working calendars: seeded from a package, checked against another, adopted by two persons, shown."""

from calendar import monthrange
from pathlib import Path
from typing import Annotated, Any

import typer

from dukao import statutory, yamls
from dukao.adoption import adopt_calendar, approver, author, draft_calendar
from dukao.checking import Paper, check_calendar, paper_of, refused_at
from dukao.client import Client, RefusedError, below
from dukao.exits import Exit
from dukao.options import As, Document, Output, Read, examples, state_of
from dukao.output import Format, columns, say, show, show_json, show_lines
from dukao.reports import reading, stop_at
from dukao.statutory import FIRST_YEAR, ZONE, Difference
from services.supervision.domain.calendar_document import CalendarDocument, compiled, json_schema

app = typer.Typer(no_args_is_help=True)

WEEKDAY = "一二三四五六日"
KINDS = {"work": "工作日", "rest": "休息", "make-up": "调休上班"}
_STATES = columns(
    "zone", "version", "state", "first", "last", "title", "author", "approver", numbers=("version",)
)
_DAYS = columns("day", "weekday", "kind", "name", "hours", "known", "notice")
_NOTICES = columns(
    "title", "days", "rest", "make_up=make-up", "verified", "source", numbers=("days", "rest", "make_up")
)
_DIFFERENCES = columns("day", "weekday", "calendar", "package", "says")
_NONE = "no calendar yet, every due time is provisional: dukao calendar seed, then dukao calendar import FILE"

Zone = Annotated[str, typer.Option("--zone", help="The time zone whose calendar it is.")]
Version = Annotated[int, typer.Argument(min=1, help="The version that was drafted.")]


@app.command(
    epilog=examples("dukao calendar seed --out china.yaml", "dukao calendar seed --from 2020 --version 2")
)
def seed(
    first_year: Annotated[
        int, typer.Option("--from", min=2004, max=2100, help="The first year that it is to know.")
    ] = FIRST_YEAR,
    version: Annotated[int, typer.Option(min=1, help="The version of the calendar that is written.")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="Where to write it; else to the terminal.", dir_okay=False)
    ] = None,
) -> None:
    """Write China's calendar from the package chinesecalendar, a line a day; no platform is needed.

    Each notice of the State Council's office names where it is printed and is not verified: a person compares
    its days with it and writes `verified: true`. Check it with the other package: dukao calendar check.
    """
    known = statutory.seeding_opinion()
    if first_year > known.last.year:
        raise typer.BadParameter(f"{known.name} knows nothing after {known.last}", param_hint="--from")
    text = statutory.written(statutory.seeded(first_year, version))
    if out is None:
        typer.echo(text, nl=False)
        return
    out.write_text(text, "utf-8")
    say(f"{out}: {first_year}-01-01 to {known.last} from {known.name}; next: dukao calendar check {out}")


@app.command(epilog=examples("dukao calendar check", "dukao calendar check china.yaml --output json"))
def check(
    file: Annotated[
        Path | None,
        typer.Argument(
            exists=True, dir_okay=False, help="A calendar; without one what seed writes.", metavar="FILE"
        ),
    ] = None,
    output: Output = Format.TABLE,
) -> None:
    """Check a calendar: its shape with line and reason, and China's day by day against two packages.

    Compared is every day that both know; findings and differences end with 6. No platform is needed.
    """
    document = (
        CalendarDocument.model_validate(statutory.seeded(FIRST_YEAR, 1))
        if file is None
        else _parsed(file, output)
    )
    calendar = compiled(document)
    if document.calendar.zone != ZONE:
        if output is not Format.TABLE:
            show([], _DIFFERENCES, output)
        say(f"{file}: nothing found; no package is asked about {document.calendar.zone}")
        return
    opinions = (statutory.seeding_opinion(), statutory.checking_opinion())
    found = list(statutory.differences(calendar, opinions))
    if found or output is not Format.TABLE:
        show([_difference(one) for one in found], _DIFFERENCES, output)
    for opinion in opinions:
        first, last = max(opinion.first, calendar.first), min(opinion.last, calendar.last)
        days, apart = (last - first).days + 1, sum(one.package == opinion.name for one in found)
        compared = f"{max(days, 0)} days from {first} to {last}" if days > 0 else "no day that both know"
        say(f"{opinion.name}: {compared}, {apart} of them different")
    say(f"known until {calendar.last}; what is due later is provisional")
    if found:
        raise typer.Exit(Exit.INVALID)


@app.command(name="import", epilog=examples("dukao calendar import china.yaml --as ada"))
def import_calendar(
    ctx: typer.Context, file: Document, subject: As = None, output: Output = Format.TABLE
) -> None:
    """Check a calendar and keep it as a draft; another person adopts it: dukao calendar adopt."""
    state = _drafted(ctx, file, subject, output)
    zone = "" if state["zone"] == ZONE else f" --zone {state['zone']}"
    say(f"adopt it as another person: dukao calendar adopt {state['version']}{zone}")
    show([state], _STATES, output, whole=state)


@app.command(epilog=examples("dukao calendar adopt 2 --as bob"))
def adopt(
    ctx: typer.Context,
    version: Version,
    zone: Zone = ZONE,
    digest: Read = None,
    subject: As = None,
    output: Output = Format.TABLE,
) -> None:
    """Put a drafted calendar in force as it was read (without --digest as it is now); its author cannot.

    Due times and late days of every item are derived anew, of done ones too; what changed is told with the
    adoption as its cause.
    """
    with Client(state_of(ctx)) as client:
        state = adopt_calendar(client, zone, version, approver(subject), digest)
    show([state], _STATES, output, whole=state)


@app.command(epilog=examples("dukao calendar apply samples/calendars/china.yaml"))
def apply(ctx: typer.Context, file: Document, output: Output = Format.TABLE) -> None:
    """Check a calendar, draft it and adopt it at once, for development.

    Drafts as the subject author and adopts as the subject approver; two people do this in earnest.
    """
    drafted = _drafted(ctx, file, None, output)
    with Client(state_of(ctx)) as client:
        state = adopt_calendar(client, drafted["zone"], drafted["version"], approver(None), drafted["digest"])
    say("for development: drafted as author, adopted as approver")
    show([state], _STATES, output, whole=state)


@app.command(name="list", epilog=examples("dukao calendar list"))
def list_calendars(ctx: typer.Context, output: Output = Format.TABLE) -> None:
    """List every version of every calendar: how far it knows the days, who drafted and who adopted it."""
    with Client(state_of(ctx)) as client:
        found = client.get("supervision", "/v1/calendars")
    show(found["items"], _STATES, output, whole=found, none=_NONE)


@app.command(
    name="show",
    epilog=examples(
        "dukao calendar show", "dukao calendar show --month 2021-05", "dukao calendar show --day 2021-05-08"
    ),
)
def show_calendar(
    ctx: typer.Context,
    *,
    zone: Zone = ZONE,
    month: Annotated[
        str | None, typer.Option(help="The days of a month, as 2021-05.", metavar="MONTH")
    ] = None,
    day: Annotated[str | None, typer.Option(help="One day, as 2021-05-08.", metavar="DAY")] = None,
    output: Output = Format.TABLE,
) -> None:
    """Show the calendar in force: the notices that it is made of, or the days of a month, or one day.

    A day past what is known is taken by its weekday and is provisional (暂定); so is what is due then.
    """
    if month is not None and day is not None:
        raise typer.BadParameter("one of --month and --day", param_hint="--day")
    first, last = (day, day) if month is None else _month(month)
    with Client(state_of(ctx)) as client:
        if first is None:
            _show_notices(client, zone, output)
            return
        found = client.get("supervision", f"/v1/calendars{below(zone)}/days", first=first, last=last)
    known = (
        f"version {found['version']}, known until {found['known_until']}"
        if found["version"]
        else "nothing is known"
    )
    show([_day(one) for one in found["days"]], _DAYS, output, title=f"{zone} · {known}", whole=found)


@app.command(epilog=examples("dukao calendar schema > calendar.json"))
def schema() -> None:
    """Print the JSON Schema of a calendar document, for editors; no platform is needed."""
    show_json(json_schema())


def _show_notices(client: Client, zone: str, output: Format) -> None:
    states = client.get("supervision", "/v1/calendars")["items"]
    state = next((one for one in states if (one["zone"], one["state"]) == (zone, "adopted")), None)
    if state is None:
        show([], _NOTICES, output, whole={}, none=_NONE)
        return
    whole = client.get("supervision", f"/v1/calendars{below(zone, state['version'])}")
    show_lines([] if output is not Format.TABLE else [_headline(whole)])
    show([_notice(one) for one in whole["document"]["notices"]], _NOTICES, output, whole=whole)


def _headline(state: dict[str, Any]) -> str:
    return (
        f"{state['zone']} v{state['version']} · {state['title']} · known {state['first']} to "
        f"{state['last']}, what is due later is provisional · "
        f"drafted by {state['author']}, adopted by {state['approver']}"
    )


def _notice(one: dict[str, Any]) -> dict[str, Any]:
    kinds = [day["kind"] for day in one["days"]]
    counts = {"days": len(kinds), "rest": kinds.count("rest"), "make_up": kinds.count("make-up")}
    return one | counts


def _day(one: dict[str, Any]) -> dict[str, Any]:
    return one | {
        "weekday": WEEKDAY[one["weekday"] - 1],
        "kind": KINDS[one["kind"]],
        "hours": " ".join(one["hours"]),
        "known": "暂定" if one["provisional"] else "已知",
    }


def _difference(one: Difference) -> dict[str, Any]:
    worked = {True: "worked", False: "not worked"}
    return {
        "day": one.day.isoformat(),
        "weekday": WEEKDAY[one.day.weekday()],
        "calendar": worked[one.calendar],
        "package": one.package,
        "says": worked[one.told],
    }


def _month(text: str) -> tuple[str, str]:
    year, _, number = text.partition("-")
    if len(text) != 7 or not (year + number).isdecimal() or not 1 <= int(number) <= 12 or int(year) < 1900:
        raise typer.BadParameter("write a month as 2021-05", param_hint="--month")
    return f"{text}-01", f"{text}-{monthrange(int(year), int(number))[1]}"


def _drafted(ctx: typer.Context, file: Path, subject: str | None, output: Format) -> dict[str, Any]:
    paper = _checked(file, output)
    with Client(state_of(ctx)) as client:
        try:
            return draft_calendar(client, paper.document, author(subject))
        except RefusedError as refused:
            stop_at(refused_at(paper, refused.findings), file, output)
            raise


def _parsed(file: Path, output: Format) -> CalendarDocument:
    return CalendarDocument.model_validate(_checked(file, output).document)


def _checked(file: Path, output: Format) -> Paper:
    with reading(file, output):
        paper = paper_of(yamls.read(file))
        stop_at(check_calendar(paper), file, output)
        return paper
    raise AssertionError("what cannot be read has ended the command")
