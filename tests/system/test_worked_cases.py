"""The worked cases of the domain (§10) at their numbers through the doors of one running platform, in the order of 2021.

The clock is that of the feed: each event takes it on to the instant at which something is received or persons act.
March is closed by two persons, as it was known before T. Which lists bar a unit from the first tier (236.10 …, 12/17/7,
14/15/7 with backfill), adjustments and persons come with other issues.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

import asyncpg
import pytest

from campaign.checker import closes
from campaign.checker.days import days
from campaign.checker.derived import derived
from campaign.checker.totals import totals
from campaign.checker.years import years
from deploy.control import token
from deploy.state import Options
from tests.scoring.incidents import finding, inspection, retracted
from tests.scoring.incidents import scheme as of_incidents
from tests.scoring_domain.late_days import scheme as of_items
from tests.system.office import CALENDAR, Office
from tests.system.rig import Event, Rig, command, platform, rebuilt, until
from tests.system.test_proof import verified
from tests.system.worked import BUREAUS, TYPES, event, lost_by_events, scored, share_of, thousand, with_sprint

pytestmark = [pytest.mark.system, pytest.mark.kafka, pytest.mark.long]

NEW_DATE = {"day": "2021-05-07", "reason": "资料未齐"}
LATE = ["2021-04-30", "2021-05-06", "2021-05-07", "2021-05-08", "2021-05-10"]
ROLES = {"d1": "1.000000", "b1": "2.000000", "i1": "2.000000"}
Check: TypeAlias = Callable[[asyncpg.Connection], Awaitable[list[str]]]
LATE_DAYS = (
    "UPDATE scoring.derived SET body = convert_to(replace(convert_from(body, 'UTF8'), '05-10', '05-11'), 'UTF8')",
    "DELETE FROM scoring.derived_places WHERE month = 24256",
    "UPDATE scoring.partials SET numbers = replace(numbers, '[4', '[5') WHERE over = 'items:decision'",
)
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


async def figure(rig: Rig, scheme: str, cell: str, **asked: str) -> Any:
    return (await rig.get("scoring", f"/v1/cells/{cell}", scheme=scheme, **asked))["figure"]


async def worth(rig: Rig, unit: str, value: str, **months: str) -> None:
    """Wait until the indicator of late items is worth a value, then compare its months."""

    async def there() -> bool:
        return (await figure(rig, "mini", f"2021/{unit}/late"))["value"] == f"{value}0000000000"

    await until(there)
    for month, expected in months.items():
        assert (await figure(rig, "mini", f"2021-{month[1:]}/{unit}/late"))["published"] == expected


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


async def an_item_costs_1_0_and_extended_in_time_0_4(office: Office) -> None:
    """Due on 29 April it is five days late: 2.0 are left; extended in time to 7 May 2.6; asked too late nothing helps."""
    rig = office.rig
    await office.at("2021-04-20 09:00")
    await office.open("decision-1", "b1")
    await office.open("decision-2", "b2")
    await office.open("paper-3", "b1", "document")
    await office.at("2021-04-29 17:00")
    await office.does("decision-2", "ask-extension", "zhao", "operator", **NEW_DATE)
    await office.at("2021-04-30 00:00")
    status, found = await office.ask("/v1/items/paper-3:ask-extension", "zhao", "operator", NEW_DATE)
    assert (status, found["code"]) == (409, "extension_too_late")
    assert "ask-extension" not in found["possible"]
    await worth(rig, "b2", "2.80", m04="2.80")
    for person in ("wang", "zhou"):
        await office.does("decision-2", "approve-extension", person, "approver")
    await worth(rig, "b2", "3.00", m04="3.00")
    await rig.kill(["supervision", "scoring"])
    await office.at("2021-05-10 16:00")
    for item, late in (("decision-1", LATE), ("decision-2", LATE[3:]), ("paper-3", LATE)):
        done = await office.hand_in(item)
        assert (done["state"], done["light"], done["late_days"]) == ("cleared", "done_late", late)
    await worth(rig, "b1", "2.00", m04="2.80", m05="2.20")
    await worth(rig, "b2", "2.60", m04="3.00", m05="2.60")
    assert "known until 2026-12-31" in await command(rig, "calendar", "show", "--day", "2021-05-08")
    assert (await command(rig, "calendar", "show", "--month", "2027-01")).count("暂定") == 31
    await what_was_lost_is_explained_and_every_damage_to_it_is_seen(rig)
    await a_correction_of_the_calendar_moves_points(office)
    await office.open("decision-4", "b1", due="2021-05-20T16:00:00.000000Z", calendar=3)


async def what_was_lost_is_explained_and_every_damage_to_it_is_seen(rig: Rig) -> None:
    printed = await command(rig, "explain", "mini", "b2", "late", "2021-05")
    assert "max(0, 3 − 0.4) = 2.60" in printed
    days = [printed.count(f"逾期日 2021-05-{day}") for day in ("07", "08", "10")]
    assert days == [0, 1, 1]
    assert "督考事项 decision-2" in printed
    await damaged(rig, derived, LATE_DAYS)


async def a_correction_of_the_calendar_moves_points(office: Office) -> None:
    """Had 8 May been off, one late day less counts; put right again, it counts again."""
    for version, kind, left in ((2, "rest", "2.20"), (3, "make-up", "2.00")):
        text = CALENDAR | {"calendar": CALENDAR["calendar"] | {"version": version}, "notices": []}
        for notice in CALENDAR["notices"]:
            days = [one | {"kind": kind} if one["day"] == "2021-05-08" else one for one in notice["days"]]
            text["notices"].append(notice | {"days": days})
        await office.adopt(text)
        await worth(office.rig, "b1", left, m04="2.80")


async def late_days_stay_with_who_had_the_item(office: Office) -> None:
    """Given on 10 May, due on the 20th and handed on on the 24th, it costs b1 two days, and b2 the 25th, on which it is done."""
    await office.at("2021-05-24 09:00")
    await office.hand_on("decision-4", "b2")
    await office.at("2021-05-25 16:00")
    done = await office.hand_in("decision-4")
    assert done["late_days"] == ["2021-05-21", "2021-05-24", "2021-05-25"]
    await worth(office.rig, "b1", "1.60", m04="2.80", m05="1.80")
    await worth(office.rig, "b2", "2.40", m04="3.00", m05="2.40")


async def one_incident_costs_3_0_then_2_0_then_1_5(office: Office) -> None:
    """Three indicators name it, with 2.0, 1.5 and 3.0: the highest counts, and what it hid revives."""
    about = {"taxpayer": "t3", "unit": "b2"}
    reports = [
        finding("audit", "audit", points="2.0", **about),
        finding("petition", "petition", points="1.5", **about),
        finding("patrol", "patrol", points="3.0", **about),
    ]
    await office.send(*reports)
    for revoked, points in ((reports[2], "3.000000"), (reports[0], "2.000000"), (None, "1.500000")):
        assert await lost_by(office.rig, "t3~vat~2019") == {"b2": points}
        if revoked is not None:
            await office.send(retracted(revoked))


async def an_inspection_that_found_nothing_costs_by_the_day_of_discovery(office: Office) -> None:
    """Discovered on 10 March of 2019, reported on 20 July; only one inspection had ended before, for years that hold it."""
    await office.at("2021-07-20 09:00")
    ended = {"on": "2021-06-30", "before": "2021-02-28", "same": "2021-03-10", "other": "2021-02-28"}
    for name, day in ended.items():
        started = "2021-04-01" if name == "on" else "2021-01-11"
        await office.send(inspection(f"i-{name}", started=started, ended=day, taxpayer=f"t-{name}"))
    years = {"other": {"first_year": 2021, "last_year": 2021}}
    linked = [
        finding(f"f-{name}", points="0", severity=1, taxpayer=f"t-{name}", finder="d9", **years.get(name, {}))
        for name in ended
    ]
    await office.send(*linked)
    rig = office.rig
    assert await lost_by(rig, "t-on~vat~2019") == {}
    assert await lost_by(rig, "t-before~vat~2019") == ROLES
    assert await lost_by(rig, "t-other~vat~2021") == {}
    assert await lost_by(rig, "t-same~vat~2019") == {}
    (waiting,) = (await rig.get("scoring", "/v1/incidents", waiting="true"))["items"]
    assert (waiting["id"], waiting["waiting"][0]["why"]) == ("t-same~vat~2019", "same_day")


async def lost_by(rig: Rig, incident: str) -> dict[str, str]:
    """Return what units lose by an incident."""
    return {
        one["unit"]: one["points"] for one in (await rig.get("scoring", f"/v1/incidents/{incident}"))["lost"]
    }


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


async def damaged(rig: Rig, check: Check, damages: Sequence[str]) -> None:
    """Alter what is kept in a transaction that is rolled back; the checker tells of each."""
    database = await rig.database()
    try:
        assert await check(database) == []
        for damage in damages:
            transaction = database.transaction()
            await transaction.start()
            await database.execute("SET LOCAL session_replication_role = replica")
            assert not (await database.execute(damage)).endswith(" 0"), damage
            assert await check(database) != [], damage
            await transaction.rollback()
    finally:
        await database.close()
