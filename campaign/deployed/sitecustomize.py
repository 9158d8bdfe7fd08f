"""Makes of today's program a later one, for F50: it knows the new type, and has no use for it."""

from shared.contracts import catalogue
from shared.contracts.ingest import ACCEPTED

catalogue._KNOWN[ACCEPTED] |= {"dukao.future.v2"}  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
