"""Batches as they lie in an inbound topic: unpacked within a limit, read past what is no record."""

import struct
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import cramjam
from aiokafka.codec import snappy_decode
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.util import decode_varint

UNPACKED_BYTES = 32 << 20  # of one batch; what is packed has 2 MiB at most
USUAL_RATIO = 16  # room for more is made only where it is needed: it takes 20 ms to clear

_HEADER = struct.Struct(">qiibIhiqqqhii")
_AFTER_LENGTH = struct.calcsize(">qi")
_ATTRIBUTES_AT = struct.calcsize(">qiibI")
_MAGIC = 2
_CODEC, _TRANSACTIONAL, _CONTROL = 0x07, 0x10, 0x20
_SNAPPY = 2
_CODECS: dict[int, Any] = {1: cramjam.gzip, 3: cramjam.lz4, 4: cramjam.zstd}


class Unread(NamedTuple):
    """Offsets of which nothing can be read."""

    first: int
    last: int


class Batch(NamedTuple):
    """A batch that is not unpacked yet."""

    written: bytes
    base: int
    next: int
    attributes: int
    producer: int
    amount: int

    @property
    def transactional(self) -> bool:
        """Whether a transaction may have taken it back."""
        return bool(self.attributes & _TRANSACTIONAL)

    @property
    def control(self) -> bool:
        """Whether it is no records but the marker that ends a transaction."""
        return bool(self.attributes & _CONTROL)


def parted(written: bytes) -> Iterator[Batch]:
    """Yield whole batches; it ends where one is cut off, and where the length of one cannot be."""
    start = 0
    while len(written) - start >= _HEADER.size:
        base, length, _, magic, _, attributes, last, _, _, producer, _, _, count = _HEADER.unpack_from(
            written, start
        )
        stop = start + _AFTER_LENGTH + length
        if magic != _MAGIC or not start + _HEADER.size <= stop <= len(written):
            return
        yield Batch(written[start:stop], base, base + last + 1, attributes, producer, count)
        start = stop


def is_whole(batch: Batch) -> bool:
    """Tell whether it is as it was sent, by its checksum."""
    return DefaultRecordBatch(batch.written).validate_crc()


def records(batch: Batch) -> Iterator[Any]:
    """Yield aiokafka's records of a whole batch, each with its offset, and as Unread what is none."""
    try:
        unpacked = _unpacked(batch)
    except cramjam.DecompressionError:
        yield Unread(batch.base, batch.next - 1)
        return
    told, offset = 0, batch.base
    try:
        for record in DefaultRecordBatch(_header(batch, batch.amount) + unpacked):
            yield record
            told, offset = told + 1, record.offset + 1
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - what a record raises that cannot be read has no name in common
        yield from _one_by_one(batch, unpacked, told, offset)


def _unpacked(batch: Batch) -> bytes:
    packed, codec = batch.written[_HEADER.size :], batch.attributes & _CODEC
    if not codec:
        return packed
    if codec == _SNAPPY:  # never grows by more than some twenty times
        return snappy_decode(packed)
    if codec not in _CODECS:
        raise cramjam.DecompressionError(f"codec {codec}")
    unpack = _CODECS[codec].decompress_into
    room = bytearray(min(USUAL_RATIO * len(packed), UNPACKED_BYTES))
    try:
        size = unpack(packed, room)
    except cramjam.DecompressionError:  # perhaps for want of room
        room = bytearray(UNPACKED_BYTES)
        size = unpack(packed, room)
    return bytes(memoryview(room)[:size])


def _one_by_one(batch: Batch, unpacked: bytes, told: int, offset: int) -> Iterator[Any]:
    """Yield what follows the records that were told, each read by itself."""
    for written in islice(_slices(unpacked), told, max(told, batch.amount)):
        try:
            (record,) = DefaultRecordBatch(_header(batch, 1) + written)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - as above
            record = Unread(offset, offset)
        yield record
        offset += 1
    if offset < batch.next:
        yield Unread(offset, batch.next - 1)


def _slices(unpacked: bytes) -> Iterator[bytes]:
    """Yield the bytes of each record, while their lengths can be."""
    start, buffer = 0, bytearray(unpacked)
    while start < len(buffer):
        try:
            length, begin = decode_varint(buffer, start)
        except (ValueError, IndexError):
            return
        if not 0 <= length <= len(buffer) - begin:
            return
        yield unpacked[start : begin + length]
        start = begin + length


def _header(batch: Batch, count: int) -> bytes:
    """Return the header that the batch would have with so many records, not packed."""
    header = bytearray(batch.written[: _HEADER.size])
    struct.pack_into(">h", header, _ATTRIBUTES_AT, batch.attributes & ~_CODEC)
    struct.pack_into(">i", header, _HEADER.size - 4, count)
    return bytes(header)
