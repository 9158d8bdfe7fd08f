"""The checker of the campaign waits for every reader, and sees an item told twice, out of order or not at all."""

from collections import defaultdict

from campaign.checker.archive import READERS, SCHEMAS
from campaign.checker.telling import not_last, out_of_order
from shared.contracts.catalogue import STREAM_OWNERS, STREAM_READERS


def test_the_checker_waits_for_every_reader_of_the_catalogue():
    streams = defaultdict(set)
    for service, read in READERS.values():
        streams[service] |= set(read)
    assert streams == {service: set(read) for service, read in STREAM_READERS.items()}
    assert set(SCHEMAS) == set(STREAM_OWNERS.values())


def test_versions_that_were_told_twice_left_out_or_turned_around_are_seen():
    told = {"fine": [1, 2, 3], "twice": [1, 2, 2], "left out": [1, 3], "turned": [2, 1]}
    assert [line.split(":")[0] for line in out_of_order(told)] == [
        "item twice",
        "item left out",
        "item turned",
    ]


def test_an_item_that_is_kept_otherwise_than_it_was_told_is_seen():
    told = {"fine": [1, 2], "behind": [1, 2], "lost": [1]}
    kept = {"fine": 2, "behind": 1, "never told": 1}
    assert sorted(not_last(told, kept, "notify")) == [
        "item behind: notify keeps 1, told last was 2",
        "item lost: notify keeps None, told last was 1",
        "item never told: notify keeps 1, told last was None",
    ]
