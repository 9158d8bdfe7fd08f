"""What a check found: what is wrong, and how much it compared; what compares nothing is right of nothing."""

from collections.abc import Iterable


class Found(list[str]):
    """What is wrong, a sentence each, and how many of each kind were compared."""

    def __init__(self, wrong: Iterable[str], **compared: int) -> None:
        """Take what is wrong and the counts by kind."""
        super().__init__(wrong)
        self.compared = compared
