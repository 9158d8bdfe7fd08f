"""What a unit of each level does in a day: what comes in numbers, and what comes at its turn."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from dukao.simulator import business, office, oversight
from dukao.simulator.desk import Desk, Work
from dukao.simulator.nation import BUREAU, DEPARTMENT, DISCIPLINE, INSPECTORATE

Maker = Callable[[Desk], Work]


class Turn(NamedTuple):
    """Work that comes every so many days, on a day of its own among them."""

    every: int
    at: int
    make: Maker


_COMMON = (
    Turn(10, 0, office.training),
    Turn(15, 7, office.party_task),
    Turn(20, 3, office.decision),
    Turn(25, 11, office.assignment),
    Turn(30, 17, office.instruction),
    Turn(20, 13, office.petition),
    Turn(30, 23, office.rectification),
    Turn(15, 2, office.budget),
    Turn(45, 31, office.appraisal),
    Turn(5, 1, office.document),
    Turn(10, 6, office.task),
)
TURNS: Mapping[str, Sequence[Turn]] = {
    BUREAU: (
        *_COMMON,
        Turn(10, 4, business.benefit),
        Turn(10, 9, business.revenue),
        Turn(12, 5, office.data_check),
        Turn(20, 8, oversight.taxpayer_finding),
    ),
    DEPARTMENT: (
        *_COMMON,
        Turn(8, 4, office.own_task),
        Turn(15, 9, office.policy),
        Turn(12, 5, office.data_check),
        Turn(12, 8, office.unit_rated),
        Turn(10, 2, office.question),
    ),
    INSPECTORATE: (
        *_COMMON,
        Turn(6, 4, oversight.inspection),
        Turn(15, 9, oversight.case_file),
        Turn(12, 5, office.data_check),
        Turn(12, 8, office.unit_rated),
    ),
    DISCIPLINE: (
        Turn(10, 0, office.training),
        Turn(12, 7, office.discipline_task),
        Turn(5, 1, office.document),
        Turn(8, 3, oversight.lead),
        Turn(15, 9, office.petition),
    ),
}
SHARES: Mapping[str, Sequence[tuple[int, Maker]]] = {
    BUREAU: (
        (370, business.declaration),
        (120, business.rating),
        (90, office.document),
        (80, business.refund),
        (60, business.invoices),
        (60, business.complaint),
        (60, oversight.risk),
        (50, office.task),
        (30, office.assignment),
        (30, office.petition),
        (20, office.decision),
        (15, office.instruction),
        (15, office.data_check),
    ),
    DEPARTMENT: (
        (300, office.question),
        (250, office.document),
        (100, office.data_check),
        (100, office.own_task),
        (50, office.task),
        (50, office.decision),
        (50, office.assignment),
        (50, office.policy),
        (50, office.unit_rated),
    ),
    INSPECTORATE: (
        (400, oversight.inspection),
        (250, office.document),
        (100, oversight.case_file),
        (100, office.unit_rated),
        (50, office.task),
        (50, office.assignment),
        (50, office.petition),
    ),
    DISCIPLINE: (
        (450, oversight.lead),
        (250, office.document),
        (200, office.petition),
        (100, office.discipline_task),
    ),
}


def volume(desk: Desk) -> Work:
    """Return one piece of the work that comes in numbers, by its share per mille."""
    at = desk.rng.randrange(1000)
    for share, make in SHARES[desk.unit.level]:
        at -= share
        if at < 0:
            return make(desk)
    raise AssertionError("the shares sum to 1000")


def routine(desk: Desk, turn: int) -> Iterator[Work]:
    """Yield the work of a unit that comes at its turn, however much else there is; findings by slack."""
    for every, at, make in TURNS[desk.unit.level]:
        if turn % every == at:
            yield make(desk)
    if desk.chance(20 + desk.habits.slack // 2):
        yield oversight.finding(desk)
