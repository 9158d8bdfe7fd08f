"""How many records make a batch: about a second of work, so that no session idles past its timeout."""

TARGET_S = 1.0
FIRST_RECORDS = 1_000
LEAST_RECORDS = 1  # an adopted scheme is one record and folds a whole shard anew
MOST_RECORDS = 10_000


class Pace:
    """The size of the next batch, learnt from the last ones."""

    def __init__(self) -> None:
        self.records = FIRST_RECORDS

    def took(self, records: int, seconds: float) -> None:
        """Learn from a batch that was applied; a full one that was quick may be followed by twice as many."""
        fitting = int(records * TARGET_S / max(seconds, 0.001))
        if seconds > TARGET_S:
            self.records = max(LEAST_RECORDS, fitting)
        elif records >= self.records:
            self.records = min(MOST_RECORDS, 2 * self.records, max(fitting, self.records))

    def failed(self) -> None:
        """Try with fewer: the batch may have been too much for a statement, a lock or a session."""
        self.records = max(LEAST_RECORDS, self.records // 4)
