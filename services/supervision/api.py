"""The HTTP door of supervision: items, persons' acts on them, counts, coverage, and working calendars."""

from datetime import date, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from services.supervision import adopting, reports, shown, store
from services.supervision.answers import (
    Assignment,
    CalendarAnswer,
    CalendarDays,
    CalendarList,
    CalendarState,
    CountQuery,
    Counts,
    Coverage,
    DaysQuery,
    Filters,
    ItemAnswer,
    ItemPage,
    ItemPath,
    NewDate,
    NewItem,
    Submission,
    Why,
)
from services.supervision.calendars import nothing_known
from services.supervision.contract import ActTaken
from services.supervision.deciding import Desk, check_sees, etag
from services.supervision.domain.calendar_document import (
    CalendarDocument,
    compiled,
    json_schema,
    noticed,
    zone_named,
)
from services.supervision.domain.items import Act
from services.supervision.domain.machine import rule_of
from services.supervision.reports import Wanted
from shared.contracts.fields import Approval, Closed, Version
from shared.kernel import instants
from shared.kernel.errors import refuse
from shared.kernel.instants import EPOCH
from shared.kernel.strict_json import Limits
from shared.kernel.trees import paths_of
from shared.storage.exchange import Exchange
from shared.storage.transaction import PostgresTransaction
from shared.web import bodies
from shared.web.access import Role, Subject, covers
from shared.web.tokens import of_units, published, whole

READERS = (Role.READER, Role.OPERATOR, Role.AUTHOR, Role.APPROVER)
DAYS_SHOWN = 400
CALENDAR_LIMITS = Limits(depth=8, keys=64, items=1000)
_BODY = {"requestBody": {"required": True, "content": {bodies.JSON: {"schema": {"type": "object"}}}}}
ZonePath = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9_+/-]{1,64}$", description="A time zone, as Asia/Shanghai; / may be %2F.")
]
Reader = Annotated[Subject, Depends(published(*READERS))]
UnitReader = Annotated[Subject, Depends(of_units(*READERS))]
IfMatch = Annotated[
    str | None, Header(alias="if-match", description="The ETag that the item had when it was read.")
]


def items_router(exchange: Exchange, desk: Desk) -> APIRouter:
    """Return the routes on which items are opened, listed and shown."""
    router = APIRouter(prefix="/v1/items", tags=["items"])

    @router.get("", name="list_items")
    async def list_items(asked: Annotated[Filters, Query()], subject: UnitReader) -> ItemPage:
        """List items in the order of their ids; of other units' items nothing is said."""
        only = asked.model_dump(exclude={"after", "limit"})
        async with exchange.reading() as tx:
            rows = await reports.listed(tx, Wanted(below=subject.unit, **only), asked.after, asked.limit)
        return ItemPage.model_validate(shown.page(rows, asked.limit))

    @router.post("", name="open_item", status_code=201)
    async def open_item(
        asked: NewItem, subject: Annotated[Subject, Depends(of_units(Role.AUTHOR))], response: Response
    ) -> ItemAnswer:
        """Open an item (登记) under a name; a retry of the same request answers with what it opened."""
        async with exchange.begin(actor=subject.name, action="open item", detail=asked.title) as tx:
            item = await desk.open(tx, asked, subject)
            found = await desk.find(tx, item)
            check_sees(subject, found)
        response.headers["etag"] = etag(found.known)
        return shown.item_answer(found)

    @router.get("/{item}", name="show_item")
    async def show_item(item: ItemPath, subject: UnitReader, response: Response) -> ItemAnswer:
        """Show an item with its history and what is possible now, and by whom."""
        async with exchange.reading() as tx:
            found = await desk.find(tx, item)
        check_sees(subject, found)
        response.headers["etag"] = etag(found.known)
        return shown.item_answer(found)

    return router


def acts_router(exchange: Exchange, desk: Desk) -> APIRouter:
    """Return a route for each act: what it needs, who may."""
    router = APIRouter(prefix="/v1/items", tags=["items"])
    bodies: dict[Act, type[Closed]] = {
        Act.ASSIGN: Assignment,
        Act.SUBMIT: Submission,
        Act.ASK_EXTENSION: NewDate,
    }
    acts = [act for act in Act if act not in {Act.OPEN, Act.COMPLETE, Act.WITHDRAW}]
    for act in acts:
        _add_act(router, exchange, desk, act, bodies.get(act, Why))
    return router


def _add_act(router: APIRouter, exchange: Exchange, desk: Desk, act: Act, body: type[Closed]) -> None:
    rule = rule_of(act)
    roles = shown.ROLES[rule.who]

    async def take(
        item: ItemPath,
        asked: Any,
        subject: Annotated[Subject, Depends(of_units(*roles))],
        response: Response,
        if_match: IfMatch = None,
    ) -> ItemAnswer:
        told = ActTaken(item=item, act=act.value, person=subject.name, **_members(asked))
        async with exchange.begin(actor=subject.name, action=f"{act} item", detail=item) as tx:
            await desk.act(tx, told, subject, if_match)
            found = await desk.find(tx, item)
        response.headers["etag"] = etag(found.known)
        return shown.item_answer(found)

    take.__annotations__["asked"] = body
    begins = ", ".join(rule.begins)
    take.__doc__ = f"From {begins}: {rule.follows}. By the {rule.who}; else 409 says what is possible."
    router.add_api_route(
        f"/{{item}}:{act}",
        take,
        methods=["POST"],
        name=f"{act.replace('-', '_')}_item",
        response_model=ItemAnswer,
    )


