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


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Changed)


def written(changed: Changed) -> bytes:
    """Write the data of a message."""
    return _ENCODER.encode(changed)


def read(data: bytes | msgspec.Raw) -> Changed:
    """Read the data of a message."""
    return _DECODER.decode(data)
