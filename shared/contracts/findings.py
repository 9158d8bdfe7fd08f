"""What `FindingReported` describes, read and written by msgspec: the report stays as it was accepted."""

import msgspec


class Reported(msgspec.Struct, frozen=True, gc=False):
    """What `FindingReported` describes; `event` is the accepted event as it was written."""

    object: str
    event: msgspec.Raw


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Reported)


def written(reported: Reported) -> bytes:
    """Write the data of a message."""
    return _ENCODER.encode(reported)


def read(data: bytes | msgspec.Raw) -> Reported:
    """Read the data of a message."""
    return _DECODER.decode(data)
