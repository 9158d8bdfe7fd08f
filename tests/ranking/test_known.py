"""What was known on a day: a standing and a total asked for later are those that were answered at its end."""

import itertools
import random
from datetime import date, timedelta

import pytest

from services.ranking.handlers import Ranking
from shared.contracts.scoring import UnitSilence
from tests.ranking.rig import MARCH, adopted, ask, figure, indicator, posted, scheme, service
from tests.ranking.test_totals import ask as ask_total

__all__ = ["ask", "ask_total", "service"]
UNITS = ("b1", "b2", "b3")
PERIODS = (MARCH, "2021-08", "2021-Q1", "2021")
INDICATORS = [indicator("ontime"), indicator("losses", method={"deduct": {"each": "1"}})]


def documents():
    first, second = (scheme(version, indicators=INDICATORS) for version in (1, 2))
    second["scheme"] |= {"effective": "2021-07"}
    return first, second


def day(number):
    return f"2021-04-{number:02}"


async def shown(ask, ask_total, **asked):
    """Return all that the doors answer, but for where it was read and what was asked."""
    left_out = ("as_of", "known_on", "state")
    found = {}
    for period in PERIODS:
        answer = await ask(f"/v1/standings/mini/bureaus/{period}", params=asked)
        assert answer.status_code == 200, answer.text
        told = [answer.json(), await ask_total("b1", period, **asked)]
        assert {one["state"] for one in told} == {"as_of" if asked else "live"}
        for one in told:
            for part in one.get("parts", ()):
                part["cell"] = part["cell"].partition("&as_of=")[0]
        found[period] = [{k: v for k, v in one.items() if k not in left_out} for one in told]
    return found


def history(seed):
    """Return by day what is told of a group: figures of some units and periods, and which feeds are silent."""
    drawn = random.Random(seed)
    found = {}
    for number in sorted(drawn.sample(range(2, 29), 6)):
        version = 2 if number > 14 and drawn.random() < 0.6 else 1
        told = []
        for second in range(drawn.randint(1, 4)):
            figures = [
                figure(
                    drawn.choice(UNITS),
                    drawn.choice((None, "7.123456789012", "8.5", "9.1")),
                    indicator=drawn.choice(("ontime", "losses")),
                    period=drawn.choice(PERIODS),
                )
                for _ in range(drawn.randint(0, 3))
            ]
            months = {"ontime": (MARCH,)} if drawn.random() < 0.5 else {}
            silent = [UnitSilence(unit="b1", months=months)] if drawn.random() < 0.4 else []
            at = f"{day(number)}T00:00:{second:02}.000000Z"
            told.append(posted(*figures, version=version, fresh_at=at, silent=silent))
        found[day(number)] = told
    return found


async def forget(service):
    """Begin anew, as a rebuild does."""
    tables = "schemes, groups, figures, figures_past, days, silences, silences_past, places"
    async with service.exchange.begin(actor="test", action="forget") as tx:
        await tx.execute(f"TRUNCATE {tables}")
    service.ranking, service.numbers = Ranking(), itertools.count(1)


@pytest.mark.parametrize("seed", range(3))
async def test_what_was_answered_at_the_end_of_each_day_is_answered_later_however_it_was_batched(
    service, ask, ask_total, seed
):
    drawn, days = random.Random(seed), history(seed)
    whole = [figure(unit, "10", indicator="losses", period=period) for unit in UNITS for period in PERIODS]
    begun = [*map(adopted, documents()), posted(*whole, fresh_at=f"{day(1)}T00:00:00Z")]
    await service.apply(*begun)
    live = {day(1): await shown(ask, ask_total)}
    for at, told in days.items():
        await service.apply(*told)
        live[at] = await shown(ask, ask_total)
    await forget(service)
    waiting = begun
    for one in (one for told in days.values() for one in told):
        waiting.append(one)
        if drawn.random() < 0.3:
            await service.apply(*waiting)
            waiting = []
    await service.apply(*waiting, posted(figure("b1", "1"), fresh_at=f"{day(30)}T00:00:00Z"))
    for at, answered in live.items():
        assert await shown(ask, ask_total, as_of=at) == answered, at


