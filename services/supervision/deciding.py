"""Commands of supervision: a person's act is decided on all that is known of its item, and becomes a fact."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from services.supervision import store
from services.supervision.answers import NewItem
from services.supervision.calendars import Calendars, Compiled
from services.supervision.contract import (
    ACT_TAKEN,
    ACTS,
    CONSUMER,
    SOURCE,
    ActTaken,
    ItemKind,
    ItemOpened,
)
from services.supervision.domain.items import Act, NotPossible, Taken, judge, possible_now
from services.supervision.domain.machine import State, Who, rule_of
from services.supervision.domain.plans import Plan
from services.supervision.domain.seen import see
from services.supervision.facts import Facts, Found, Known, taken_of
from services.supervision.plans import Plans, assessor_of, path_of
from services.supervision.store import ActRow
from services.supervision.telling import fields_of
from shared.contracts import envelope
from shared.kernel import instants
from shared.kernel.digests import key_digest, sha256
from shared.kernel.errors import Problem, Refused, Unavailable, hidden, refuse
from shared.kernel.instants import EPOCH
from shared.kernel.records import Draft, Head
from shared.kernel.records import Known as Key
from shared.kernel.shards import shard_of
from shared.storage.transaction import PostgresTransaction
from shared.web.access import Subject, covers

PENDING_ACTS = 1_000
TAG_HEX = 32
OF_EVENTS = "e-"
OWN = {"same_person", "already_approved"}


class Desk:
    """Where persons act; `replay` takes the time from the feed."""

    def __init__(self, *, replay: bool) -> None:
        self._compiled: Compiled = {}
        self._replay = replay

    async def find(self, tx: PostgresTransaction, item: str) -> Found:
        """Return an item, or refuse with 404."""
        shard = await _shard_of(tx, item)
        plans = Plans()
        acts = await _pending(tx, shard, item)
        found = await Facts(plans, Calendars(self._compiled)).of(tx, items={item: shard}, beside=acts)
        known = found[item]
        if known.item is None and known.row is None:
            raise refuse(404, "not_found", "There is no such item.")
        now = (await store.clock(tx, [shard]))[shard]
        if known.item is None:
            assert known.row is not None
            return Found(known, known.row.paths, known.row.bearers, known.row.assessor, now)
        in_force, opening = await plans.of(tx, shard), known.item.opening
        paths = paths_in(in_force, {known.item.unit, *known.item.shares})
        bearers = () if known.row is None else known.row.bearers
        return Found(known, paths, bearers, assessor_path(in_force, opening.scheme, opening.indicator), now)

    async def open(self, tx: PostgresTransaction, asked: NewItem, subject: Subject) -> str:
        """Open an item, or return the one that the same request opened before."""
        if asked.item.startswith(OF_EVENTS):
            raise refuse(422, "reserved_name", "Only items from events have such a name.", pointer="/item")
        shard = shard_of(asked.case or asked.unit)
        plans = await Plans().of(tx, shard)
        assessor = assessor_path(plans, asked.scheme, asked.indicator)
        check_decides(subject, paths_in(plans, {asked.unit, *asked.shares}), assessor)
        head = (await tx.lock(ACTS, [shard]))[shard]
        item = asked.item
        key, content = key_digest("item", item), sha256(asked.model_dump_json().encode())
        before = (await tx.known([key])).get(key)
        if before is not None:
            if before.content == content:
                return item
            raise refuse(409, "item_exists", "Another item has this name.", pointer="/item")
        at = await self._at(tx, shard, head)
        opened = _opened(asked, at)
        _check_shares(opened.unit, opened.shares)
        told = ActTaken(
            item=item, act=Act.OPEN.value, person=subject.name, reason=asked.reason, opened=opened
        )
        ((_, number),) = await tx.append(ACTS, [self._draft(shard, told, at)])
        await tx.remember({key: Key(shard, number, content)})
        return item

    async def act(
        self, tx: PostgresTransaction, told: ActTaken, subject: Subject, if_match: str | None
    ) -> None:
        """Take an act if the person may and it is possible now; refuse it with what is."""
        shard = await _shard_of(tx, told.item)
        head = (await tx.lock(ACTS, [shard]))[shard]
        found = await self.find(tx, told.item)
        check_sees(subject, found)
        if rule_of(Act(told.act)).who is not Who.UNIT:
            given_to = {told.unit, *told.shares} if told.unit is not None else set[str]()
            paths = paths_in(await Plans().of(tx, shard), given_to)
            check_decides(subject, (*found.paths, *paths), found.assessor)
        elif not _is_of(subject, found.paths):
            raise refuse(403, "not_above", "Its own units do the work; who assesses it does not.")
        _check_unchanged(found.known, if_match)
        at = await self._at(tx, shard, head)
        if told.unit is not None:
            _check_shares(told.unit, told.shares)
        taken = _judged(found.known, taken_of(told, at, head.number + 1))
        await tx.append(ACTS, [self._draft(shard, _with_found(told, taken), at)])

    async def _at(self, tx: PostgresTransaction, shard: int, head: Head) -> datetime:
        """Return the `received` that the next act has; it never falls."""
        now = (await store.clock(tx, [shard]))[shard] if self._replay else tx.now
        return max(now, head.received or EPOCH)

    def _draft(self, shard: int, told: ActTaken, at: datetime) -> Draft:
        body = envelope.encode(ACT_TAKEN, SOURCE, told.item, told)
        return Draft(shard, body, received=at if self._replay else None)


def paths_in(plans: Sequence[Plan], units: Collection[str]) -> tuple[str, ...]:
    """Return the paths of units."""
    return tuple(path_of(plans, unit) for unit in sorted(units))


def assessor_path(plans: Sequence[Plan], scheme: str | None, indicator: str | None) -> str | None:
    """Return the path of who assesses an indicator."""
    assessor = assessor_of(plans, scheme, indicator)
    return None if assessor is None else path_of(plans, assessor)


def check_sees(subject: Subject, found: Found) -> None:
    """Let its units, those that bear late days of it, who assesses it and who is above one see an item.

    To others it is not there.
    """
    if not _is_of(subject, (*found.paths, *found.bearers)) and not _assesses(subject, found.assessor):
        raise hidden("There is no such item.")


def check_decides(subject: Subject, paths: Collection[str], assessor: str | None) -> None:
    """Let nobody issue or check what their own unit does: only who is above all its units, or assesses it."""
    is_own = any(covers(path, subject.unit) for path in paths)
    is_above = all(covers(subject.unit, path) for path in paths)
    if is_own or not (is_above or _assesses(subject, assessor)):
        raise refuse(
            403,
            "not_above",
            "Who issues or checks an item is above all its units, or assesses its indicator.",
        )


def _is_of(subject: Subject, paths: Collection[str]) -> bool:
    return any(covers(subject.unit, path) for path in paths)


def _assesses(subject: Subject, assessor: str | None) -> bool:
    return assessor is not None and covers(subject.unit, assessor)


def etag(known: Known) -> str:
    """Return the ETag of an item: its facts, and what a calendar or a scheme makes of them.

    It is looked at as of when it was given, so that a tick alone does not change its tag.
    """
    parts = [known.id, str(known.facts)]
    if known.item is not None:
        opening = known.item.opening
        seen = see(known.calendar, known.item, opening.given)
        shown = fields_of(known.id, known.item, seen)
        parts += [json.dumps(shown), str(opening.terms)]
    return f'"{key_digest(*parts).hex()[:TAG_HEX]}"'


def _check_unchanged(known: Known, if_match: str | None) -> None:
    if if_match is None or if_match.strip() == "*":
        return
    if etag(known) not in {tag.strip() for tag in if_match.split(",")}:
        detail = "Somebody or something changed the item since you read it; read it again."
        raise Refused(Problem(412, "changed_meanwhile", detail, headers={"etag": etag(known)}))


def _judged(known: Known, taken: Taken) -> Taken:
    """Return an act with what was found, or refuse one that is not possible and say what is."""
    if known.item is None:
        detail = "The fact that opened this item was withdrawn."
        extra = {"state": State.WITHDRAWN.value, "possible": []}
        raise Refused(Problem(409, "illegal_step", detail, extra=extra))
    judged = judge(known.calendar, known.item, taken)
    if isinstance(judged, NotPossible):
        acts = [act.value for act, _ in possible_now(known.calendar, known.item, taken.at)]
        status = 403 if judged.code in OWN else 409
        extra = {"state": known.item.state.value, "possible": acts}
        raise Refused(Problem(status, judged.code, judged.detail, extra=extra))
    return judged


def _with_found(told: ActTaken, taken: Taken) -> ActTaken:
    """Return an act as it is told, with what the door found."""
    found = {"due": taken.due, "lapses": taken.lapses}
    return told.model_copy(update={name: instants.text(at) for name, at in found.items() if at is not None})


def _check_shares(unit: str, shares: Mapping[str, str]) -> None:
    """The shares of the lead and the others sum to 1 exactly."""
    if not shares:
        return
    if unit not in shares or sum(map(Decimal, shares.values()), Decimal(0)) != 1:
        raise refuse(422, "shares", "The lead has a share too, and all sum to 1.", pointer="/shares")
    if any(Decimal(share) <= 0 for share in shares.values()):
        raise refuse(422, "shares", "A share is above 0.", pointer="/shares")


def _opened(asked: NewItem, at: datetime) -> ItemOpened:
    given = at if asked.given is None else instants.parse(asked.given, "/given")
    if given > at:
        raise refuse(422, "time_in_future", "An item is given now or was before.", pointer="/given")
    return ItemOpened(
        kind=ItemKind(asked.kind),
        title=asked.title,
        unit=asked.unit,
        shares=asked.shares or {asked.unit: "1"},
        given=instants.text(given),
        due=asked.due,
        scheme=asked.scheme,
        indicator=asked.indicator,
        case=asked.case,
        sign_days=asked.sign_days,
        yellow_days=asked.yellow_days,
        approval_days=asked.approval_days,
    )


async def _shard_of(tx: PostgresTransaction, item: str) -> int:
    row = (await store.items(tx, [item])).get(item)
    if row is not None:
        return row.shard
    key = key_digest("item", item)
    known = (await tx.known([key])).get(key)
    if known is None:
        raise refuse(404, "not_found", "There is no such item.")
    return known.shard


async def _pending(tx: PostgresTransaction, shard: int, item: str) -> list[ActRow]:
    """Return the acts on an item that the consumer has not come to yet."""
    rows = await tx.many(
        "SELECT number FROM positions WHERE consumer = $1 AND stream = $2 AND shard = $3",
        CONSUMER,
        ACTS,
        shard,
    )
    after = rows[0]["number"] if rows else 0
    records = await tx.read(ACTS, shard, after, PENDING_ACTS)
    if len(records) == PENDING_ACTS:
        raise Unavailable("acts are waiting to be applied", code="busy")
    return [
        ActRow(shard, item, record.number, record.body)
        for record in records
        if envelope.decode(record.body).subject == item
    ]
