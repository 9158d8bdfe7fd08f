"""The worked cases of the domain (§10) at their numbers through the doors of one running platform, in the order of 2021.

The clock is that of the feed: each event takes it on to the instant at which something is received or persons act.
March is closed by two persons, as it was known before T. Lists that bar a unit from the first tier (236.10 …, 12/17/7,
14/15/7 with backfill) are cases of tests/ranking; results of persons are of no service yet.
"""

from collections.abc import Callable
from typing import Any

import pytest

from campaign.checker import closes
from campaign.checker.days import days
from campaign.checker.totals import totals
from campaign.checker.years import years
from deploy.control import token
from deploy.state import Options
from tests.scoring.incidents import scheme as of_incidents
from tests.scoring_domain.late_days import scheme as of_items
from tests.system.office import CALENDAR, Office
from tests.system.rig import Event, Rig, command, platform, rebuilt, until
from tests.system.test_proof import verified
from tests.system.worked import (
    BUREAUS,
    TYPES,
    damaged,
    event,
    figure,
    lost_by_events,
    scored,
    share_of,
    thousand,
    with_sprint,
)
from tests.system.worked_items import (
    an_inspection_that_found_nothing_costs_by_the_day_of_discovery,
    an_item_costs_1_0_and_extended_in_time_0_4,
    late_days_stay_with_who_had_the_item,
    one_incident_costs_3_0_then_2_0_then_1_5,
)

pytestmark = [pytest.mark.system, pytest.mark.kafka, pytest.mark.long]

TOTALS = (
    "UPDATE ranking.places SET points = points + 0.01 WHERE unit = 'w02' AND period = '2021-01'",
    "UPDATE ranking.places SET low = 949.59 WHERE unit = 'w03' AND period = '2021-01'",
    "UPDATE ranking.figures SET points = '{}' WHERE scheme = 'halves' AND period = '2021'",
    "DELETE FROM ranking.figures WHERE unit = 'w04' AND period = '2021-01'",
)
YEARS = (
    TOTALS[2],
    "UPDATE scoring.partials SET numbers = replace(numbers, '[882', '[881') WHERE scheme = 'halves@1'",
)
DAYS = (
    "UPDATE ranking.figures_past SET worth = replace(worth, '9900000000000', '9890000000000') WHERE unit = 'w05'",
    "DELETE FROM ranking.days WHERE scheme = 'march'",
    "INSERT INTO ranking.silences_past VALUES ('march', 'bureaus', 1, 'w05', '2021-04-10', '{}', 1)",
)
CLOSED = (
    "UPDATE ranking.closes SET content = overlay(content PLACING '\\x00' FROM 30 FOR 1) WHERE scheme = 'march'",
    "DELETE FROM ranking.closes WHERE scheme = 'lost'",
    "UPDATE ingest.closed_periods SET cut = cut + interval '1 day' WHERE scheme = 'march'",
)
SCHEMES: tuple[Callable[[], dict[str, Any]], ...] = (
    of_items,
    thousand,
    lost_by_events,
    lambda: share_of("march", "10", "0.98", grace_days=5),
    lambda: with_sprint(share_of("halves", "20", "0.90"), "5"),
    lambda: with_sprint(share_of("halves", "30", "0.95", version=2, effective="2021-07"), "8"),
    lambda: of_incidents(code="incidents"),
)


async def test_every_worked_case_of_scores_boards_items_incidents_and_versions_stands_at_its_numbers() -> (
    None
):
    async with platform(options=Options(clock="replay")) as rig:
        office = Office(rig)
        await office.adopt(CALENDAR)
        await rig.adopt_types(TYPES)
        for document in SCHEMES:
            await rig.adopt_scheme(document())
        await exactly_a_quarter_is_refused(rig)
        await boards_sum_and_what_does_not_apply_is_spread(office)
        await thirty_six_bureaus_are_14_15_7(office)
        await office.send(made("first", "w05", 9_506, 9_804), made("late", "w05", 196, 196))
        await half_a_point_an_event_as_of_the_cut_and_after_it(office)
        await march_is_closed_by_two_as_it_was_before_t(office)
        await an_item_costs_1_0_and_extended_in_time_0_4(office)
        await march_is_9_90_as_of_10_april_and_9_70_restated(office)
        await late_days_stay_with_who_had_the_item(office)
        await one_incident_costs_3_0_then_2_0_then_1_5(office)
        await an_inspection_that_found_nothing_costs_by_the_day_of_discovery(office)
        await twenty_points_and_from_july_thirty_are_24_50_of_25(office)
        assert await rig.faults(office.sent) == {}
        await damaged(rig, totals, TOTALS)
        await damaged(rig, years, YEARS)
        await damaged(rig, days, DAYS)
        await damaged(rig, closes.unchanged, CLOSED)
        assert verified(rig)[1]["state"] == "proved"
        assert await rebuilt(rig) == ("same", [])


