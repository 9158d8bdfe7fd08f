"""The versions of the rules in memory, and which of them counts for a record."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.notify import store
from services.notify.domain.document import rules_of
from services.notify.domain.rules import Rule
from shared.kernel.records import Record
from shared.storage.transaction import PostgresTransaction


@dataclass(frozen=True, slots=True)
class InForce:
    """A version of the rules; it counts for what follows its `cut`: the last number of each shard before."""

    version: int
    rules: tuple[Rule, ...]
    cut: Mapping[str, int]


NONE_ADOPTED = InForce(0, (), {})


class Rulebook:
    """All versions, newest first; one that was adopted never changes, so what is read stays true."""

    def __init__(self) -> None:
        self._versions: list[InForce] = [NONE_ADOPTED]

    async def read_on(self, tx: PostgresTransaction) -> None:
        """Read the versions that were adopted since."""
        for one in await store.rules_after(tx, self._versions[0].version):
            self._versions.insert(0, InForce(one.version, rules_of(one.document), one.cut))

    def of(self, record: Record) -> InForce:
        """Return the version that counts for a record: the same whenever the record is applied."""
        place = place_of(record.stream, record.shard)
        return next(one for one in self._versions if one.cut.get(place, 0) < record.number)


def place_of(stream: str, shard: int) -> str:
    """Return how a cut names a shard of a stream."""
    return f"{stream}/{shard}"