def overview_router(exchange: Exchange) -> APIRouter:
    """Return the routes of what is counted over items."""
    router = APIRouter(prefix="/v1", tags=["overview"])

    @router.get("/item-counts", name="count_items")
    async def count_items(asked: Annotated[CountQuery, Query()], subject: UnitReader) -> Counts:
        """Count items that were open or overdue just before an instant, by the facts known now."""
        async with exchange.snapshot() as tx:
            newest = await reports.newest_tick(tx)
            at = (newest or EPOCH) if asked.at is None else instants.parse(asked.at, "/at")
            found = await reports.counted(tx, at, asked.unit, subject.unit)
        return Counts(at=instants.text(at), **found)

    @router.get("/coverage/{scheme}", name="show_coverage")
    async def show_coverage(scheme: str, subject: UnitReader) -> Coverage:
        """Show which of the reader's units have items of their own indicators (个性指标), which none."""
        async with exchange.snapshot() as tx:
            document = await store.newest_scheme(tx, scheme)
            if document is None:
                raise refuse(404, "not_found", "No such scheme was adopted, or it was not heard of yet.")
            counts = await reports.by_indicator_and_unit(tx, scheme)
        visible = {unit for unit, path in paths_of(document["units"]).items() if covers(subject.unit, path)}
        return shown.coverage(document, counts, visible)

    return router


def calendars_router(exchange: Exchange) -> APIRouter:
    """Return the routes on which working calendars are read; a zone's name has a slash in it."""
    router = APIRouter(prefix="/v1/calendars", tags=["calendars"])

    @router.get("", name="list_calendars")
    async def list_calendars(_: Reader) -> CalendarList:
        """List every version of every zone's working calendar."""
        async with exchange.reading() as tx:
            return CalendarList(items=shown.calendar_states(await store.calendars(tx)))

    @router.get("/schema", name="show_calendar_schema")
    async def show_calendar_schema(_: Reader) -> dict[str, Any]:
        """Return the JSON Schema of a calendar document."""
        return json_schema()

    @router.get("/{zone:path}/days", name="show_calendar_days")
    async def show_calendar_days(
        zone: ZonePath, asked: Annotated[DaysQuery, Query()], _: Reader
    ) -> CalendarDays:
        """Show days by the calendar in force: worked or not, and by which notice; provisional past it."""
        days = _days(asked)
        async with exchange.reading() as tx:
            row = await store.adopted_calendar(tx, zone)
        if row is None:
            return CalendarDays(
                zone=zone,
                version=None,
                known_until=None,
                days=shown.calendar_days(nothing_known(_zone(zone)), {}, days),
            )
        document = CalendarDocument.model_validate(row.document)
        return CalendarDays(
            zone=zone,
            version=row.version,
            known_until=document.calendar.last,
            days=shown.calendar_days(compiled(document), noticed(document), days),
        )

    @router.get("/{zone:path}/{version}", name="show_calendar_version")
    async def show_calendar_version(zone: ZonePath, version: Version, _: Reader) -> CalendarAnswer:
        """Return a version of a zone's calendar with its document."""
        async with exchange.reading() as tx:
            return await _calendar(tx, zone, version)

    return router


def calendar_adoption_router(exchange: Exchange, *, replay: bool) -> APIRouter:
    """Return the routes on which one person drafts a calendar and another adopts it."""
    router = APIRouter(prefix="/v1/calendars", tags=["calendars"])

    @router.post("", name="draft_calendar", status_code=201, openapi_extra=_BODY)
    async def draft_calendar(
        request: Request, subject: Annotated[Subject, Depends(whole(Role.AUTHOR))]
    ) -> CalendarState:
        """Check a calendar and keep it as a draft; 422 lists every finding with its path."""
        document = await bodies.read_json(request, bodies.JSON, limits=CALENDAR_LIMITS)
        async with exchange.begin(actor=subject.name, action="draft calendar") as tx:
            row = await adopting.draft(tx, document, subject.name)
            return await _state(tx, row.zone, row.version)

    @router.post("/{zone:path}/{version}:adopt", name="adopt_calendar")
    async def adopt_calendar(
        zone: ZonePath,
        version: Version,
        read: Approval,
        subject: Annotated[Subject, Depends(whole(Role.APPROVER))],
    ) -> CalendarState:
        """Put a draft in force as it was read; its author cannot, and 409 `digest_changed` after a redraft.

        What it changes of items is told at once.
        """
        detail = f"{zone}@{version} {read.digest}"
        async with exchange.begin(actor=subject.name, action="adopt calendar", detail=detail) as tx:
            await adopting.check_read(tx, zone, version, read.digest)
            await adopting.adopt(tx, zone, version, subject.name, replay=replay)
            return await _state(tx, zone, version)

    return router


async def _calendar(tx: PostgresTransaction, zone: str, version: int) -> CalendarAnswer:
    row = await adopting.found(tx, zone, version)
    state = await _state(tx, zone, version)
    return CalendarAnswer(**state.model_dump(), document=row.document)


async def _state(tx: PostgresTransaction, zone: str, version: int) -> CalendarState:
    states = shown.calendar_states(await store.calendars(tx))
    return next(one for one in states if (one.zone, one.version) == (zone, version))


def _days(asked: DaysQuery) -> list[date]:
    first, last = map(date.fromisoformat, (asked.first, asked.last or asked.first))
    count = (last - first).days + 1
    if not 1 <= count <= DAYS_SHOWN:
        raise refuse(422, "range", f"From one day to a later one, {DAYS_SHOWN} at most.", pointer="/last")
    return [first + timedelta(days=at) for at in range(count)]


def _zone(name: str) -> ZoneInfo:
    zone = zone_named(name)
    if zone is None:
        raise refuse(404, "not_found", "There is no such time zone.")
    return zone


def _members(asked: Closed) -> dict[str, Any]:
    return {name: getattr(asked, name) for name in type(asked).model_fields}
