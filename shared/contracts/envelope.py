"""The CloudEvents envelope: how a service writes its own events and how everyone reads accepted ones."""

from functools import lru_cache
from typing import Any, TypeVar

import msgspec
from pydantic import Field

from shared.contracts.fields import Closed, InstantText

SPEC_VERSION = "1.0"
CONTENT_TYPE = "application/json"
OWN_PREFIX = "dukao."
NO_DATA = msgspec.Raw()

Model = TypeVar("Model", bound=Closed)


class CloudEvent(Closed):
    """An event as it stands in a stream; `sequence`, `partitionkey` and `received` were set by its owner.

    So were, in the shard of both, `correctsnumber` of a correction: the number of its original, if that came
    first; and `correctedby` of an original: the number of a correction that came before it.
    """

    specversion: str = Field(SPEC_VERSION, pattern=r"^1\.0$")
    id: str = Field(min_length=1, max_length=128)
    source: str = Field(min_length=1, max_length=128)
    type: str = Field(min_length=1, max_length=128)
    time: InstantText
    subject: str = Field(min_length=1, max_length=128)
    datacontenttype: str = Field(CONTENT_TYPE, pattern="^application/json$")
    sequence: str = Field(pattern="^[1-9][0-9]*$")
    partitionkey: str = Field(pattern="^(0|[1-9][0-9]?)$")
    received: InstantText
    case: str | None = Field(None, max_length=128)
    recorded: InstantText | None = None
    correctssource: str | None = Field(None, max_length=128)
    correctsid: str | None = Field(None, max_length=128)
    revision: int | None = Field(None, ge=1)
    correctsnumber: str | None = Field(None, pattern="^[1-9][0-9]*$")
    correctedby: str | None = Field(None, pattern="^[1-9][0-9]*$")
    data: dict[str, Any] | None = None


class AcceptedEvent(msgspec.Struct, frozen=True, gc=False):
    """The same event for the hot path; `data` stays as written, empty when there is none."""

    id: str
    source: str
    type: str
    time: str
    subject: str
    sequence: str
    partitionkey: str
    received: str
    case: str | None = None
    recorded: str | None = None
    correctssource: str | None = None
    correctsid: str | None = None
    revision: int | None = None
    correctsnumber: str | None = None
    correctedby: str | None = None
    data: msgspec.Raw = NO_DATA

    @property
    def has_data(self) -> bool:
        """Tell whether the event carries data; a retraction carries none."""
        return bytes(self.data) not in {b"", b"null"}

    @property
    def number(self) -> int:
        """The event's number in its shard."""
        return int(self.sequence)

    @property
    def shard(self) -> int:
        """The shard that numbered the event."""
        return int(self.partitionkey)


class Glance(msgspec.Struct, frozen=True, gc=False):
    """What tells a reader whether a record concerns it, at a quarter of the cost of reading it."""

    type: str
    case: str | None = None

    @property
    def is_own(self) -> bool:
        """Tell whether it is an event of ours and no source's."""
        return self.type.startswith(OWN_PREFIX)


_ACCEPTED = msgspec.json.Decoder(AcceptedEvent)
_GLANCE = msgspec.json.Decoder(Glance)
_QUOTED = msgspec.json.Encoder()


def decode(body: bytes) -> AcceptedEvent:
    """Read the envelope of a stored record."""
    return _ACCEPTED.decode(body)


def glance(body: bytes) -> Glance:
    """Read only what kind of record it is."""
    return _GLANCE.decode(body)


def decode_data(event: AcceptedEvent, model: type[Model]) -> Model:
    """Read the data of one of our own events into its model."""
    assert event.has_data
    return model.model_validate_json(bytes(event.data))


def encode(event_type: str, source: str, subject: str, data: Closed) -> bytes:
    """Write an own event as the JSON object of a draft, without what its stream adds."""
    return encode_written(event_type, source, subject, data.model_dump_json().encode())


def encode_written(event_type: str, source: str, subject: str, data: bytes) -> bytes:
    """Write an own event whose data is written already."""
    return b"".join((_head(event_type, source), _QUOTED.encode(subject), b',"data":', data, b"}"))


@lru_cache(maxsize=256)
def _head(event_type: str, source: str) -> bytes:
    head = {
        "specversion": SPEC_VERSION,
        "type": event_type,
        "source": source,
        "datacontenttype": CONTENT_TYPE,
    }
    return _QUOTED.encode(head)[:-1] + b',"subject":'
