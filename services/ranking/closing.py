"""Commands that close a period: one person asks for the exact effect, another approves, and it is frozen."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from services.ranking import closes, hearing, knowing, papers, shown, store, versions
from services.ranking.close_answers import Approving, NewClose
from services.ranking.closes import Request, Taken
from services.ranking.contract import CLOSES, NOTICES, PERIOD_CLOSED, SOURCE, PeriodClosed
from services.ranking.domain.closing import (
    LEADS,
    Cut,
    Frozen,
    Mismatch,
    State,
    Step,
    effect_digest,
    lacking,
    possible,
)
from services.ranking.domain.rows import Group
from services.ranking.domain.schemes import Scheme
from services.ranking.domain.standings import DUE
from services.ranking.hearing import Told, Unheard
from services.ranking.knowing import Seen
from shared.contracts import envelope
from shared.kernel import instants
from shared.kernel.errors import Problem, Refused, refuse
from shared.kernel.records import Draft
from shared.storage.transaction import PostgresTransaction
from shared.web.access import Role, Subject

ASK = "ask"
GATE_SHARD = 0  # whoever closes anything locks it first, so that two persons never wait for each other
UNKNOWN_NAMED = 10
BESIDE = frozenset({Role.CLOSER, Role.READER})


@dataclass(frozen=True, slots=True)
class Effect:
    """What closing a period would freeze; of `lacking` groups not all that was before T has been told yet.

    Where the figures at T were not told, those as of the day before stand for them: of `unknown` groups, or
    units by `group/unit`, nothing had been told by then; in `mixed` groups something of before T was told
    over what is late: nothing exact can be frozen. Groups that no version had before T are left out.
    `mismatches` are the days of the period of which a source's manifest and the archive differ, as far as
    they are heard of: of others `unheard` may tell.
    """

    scheme: Scheme
    frozen: tuple[Frozen, ...]
    lacking: tuple[str, ...]
    unknown: tuple[str, ...]
    mixed: tuple[str, ...]
    mismatches: tuple[Mismatch, ...]
    unheard: Unheard | None
    digest: str

    @property
    def is_exact(self) -> bool:
        """Whether all that was known before T is known, and nothing else."""
        return not (self.lacking or self.unknown or self.mixed)

    @property
    def has_cut(self) -> bool:
        """Whether the scheme says when what is received is late."""
        return self.scheme.document["scheme"].get("grace_days") is not None


@dataclass(frozen=True, slots=True)
class Come:
    """What a group comes to before T, by which version; `unknown` and `is_mixed` are what is not exact."""

    frozen: Frozen | None
    scheme: Scheme | None
    unknown: tuple[str, ...] = ()
    is_mixed: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A request with its steps."""

    request: Request
    steps: tuple[Taken, ...]

    @property
    def asker(self) -> str:
        """Who asked."""
        return self.steps[0].person


async def effect(tx: PostgresTransaction, scheme: str, period: str, told: Told) -> Effect:
    """Return what closing a period would freeze now, or refuse where no scheme is in force in it.

    `told` is how far ingest had told of days that differ when it was asked for.
    """
    unheard = await hearing.unheard(tx, told)
    passed = await closes.cuts(tx, scheme, period)
    schemes = {
        name: (await versions.in_force(tx, (scheme, name), [period])).get(period)
        for name in await versions.groups_of(tx, scheme)
    }
    ruling = {name: one for name, one in schemes.items() if one is not None}
    if not ruling:
        raise refuse(404, "not_found", "No scheme of this code is in force in this period.")
    groups = {name for name, one in ruling.items() if name in one.document["groups"]}
    figured = await closes.figured(tx, scheme, period)
    come: dict[str, Come] = {}
    for name, cut in sorted(passed.items()):
        group, version = (scheme, name), figured.get(name)
        if version is None and await versions.is_heard(tx, group, cut.day):
            come[name] = await _as_of(tx, group, period, cut)
        elif version is not None and (known := await versions.at_cut(tx, group, period, version)) is not None:
            seen = await knowing.seen_at_cut(tx, group, period, known, cut.day)
            come[name] = Come(_frozen(group, period, cut, seen), known)
    standing = _standing(groups | come.keys(), come)
    there = [one.frozen for one in come.values() if one.frozen is not None]
    newest = max(ruling.values(), key=lambda one: one.version)
    mismatches = await _mismatches(tx, newest, period)
    return Effect(
        scheme=newest,
        frozen=tuple(there),
        lacking=lacking(groups & standing, come),
        unknown=tuple(unit for name, one in come.items() if name in standing for unit in one.unknown),
        mixed=tuple(name for name, one in come.items() if one.is_mixed),
        mismatches=mismatches,
        unheard=unheard,
        digest=effect_digest(scheme, period, there, mismatches),
    )


