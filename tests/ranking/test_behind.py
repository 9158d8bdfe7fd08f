"""What was received on a day and told after the next had begun stands in that day, or the day is marked."""

import pytest

from services.ranking import store
from tests.ranking.rig import MARCH, adopted, ask, figure, posted, scheme, service

__all__ = ["ask", "service"]
GROUP = "mini", "bureaus"
EIGHTH, NINTH = "2021-04-08", "2021-04-09"


def behind(*figures, unit="b1", periods=(MARCH,)):
    """Return what was received on the 8th and told on the 9th."""
    return posted(*figures, day=NINTH, fresh_at=f"{NINTH}T01:00:00Z", brought=EIGHTH, behind={unit: periods})


def of(day, *figures):
    return posted(*figures, day=day, fresh_at=f"{day}T00:30:00Z")


async def mixed(service, period=MARCH):
    async with service.exchange.reading() as tx:
        days = ("2021-04-07", EIGHTH, NINTH)
        return [day for day in days if await store.mixed(tx, GROUP, period, day)]


@pytest.mark.parametrize("at_once", [False, True])
async def test_what_came_behind_stands_in_the_day_on_which_it_was_received(service, ask, at_once):
    told = [
        adopted(scheme()),
        of("2021-04-07", figure("b1", "9"), figure("b2", "8"), figure("b3", "7")),
        of(NINTH, figure("b1", "5", period="2021-04")),
        behind(figure("b1", "6")),
    ]
    for batch in [told] if at_once else [[one] for one in told]:
        await service.apply(*batch)
    assert (await mixed(service), await mixed(service, "2021-04")) == ([EIGHTH], [])
    shown = await ask(f"/v1/standings/mini/bureaus/{MARCH}", params={"as_of": EIGHTH})
    assert "6.00" in shown.text
    assert "9.00" not in shown.text
    before = await ask(f"/v1/standings/mini/bureaus/{MARCH}", params={"as_of": "2021-04-07"})
    assert "9.00" in before.text


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("figures", [[figure("b1", "6")], []])
async def test_what_came_behind_what_is_late_marks_the_days_that_cannot_be_told_apart(
    service, at_once, figures
):
    told = [
        adopted(scheme()),
        of("2021-04-07", figure("b1", "9"), figure("b2", "8"), figure("b3", "7")),
        of(NINTH, figure("b1", "5")),
        behind(*figures),
        behind(figure("b2", "6"), unit="b2"),
    ]
    for batch in [told] if at_once else [[one] for one in told]:
        await service.apply(*batch)
    assert await mixed(service) == [EIGHTH]


async def test_what_comes_in_its_turn_marks_nothing(service):
    await service.apply(adopted(scheme()), of(EIGHTH, figure("b1", "9")), of(NINTH, figure("b1", "5")))
    await service.apply(of(NINTH, figure("b1", "4")))
    assert await mixed(service) == []
