"""The worked example of docs/incidents.md: what the command line prints of what the service answers."""

import io
import re
from contextlib import redirect_stdout
from pathlib import Path

from dukao.commands import incidents as command
from dukao.output import Format, show
from tests.scoring.incidents import accept, finding, inspection, retracted
from tests.scoring.test_incidents import settled
from tests.scoring.test_incidents_door import door
from tests.scoring.test_stages import scoring

__all__ = ["door", "scoring"]
PAGE = Path(__file__).resolve().parents[2] / "docs/incidents.md"
SOME_TIME = "2021-07-20T01:00:00.000000Z"
AT = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z")
WORKED = (
    inspection("D-1", started="2021-01-11", ended="2021-02-28"),
    finding("SJ-7", "audit", points="2", severity=1, finder="audit"),
    finding("XF-3", "petition", points="1.5", time="2021-04-02", source="t", finder="petition"),
    finding("XS-9", "patrol", points="3", time="2021-05-04", finder="patrol"),
)


def printed(show_it):
    with redirect_stdout(io.StringIO()) as found:
        show_it()
    return "\n".join(line.rstrip() for line in AT.sub(SOME_TIME, found.getvalue()).splitlines())


def listed(items):
    show([command._line(one) for one in items], command._LIST, Format.TABLE)


async def test_the_page_shows_what_the_command_line_prints(scoring, door):
    exchange, driver = await settled(scoring, *WORKED)
    async with door(exchange) as client:
        before = (await client.got("/v1/incidents"))["items"]
        await accept(exchange, [retracted(WORKED[3])])
        await driver.run()
        after = await client.got("/v1/incidents/t1~vat~2019")
    blocks = [
        printed(lambda: listed(before)),
        printed(lambda: command._show(after, Format.TABLE)),
    ]
    page = PAGE.read_text("utf-8")
    for block in blocks:
        assert block in page, block
