"""The messages of stage A for the hot path: what `PartialsChanged` describes, read and written by msgspec."""

import msgspec


class Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What `PartialRow` describes; `numbers` is not changed once it is here."""

    unit: str
    month: str
    numbers: list[int]


class Block(msgspec.Struct, frozen=True, gc=False):
    """What `PartialBlock` describes."""

    scheme: str
    over: str
    rows: list[Row]


class Changed(msgspec.Struct, frozen=True, gc=False):
    """What `PartialsChanged` describes."""

    stream: str
    shard: int
    first: int
    last: int
    received: str
    blocks: list[Block]


class _Origin(msgspec.Struct, gc=False):
    shard: int
    received: str


_ORIGIN = msgspec.json.Decoder(_Origin)
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Changed)


def written(changed: Changed) -> bytes:
    """Write the data of a message."""
    return _ENCODER.encode(changed)


def origin(data: bytes | msgspec.Raw) -> tuple[int, str]:
    """Read of the data of a message only which shard of stage A tells it, and the newest `received` in it."""
    found = _ORIGIN.decode(data)
    return found.shard, found.received


def read(data: bytes | msgspec.Raw) -> Changed:
    """Read the data of a message."""
    return _DECODER.decode(data)