def made(name: str, unit: str, made: int, due: int, time: str = "2021-03-20T09:00:00+08:00") -> Event:
    return event(name, "share.made.v1", unit, time, {"made": made, "due": due})


async def lines_of(rig: Rig, period: str) -> dict[str, Any]:
    told = await rig.get("ranking", f"/v1/standings/thousand/bureaus/{period}")
    return {line["unit"]: line for line in told["units"]}


async def exactly_a_quarter_is_refused(rig: Rig) -> None:
    boards = {"party": "250", "reform": "450", "operation": "180", "ratings": "120"}
    answer = await rig.ask("POST", "scoring", "/v1/schemes", "author", json=thousand(boards))
    assert answer.status_code == 422
    assert [(one["path"], one["code"]) for one in answer.json()["findings"]] == [
        ("/boards/0/points", "board_floor")
    ]


async def boards_sum_and_what_does_not_apply_is_spread(office: Office) -> None:
    """973.35; 408.00 of 425 are 422.40 and 964.00 in all; merely late 949.60–964.60; three times 2/3 of 7 is 14.00."""
    raw = {"party": "252.40", "land": "408.00", "operation": "176.20", "main": "92.00"}
    none = dict.fromkeys(raw, "0.00")
    await office.send(
        *scored("w01", 1, "15.00", 3, **raw | {"land": "416.75"}),
        *scored("w02", 1, None, 3, **raw),
        *scored("w03", 1, None, 3, **raw),
        *scored("w04", 1, "0.00", 2, **none),
    )
    lines = await lines_of(office.rig, "2021-01")
    assert lines["w01"]["points"] == "973.35"
    assert (lines["w02"]["boards"]["reform"], lines["w02"]["points"]) == ("422.40", "964.00")
    late = lines["w03"]
    assert (late["range"], late["mark"], late["tier"]) == (["949.60", "964.60"], "未考", None)
    assert (lines["w04"]["boards"]["ratings"], lines["w04"]["points"]) == ("14.00", "14.00")
    thirds = [(await figure(office.rig, "thousand", f"2021-01/w04/third{n}"))["published"] for n in range(3)]
    assert thirds == ["4.67"] * 3


async def thirty_six_bureaus_are_14_15_7(office: Office) -> None:
    """Tiers of 40/40/20 have 14, 15 and 7 of 36 bureaus with prints of their own."""
    raw = {"land": "400.00", "operation": "170.00", "main": "90.00"}
    await office.send(
        *(
            told
            for place, unit in enumerate(BUREAUS)
            for told in scored(
                unit, 2, None if unit == "w02" else "15.00", 3, party=f"{220 + place}.10", **raw
            )
        )
    )
    lines = (await lines_of(office.rig, "2021-02")).values()
    tiers = [line["tier"] for line in lines]
    assert [tiers.count(tier) for tier in ("first", "second", "third")] == [14, 15, 7]
    assert sorted(line["rank"] for line in lines) == list(range(1, 37))


async def half_a_point_an_event_as_of_the_cut_and_after_it(office: Office) -> None:
    """Each event is received at its own instant; March closes after 5 working days, at the end of 8 April."""
    e1 = event("e1", "risk.lost.v1", "w07", "2021-03-31T23:59:59+08:00", {"risk": "k1"})
    arrivals = [
        ("2021-04-01 09:00", lost("e2", "2021-03-31T16:00:00Z"), "created"),
        ("2021-04-02 12:00", e1, "created"),
        ("2021-04-03 12:00", e1, "duplicate"),
        ("2021-04-06 12:00", e1 | {"id": "worked-e6"}, "duplicate"),
        ("2021-04-08 23:30", lost("e3", "2021-03-15T10:00:00+08:00"), "created"),
        ("2021-04-09 00:10", lost("e4", "2021-03-20T10:00:00+08:00"), "created"),
    ]
    for instant, told, answered in arrivals:
        await office.at(instant)
        assert await office.send(told) == {answered: 1}
    receipts = office.rig.log.receipts
    assert receipts.pop(("s", "worked-e6")) == receipts["s", "worked-e1"], "it is answered with the first"
    march, april = "2021-03/w07/lost", "2021-04/w07/lost"
    rig = office.rig
    assert (await figure(rig, "lost", march, as_of="2021-04-08"))["published"] == "9.00"
    assert (await figure(rig, "lost", april, as_of="2021-04-08"))["published"] == "9.50"
    assert (await figure(rig, "lost", march))["published"] == "8.50"
    assert (await figure(rig, "lost", april))["published"] == "9.50"


