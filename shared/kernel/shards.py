"""Where a key belongs: 64 shards carried by 16 partitions."""

import hashlib
from functools import lru_cache

SHARDS = 64
PARTITIONS = 16
KEYS_KEPT = 1 << 14


@lru_cache(maxsize=KEYS_KEPT)
def shard_of(key: str) -> int:
    """Return the first six bits of the key's SHA-256."""
    return hashlib.sha256(key.encode()).digest()[0] >> 2


def partition_of(shard: int) -> int:
    """Return the partition that carries a shard in every topic."""
    return shard % PARTITIONS


def shards_of(partition: int) -> tuple[int, ...]:
    """Return the shards that a partition carries, ascending."""
    return tuple(range(partition, SHARDS, PARTITIONS))
