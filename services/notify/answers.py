"""What the door of notify takes and answers."""

from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import BaseModel

from services.notify.domain.texts import Lang
from shared.contracts.fields import Code

PAGE_ENTRIES = 200
NOTICE_PATTERN = "^[0-9a-f]{32}$"

NoticeId = Annotated[str, Path(pattern=NOTICE_PATTERN)]
Language = Annotated[Lang, Query(description="The language of the texts.")]
StateText = Literal["open", "signed", "cancelled"]
SeverityText = Literal["info", "warning", "urgent"]


class Filters(BaseModel):
    """Which entries are listed, after which, how many and in which language."""

    after: str | None = Query(None, pattern=NOTICE_PATTERN, description="The `next` of the page before.")
    limit: int = Query(PAGE_ENTRIES, ge=1, le=PAGE_ENTRIES)
    unit: Code | None = None
    state: StateText | None = None
    severity: SeverityText | None = None
    lang: Lang = Lang.ZH


class Signed(BaseModel):
    """Who signed for an entry (签收), and when."""

    person: str
    at: str


class EntryAnswer(BaseModel):
    """An inbox entry; `link` is the path below the board's `/api`, `told` what was known of the event."""

    id: str
    event: str
    kind: str
    rule: str
    severity: SeverityText
    severity_name: str
    role: str
    unit: str
    at: str
    state: StateText
    text: str
    link: str
    told: dict[str, Any]
    signed: Signed | None
    cancelled: str | None


class InboxPage(BaseModel):
    """A page of entries, the newest first; `next` continues it."""

    items: list[EntryAnswer]
    next: str | None


class RulesAnswer(BaseModel):
    """A version of the rules: who adopted it, when, and what it says; version 0 are no rules."""

    version: int
    digest: str
    person: str | None
    at: str | None
    rules: list[dict[str, Any]]


class FindingAnswer(BaseModel):
    """Why a document of rules is refused, and where."""

    path: str
    code: str
    reason: str


class Checked(BaseModel):
    """What is wrong with a document of rules; nothing if it can be adopted."""

    findings: list[FindingAnswer]
