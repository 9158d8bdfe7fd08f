"""A source's manifest of a day beside what the archive holds of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, TypeAlias

from pydantic import Field, ValidationError

from services.ingest.domain.sources import Closed, ManifestSpec
from services.ingest.domain.totals import IDS, Total, digest_of_ids
from shared.kernel.errors import Problem, Refused, refuse

DECIMAL_PATTERN = r"^-?(0|[1-9][0-9]{0,29})(\.[0-9]{1,6})?$"

Count = Annotated[int, Field(ge=0, lt=1 << 53, strict=True)]
Found: TypeAlias = Mapping[tuple[str, str], Total]


class Compared(StrEnum):
    """What a comparison says: nothing differs, fewer or more events than told, or others."""

    MATCHED = "matched"
    MISSING = "missing"
    SURPLUS = "surplus"
    DIFFERENT = "different"


class TypeTotals(Closed):
    """How many events of a type a day has, and the sums of their declared fields."""

    count: Count
    sums: dict[str, Annotated[str, Field(pattern=DECIMAL_PATTERN)]] = Field(default_factory=dict)


class Manifest(Closed):
    """What a source says that it sent of a day: each id once, corrections and retractions too."""

    count: Count
    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    totals: dict[str, TypeTotals] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between a manifest and the archive; `count` and `digest` are the archive's."""

    state: Compared
    count: int
    digest: str
    differing: tuple[str, ...]


def read(document: object, spec: ManifestSpec) -> Manifest:
    """Read a manifest, or refuse it; it totals only what its source declares."""
    try:
        manifest = Manifest.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        pointer = "/" + "/".join(str(step) for step in first["loc"])
        raise Refused(Problem(422, "manifest", first["msg"], pointer)) from None
    for kind, totals in manifest.totals.items():
        if kind not in spec.totals or not totals.sums.keys() <= set(spec.totals[kind]):
            detail = "The source does not declare that it totals this."
            raise refuse(422, "manifest", detail, pointer=f"/totals/{kind}")
    return manifest


def compare(manifest: Manifest, found: Found) -> Comparison:
    """Compare a manifest with the totals of its day by (type, field)."""
    ids = [total for (_, field), total in found.items() if field == IDS]
    count = sum(total.count for total in ids)
    digest = digest_of_ids(sum(int(total.sum) for total in ids))
    differing = tuple(_differing(manifest, found, count, digest))
    return Comparison(_state(manifest.count, count, differing), count, digest, differing)


def _state(told: int, count: int, differing: tuple[str, ...]) -> Compared:
    if not differing:
        return Compared.MATCHED
    if count == told:
        return Compared.DIFFERENT
    return Compared.MISSING if count < told else Compared.SURPLUS


def _differing(manifest: Manifest, found: Found, count: int, digest: str) -> Iterator[str]:
    if manifest.count != count:
        yield "/count"
    if manifest.digest != digest:
        yield "/digest"
    for kind, totals in sorted(manifest.totals.items()):
        if totals.count != found.get((kind, IDS), Total()).count:
            yield f"/totals/{kind}/count"
        for field, told in sorted(totals.sums.items()):
            if Decimal(told) != found.get((kind, field), Total()).sum:
                yield f"/totals/{kind}/sums/{field}"
