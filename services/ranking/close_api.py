"""The HTTP door of closing: what it would freeze, who asked, who approved; nothing reopens."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from services.ranking import closes, closing, hearing
from services.ranking.close_answers import (
    Approving,
    ClosePage,
    CloseRequest,
    ClosesQuery,
    Closing,
    ClosingGroup,
    CutLine,
    CutsAnswer,
    MismatchLine,
    NewClose,
    PeriodState,
    RequestPath,
    StepLine,
    WaitLine,
    Why,
)
from services.ranking.closing import Effect, Found
from services.ranking.contract import CONSUMER_DAYS, NOTICES
from services.ranking.domain.closing import Frozen, Mismatch, State, Step, possible
from services.ranking.hearing import Notices, Told, Unheard
from shared.contracts.fields import PERIOD_PATTERN
from shared.kernel import instants
from shared.kernel.codes import CODE_PATTERN
from shared.storage.exchange import Exchange
from shared.storage.transaction import PostgresTransaction
from shared.web.access import Role, Subject
from shared.web.tokens import published, whole

Reader = Annotated[
    Subject, Depends(published(Role.READER, Role.OPERATOR, Role.AUTHOR, Role.APPROVER, Role.CLOSER))
]
Closer = Annotated[Subject, Depends(whole(Role.CLOSER))]
SchemePath = Annotated[str, Path(pattern=CODE_PATTERN)]
PeriodPath = Annotated[str, Path(pattern=PERIOD_PATTERN)]


def closes_router(exchange: Exchange, notices: Notices) -> APIRouter:
    """Return the routes on which periods are closed, once what `notices` tell of their days is heard."""
    router = APIRouter(prefix="/v1/closes", tags=["closing"])

    @router.get("", name="list_closes")
    async def list_closes(asked: Annotated[ClosesQuery, Query()], _: Reader) -> ClosePage:
        """List the requests to close periods with their history, in the order of their ids."""
        async with exchange.snapshot() as tx:
            found = await closes.page(
                tx, asked.after or "", asked.limit, (asked.scheme, asked.period, asked.state)
            )
            steps = await closes.steps(tx, [one.id for one in found])
        items = [_request(Found(one, tuple(steps[one.id]))) for one in found]
        return ClosePage(items=items, next=items[-1].id if len(items) == asked.limit else None)

    @router.post("", name="ask_close", status_code=201)
    async def ask_close(asked: NewClose, subject: Closer) -> CloseRequest:
        """Ask to close a period with just the effect of a digest; nothing is frozen until another approves.

        A retry answers with the first. By people who close alone: no role that gives, decides or administers.
        """
        detail = f"{asked.scheme} {asked.period} {asked.digest}"
        told = await notices.awaited()
        async with exchange.begin(actor=subject.name, action="ask close", detail=detail) as tx:
            return _request(await closing.ask(tx, asked, subject, told))

    @router.get("/{scheme}/{period}", name="show_close")
    async def show_close(scheme: SchemePath, period: PeriodPath, _: Reader) -> Closing:
        """Show what closing a period would freeze, with its digest, or what it froze, and the request."""
        async with exchange.snapshot() as tx:
            closed = await _closed(tx, scheme, period)
        if closed is not None:
            return closed
        told = await notices.awaited()
        async with exchange.snapshot() as tx:
            return await _closed(tx, scheme, period) or await _closing(tx, scheme, period, told)

    @router.post("/{request}:approve", name="approve_close")
    async def approve_close(request: RequestPath, asked: Approving, subject: Closer) -> CloseRequest:
        """Freeze what another person asked for: the standing of every group as it was known before T."""
        told = await notices.awaited()
        async with exchange.begin(actor=subject.name, action="approve close", detail=request) as tx:
            return _request(await closing.approve(tx, request, asked, subject, told))

    @router.post("/{request}:refuse", name="refuse_close")
    async def refuse_close(request: RequestPath, asked: Why, subject: Closer) -> CloseRequest:
        """Refuse what another person asked for; the period stays open and can be asked for anew."""
        async with exchange.begin(actor=subject.name, action="refuse close", detail=request) as tx:
            return _request(await closing.turn_down(tx, request, Step.REFUSE, asked.reason, subject))

    @router.post("/{request}:withdraw", name="withdraw_close")
    async def withdraw_close(request: RequestPath, asked: Why, subject: Closer) -> CloseRequest:
        """Withdraw what one asked for oneself and nobody approved yet."""
        async with exchange.begin(actor=subject.name, action="withdraw close", detail=request) as tx:
            return _request(await closing.turn_down(tx, request, Step.WITHDRAW, asked.reason, subject))

    return router


def cuts_router(exchange: Exchange, notices: Notices) -> APIRouter:
    """Return the route on which one sees what periods wait for whose cuts have been told."""
    router = APIRouter(prefix="/v1/cuts", tags=["closing"])

    @router.get("/{scheme}", name="show_told_cuts")
    async def show_told_cuts(scheme: SchemePath, _: Reader) -> CutsAnswer:
        """Show the periods of a scheme that wait to hear what was told of their days; others are not listed.

        Before a cut is told scoring shows what it waits for.
        """
        told = await notices.told()
        async with exchange.snapshot() as tx:
            unheard = await hearing.unheard(tx, told)
            found = [] if unheard is None else await closing.to_close(tx, scheme)
        cuts = [
            CutLine(period=period, version=version, cut=at, day=day, step=5, waits=_waits(unheard))
            for period, version, at, day in found
        ]
        return CutsAnswer(scheme=scheme, cuts=cuts)

    return router


async def _closed(tx: PostgresTransaction, scheme: str, period: str) -> Closing | None:
    closed = await closing.of_state(tx, scheme, period, State.APPROVED)
    if closed is None:
        return None
    return Closing(
        scheme=scheme,
        period=period,
        state="closed",
        lacking=[],
        unknown=[],
        mixed=[],
        mismatches=_mismatches(closed.request.accepted),
        waits=[],
        groups=_groups(await closes.of_period(tx, scheme, period)),
        digest=closed.request.digest,
        request=_request(closed),
    )


async def _closing(tx: PostgresTransaction, scheme: str, period: str, told: Told) -> Closing:
    found = await closing.effect(tx, scheme, period, told)
    waiting = await closing.of_state(tx, scheme, period, State.ASKED)
    return Closing(
        scheme=scheme,
        period=period,
        state=_state(found, waiting),
        lacking=list(found.lacking),
        unknown=list(found.unknown),
        mixed=list(found.mixed),
        mismatches=_mismatches(found.mismatches),
        waits=_waits(found.unheard),
        groups=_groups(found.frozen),
        digest=found.digest if found.is_exact and found.unheard is None else None,
        request=None if waiting is None else _request(waiting),
    )


def _state(found: Effect, waiting: Found | None) -> PeriodState:
    if waiting is not None:
        return "asked"
    if found.lacking and not found.has_cut:
        return "no_cut"
    if found.lacking or found.unheard is not None:
        return "open"
    if found.unknown:
        return "unknown"
    return "mixed" if found.mixed else "ready"


def _groups(frozen: Sequence[Frozen]) -> list[ClosingGroup]:
    return [
        ClosingGroup(
            group=one.cut.group, version=one.version, cut=one.cut.at, day=one.cut.day, digest=one.digest
        )
        for one in frozen
    ]


def _mismatches(found: Sequence[Mismatch]) -> list[MismatchLine]:
    return [MismatchLine(**asdict(one)) for one in found]


def _waits(unheard: Unheard | None) -> list[WaitLine]:
    if unheard is None:
        return []
    shards, records = list(unheard.shards), unheard.records
    return [WaitLine(consumer=CONSUMER_DAYS, stream=NOTICES, shards=shards, records=records)]


def _request(found: Found) -> CloseRequest:
    one = found.request
    return CloseRequest(
        id=one.id,
        scheme=one.scheme,
        period=one.period,
        digest=one.digest,
        state=one.state,
        accepted=_mismatches(one.accepted),
        possible=list(possible(one.state)),
        history=[
            StepLine(at=instants.text(step.at), what=step.what, person=step.person, reason=step.reason)
            for step in found.steps
        ],
    )
