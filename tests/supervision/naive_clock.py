"""The working clock once more, as plainly as it can be said: day by day, quarter by quarter, no shortcuts.

Nothing of the service's own clock is used; a `Sheet` of days is all that it knows of a calendar.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

DAY, QUARTER, QUARTER_MINUTES = timedelta(days=1), timedelta(minutes=15), 15


@dataclass(frozen=True)
class Sheet:
    """Days that a notice names, by kind; the known days; office hours by weekday as pairs of times."""

    zone: object
    first: date
    last: date
    kinds: dict
    hours: list

    def known(self, day):
        return self.first <= day <= self.last

    def worked(self, day):
        kind = self.kinds.get(day) if self.known(day) else None
        return day.weekday() < 5 if kind is None else kind != "rest"

    def midnight(self, day):
        return datetime.combine(day, time.min, self.zone)

    def day(self, instant):
        return instant.astimezone(self.zone).date()

    def open_at(self, instant):
        """Tell whether the office is open in the quarter of an hour that begins at an instant."""
        local = instant.astimezone(self.zone)
        if not self.worked(local.date()):
            return False
        make_up = self.known(local.date()) and self.kinds.get(local.date()) == "make-up"
        spans = self.hours[0 if make_up else local.weekday()]
        return any(opens <= local.time() < closes for opens, closes in spans)


def next_worked(sheet, day):
    day += DAY
    while not sheet.worked(day):
        day += DAY
    return day


def covered(sheet, pauses, day):
    """A pause covers the day it begins and not the day it ends."""
    return any(
        sheet.day(begins) <= day and (ends is None or day < sheet.day(ends)) for begins, ends in pauses
    )


def stops_for_ever(sheet, pauses, due):
    return any(ends is None and begins < due for begins, ends in pauses)


def lasts(sheet, pauses, due, day):
    """Tell whether a pause that began before the due time covers a day after this one."""
    return any(begins < due and (ends is None or day + DAY < sheet.day(ends)) for begins, ends in pauses)


def working_days_due(sheet, given, days, pauses):
    """Count worked days that no pause covers, from the day after it was given; return (instant, known)."""
    first = day = sheet.day(given)
    left = days
    while left:
        day += DAY
        if any(ends is None and sheet.day(begins) <= day for begins, ends in pauses):
            return None
        left -= sheet.worked(day) and not covered(sheet, pauses, day)
    return sheet.midnight(day + DAY), sheet.known(first + DAY) and sheet.known(day)


def moved_due(sheet, given, day, pauses, at=None):
    """Move a named day by every worked day that a pause covers; `at` is its wall time, else 24:00.

    What begins after the due time, as it is by then, stops nothing. A named time of a day that is not worked
    is moved by the worked days of its pause that follow.
    """

    def until(day):
        return sheet.midnight(day + DAY) if at is None else datetime.combine(day, at, sheet.zone)

    one = sheet.day(given)
    while sheet.day(given) < day and (one < day or lasts(sheet, pauses, until(day), one)):
        one += DAY
        heeded = [pause for pause in pauses if pause[0] < until(day)]
        if stops_for_ever(sheet, heeded, until(day)):
            return None
        if sheet.worked(one) and covered(sheet, heeded, one):
            day = next_worked(sheet, day)
    if stops_for_ever(sheet, pauses, until(day)):
        return None
    return until(day), day


def named_day_due(sheet, given, day, pauses):
    while not sheet.worked(day):
        day += DAY
    found = moved_due(sheet, given, day, pauses)
    return None if found is None else (found[0], sheet.known(found[1]))


def named_instant_due(sheet, given, instant, pauses):
    local = instant.astimezone(sheet.zone)
    found = moved_due(sheet, given, local.date(), pauses, local.time())
    if found is None:
        return None
    return found[0], found[1] == local.date() or sheet.known(found[1])


def office_minutes_due(sheet, given, minutes, pauses):
    at, left = given, minutes // QUARTER_MINUTES
    while left:
        if any(begins <= at and ends is None for begins, ends in pauses):
            return None
        paused = any(begins <= at and (ends is None or at < ends) for begins, ends in pauses)
        left -= not paused and sheet.open_at(at)
        at += QUARTER
    return at, sheet.known(sheet.day(given)) and sheet.known(sheet.day(at - QUARTER))


def first_due(sheet, given, budget, pauses):
    kind, value = budget
    rules = {
        "days": working_days_due,
        "day": named_day_due,
        "instant": named_instant_due,
        "minutes": office_minutes_due,
    }
    return rules[kind](sheet, given, value, pauses)


def due(sheet, given, budget, pauses, extensions):
    """Return (instant, known), or None while a pause stops the clock.

    An extension is (asked, day, limit in working days, approvals): approved twice in time, it sets a new day
    that only pauses from its approval on move.
    """
    now = first_due(sheet, given, budget, pauses)
    began_known = now is None or now[1]
    for asked, day, limit, approvals in sorted(extensions, key=lambda one: one[0]):
        lapses = working_days_due(sheet, asked, limit, [])[0]
        counted = sorted(at for at in approvals if asked <= at < lapses)
        if len(counted) < 2:
            continue
        approved = counted[1]
        later = [one for one in pauses if one[0] >= approved]
        found = named_day_due(sheet, approved - DAY, day, later)
        now = None if found is None else (found[0], found[1] and began_known)
    return now


def late_days(sheet, found, until):
    """Return the known worked days that end after the due time and begin by the instant that is asked for."""
    if found is None or not found[1]:
        return []
    late, day = [], sheet.day(found[0])
    while sheet.midnight(day) <= until:
        if until >= found[0] and sheet.worked(day) and day <= sheet.last:
            late.append(day)
        day += DAY
    return late
