"""The HTTP door of notify: rules, and the inboxes of units."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from services.notify import inbox, shown, store
from services.notify.answers import (
    Checked,
    EntryAnswer,
    Filters,
    FindingAnswer,
    InboxPage,
    Language,
    NoticeId,
    RulesAnswer,
)
from services.notify.deciding import adopt, checked, entry, etag, sign
from services.notify.domain.document import RulesDocument, read
from services.notify.domain.texts import Lang
from services.notify.inbox import Wanted
from shared.kernel.errors import refuse
from shared.storage.exchange import Exchange
from shared.web import bodies
from shared.web.access import Role, Subject
from shared.web.tokens import of_units, published, whole

READERS = (Role.READER, Role.OPERATOR, Role.AUTHOR, Role.APPROVER)
SIGNERS = (Role.OPERATOR, Role.AUTHOR, Role.APPROVER)
Reader = Annotated[Subject, Depends(published(*READERS))]
UnitReader = Annotated[Subject, Depends(of_units(*READERS))]
Version = Annotated[int, Path(ge=1, lt=1 << 31)]
IfMatch = Annotated[
    str | None, Header(alias="if-match", description="The ETag that the rules had when they were read.")
]
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": RulesDocument.model_json_schema()}},
    }
}


def rules_router(exchange: Exchange) -> APIRouter:
    """Return the routes of rules."""
    router = APIRouter(prefix="/v1/rules", tags=["rules"])

    @router.get("", name="show_rules")
    async def show_rules(_: Reader, response: Response) -> RulesAnswer:
        """Return the rules in force; before any were adopted there are none and nothing is told."""
        async with exchange.reading() as tx:
            newest = await store.newest_rules(tx)
        response.headers["etag"] = etag(newest)
        return shown.rules_answer(newest)

    @router.get("/{version}", name="show_rules_version")
    async def show_rules_version(version: Version, _: Reader) -> RulesAnswer:
        """Return a version of the rules; one that was adopted never changes."""
        async with exchange.reading() as tx:
            found = await store.rules_after(tx, version - 1)
        if not found or found[0].version != version:
            raise refuse(404, "not_found", "There is no such version of the rules.")
        return shown.rules_answer(found[0])

    @router.put("", name="adopt_rules", openapi_extra=_BODY)
    async def adopt_rules(
        request: Request,
        subject: Annotated[Subject, Depends(whole(Role.OPERATOR))],
        response: Response,
        if_match: IfMatch = None,
    ) -> RulesAnswer:
        """Put rules in force for all that is told from here on; 422 lists every finding with its path."""
        document = checked(await bodies.read_json(request))
        async with exchange.begin(actor=subject.name, action="adopt rules") as tx:
            adopted = await adopt(tx, document, subject.name, if_match)
        response.headers["etag"] = etag(adopted)
        return shown.rules_answer(adopted)

    return router


def checking_router() -> APIRouter:
    """Return the route that checks rules without adopting them."""
    router = APIRouter(prefix="/v1", tags=["rules"])

    @router.post("/rules:check", name="check_rules", openapi_extra=_BODY)
    async def check_rules(request: Request, _: Reader) -> Checked:
        """Check rules; the findings are those with which adopting them would be refused."""
        found = read(await bodies.read_json(request))
        findings = [] if isinstance(found, RulesDocument) else found
        return Checked(findings=[FindingAnswer(**asdict(one)) for one in findings])

    return router


def inbox_router(exchange: Exchange) -> APIRouter:
    """Return the routes of inboxes."""
    router = APIRouter(prefix="/v1/inbox", tags=["inbox"])

    @router.get("", name="list_inbox")
    async def list_inbox(asked: Annotated[Filters, Query()], subject: UnitReader) -> InboxPage:
        """List the entries of the units at and below the person's own, the newest first."""
        wanted = Wanted(subject.unit, asked.unit, asked.severity, asked.state)
        async with exchange.reading() as tx:
            after = None
            if asked.after is not None:
                after = await inbox.entry(tx, subject.unit, asked.after)
                if after is None:
                    raise refuse(422, "cursor", "The page before ended with no such entry.", pointer="/after")
            found = await inbox.page(tx, wanted, after, asked.limit)
        return shown.page(found, asked.limit, asked.lang)

    @router.get("/{notice}", name="show_inbox_entry")
    async def show_inbox_entry(
        notice: NoticeId, subject: UnitReader, lang: Language = Lang.ZH
    ) -> EntryAnswer:
        """Show an entry; another unit's is not there."""
        async with exchange.reading() as tx:
            found = await entry(tx, notice, subject)
        return shown.entry_answer(found, lang)

    @router.post("/{notice}:sign", name="sign_inbox_entry")
    async def sign_inbox_entry(
        notice: NoticeId,
        subject: Annotated[Subject, Depends(of_units(*SIGNERS))],
        lang: Language = Lang.ZH,
    ) -> EntryAnswer:
        """Sign for an entry (签收) with the role that its rule names; the first signature stays."""
        async with exchange.begin(actor=subject.name, action="sign notice", detail=notice) as tx:
            signed = await sign(tx, notice, subject)
        return shown.entry_answer(signed, lang)

    return router
