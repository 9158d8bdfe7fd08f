"""China's working days as two independent packages know them: one to seed a calendar, both to check it."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.metadata import version as version_of
from typing import Any

import chinese_calendar
from chinese_calendar.constants import Holiday, holidays, workdays
from holidays import country_holidays

from services.supervision.domain.calendar import Calendar
from services.supervision.domain.calendar_document import WEEKDAYS

ZONE = "Asia/Shanghai"
FIRST_YEAR = 2010
FARTHEST_YEARS = 100
HOURS = ("08:30-12:00", "13:30-17:30")
SEEDED_FROM, CHECKED_WITH = "chinesecalendar", "holidays"
NOBODY = "本方案设定"

# Where the notices of the State Council's office are printed, as the package `holidays` 0.109 cites them.
NOTICES: Mapping[int, tuple[str, ...]] = {
    2010: ("gongbao/content/2009/content_1487011.htm",),
    2011: ("gongbao/content/2010/content_1765282.htm",),
    2012: ("gongbao/content/2011/content_2020918.htm",),
    2013: ("gongbao/content/2012/content_2292057.htm",),
    2014: ("gongbao/content/2014/content_2561299.htm",),
    2015: ("gongbao/content/2015/content_2799019.htm",),
    2016: ("gongbao/content/2016/content_2979719.htm",),
    2017: ("gongbao/content/2016/content_5148793.htm",),
    2018: ("gongbao/content/2017/content_5248221.htm",),
    2019: ("gongbao/content/2018/content_5350046.htm", "gongbao/content/2019/content_5380356.htm"),
    2020: ("gongbao/content/2019/content_5459138.htm", "gongbao/content/2020/content_5477297.htm"),
    2021: ("gongbao/content/2020/content_5567750.htm",),
    2022: ("gongbao/content/2021/content_5651728.htm",),
    2023: ("gongbao/content/2023/content_5736714.htm",),
    2024: ("gongbao/2023/issue_10806/202311/content_6913823.html",),
    2025: ("gongbao/2024/issue_11726/202411/content_6989767.html",),
    2026: ("gongbao/2025/issue_12406/202511/content_7048922.html",),
}


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a package says of the days from `first` to `last`."""

    name: str
    first: date
    last: date
    is_worked: Callable[[date], bool]

    def knows(self, day: date) -> bool:
        """Tell whether the package was written after the notice for the day's year."""
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Difference:
    """A day of which a calendar and a package say different things."""

    day: date
    package: str
    calendar: bool
    told: bool


def seeded(first_year: int, version: int) -> dict[str, Any]:
    """Return a calendar document of all that the first package knows from a year on."""
    opinion = seeding_opinion()
    years = range(first_year, opinion.last.year + 1)
    return {
        "calendar": {
            "zone": ZONE,
            "version": version,
            "title": f"国务院办公厅部分节假日安排 {first_year}–{opinion.last.year}",
            "first": f"{first_year}-01-01",
            "last": opinion.last.isoformat(),
        },
        "hours": {"source": NOBODY, "verified": False}
        | {name: list(HOURS) if place < 5 else [] for place, name in enumerate(WEEKDAYS)},
        "notices": [_notice(year) for year in years],
    }


def written(document: Mapping[str, Any]) -> str:
    """Return a seeded document as YAML, a line a day, as a person compares it with the notices."""
    head, hours = document["calendar"], document["hours"]
    lines = [
        f"# From {seeding_opinion().name}. Compare each notice with its days, then set its `verified`.",
        "calendar:",
    ]
    lines += [f"  {name}: {value}" for name, value in head.items()]
    lines += [
        "hours: # wall time; a make-up workday has Monday's",
        f"  source: {hours['source']}",
        "  verified: false",
    ]
    lines += [f"  {name}: {json.dumps(hours[name])}" for name in WEEKDAYS]
    lines.append("notices:")
    for notice in document["notices"]:
        lines += [
            f"  - title: {notice['title']}",
            f"    source: {notice['source']}",
            "    verified: false",
            "    days:",
        ]
        lines += [
            f"      - {{day: {one['day']}, kind: {one['kind']}, name: {one['name']}}}"
            for one in notice["days"]
        ]
    return "\n".join(lines) + "\n"


def seeding_opinion() -> Opinion:
    """Return what `chinesecalendar` knows."""
    years = {day.year for day in holidays}
    name = f"{SEEDED_FROM} {version_of(SEEDED_FROM)}"
    return Opinion(name, date(min(years), 1, 1), date(max(years), 12, 31), chinese_calendar.is_workday)


def checking_opinion() -> Opinion:
    """Return what `holidays` knows: the years of which it has make-up workdays; for later ones it guesses."""
    first = seeding_opinion().first
    known = country_holidays("CN", years=range(first.year, first.year + FARTHEST_YEARS))
    last = max(day.year for day in known.weekend_workdays)
    return Opinion(
        f"{CHECKED_WITH} {version_of(CHECKED_WITH)}", first, date(last, 12, 31), known.is_working_day
    )


def differences(calendar: Calendar, opinions: Sequence[Opinion]) -> Iterator[Difference]:
    """Yield every day, within what both know, of which a calendar says another thing than a package."""
    for at in range((calendar.last - calendar.first).days + 1):
        day = calendar.first + timedelta(days=at)
        worked = calendar.is_worked(day)
        for opinion in opinions:
            if opinion.knows(day) and opinion.is_worked(day) != worked:
                yield Difference(day, opinion.name, worked, not worked)


def _notice(year: int) -> dict[str, Any]:
    named = [(day, "rest", value) for day, value in holidays.items() if day.year == year]
    named += [(day, "make-up", value) for day, value in workdays.items() if day.year == year]
    pages = " ".join(f"https://www.gov.cn/{page}" for page in NOTICES.get(year, ()))
    return {
        "title": f"国务院办公厅关于{year}年部分节假日安排的通知",
        "source": pages or seeding_opinion().name,
        "verified": False,
        "days": [
            {"day": day.isoformat(), "kind": kind, "name": _name(value, kind)}
            for day, kind, value in sorted(named)
        ],
    }


def _name(value: str, kind: str) -> str:
    holiday: Any = Holiday(value)
    return f"{holiday.chinese} 调休" if kind == "make-up" else holiday.chinese