async def _mismatches(tx: PostgresTransaction, scheme: Scheme, period: str) -> tuple[Mismatch, ...]:
    """Return what differs of the days of a period, whatever zone a source counts them in."""
    months = scheme.calendar.parse(period)
    return await papers.within(tx, f"{months.first}-01", f"{months.last.plus(1)}-01")


async def _as_of(tx: PostgresTransaction, group: Group, period: str, cut: Cut) -> Come:
    """Return what a group comes to by what had been told before T, and what of it is not exact."""
    known = (await versions.in_force(tx, group, [period], cut.day)).get(period)
    if known is None:
        return Come(None, None, unknown=(group[1],))
    if group[1] not in known.document["groups"]:
        return Come(None, known)
    seen = await knowing.seen(tx, group, period, known, cut.day)
    untold = await _untold(tx, group, period, cut, known)
    is_mixed = await store.mixed(tx, group, period, cut.day)
    return Come(_frozen(group, period, cut, seen), known, tuple(untold), is_mixed)


def _standing(groups: Collection[str], come: Mapping[str, Come]) -> set[str]:
    """Return the groups that a version has by which any comes; all, while it is not known of any.

    The others were added after T, or dropped before the period ended: they have no standing to close.
    """
    known = {
        name for one in come.values() if one.scheme is not None for name in one.scheme.document["groups"]
    }
    return known.intersection(groups) if known else set(groups)


def _frozen(group: Group, period: str, cut: Cut, seen: Seen) -> Frozen:
    """Return the standing of a group before T, by the version that was known then."""
    return Frozen(seen.scheme.version, cut, shown.frozen(group, period, seen, cut.day))


async def _untold(tx: PostgresTransaction, group: Group, period: str, cut: Cut, scheme: Scheme) -> list[str]:
    """Return the units that are due anything and of which nothing had been told before T."""
    wanted = scheme.version, period
    told = (await store.rows_on(tx, group, [wanted], cut.day))[wanted]
    figures = scheme.group_figures(group[1], period, told)
    due = {unit for unit, found in figures.items() if any(one.state in DUE for one in found)}
    return [f"{group[1]}/{unit}" for unit in sorted(due - told.keys())]


async def to_close(tx: PostgresTransaction, scheme: str) -> list[tuple[str, int, str, str]]:
    """Return the periods that are not closed and whose cuts have been told: period, version, T, day."""
    found = await closes.open_cuts(tx, scheme)
    if not found:
        return []
    newest: dict[str, int] = {}
    for name in await versions.groups_of(tx, scheme):
        ruling = await versions.in_force(tx, (scheme, name), [period for period, *_ in found])
        newest |= {period: max(one.version, newest.get(period, 0)) for period, one in ruling.items()}
    return [(period, newest[period], at, day) for period, at, day in found if period in newest]


