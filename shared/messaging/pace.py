"""How many records make a batch, and how long more are waited for.

About a second of work, so that no session idles past its timeout; and not much less than a consumer can take
together, because much of a batch's cost is the same for one record and for a thousand.
"""

TARGET_S = 1.0
FIRST_RECORDS = 1_000
LEAST_RECORDS = 1  # an adopted scheme is one record and folds a whole shard anew
MOST_RECORDS = 20_000
REST_S = 0.05


class Pace:
    """The size of the next batch, learnt from the last ones."""

    def __init__(self, rest_s: float = REST_S) -> None:
        self.records = FIRST_RECORDS
        self._rest_s = rest_s

    def took(self, records: int, seconds: float) -> None:
        """Learn from a batch that was applied; a full one that was quick may be followed by twice as many.

        Slowness alone makes no batch smaller than the first: on a busy machine what every batch costs takes
        longer than the target, and smaller ones would only pay it more often.
        """
        fitting = int(records * TARGET_S / max(seconds, 0.001))
        if seconds > TARGET_S:
            self.records = max(min(self.records, FIRST_RECORDS), fitting)
        elif records >= self.records:
            self.records = min(MOST_RECORDS, 2 * self.records, max(fitting, self.records))

    def rest_s(self, records: int) -> float:
        """Return how long to wait after a batch, so that the next is worth its price; not with more there."""
        return self._rest_s if 0 < records < self.records else 0.0

    def failed(self) -> None:
        """Try with fewer: the batch may have been too much for a statement, a lock or a session."""
        self.records = max(LEAST_RECORDS, self.records // 4)
