"""Surveys (多维测评): rounds, tokens for raters, and an answer from a file."""

import secrets
from pathlib import Path
from typing import Annotated

import typer

from dukao.client import Client, below
from dukao.options import Output, examples, json_of, state_of
from dukao.output import Column, Format, columns, say, show
from dukao.telling.languages import Lang, Language, Words

app = typer.Typer(no_args_is_help=True)

PAGE = 200
DOOR = "/v1/surveys"
ATTEMPT_BYTES = 24
STATES: Words = {
    "waiting": ("未开始", "waiting"),
    "open": ("进行中", "open"),
    "closed": ("已结束", "closed"),
}
TITLES: Words = {
    "answered": ("已作答", "answered"),
    "class": ("测评主体", "class of raters"),
    "closes": ("截止", "closes"),
    "id": ("测评", "survey"),
    "indicator": ("指标", "indicator"),
    "issued": ("已发令牌", "issued"),
    "opens": ("开始", "opens"),
    "asked": ("由谁测评", "asked of"),
    "scale": ("满分", "best score"),
    "state": ("状态", "state"),
    "title": ("名称", "title"),
    "units": ("被测评单位", "units"),
}
FEW = "少于 5", "fewer than 5"

Survey = Annotated[
    str, typer.Argument(help="SCHEME~SURVEY~MONTH, as dukao surveys list names it.", metavar="SURVEY")
]


@app.command(
    name="list", epilog=examples("dukao surveys list", "dukao surveys list --scheme mini --lang en -o json")
)
def list_surveys(
    ctx: typer.Context,
    *,
    scheme: Annotated[str | None, typer.Option(help="Only those of a scheme.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")] = PAGE,
    lang: Language = Lang.ZH,
    output: Output = Format.TABLE,
) -> None:
    """List the rounds of the surveys of adopted schemes, with their days and whether they are open."""
    with Client(state_of(ctx)) as client:
        found = client.first("scoring", DOOR, most=limit, page=PAGE, scheme=scheme)
    none = lang.of(("没有测评：方案未设 surveys。", "no survey: no adopted scheme has a section surveys"))
    lines = [one | {"state": lang.word(STATES, one["state"])} for one in found]
    show(lines, _columns(lang, "id", "title", "state", "opens", "closes"), output, whole=found, none=none)


@app.command(name="show", epilog=examples("dukao surveys show mini~ratings~2021-03"))
def show_survey(
    ctx: typer.Context, survey: Survey, lang: Language = Lang.ZH, output: Output = Format.TABLE
) -> None:
    """Show a round: its days, its questions, and how many tokens and answers each class of raters has.

    How many answered is told from five on.
    """
    with Client(state_of(ctx)) as client:
        found = client.get("scoring", f"{DOOR}{below(survey)}")
    if output is Format.TABLE:
        head = found | {"state": lang.word(STATES, found["state"])}
        show([head], _columns(lang, "id", "title", "state", "opens", "closes"), output)
        asked = [one | {"asked": ", ".join(one["raters"])} for one in found["questions"]]
        show(asked, _columns(lang, "indicator", "units", "scale", "asked"), output)
    raters = [
        one
        | {"class": f"{one['title']} {one['rater']}"}
        | ({"answered": lang.of(FEW)} if one["answered"] is None else {})
        for one in found["raters"]
    ]
    show(raters, _columns(lang, "class", "issued", "answered"), output, whole=found)


@app.command(
    epilog=examples(
        "dukao surveys tokens mini~ratings~2021-03 leaders 20 > tokens.txt",
        "dukao surveys tokens mini~ratings~2021-03 public 500 -o json",
    )
)
def tokens(
    ctx: typer.Context,
    survey: Survey,
    rater: Annotated[str, typer.Argument(help="A class of raters of the survey.")],
    number: Annotated[int, typer.Argument(min=1, max=1000, help="How many tokens.")],
    output: Output = Format.CSV,
) -> None:
    """Issue one-use tokens to a class of raters, told this once: what is stored does not give them back.

    A token says nothing of who has it; keep no list of who got which.
    """
    with Client(state_of(ctx)) as client:
        found = client.post("scoring", f"{DOOR}{below(survey)}/tokens", {"rater": rater, "count": number})
    say(f"{survey}: {number} × {rater}")
    show([{"token": one} for one in found["tokens"]], columns("token"), output, whole=found)


@app.command(epilog=examples("dukao surveys answer mini~ratings~2021-03 answer.json --token …"))
def answer(
    ctx: typer.Context,
    survey: Survey,
    file: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            metavar="FILE",
            help='JSON: [{"unit": "b1", "indicator": "reliability", "score": 90}, …]',
        ),
    ],
    *,
    token: Annotated[str, typer.Option(help="The token of a rater; it is sent as the only right.")],
    attempt: Annotated[
        str | None, typer.Option(help="What a retry repeats, as printed before; drawn at random without.")
    ] = None,
    output: Output = Format.JSON,
) -> None:
    """Answer a survey with a token and without a name; the same attempt again counts once."""
    ratings = json_of(file)
    used = attempt or secrets.token_urlsafe(ATTEMPT_BYTES)
    say(f"--attempt {used}")
    body = {"token": token, "attempt": used, "ratings": ratings}
    with Client(state_of(ctx)) as client:
        found = client.post("scoring", f"{DOOR}{below(survey)}/answers", body, who=None)
    show([found], columns("survey", "state"), output, whole=found)


def _columns(lang: Lang, *keys: str) -> tuple[Column, ...]:
    numbers = {"answered", "issued", "scale", "units"}
    return tuple(Column(key, lang.word(TITLES, key), number=key in numbers) for key in keys)
