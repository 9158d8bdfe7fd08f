"""Rows that were lost get numbers between their neighbours, none that belongs to another cell."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.storage.renumbering import ENDLESS, Missing, numbered

CELLS = ("a", "b", "c", "d")


class Table:
    """Rows by number and cell, of which some were lost, some stood wrong and some numbers never were."""

    def __init__(self, rows, lost, wrong, named):
        self.rows = rows
        self.gone = lost | wrong
        self.owners = {number: rows[number] for number in wrong | named}
        self.missing = [
            Missing(
                number,
                rows[number],
                max((at for at in self._kept(number) if at < number), default=0),
                min((at for at in self._kept(number) if at > number), default=ENDLESS),
            )
            for number in sorted(self.gone)
        ]

    def _kept(self, number):
        return [at for at, cell in self.rows.items() if cell == self.rows[number] and at not in self.gone]

    def gaps(self, last):
        free = [number for number in range(1, last + 1) if number not in self.rows or number in self.gone]
        return [(number, number) for number in free]


@st.composite
def tables(draw):
    numbers = sorted(draw(st.sets(st.integers(1, 40), min_size=1)))
    rows = {number: draw(st.sampled_from(CELLS)) for number in numbers}
    of_rows = st.sets(st.sampled_from(numbers))
    lost = draw(of_rows)
    wrong = draw(of_rows) - lost
    return Table(rows, lost, wrong, draw(of_rows) & lost)


@settings(max_examples=200)
@given(tables(), st.integers(0, 3))
def test_every_lost_row_gets_a_number_of_its_own_between_its_neighbours(table, unused):
    last = max(table.rows) + unused
    found = numbered(table.missing, table.gaps(last), table.owners, last + 1)
    assert found.keys() == table.gone
    assert len(set(found.values())) == len(found)
    assert table.rows.keys() - table.gone <= table.rows.keys() - set(found.values())
    for one in table.missing:
        assert one.low < found[one.made] < one.high
        assert table.owners.get(found[one.made], one.cell) == one.cell
    for cell in CELLS:
        order = [found[number] for number in sorted(table.gone) if table.rows[number] == cell]
        assert order == sorted(order)


@given(tables())
def test_a_lone_lost_row_has_the_number_again_by_which_it_is_named(table):
    last = max(table.rows)
    found = numbered(table.missing, table.gaps(last), table.owners, last + 1)
    for one in table.missing:
        alone = sum(other.cell == one.cell for other in table.missing) == 1
        if alone and one.made in table.owners:
            assert found[one.made] == one.made


def test_a_number_that_was_freed_in_another_cell_is_taken_only_where_there_is_no_other_place():
    """A row whose cell was altered stood where one of another cell belongs."""
    between = [Missing(20, "a", 19, 21)]
    assert numbered(between, [(20, 20)], {20: "b"}, 30) == {20: 20}
    assert numbered([Missing(20, "a", 19)], [(20, 20)], {20: "b"}, 30) == {20: 30}
    with pytest.raises(AssertionError):
        numbered(between, [], {}, 30)


def test_twenty_thousand_rows_are_numbered_at_once():
    chance = random.Random(7)
    rows = [(number, str(chance.randrange(50))) for number in range(1, 20_001)]
    missing = [Missing(number, cell, 0) for number, cell in rows]
    found = numbered(missing, [(1, 20_000)], {}, 20_001)
    assert sorted(found.values()) == list(range(1, 20_001))
