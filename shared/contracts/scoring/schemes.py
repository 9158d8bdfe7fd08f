"""Schemes that come into force, and drafts that are tried."""

from typing import Any

from pydantic import Field

from shared.contracts.fields import Closed, Code, Digest, MonthText, Shard, Version

SCHEME_ADOPTED = "dukao.scheme-adopted.v1"
TRIAL_STARTED = "dukao.trial-started.v1"
TRIAL_ENDED = "dukao.trial-ended.v1"
TRIAL_FOLDED = "dukao.trial-folded.v1"
TRIAL_SHARD_POSTED = "dukao.trial-shard-posted.v1"


class SchemeAdopted(Closed):
    """A version of a scheme was adopted; the whole canonical document travels with it. Once per shard."""

    code: Code
    version: Version
    digest: Digest
    document: dict[str, Any]
    effective: MonthText


class VersionBefore(Closed):
    """An adopted version that rules months before those of a trial; its document if it is of their year."""

    version: Version
    document: dict[str, Any] | None = None


class TrialStarted(Closed):
    """A draft is tried from here on, without effect; once per shard. `digest` is that of the draft.

    The document is the draft's over the months `effective` to `until`, which are those of the trial. `before`
    are the versions that it would follow, were it adopted, in the order of their months: those of its year
    are scored with it, of those of other years late days run on.
    """

    code: Code
    trial: Code
    version: Version
    digest: Digest
    document: dict[str, Any]
    effective: MonthText
    until: MonthText
    before: tuple[VersionBefore, ...] = Field((), strict=False)


class TrialEnded(Closed):
    """A trial is over, once per shard; `adopted` says that its draft came into force."""

    code: Code
    trial: Code
    version: Version
    adopted: bool


class TrialFolded(Closed):
    """A shard of stage A has folded all that it holds under a trial, and its sums were told before this."""

    code: Code
    trial: Code
    version: Version
    shard: Shard


class TrialShardPosted(TrialFolded):
    """What a shard of stage A has folded under a trial is in the figures that were told before this."""