async def ask(tx: PostgresTransaction, asked: NewClose, subject: Subject, told: Told) -> Found:
    """Keep a request for exactly the effect that was read; the same of the same person answers the first."""
    _check_apart(subject)
    await tx.lock(CLOSES, [GATE_SHARD])
    waiting = await closes.in_state(tx, asked.scheme, asked.period, State.ASKED)
    first = None if waiting is None else await _with_steps(tx, waiting)
    again = asked.digest, subject.name, asked.reason
    if first is not None and (first.request.digest, first.asker, first.steps[0].reason) == again:
        return first
    found = await _closable(tx, asked.scheme, asked.period, told)
    if found.digest != asked.digest:
        raise refuse(409, "stale", "Closing has another effect now: read it again.", pointer="/digest")
    if first is not None:
        raise refuse(409, "close_asked", f"{first.request.id} waits: approve, refuse or withdraw it first.")
    if found.mismatches and not asked.accept_mismatches:
        raise refuse(409, "mismatch_open", _differing(found.mismatches), pointer="/accept_mismatches")
    one = await closes.ask(tx, asked.scheme, asked.period, asked.digest, found.mismatches)
    if found.mismatches:
        tx.remarks.append(f"over {len(found.mismatches)} mismatches")
    await closes.note(tx, one.id, Taken(tx.now, ASK, subject.name, asked.reason))
    return await find(tx, one.id)


async def approve(
    tx: PostgresTransaction, request: str, asked: Approving, subject: Subject, told: Told
) -> Found:
    """Freeze what was asked for, if that is still what closing comes to, and tell it; or refuse.

    The same of the same person, once it is approved, answers with what was approved.
    """
    found = await _gated(tx, request, subject)
    one, last = found.request, found.steps[-1]
    again = one.digest, Step.APPROVE, subject.name, asked.reason
    if again == (asked.digest, last.what, last.person, last.reason):
        return found
    await _check_step(tx, found, Step.APPROVE, subject)
    if asked.digest != one.digest:
        raise refuse(409, "stale", "That is not what was asked for.", pointer="/digest")
    come = await _closable(tx, one.scheme, one.period, told)
    if come.digest != one.digest:
        raise refuse(409, "stale", "Closing has another effect now: let it be asked for anew.")
    await closes.freeze(tx, one, come.frozen)
    if come.mismatches:
        tx.remarks.append(f"over {len(come.mismatches)} mismatches")
    taken = Taken(tx.now, Step.APPROVE, subject.name, asked.reason)
    await tx.append(CLOSES, [_draft(found, taken, frozen, come.scheme) for frozen in come.frozen])
    return await _taken(tx, request, Step.APPROVE, taken)


async def turn_down(
    tx: PostgresTransaction, request: str, step: Step, reason: str, subject: Subject
) -> Found:
    """Refuse what another person asked for, or withdraw what one asked for oneself."""
    await _check_step(tx, await _gated(tx, request, subject), step, subject)
    return await _taken(tx, request, step, Taken(tx.now, step, subject.name, reason))


async def find(tx: PostgresTransaction, request: str) -> Found:
    """Return a request, or refuse with 404."""
    one = await closes.find(tx, request)
    if one is None:
        raise refuse(404, "not_found", "There is no such request.")
    return await _with_steps(tx, one)


async def of_state(tx: PostgresTransaction, scheme: str, period: str, state: State) -> Found | None:
    """Return the request of a period in a state, if there is one."""
    one = await closes.in_state(tx, scheme, period, state)
    return None if one is None else await _with_steps(tx, one)


async def _with_steps(tx: PostgresTransaction, one: Request) -> Found:
    return Found(one, tuple((await closes.steps(tx, [one.id]))[one.id]))


def _check_apart(subject: Subject) -> None:
    """Who gives, decides or administers does not close."""
    if not subject.roles <= BESIDE:
        reason = "Who gives, approves, decides or administers does not close; another account does."
        raise refuse(403, "closer_alone", reason)


