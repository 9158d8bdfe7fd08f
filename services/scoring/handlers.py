"""Commands of scoring: drafting and adopting schemes."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.scoring import consultations, store, surveys, trials
from services.scoring.contract import SCHEME_ADOPTED, SCHEMES, SOURCE, SchemeAdopted
from services.scoring.domain.check import findings
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.following import follows
from services.scoring.domain.life import Act
from services.scoring.domain.reading import Finding, read
from services.scoring.domain.rounds import Round, begun_rounds_stay, rounds_of
from services.scoring.domain.versions import years_begin_alike
from shared.contracts.envelope import encode
from shared.kernel.canonical import canonical
from shared.kernel.errors import Problem, Refused, refuse
from shared.kernel.records import Draft
from shared.kernel.shards import SHARDS
from shared.storage.transaction import PostgresTransaction

LARGEST_DOCUMENT_BYTES = 256 << 10


def parse(document: Mapping[str, Any]) -> SchemeDocument:
    """Read a scheme document, or refuse it with every place that is not of its shape."""
    found = read(document)
    if isinstance(found, list):
        raise scheme_refused(found)
    return found


def scheme_refused(found: Sequence[Finding]) -> Refused:
    """Return the refusal that lists its findings."""
    listed = [{"path": one.path, "code": one.code, "reason": one.reason} for one in found]
    detail = f"{len(found)} findings; the first: {found[0].reason}"
    return Refused(Problem(422, "scheme_refused", detail, extra={"findings": listed}))


async def draft_scheme(tx: PostgresTransaction, document: Mapping[str, Any], author: str) -> SchemeDocument:
    """Check a scheme against the newest catalogue and keep it as a draft."""
    parsed = parse(document)
    if len(canonical(parsed.written())) > LARGEST_DOCUMENT_BYTES:
        raise refuse(413, "scheme_too_large", f"A scheme has at most {LARGEST_DOCUMENT_BYTES} bytes.")
    version, catalogue = await store.newest_catalogue(tx)
    if version == 0:
        raise refuse(
            409, "no_event_types", "Adopt event types in ingest first; scoring hears of them by event."
        )
    found = findings(parsed, catalogue)
    if found:
        raise scheme_refused(found)
    known = await consultations.known(tx, parsed.scheme.code, parsed.scheme.version)
    if known is not None and not known.life.adopted:
        consultations.check(known, Act.REDRAFT)
    await store.draft(tx, parsed, version, author)
    return parsed


async def check_read(tx: PostgresTransaction, code: str, version: int, digest: str) -> None:
    """Refuse unless a version still has the content that was read."""
    if (await store.drafted(tx, code, version)).digest != digest:
        raise refuse(409, "digest_changed", "The version has another content; read it again.")


async def adopt_scheme(tx: PostgresTransaction, code: str, version: int, approver: str) -> None:
    """Put a draft in force by another person than its author; every shard is told, and its trials end."""
    scheme = await store.drafted(tx, code, version)
    if scheme.author == approver:
        raise refuse(403, "same_person", "A scheme is adopted by another person than its author.")
    if scheme.approver is not None:
        raise refuse(409, "already_adopted", "This version is in force.")
    consultations.check(await consultations.version(tx, code, version), Act.ADOPT)
    adopted = await store.adopted_versions(tx, code)
    calendars, below = await store.calendars(tx), await store.below(tx, code)
    found = [
        *years_begin_alike(scheme.document, calendars, below),
        *follows(scheme.document, adopted),
        *begun_rounds_stay(scheme.document, await _begun(tx, adopted)),
    ]
    if found:
        raise scheme_refused(found)
    await store.adopt(tx, code, version, approver)
    tried = await trials.of_draft(tx, code, scheme.digest)
    told = SchemeAdopted(
        code=code,
        version=version,
        digest=scheme.digest,
        document=scheme.document.written(),
        effective=scheme.document.scheme.effective,
    )
    body = encode(SCHEME_ADOPTED, SOURCE, f"{code}/{version}", told)
    await tx.append(SCHEMES, [Draft(shard, body) for shard in range(SHARDS)])
    for trial in tried:
        await trials.end(tx, trial, approver, "adopted", adopted=True)


async def _begun(tx: PostgresTransaction, adopted: Sequence[SchemeDocument]) -> list[Round]:
    """Return the rounds of surveys that have begun, each as the version has it that rules it."""
    found = rounds_of(adopted)
    begun = await surveys.begun(tx, list(found)) if found else set[str]()
    return [found[id_] for id_ in sorted(begun)]
