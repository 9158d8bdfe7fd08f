"""How a group that could not be committed whole is tried again: shard by shard, else in two halves."""

from collections.abc import Sequence


def parted(shards: Sequence[int]) -> list[list[int]]:
    """Return the places of the events of each shard, of one shard alone the first half and the rest.

    Each part is smaller than the group, and within a shard the order stays.
    """
    by_shard: dict[int, list[int]] = {}
    for place, shard in enumerate(shards):
        by_shard.setdefault(shard, []).append(place)
    if len(by_shard) > 1:
        return list(by_shard.values())
    return halved(len(shards))


def halved(count: int) -> list[list[int]]:
    """Return the places of so many events in two halves, so that the order of all of them stays."""
    return [list(range(count // 2)), list(range(count // 2, count))]
