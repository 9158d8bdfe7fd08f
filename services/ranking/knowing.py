"""What is known of a standing, or was known at the end of a day, by the figures that had been told then."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from services.ranking import store, versions
from services.ranking.domain.rows import Group
from services.ranking.domain.schemes import Figures, Scheme
from shared.kernel.errors import Refused, refuse
from shared.kernel.periods import day
from shared.storage.transaction import PostgresTransaction

_POINTER = "/query/as_of"


@dataclass(frozen=True, slots=True)
class Seen:
    """The version in force in a period, the figures of a group and the newest `received` in them."""

    scheme: Scheme
    figures: Figures
    fresh_at: str | None


async def scheme_of(tx: PostgresTransaction, group: Group, period: str, as_of: str | None = None) -> Scheme:
    """Return the version in force in a period, as was known at the end of a day, or refuse."""
    live = (await versions.in_force(tx, group, [period])).get(period)
    if live is None:
        raise refuse(404, "not_found", "No scheme of this code is in force in this period.")
    if as_of is None:
        return live
    await check_day(tx, as_of, live)
    then = (await versions.in_force(tx, group, [period], as_of)).get(period)
    if then is None:
        reason = "On that day no version of this scheme that covers the period had told of this group."
        raise refuse(404, "as_of_before", reason, pointer=_POINTER)
    return then


async def seen(
    tx: PostgresTransaction, group: Group, period: str, scheme: Scheme, as_of: str | None = None
) -> Seen:
    """Return the figures of a group in a period under a version, as they were at the end of a day."""
    figures = await store.figures(tx, group, {period: scheme}, as_of)
    fresh_at = await (store.fresh_at(tx, group) if as_of is None else store.fresh_on(tx, group, as_of))
    return Seen(scheme, figures[period], fresh_at)


async def seen_at_cut(tx: PostgresTransaction, group: Group, period: str, scheme: Scheme, day: str) -> Seen:
    """Return the figures of a group by exactly what was received before the cut of a period."""
    figures = await store.figures_at_cut(tx, group, period, scheme, day)
    return Seen(scheme, figures, await store.fresh_on(tx, group, day))


async def check_day(tx: PostgresTransaction, asked: str, scheme: Scheme) -> None:
    """Refuse what is no day of the scheme's zone, and a day that has not begun."""
    try:
        wanted = day(asked, _POINTER)
    except Refused:
        reason = "Boards, totals and standings are kept by the day: 2021-04-10 is what was known at its end."
        raise refuse(422, "as_of", reason, pointer=_POINTER) from None
    now: datetime = (await tx.many("SELECT clock_timestamp() AS now"))[0]["now"]
    zone = ZoneInfo(scheme.document["scheme"].get("zone", "UTC"))
    if wanted > now.astimezone(zone).date():
        raise refuse(422, "as_of_future", "That has not come yet.", pointer=_POINTER)
