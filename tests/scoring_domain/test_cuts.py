"""The cut of a period: T by the grace of the version in force at its end, at the end of a day of its zone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.cuts import period_cuts
from services.scoring.domain.document import Head
from services.scoring.domain.grace import KnownDays

SHANGHAI = "Asia/Shanghai"
TOLD = datetime(2020, 11, 25, tzinfo=UTC)
FESTIVALS = {date(2021, 4, day): False for day in (3, 4, 5)}
KNOWN = KnownDays(date(2021, 1, 1), date(2022, 12, 31), FESTIVALS, TOLD)


def head(version=1, effective="2021-01", until="2021-12", zone=SHANGHAI, **changed) -> Head:
    return Head.model_validate(
        {
            "code": "mini",
            "version": version,
            "title": "Mini",
            "effective": effective,
            "until": until,
            "zone": zone,
            "total": "100",
            "source": {"document": "fixture"},
            "verified": False,
            **changed,
        }
    )


def cuts(*heads, known=(KNOWN,), zone=SHANGHAI):
    return {str(one.period): one for one in period_cuts(heads, {zone: known})}


def test_march_with_five_days_of_grace_is_cut_at_the_end_of_8_april_and_the_quarter_with_it():
    found = cuts(head(grace_days=5))
    assert found["2021-03"].at == datetime(2021, 4, 9, tzinfo=ZoneInfo(SHANGHAI))
    assert found["2021-03"].day == date(2021, 4, 8)
    assert found["2021-Q1"].at == found["2021-03"].at
    assert len(found) == 12 + 4 + 2 + 1
    assert found["2021"].day == date(2022, 1, 7)


def test_without_a_day_of_grace_a_period_is_cut_at_its_end_and_without_grace_never():
    assert cuts(head(grace_days=0), known=())["2021-03"].day == date(2021, 3, 31)
    assert cuts(head()) == {}


def test_the_version_that_rules_the_end_of_a_period_says_its_grace():
    found = cuts(head(grace_days=5), head(2, "2021-05", grace_days=1))
    assert (found["2021-04"].version, found["2021-04"].day) == (1, date(2021, 5, 7))
    assert (found["2021-H1"].version, found["2021-H1"].day) == (2, date(2021, 7, 1))
    assert "2021-Q2" not in cuts(head(grace_days=5), head(2, "2021-05"))


def test_a_period_whose_grace_no_calendar_knows_whole_has_no_cut_yet():
    found = cuts(head(grace_days=5), known=(KnownDays(KNOWN.first, date(2021, 4, 7), FESTIVALS, TOLD),))
    assert set(found) == {"2021-01", "2021-02"}


def test_quarters_and_years_are_those_of_the_schemes_calendar():
    found = cuts(head(effective="2021-04", until="2022-03", first_month=4, grace_days=0))
    assert found["2021-Q1"].day == date(2021, 6, 30)
    assert found["2021"].day == date(2022, 3, 31)


@given(
    st.sampled_from([SHANGHAI, "America/New_York", "America/Havana", "Pacific/Kiritimati"]),
    st.integers(0, 60),
    st.dictionaries(st.dates(date(2021, 1, 1), date(2022, 12, 31)), st.booleans(), max_size=40),
)
def test_t_is_the_end_of_a_day_that_is_worked_and_no_day_of_grace_is_missing(zone, days, named):
    known = KnownDays(date(2021, 1, 1), date(2022, 12, 31), named, TOLD)
    for one in cuts(head(zone=zone, grace_days=days), known=(known,), zone=zone).values():
        last = one.period.last.plus(1)
        begins = date(last.year, last.month, 1)
        grace = [begins + timedelta(step) for step in range((one.day - begins).days + 1)]
        assert sum(bool(known.is_worked(day)) for day in grace) == days
        assert not grace or known.is_worked(one.day)
        assert one.at.astimezone(UTC) > datetime.combine(one.day, datetime.max.time(), ZoneInfo(zone))
