"""The worked cases of items and of incidents (§6, §7) on a platform that lives through the year."""

from campaign.checker.derived import derived
from tests.scoring.incidents import finding, inspection, retracted
from tests.system.office import CALENDAR, Office
from tests.system.rig import Rig, command, until
from tests.system.worked import damaged, figure

NEW_DATE = {"day": "2021-05-07", "reason": "资料未齐"}
LATE = ["2021-04-30", "2021-05-06", "2021-05-07", "2021-05-08", "2021-05-10"]
ROLES = {"d1": "1.000000", "b1": "2.000000", "i1": "2.000000"}
LATE_DAYS = (
    "UPDATE scoring.derived SET body = convert_to(replace(convert_from(body, 'UTF8'), '05-10', '05-11'), 'UTF8')",
    "DELETE FROM scoring.derived_places WHERE month = 24256",
    "UPDATE scoring.partials SET numbers = replace(numbers, '[4', '[5') WHERE over = 'items:decision'",
)


async def worth(rig: Rig, unit: str, value: str, **months: str) -> None:
    """Wait until the indicator of late items is worth a value, then compare its months."""

    async def there() -> bool:
        return (await figure(rig, "mini", f"2021/{unit}/late"))["value"] == f"{value}0000000000"

    await until(there)
    for month, expected in months.items():
        assert (await figure(rig, "mini", f"2021-{month[1:]}/{unit}/late"))["published"] == expected


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
