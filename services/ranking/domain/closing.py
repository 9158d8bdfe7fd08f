"""What two persons close: the exact effect with its digest, and the one state machine of a request for it."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property

from shared.kernel.canonical import digest_hex
from shared.kernel.digests import sha256_hex


class State(StrEnum):
    """Where a request to close stands; one that is approved has closed the period for good."""

    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Step(StrEnum):
    """What a person does to a request: others approve or refuse it, who asked withdraws it."""

    APPROVE = "approve"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"


LEADS = {Step.APPROVE: State.APPROVED, Step.REFUSE: State.REFUSED, Step.WITHDRAW: State.WITHDRAWN}


@dataclass(frozen=True, slots=True)
class Cut:
    """T of a group's period, the last day before it, and the shard in which the group is told of."""

    group: str
    shard: int
    at: str
    day: str


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A day of which a source's manifest and the archive differ: missing, surplus or different.

    `difference` is the digest of what differs, empty where it was not told.
    """

    source: str
    day: str
    state: str
    difference: str = ""


@dataclass(frozen=True)
class Frozen:
    """The standing of a group as it was known before T, as the bytes that are answered ever after."""

    version: int
    cut: Cut
    content: bytes

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the bytes in hexadecimal."""
        return sha256_hex(self.content)


def possible(state: State) -> tuple[Step, ...]:
    """Return what can be done now to a request."""
    return tuple(Step) if state is State.ASKED else ()


def lacking(groups: Collection[str], passed: Collection[str]) -> tuple[str, ...]:
    """Return the groups of which not all that was received before T has been told yet, in order."""
    return tuple(sorted(set(groups) - set(passed)))


def effect_digest(
    scheme: str, period: str, frozen: Sequence[Frozen], mismatches: Sequence[Mismatch] = ()
) -> str:
    """Return the digest that one person asks for and another approves: of every group of the period.

    Over what is closed all the same, both agree with it: it is in the digest.
    """
    groups = [
        {
            "group": one.cut.group,
            "version": one.version,
            "cut": one.cut.at,
            "day": one.cut.day,
            "digest": one.digest,
        }
        for one in sorted(frozen, key=lambda one: one.cut.group)
    ]
    over = {"mismatches": [asdict(one) for one in mismatches]} if mismatches else {}
    return digest_hex({"scheme": scheme, "period": period, "groups": groups, **over})
