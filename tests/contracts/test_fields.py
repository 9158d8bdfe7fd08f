"""What a field of a contract takes is what the kernel takes."""

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.contracts.fields import Code, DayText, InstantText, MonthText, PeriodText
from shared.kernel import codes, instants
from shared.kernel.errors import Refused
from shared.kernel.periods import JANUARY, Month

TEXTS = [
    "2021-03", "2021-13", "2021-00", "1900-01", "1899-12", "2199-12", "2200-01", "2021-Q1", "2021-Q5", "2021-H2",
    "2021-H3", "2021", "9999", "21", "", "2021-03\n", "２021-03", "2021-03-01", "2021-03-01T00:00:00Z",
    "2021-03-01T00:00:00", "2021-02-30T00:00:00Z", "b-11", "-b", "b 11", "А1", "a" * 64, "a" * 65, "a\n",
]  # fmt: skip

KERNEL = [
    (MonthText, Month.parse),
    (PeriodText, JANUARY.parse),
    (InstantText, instants.parse),
    (Code, codes.code),
]


@pytest.mark.parametrize("text", TEXTS)
def test_contract_and_kernel_agree(text: str) -> None:
    for field, read in KERNEL:
        assert takes_field(field, text) == takes(read, text), (field, text)


def takes(read: object, text: str) -> bool:
    assert callable(read)
    try:
        read(text)
    except Refused:
        return False
    return True


def takes_field(field: object, text: str) -> bool:
    try:
        TypeAdapter(field).validate_python(text)
    except ValidationError:
        return False
    return True


def test_a_day_is_one_of_the_calendar() -> None:
    taken = [
        text
        for text in ("2024-02-29", "2021-02-29", "2021-02-30", "2021-04-31", "2021-12-31")
        if takes_field(DayText, text)
    ]
    assert taken == ["2024-02-29", "2021-12-31"]
