"""Commands of trials: an author starts one on a draft as it was read, and ends it; each with a reason."""

from services.scoring import store, trials
from services.scoring.domain.assessment_check import days_are_ruled
from services.scoring.domain.check import dates_are_in_order
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.plan import event_types
from services.scoring.domain.trials import before, tried
from services.scoring.domain.versions import years_begin_alike
from services.scoring.handlers import scheme_refused
from services.scoring.trial_answers import TrialAsked
from services.scoring.trials import Trial
from shared.kernel.errors import refuse
from shared.kernel.periods import Month
from shared.storage.transaction import PostgresTransaction

RUNNING_MOST = 3
SINCE = "0001-01"


async def start(tx: PostgresTransaction, asked: TrialAsked, person: str) -> Trial:
    """Start a trial of a draft on past and coming events, or refuse.

    The draft was checked over its own months when it was drafted; of those of the trial only the order is,
    and that its periods have the months that they have in the versions in force. A day before the draft's
    own months is refused that would be at its adoption, unless the trial has the month itself. What is
    adopted while a trial runs changes nothing of the versions that it follows.
    """
    draft = await store.drafted(tx, asked.scheme, asked.version)
    await store.hold_adoptions(tx, asked.scheme)
    await trials.lock(tx)
    if draft.approver is not None:
        raise refuse(409, "already_adopted", "This version is adopted; a trial runs a draft.")
    if draft.digest != asked.digest:
        raise refuse(409, "digest_changed", f"The draft now has the digest {draft.digest}; read it again.")
    if await trials.known(tx, asked.scheme, asked.trial) is not None:
        detail = "The scheme has or had a trial of this name; name another."
        raise refuse(409, "trial_exists", detail, pointer="/trial")
    running = await trials.running(tx)
    if len(running) >= RUNNING_MOST:
        named = ", ".join(f"{one.code}/{one.trial}" for one in running)
        raise refuse(409, "too_many_trials", f"{RUNNING_MOST} trials run: {named}. End one first.")
    document = tried(draft.document, asked.first, asked.last)
    calendars, below = await store.calendars(tx), await store.below(tx, document.scheme.code)
    found = [
        *years_begin_alike(document, calendars, below),
        *dates_are_in_order(document, event_types(draft.catalogue)),
        *days_are_ruled(draft.document, [*await _adopted_before(tx, draft.document), document]),
    ]
    if found:
        raise scheme_refused(found)
    following = before(document, await _adopted_before(tx, document))
    return await trials.start(tx, asked.trial, document, following, person, asked.reason)


async def end(tx: PostgresTransaction, code: str, name: str, person: str, reason: str) -> Trial:
    """End a trial, once."""
    await trials.lock(tx)
    found = await trials.show(tx, code, name)
    if found.ended is not None:
        raise refuse(409, "trial_over", f"This trial ended at {found.ended.isoformat()}.")
    return await trials.end(tx, found, person, reason, adopted=False)


async def _adopted_before(tx: PostgresTransaction, document: SchemeDocument) -> list[SchemeDocument]:
    """Return the adopted versions of a scheme that cover a month before the first of a document."""
    head = document.scheme
    until = str(Month.parse(head.effective).plus(-1))
    numbers = await store.adopted_numbers(tx, head.code, (SINCE, until))
    return [(await store.scheme(tx, head.code, one)).document for one in numbers]