async def march_is_closed_by_two_as_it_was_before_t(office: Office) -> None:
    """Of e1 to e4 the last came after T: it is in what is restated, not in what is closed, and its answer says so."""
    rig = office.rig
    for code in ("lost", "march"):
        await closed(rig, code, "2021-03")
    assert (await standing(rig, "lost", "w07"), await standing(rig, "march", "w05")) == ("9.00", "9.90")
    assert await restated(rig, "lost") == {"w07": ("-0.50", "9.00")}
    assert await restated(rig, "march") == {}
    late = [{"scheme": code, "period": "2021-03"} for code in ("lost", "march")]

    async def heard() -> bool:
        return (await rig.get("ingest", "/v1/events/s/worked-e4")).get("after_close") == late

    await until(heard)
    for name in ("e1", "e2", "e3"):
        assert "after_close" not in await rig.get("ingest", f"/v1/events/s/worked-{name}")


async def closed(rig: Rig, scheme: str, period: str) -> None:
    """Close a period as soon as all that was received before T has been told."""
    found: dict[str, Any] = {}

    async def ready() -> bool:
        found.update(await rig.get("ranking", f"/v1/closes/{scheme}/{period}"))
        return found["state"] == "ready"

    await until(ready)
    read = {"digest": found["digest"], "reason": "核对无误"}

    async def acts(person: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {token(rig.state, person, ['closer'])}"}
        answer = await rig.ask("POST", "ranking", path, "closer", json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()

    asked = await acts("zhou", "/v1/closes", read | {"scheme": scheme, "period": period})
    approved = await acts("wu", f"/v1/closes/{asked['id']}:approve", read)
    assert approved["state"] == "approved"


async def restated(rig: Rig, scheme: str) -> dict[str, tuple[str, str]]:
    """Return of March by unit what is restated less what was closed, and what was closed."""
    found = await rig.get("ranking", f"/v1/standings/{scheme}/bureaus/2021-03", view="restated")
    return {one["unit"]: (one["points"], one["closed"]["points"]) for one in found["differences"]}


async def standing(rig: Rig, scheme: str, unit: str, **asked: str) -> str:
    """Return the points of a unit in March."""
    found = await rig.get("ranking", f"/v1/standings/{scheme}/bureaus/2021-03", **asked)
    assert found["state"] == ("closed" if not asked else asked.get("view", "as_of"))
    return next(one["points"] for one in found["units"] if one["unit"] == unit)


def lost(name: str, time: str) -> Event:
    return event(name, "risk.lost.v1", "w07", time, {"risk": name})


async def march_is_9_90_as_of_10_april_and_9_70_restated(office: Office) -> None:
    """On 12 May 196 of the 9,702 turn out to be late; the 10,000 stay."""
    cell = "2021-03/w05/made"
    assert (await figure(office.rig, "march", cell))["published"] == "9.90"
    await office.at("2021-05-12 09:00")
    first = made("late", "w05", 0, 196)
    corrects = {"correctssource": "s", "correctsid": first["id"], "revision": 1}
    await office.send(first | corrects | {"id": "worked-corrected"})
    assert (await figure(office.rig, "march", cell))["published"] == "9.70"
    assert (await figure(office.rig, "march", cell, as_of="2021-04-10"))["published"] == "9.90"
    total = "/v1/totals/2021-03/w05/explain"
    for asked, points in (({"as_of": "2021-04-10"}, "9.90"), ({"as_of": "2021-05-12"}, "9.70"), ({}, "9.70")):
        for of in ({}, {"board": "work"}):
            told = await office.rig.get("ranking", total, scheme="march", **of, **asked)
            assert told["published"] == points
        assert await standing(office.rig, "march", "w05", **(asked or {"view": "restated"})) == points
    assert await standing(office.rig, "march", "w05") == "9.90"
    assert await restated(office.rig, "march") == {"w05": ("-0.20", "9.90")}
    then = ("--as-of", "2021-04-10", "--lang", "en")
    assert "9.90 of 10" in await command(office.rig, "explain", "march", "w05", "2021-03", *then)
    printed = await command(office.rig, "standings", "march", "bureaus", "2021-03", *then)
    assert "as known on 2021-04-10" in printed


async def twenty_points_and_from_july_thirty_are_24_50_of_25(office: Office) -> None:
    """88.2 % of a target of 90 % in the first half-year, 93.1 % of 95 % in the second."""
    halves = {"2021-05-25T17:00:00+08:00": 882, "2021-12-10T09:00:00+08:00": 931}
    await office.send(*(made(f"half{n}", "w06", n, 1_000, time) for time, n in halves.items()))
    year = await figure(office.rig, "halves", "2021/w06/made")
    assert (year["published"], year["points"]) == ("24.50", "25")
    parts = [await figure(office.rig, "halves", f"2021-H{half}/w06/made") for half in (1, 2)]
    assert [part["published"] for part in parts] == ["19.60", "29.40"]
    sprint = await figure(office.rig, "halves", "2021/w06/sprinted")
    assert (sprint["published"], sprint["state"]) == (None, "not_assessed")
