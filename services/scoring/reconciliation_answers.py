"""What the door is asked about ready results of other systems and what it answers."""

from typing import Literal

from pydantic import Field

from services.scoring.answers import After, Answer, CellQuery, MeasuredValue
from services.scoring.domain.methods.amounts import Measured
from services.scoring.domain.reconciling import Reconciled, State
from services.scoring.domain.written import amount, lost
from shared.kernel.points import parts, shown_ratio, text


class ReconciliationQuery(CellQuery, After):
    """Which results are wanted; a page holds the results of `limit` units."""

    period: str = Field(max_length=10, description="2021-03, 2021-Q1, 2021-H1 or 2021")
    differing: bool = Field(default=False, description="only what differs, or stands on one side alone")


class ShownReconciled(Answer):
    """A ready result of a unit beside what the raw facts give.

    A side without a value has had no row, or a denominator of 0. `apart` is official less ours, at 12 places.
    """

    unit: str
    result: str
    title: str
    state: State
    official: MeasuredValue | None
    ours: MeasuredValue | None
    apart: str | None


class Reconciliations(Answer):
    """A page of ready results beside what the raw facts give, as far as both stages are; by unit.

    `as_of` is the digest of the positions that both stages reached.
    """

    scheme: str
    version: int
    period: str
    state: Literal["live"] = "live"
    as_of: str
    items: list[ShownReconciled]
    next: str | None = Field(description="pass it as `after` to read on; null at the end")


def shown(unit: str, result: str, title: str, found: Reconciled) -> ShownReconciled:
    """Return a result of a unit as it is answered."""
    apart = found.apart
    return ShownReconciled(
        unit=unit,
        result=result,
        title=title,
        state=found.state,
        official=_value(found.official),
        ours=_value(found.ours),
        apart=None if apart is None else lost(parts(apart.numerator, apart.denominator)),
    )


def _value(measured: Measured) -> MeasuredValue | None:
    value, sums = measured.value, measured.sums.summed
    if value is None:
        return None
    return MeasuredValue(
        numerator=amount(sums.numerator),
        denominator=amount(sums.denominator) if sums.denominator else None,
        ratio=text(shown_ratio(value)) if measured.is_ratio else None,
    )