async def _closable(tx: PostgresTransaction, scheme: str, period: str, told: Told) -> Effect:
    """Return what closing a period comes to, or refuse while it cannot be closed, or is."""
    if await closes.in_state(tx, scheme, period, State.APPROVED) is not None:
        raise refuse(409, "already_closed", "The period is closed, and stays as it was closed.")
    found = await effect(tx, scheme, period, told)
    if found.lacking and not found.has_cut:
        raise refuse(409, "no_cut", "The scheme has no `grace_days`: nothing is ever late, nothing closed.")
    if found.lacking:
        said = ", ".join(found.lacking)
        raise refuse(409, "cut_open", f"Not all that is received before T has been told yet of: {said}.")
    if found.unheard is not None:
        raise refuse(409, "cut_open", _behind(found.unheard))
    if found.unknown:
        said = ", ".join(found.unknown[:UNKNOWN_NAMED])
        raise refuse(409, "cut_unknown", f"Of {len(found.unknown)} nothing had been told before T: {said}.")
    if found.mixed:
        said = ", ".join(found.mixed)
        raise refuse(409, "cut_mixed", f"In {said} a shard told after T what it received before.")
    return found


async def _gated(tx: PostgresTransaction, request: str, subject: Subject) -> Found:
    """Return a request that nobody else takes a step of before this ends, or refuse."""
    _check_apart(subject)
    await tx.lock(CLOSES, [GATE_SHARD])
    return await find(tx, request)


async def _check_step(tx: PostgresTransaction, found: Found, step: Step, subject: Subject) -> None:
    """Refuse a step that this person may not take of a request now."""
    one = found.request
    if step is Step.APPROVE and await closes.in_state(tx, one.scheme, one.period, State.APPROVED) is not None:
        raise refuse(409, "already_closed", "The period is closed, and stays as it was closed.")
    if one.state is not State.ASKED:
        extra = {"state": one.state.value, "possible": [each.value for each in possible(one.state)]}
        detail = f"{step.value} is not possible: the request is {one.state.value}."
        raise Refused(Problem(409, "illegal_step", detail, extra=extra))
    if step is Step.WITHDRAW and found.asker != subject.name:
        raise refuse(403, "not_asker", "Only who asked withdraws it; others refuse it.")
    if step is not Step.WITHDRAW and found.asker == subject.name:
        raise refuse(403, "same_person", "Nobody approves or refuses what they asked for themselves.")


async def _taken(tx: PostgresTransaction, request: str, step: Step, taken: Taken) -> Found:
    await closes.move(tx, request, LEADS[step])
    await closes.note(tx, request, taken)
    return await find(tx, request)


def _behind(unheard: Unheard) -> str:
    if unheard.records is None:
        return "Whether days differ that ranking has not heard of is not known: ingest does not answer."
    shards = ", ".join(map(str, unheard.shards))
    return f"Ranking has yet to hear {unheard.records} records of {NOTICES} in shards {shards}."


def _differing(mismatches: Sequence[Mismatch]) -> str:
    said = ", ".join(f"{one.source} {one.day} {one.state}" for one in mismatches[:UNKNOWN_NAMED])
    return f"Of {len(mismatches)} days a source's manifest and the archive differ: {said}."


def _draft(found: Found, taken: Taken, one: Frozen, scheme: Scheme) -> Draft:
    """Write that the standing of a group is closed."""
    asked, zone = found.request, ZoneInfo(scheme.document["scheme"].get("zone", "UTC"))
    months = scheme.calendar.parse(asked.period)
    told = PeriodClosed(
        scheme=asked.scheme,
        version=one.version,
        group=one.cut.group,
        period=asked.period,
        begins=instants.text(months.first.starts(zone)),
        ends=instants.text(months.last.plus(1).starts(zone)),
        cut=one.cut.at,
        day=one.cut.day,
        digest=one.digest,
        closed=instants.text(taken.at),
        requested_by=found.asker,
        approved_by=taken.person,
    )
    subject = f"{asked.scheme}/{one.cut.group}"
    return Draft(one.cut.shard, envelope.encode(PERIOD_CLOSED, SOURCE, subject, told))
