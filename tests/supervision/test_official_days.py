"""Every day of 2010 to 2026 is what two independent packages say the State Council's office said; 2027 is not known."""

from datetime import date, timedelta
from pathlib import Path

import chinese_calendar
import pytest
from chinese_calendar.constants import workdays
from holidays import country_holidays

from dukao import yamls
from dukao.simulator import season
from services.supervision.domain.calendar_document import CalendarDocument, compiled, noticed
from tests.supervision.facts import Feed, scheme
from tests.supervision.test_calendars import PAPER

SAMPLE = Path(__file__).parents[2] / "samples" / "calendars" / "china.yaml"
DOCUMENT = yamls.read(SAMPLE).value
CALENDAR = compiled(CalendarDocument.model_validate(DOCUMENT))
YEARS = range(2010, 2027)
PUBLISHED = country_holidays("CN", years=YEARS)


def days(year):
    first = date(year, 1, 1)
    return [first + timedelta(days=at) for at in range((date(year + 1, 1, 1) - first).days)]


@pytest.mark.parametrize("year", YEARS)
def test_every_day_of_a_year_is_what_two_packages_say(year):
    ours = [CALENDAR.is_worked(day) for day in days(year)]
    assert ours == [chinese_calendar.is_workday(day) for day in days(year)]
    assert ours == [PUBLISHED.is_working_day(day) for day in days(year)]
    assert ours == [season._worked(day) for day in days(year)], "the simulator works on the same days"


def test_the_national_samples_calendar_names_the_same_days():
    sample = yamls.read(SAMPLE.parents[1] / "national" / "calendar.yaml").value
    known = compiled(CalendarDocument.model_validate(sample))
    assert known.between(known.first, known.last) == CALENDAR.between(known.first, known.last)
    assert known.make_up == {day for day in CALENDAR.make_up if known.knows(date.fromordinal(day))}


def test_make_up_workdays_are_those_of_both_packages_and_each_day_has_a_notice():
    named = noticed(CalendarDocument.model_validate(DOCUMENT))
    ours = {day for day, one in named.items() if one.day.kind == "make-up"}
    assert ours == {day for day in workdays if day.year in YEARS}
    assert ours == {day for day in PUBLISHED.weekend_workdays if day.year in YEARS}
    off = {day for year in YEARS for day in days(year) if day.weekday() < 5 and not CALENDAR.is_worked(day)}
    assert off <= set(named)
    assert {one.notice.source[:19] for one in named.values()} == {"https://www.gov.cn/"}


def test_the_only_day_before_that_the_packages_tell_apart_is_the_last_of_2005():
    """31 December 2005, a Saturday worked by the notice for 2006, is missing in chinesecalendar."""
    older = country_holidays("CN", years=range(2004, 2010))
    apart = [
        day
        for year in range(2004, 2010)
        for day in days(year)
        if chinese_calendar.is_workday(day) != older.is_working_day(day)
    ]
    assert apart == [date(2005, 12, 31)]


async def test_2027_is_provisional_and_says_so_through_the_door(services):
    service, feed = await services(DOCUMENT), Feed()
    await service.apply(feed.types(), feed.adopted(scheme(effective="2026-01", until="2027-12")))
    told = (await service.apply(feed.given(time="2026-12-28 09:00"), feed.tick("2027-02-01 00:00")))[PAPER]
    assert (told["due"], told["provisional"]) == ("2027-01-07T16:00:00.000000Z", True)
    assert (told["light"], told["late_days"]) == ("red", [])
    async with service.door() as door:
        path = "/v1/calendars/Asia%2FShanghai/days?first=2026-12-31&last=2027-01-01"
        found = (await door.ask("GET", path)).json()
        assert found["known_until"] == "2026-12-31"
        assert [(one["day"], one["worked"], one["provisional"]) for one in found["days"]] == [
            ("2026-12-31", True, False),
            ("2027-01-01", True, True),
        ]
        assert (await door.ask("GET", f"/v1/items/{PAPER}")).json()["provisional"]