async def test_what_a_feed_did_on_days_before_is_kept_aside_of_what_is_read_now(service, ask):
    await service.apply(adopted(scheme()), posted(figure("b1", "9.9"), fresh_at="2021-04-01T01:00:00Z"))
    turns = [date(2021, 4, 2) + timedelta(days=at) for at in range(400)]
    for at in range(0, len(turns), 50):
        told = [
            posted(
                fresh_at=f"{turn}T01:00:00Z",
                silent=[UnitSilence(unit="b1", months={"ontime": (MARCH,)} if turn.day % 2 else {})],
            )
            for turn in turns[at : at + 50]
        ]
        await service.apply(*told)
    async with service.exchange.reading() as tx:
        counted = [
            (await tx.many(f"SELECT count(*) AS rows FROM {table}"))[0]["rows"]
            for table in ("silences", "silences_past")
        ]
    assert counted == [1, 399]
    for asked, stale in ((str(turns[98]), turns[98]), (str(turns[100]), turns[100]), (None, turns[-1])):
        params = {} if asked is None else {"as_of": asked}
        first = (await ask(f"/v1/standings/mini/bureaus/{MARCH}", params=params)).json()["units"][0]
        assert first["stale"] == (["ontime"] if stale.day % 2 else []), asked


async def test_between_two_days_on_which_anything_moved_the_earlier_stands(service, ask):
    await service.apply(adopted(scheme()), posted(figure("b1", "9.9"), fresh_at="2021-04-01T01:00:00Z"))
    await service.apply(posted(figure("b1", "9.7"), fresh_at="2021-05-12T01:00:00Z"))
    found = {}
    for asked in ("2021-04-10", "2021-05-11", "2021-05-12", "2021-06-01"):
        body = (await ask(f"/v1/standings/mini/bureaus/{MARCH}", params={"as_of": asked})).json()
        found[asked] = body["units"][0]["points"]
        assert (body["state"], body["known_on"]) == ("as_of", asked)
    assert found == {"2021-04-10": "9.90", "2021-05-11": "9.90", "2021-05-12": "9.70", "2021-06-01": "9.70"}


async def test_a_day_is_that_of_the_scheme_and_not_of_utc(service, ask):
    of_may = posted(figure("b1", "9.7"), fresh_at="2021-05-11T16:00:00Z", day="2021-05-12")
    await service.apply(adopted(scheme()), posted(figure("b1", "9.9")), of_may)
    body = (await ask(f"/v1/standings/mini/bureaus/{MARCH}", params={"as_of": "2021-05-11"})).json()
    assert body["units"][0]["points"] == "9.90"


async def test_a_total_as_of_a_day_leads_to_its_cells_as_of_that_day(service, ask_total):
    await service.apply(adopted(scheme()), posted(figure("b1", "9.9")))
    part = (await ask_total(as_of="2021-04-10"))["parts"][0]
    assert part["cell"] == "/v1/cells/2021-03/b1/ontime?scheme=mini&version=1&as_of=2021-04-10"
    assert part["explain"] == "/v1/cells/2021-03/b1/ontime/explain?scheme=mini&version=1"


async def test_a_day_before_anything_was_told_one_that_has_not_begun_and_what_is_no_day_are_refused(
    service, ask, ask_total
):
    await service.apply(adopted(scheme()), posted(figure("b1", "9.9")))
    for asked, status, code in (
        ("2021-03-31", 404, "as_of_before"),
        ("2199-12-31", 422, "as_of_future"),
        ("9999-12-31", 422, "as_of"),
        ("2021-02-30", 422, "as_of"),
        ("2021-W13-3", 422, "as_of"),
        ("2021-04-10T00:00:00Z", 422, "as_of"),
        ("4711", 422, "as_of"),
    ):
        answer = await ask(f"/v1/standings/mini/bureaus/{MARCH}", params={"as_of": asked})
        assert (answer.status_code, answer.json()["code"]) == (status, code), asked
        assert (await ask_total(status=status, as_of=asked))["code"] == code
