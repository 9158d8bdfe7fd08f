"""The messages of stage B for the hot path: what `EntriesPosted` describes, read and written by msgspec."""

import msgspec

ACCEPTED = "ingest.accepted"


class Span(msgspec.Struct, frozen=True, gc=False):
    """What `Cause` describes."""

    shard: int
    first: int
    last: int
    stream: str = ACCEPTED


class MonthRow(msgspec.Struct, frozen=True, gc=False):
    """What `MonthEntries` describes."""

    unit: str
    month: str
    cells: dict[str, tuple[str | None, str | None]]


class PeriodRow(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What `PeriodFigures` describes."""

    unit: str
    period: str
    volume: int
    values: dict[str, str | None]
    points: dict[str, str] = {}


class Silence(msgspec.Struct, frozen=True, gc=False):
    """What `UnitSilence` describes."""

    unit: str
    months: dict[str, list[str]]


class Posted(msgspec.Struct, frozen=True, gc=False):
    """What `EntriesPosted` describes."""

    scheme: str
    version: int
    group: str
    cause: list[Span]
    fresh_at: str
    day: str
    entries: list[MonthRow]
    figures: list[PeriodRow]
    silent: list[Silence] = []
    brought: str | None = None
    behind: dict[str, list[str]] = {}


class TrialPosted(Posted, frozen=True, gc=False, kw_only=True):
    """What `TrialEntriesPosted` describes."""

    trial: str
    ended: bool = False


class Figures(msgspec.Struct, frozen=True, gc=False):
    """The same for a reader that wants no entries: they are passed over unread."""

    scheme: str
    version: int
    group: str
    cause: list[Span]
    fresh_at: str
    day: str
    figures: list[PeriodRow]
    silent: list[Silence] = []
    brought: str | None = None
    behind: dict[str, list[str]] = {}


class TrialFigures(Figures, frozen=True, gc=False, kw_only=True):
    """What a trial posted, for a reader that wants no entries."""

    trial: str
    ended: bool = False


_ENCODER = msgspec.json.Encoder()
_POSTED = msgspec.json.Decoder(Posted)
_FIGURES = msgspec.json.Decoder(Figures)
_TRIAL_FIGURES = msgspec.json.Decoder(TrialFigures)


def written(posted: Posted) -> bytes:
    """Write the data of a message."""
    return _ENCODER.encode(posted)


def read(data: bytes | msgspec.Raw) -> Posted:
    """Read the data of a message."""
    return _POSTED.decode(data)


def read_figures(data: bytes | msgspec.Raw) -> Figures:
    """Read the data of a message without its entries."""
    return _FIGURES.decode(data)


def read_trial_figures(data: bytes | msgspec.Raw) -> TrialFigures:
    """Read the data of a trial's message without its entries."""
    return _TRIAL_FIGURES.decode(data)
