"""Every command that asks the services says without a platform how one is started."""

from pathlib import Path

import pytest
from typer.main import get_command

from dukao.cli import app
from dukao.exits import Exit
from dukao.operations import OPERATIONS
from tests.cli.operations import command_of

CELL = "mini b1 conduct 2021-03"
REQUEST = "mini~b1~conduct~2021-03~1"
CLOSE = "mini~2021-03~1"
SURVEY = "mini~ratings~2021-03"
INCIDENT = "t1~vat~2019"
NOTICE = "0" * 32
RATINGS = '[{"unit": "b1", "indicator": "reliability", "score": 90}]'
CALENDAR = "samples/calendars/china.yaml"
SCHEME = "samples/boston311/scheme.yaml"
TYPES = "samples/boston311/types.yaml"
ROOT = get_command(app)
LINES = f"""
calendar adopt 1
calendar apply {CALENDAR}
calendar import {CALENDAR}
calendar list
calendar show
calendar show --month 2021-05
close approve {CLOSE} --reason r
close list --state asked --output json
close propose mini 2021-03 --reason r
close refuse {CLOSE} --reason r
close show mini 2021-03
close waits mini
close withdraw {CLOSE} --reason r
conflicts dismiss 3 --reason r
conflicts list
conflicts replay 3 --reason second-is-right --revision 2
conflicts show 3
consumers approve scoring-a 3 --digest d
consumers orders
consumers pause scoring-a --reason r
consumers resume in.core --reason r --partition 3
consumers retry scoring-a --reason r
consumers skip scoring-a ingest.accepted/17/4711 --digest d --reason r
consumers withdraw scoring-a 3
events replay
events tail --no-follow
explain mini b1 2021-03
explain mini b1 ontime 2021-03
feeds --output json
inbox list --state open --output json
inbox show {NOTICE}
inbox sign {NOTICE} --as zhao
incidents decide {INCIDENT} --apply --reason r
incidents join {INCIDENT} t9~vat~2019 --reason r
incidents judge mini@1 c 2021-02
incidents list --waiting --output json
incidents part {INCIDENT} t9~vat~2019 --reason r
incidents rises mini@1 c 2021-02
incidents show {INCIDENT}
incidents unread
items accept i
items approve i
items assign i --unit b1 --share b1=0.7 --share b2=0.3
items cancel i --reason r
items counts
items coverage mini
items extend i --day 2021-05-07 --reason r
items list --overdue --provisional --output json
items open --title 督办 --unit b1 --working-days 8
items pause i --reason r
items refuse i --reason r
items reopen i --reason r
items resume i
items send-back i --reason r
items show i
items sign i
items start i
items submit i --evidence {SCHEME}
lag
manifests --state missing
measure backtest mini ontime 2021-Q1 --before 1 --after 2
points approve {REQUEST} --reason r
points list --state asked --output json
points refuse {REQUEST} --reason r
points request {CELL} --points 0.5 --evidence {SCHEME} --reason r
points show {REQUEST}
points withdraw {REQUEST} --reason r
rebuild scoring
refusals dismiss 7 --reason r
refusals fix 7 FILE --reason r
refusals list --state open
refusals replay 7 --reason r
refusals show 7
replies answer 3 --says s
replies list --open --output json
replies send 1742 --says s
replies show 3
results differences --scheme mini --period 2021-03
results list --scheme mini --period 2021-03
reviews ask 1742 --reason r
reviews change 1742-1 --points 0.5 --reason r
reviews drop 1742-1 --reason r
reviews list --state asked --output json
reviews show 1742-1
reviews uphold 1742-1 --reason r
rules adopt samples/national/notices.yaml
rules show
rules show --version 1
scheme adopt mini 1
scheme answer mini 1 1 --text t
scheme apply {SCHEME}
scheme close-round mini 1
scheme comment mini 1 --unit b1 --text t
scheme consult mini 1
scheme consultation mini 1
scheme coverage mini@1
scheme diff mini@1 mini@2
scheme draft {SCHEME}
scheme layers mini@1
scheme list
scheme show mini 1
send {SCHEME}
send -
simulate --send
standings
suspense
status
surveys answer {SURVEY} FILE --token t
surveys list --scheme mini --lang en --output json
surveys show {SURVEY}
surveys tokens {SURVEY} leaders 3
trial diff mini stricter
trial end mini stricter --reason r
trial list
trial show mini stricter
trial start mini 2 stricter --reason r
types adopt 1
types apply {TYPES}
types draft {TYPES}
types list
types show levy.done.v1
verify scores
webhooks add oa https://oa.example.com/in
webhooks attempts oa --limit 3
webhooks dead --endpoint oa
webhooks list --output json
webhooks pause oa --reason r
webhooks ping oa
webhooks remove oa
webhooks resend d1 --reason r
webhooks resume oa --reason r
webhooks rotate oa --keep-old-hours 0
webhooks show oa
""".strip().splitlines()


@pytest.mark.parametrize("line", LINES)
def test_without_a_platform_a_command_says_how_to_start_one(tmp_path, monkeypatch, capsys, line):
    file = tmp_path / "ratings.json"
    file.write_text(RATINGS)
    monkeypatch.chdir(Path(__file__).parents[2])
    words = [str(file) if word == "FILE" else word for word in line.split()]
    with pytest.raises(SystemExit) as ended:
        ROOT.main(["--state", str(tmp_path / "state"), *words], prog_name="dukao")
    told = capsys.readouterr().err
    assert ended.value.code == Exit.NOT_RUNNING, told
    assert told.count("dukao up") == 1


def test_no_command_that_asks_the_services_is_left_out():
    assert sorted(OPERATIONS.keys() - {command_of(line.split()) for line in LINES}) == ["scheme check"]
